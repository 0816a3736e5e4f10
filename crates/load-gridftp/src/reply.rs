//! What FTP reply codes mean.

/// Returns the standard text of a reply code (RFC 959, RFC 2228, RFC 2428).
#[must_use]
pub fn text(code: &str) -> Option<&'static str> {
    Some(match code {
        "110" => "Restart marker reply.",
        "120" => "Service ready in nnn minutes.",
        "125" => "Data connection already open; transfer starting.",
        "150" => "File status okay; about to open data connection.",
        "200" => "Command okay.",
        "202" => "Command not implemented, superfluous at this site.",
        "211" => "System status, or system help reply.",
        "212" => "Directory status.",
        "213" => "File status.",
        "214" => "Help message.",
        "215" => "NAME system type.",
        "220" => "Service ready for new user.",
        "221" => "Service closing control connection.",
        "225" => "Data connection open; no transfer in progress.",
        "226" => "Closing data connection.",
        "227" => "Entering Passive Mode.",
        "228" => "Entering Long Passive Mode.",
        "229" => "Entering Extended Passive Mode.",
        "230" => "User logged in, proceed.",
        "232" => "User logged in, authorized by security data exchange.",
        "234" => "Security data exchange complete.",
        "250" => "Requested file action okay, completed.",
        "257" => "PATHNAME created.",
        "331" => "User name okay, need password.",
        "332" => "Need account for login.",
        "350" => "Requested file action pending further information.",
        "421" => "Service not available, closing control connection.",
        "425" => "Can't open data connection.",
        "426" => "Connection closed; transfer aborted.",
        "430" => "Invalid username or password.",
        "431" => "Need some unavailable resource to process security.",
        "434" => "Requested host unavailable.",
        "450" => "Requested file action not taken.",
        "451" => "Requested action aborted: local error in processing.",
        "452" => "Requested action not taken.",
        "500" => "Syntax error, command unrecognized.",
        "501" => "Syntax error in parameters or arguments.",
        "502" => "Command not implemented.",
        "503" => "Bad sequence of commands.",
        "504" => "Command not implemented for that parameter.",
        "522" => "Network protocol not supported.",
        "530" => "Not logged in.",
        "532" => "Need account for storing files.",
        "533" => "Command protection level denied for policy reasons.",
        "534" => "Request denied for policy reasons.",
        "550" => "Requested action not taken.",
        "551" => "Requested action aborted: page type unknown.",
        "552" => "Requested file action aborted.",
        "553" => "Requested action not taken.",
        _ => return None,
    })
}

/// Returns a code with its text, or alone when it is none of the standard ones.
///
/// DIFFERENCE: the original writes `499 None`.
#[must_use]
pub fn message(code: &str) -> String {
    match text(code) {
        Some(text) => format!("{code} {text}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_code_without_a_text_stands_alone() {
        // DIFFERENCE: the original writes `499 None`.
        assert_eq!(message("550"), "550 Requested action not taken.");
        assert_eq!(message("499"), "499");
    }
}
