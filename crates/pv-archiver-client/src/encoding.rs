//! How names stand in the paths of the two APIs, which do it differently.

use crate::{Error, Result};

/// Writes a name for a path of the administrative API: bytes other than
/// `A-Za-z0-9-_` as `~` and two hexadecimal digits.
pub(crate) fn admin_path(channel: &str) -> Result<String> {
    if channel.is_empty() {
        return Err(Error::Unaskable {
            what: "a channel".to_owned(),
            reason: "its name is empty".to_owned(),
        });
    }
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    Ok(encode(channel, '~', stays))
}

/// Writes a name, a pattern, or a regular expression (`kind` says which) for a path
/// of the archive access API: in the percent encoding, but for the slash.
pub(crate) fn access_path(kind: &str, text: &str) -> Result<String> {
    let refused = |reason: &str| {
        Err(Error::Unaskable {
            what: format!("{kind} `{}`", crate::message::one_line(text)),
            reason: reason.to_owned(),
        })
    };
    if text.contains('\\') {
        return refused(
            "the server refuses every backslash (write `[0-9]` for `\\d`, `[.]` for `\\.`)",
        );
    }
    if text.contains('\0') {
        return refused("the server refuses the character of code 0");
    }
    // Whatever is between here and the server would resolve them.
    if text.split('/').any(|part| matches!(part, "." | "..")) {
        return refused("`.` and `..` between slashes lead to another address");
    }
    // DIFFERENCE: the original client sends a slash as `%2F`, which the server
    // refuses.
    let stays =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/');
    Ok(encode(text, '%', stays))
}

fn encode(text: &str, escape: char, stays: impl Fn(u8) -> bool) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if stays(byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("{escape}{byte:02X}"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_vector_is_encoded_as_the_server_reads_it() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../tests/data/path_encoding.json")).unwrap();
        for vector in &vectors {
            let name = vector["name"].as_str().unwrap();
            assert_eq!(admin_path(name).unwrap(), vector["admin_path"], "{name}");
            let path = access_path("channel", name);
            if vector["archive_access_possible"] == true {
                assert_eq!(path.unwrap(), vector["archive_access_path"], "{name}");
            } else {
                assert!(path.unwrap_err().is_refused_before_sending(), "{name}");
            }
        }
        assert!(vectors.len() > 20);
    }

    #[test]
    fn a_refusal_names_what_cannot_be_asked_and_says_why() {
        let error = access_path("regular expression", r"a\d+").unwrap_err();
        assert_eq!(
            error.to_string(),
            r"regular expression `a\d+` cannot be asked for: the server refuses every backslash (write `[0-9]` for `\d`, `[.]` for `\.`)"
        );
        for name in ["..", "a/./b", "../x", "x\0"] {
            assert!(access_path("channel", name).is_err(), "{name}");
        }
        for name in ["...", "a..b", ".a/b.", "a//b", "/"] {
            assert!(access_path("channel", name).is_ok(), "{name}");
        }
    }
}
