//! Who makes changes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderValue;

use crate::{Error, Result};

/// A user of the administrative API, and the password. Only changes need them, and
/// only there they are sent.
///
/// The password cannot be read back, and [`Debug`](fmt::Debug) does not show it.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    header: HeaderValue,
}

impl Credentials {
    /// The user `admin`, the only one that servers have up to version 3.2.6. (A new
    /// cluster has the password `admin`, which should not stay.)
    ///
    /// # Errors
    ///
    /// [`Error::Setting`], as for [`new`](Self::new).
    pub fn admin(password: &str) -> Result<Self> {
        Self::new("admin", password)
    }

    /// Any user.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a user with a colon, or control characters in either.
    pub fn new(user: &str, password: &str) -> Result<Self> {
        let refused = |setting, reason: &str| Error::Setting {
            setting,
            source: Some(reason.into()),
        };
        if user.contains(':') {
            return Err(refused("the user name", "there is a colon in it"));
        }
        if user.contains(char::is_control) || password.contains(char::is_control) {
            return Err(refused(
                "the user name or the password",
                "there are control characters in it",
            ));
        }
        let pair = BASE64.encode(format!("{user}:{password}"));
        let mut header = HeaderValue::try_from(format!("Basic {pair}"))
            .map_err(|_| refused("the password", "no header can carry it"))?;
        header.set_sensitive(true);
        Ok(Self {
            user: user.to_owned(),
            header,
        })
    }

    /// Returns the name of the user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn header(&self) -> &HeaderValue {
        &self.header
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &"[redacted]")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn the_header_is_in_utf_8() {
        let credentials = Credentials::new("opérateur", "p:ä€ß").unwrap();
        assert_eq!(credentials.header(), "Basic b3DDqXJhdGV1cjpwOsOk4oKsw58=");
        let text = format!("{credentials:?}");
        assert!(
            text.contains("opérateur") && !text.contains("ä€ß"),
            "{text}"
        );
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        assert!(Credentials::new("a:b", "c").is_err());
        assert!(Credentials::admin("a\nb").is_err());
        assert!(Credentials::admin("").is_ok());
    }
}
