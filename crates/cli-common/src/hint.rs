//! What to try next, where an error has a usual reason. The loaders add what only
//! who writes can meet.
//!
//! DIFFERENCE: the originals say what is wrong, and not what to try.

use std::error::Error as StdError;

use esmond_ps_client::Error;

use crate::proxy;

/// Returns a line that tells which option may help.
pub(crate) fn of(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return of_client(error).map(|text| format!("hint: {text}"));
        }
        cause = error.source();
    }
    None
}

fn of_client(error: &Error) -> Option<String> {
    let text = match error {
        Error::Connect { url, .. } => {
            if let Some(text) = proxy::hint(url) {
                return Some(text);
            }
            "is the archive there? --url has its scheme, host and port; --show-config tells where \
             that came from"
        }
        Error::Certificate { source, .. } => of_certificate(&words(source.as_ref())),
        Error::Timeout { .. } => "--timeout SECONDS waits longer",
        Error::Redirect { .. } => "if the archive is where that leads to, name it with --url",
        Error::ContentType { .. } => NO_ARCHIVE,
        Error::Status { url, status, .. } => match status.as_u16() {
            401 => CREDENTIALS,
            403 if url.starts_with("http://") => {
                "archives of perfSONAR 5 answer over https alone: try https:// in --url"
            }
            403 => {
                "the archive does not let everybody in: --user USER and --key-file FILE tell it who \
                 asks, where it does not go by the address of this host"
            }
            404 if is_list(url) => NO_ARCHIVE,
            _ => return None,
        },
        _ => return None,
    };
    Some(text.to_owned())
}

const CREDENTIALS: &str = "the archive wants a user and a key that it knows: --user USER and \
    --key-file FILE";

const NO_ARCHIVE: &str = "no archive is there: --script-alias PATH tells below which path it is \
    mounted (/ for none), --url on which host";

/// Tells whether an address is that of an archive, and not of something in it.
fn is_list(url: &str) -> bool {
    let path = url.split('?').next().unwrap_or_default();
    path.trim_end_matches('/').ends_with("/archive")
}

fn of_certificate(words: &str) -> &'static str {
    let words = words.to_lowercase();
    if words.contains("expired") {
        "the certificate has to be renewed there; --insecure goes without verification"
    } else if words.contains("name") {
        "--url should have a name that the certificate has; --insecure goes without verification"
    } else {
        "--cacert FILE trusts the certificate, or the authority behind it, in FILE; --insecure \
         goes without verification"
    }
}

fn words(error: &(dyn StdError + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(" {error}"));
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, url: &str) -> Option<String> {
        of(&Error::Status {
            url: url.to_owned(),
            status: http::StatusCode::from_u16(status).unwrap(),
            message: String::new(),
        })
    }

    #[test]
    fn an_answer_leads_to_the_option_that_may_help() {
        // DIFFERENCE: the originals say nothing of the kind.
        let list = "https://h/esmond/perfsonar/archive/?limit=1";
        for (status, url, option) in [
            (401, list, "--key-file"),
            (403, list, "--key-file"),
            (403, "http://h/esmond/perfsonar/archive/", "https://"),
            (404, list, "--script-alias"),
        ] {
            let hint = answered(status, url).unwrap();
            assert!(
                hint.starts_with("hint: ") && hint.contains(option),
                "{hint}"
            );
        }
        // The archive is there, a series of it is not.
        assert_eq!(answered(404, "https://h/archive/k/throughput/base"), None);
        assert_eq!(answered(500, list), None);
    }

    #[test]
    fn a_certificate_leads_to_what_is_wrong_with_it() {
        let refused = |text: &str| {
            of(&Error::Certificate {
                url: "https://h/".to_owned(),
                source: format!("invalid peer certificate: {text}").into(),
            })
            .unwrap()
        };
        assert!(refused("UnknownIssuer").contains("--cacert FILE"));
        assert!(refused("certificate expired: verification time").contains("renewed"));
        assert!(refused("certificate not valid for name \"h\"").contains("--url should have"));
    }
}
