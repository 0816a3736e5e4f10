//! What may help when an archive takes nothing. What may happen to those who read as
//! well is in [`hint`](crate::hint).
//!
//! DIFFERENCE: the originals say nothing of the kind.

use esmond_ps_client::Error;

use crate::loader::PostError;

/// Returns what to try next, where an error has a usual reason.
///
/// An archive of perfSONAR 5 is told by its 405; before that comes a 404 where it is
/// looked for in another place, and the 403 of its web server over plain http.
pub(super) fn against(error: &PostError) -> Option<String> {
    let special = match error {
        PostError::Document(error) => against_input(error),
        _ => against_archive(error),
    };
    special.or_else(|| crate::hint::of(error.cause()))
}

fn against_archive(error: &PostError) -> Option<String> {
    let url = address(error.cause())?;
    let input = format!("--to logstash --url https://{}/logstash", host(url));
    match error.cause() {
        Error::NoWriteApi { .. } => Some(format!(
            "hint: perfSONAR 5 archives take results through Logstash alone: try {input} with \
             the user and the password that are in /etc/perfsonar/logstash/proxy_auth.json there"
        )),
        Error::Status { status, .. } => match (status.as_u16(), error) {
            (404, PostError::Metadata(_)) => Some(format!(
                "hint: no archive is at {url}; most are mounted below /esmond (--script-alias \
                 esmond), and a perfSONAR 5 archive takes results with {input}"
            )),
            (403, _) if url.starts_with("http://") => Some(format!(
                "hint: perfSONAR 5 archives answer over https alone, and take results with {input}"
            )),
            _ => None,
        },
        _ => None,
    }
}

fn against_input(error: &Error) -> Option<String> {
    let url = address(error)?;
    let status = match error {
        Error::Status { status, .. } => status.as_u16(),
        // A page for people: as good as nothing there.
        Error::ContentType { .. } => 404,
        _ => return None,
    };
    match status {
        401 | 403 => Some(format!(
            "hint: {url} wants the user and the password (--user, --key-file) that are in \
             /etc/perfsonar/logstash/proxy_auth.json on the archive, or lets this host in by \
             its address"
        )),
        404 | 405 => Some(format!(
            "hint: no Logstash input is at {url}; on perfSONAR 5 archives it is https://{}/logstash, \
             esmond archives need no --to logstash",
            host(url)
        )),
        _ => None,
    }
}

fn address(error: &Error) -> Option<&str> {
    match error {
        Error::NoWriteApi { url } | Error::Status { url, .. } | Error::ContentType { url, .. } => {
            Some(url)
        }
        _ => None,
    }
}

/// Returns the host of an address. The port goes: that of an esmond archive is not the one
/// of https.
fn host(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_told_without_its_port() {
        for (url, expected) in [
            ("https://h/esmond/perfsonar/archive/", "h"),
            ("http://h:8080/perfsonar/archive/", "h"),
            ("http://[2001:db8::1]:8080/x", "[2001:db8::1]"),
            ("http://[2001:db8::1]/x", "[2001:db8::1]"),
        ] {
            assert_eq!(host(url), expected);
        }
    }

    #[test]
    fn an_archive_of_perfsonar_5_is_told_where_to_write_to() {
        // DIFFERENCE: the originals say nothing of the kind.
        let url = "https://h/esmond/perfsonar/archive/".to_owned();
        let error = PostError::Metadata(Error::NoWriteApi { url });
        let hint = against(&error).unwrap();
        assert!(
            hint.contains("--to logstash --url https://h/logstash "),
            "{hint}"
        );
        let page = PostError::Document(Error::ContentType {
            url: "https://h/x".to_owned(),
            content_type: Some("text/html".to_owned()),
            message: String::new(),
        });
        let hint = against(&page).unwrap();
        assert!(hint.starts_with("hint: no Logstash input is at"), "{hint}");
        let away = PostError::Metadata(Error::Timeout {
            url: "https://h/".to_owned(),
            timeout: std::time::Duration::from_secs(1),
        });
        assert!(against(&away).unwrap().contains("--timeout"));
    }
}
