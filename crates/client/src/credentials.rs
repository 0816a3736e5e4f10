//! Who is asking.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderValue;

/// A user and the key that an archive gave to them. Reading is anonymous on
/// most archives; writing never is.
///
/// The key cannot be read back, and [`Debug`](fmt::Debug) does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    scheme: Scheme,
    user: String,
    key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Token,
    ApiKey,
}

impl Credentials {
    /// Sent as `Authorization: Token KEY`, the form of archives since 2016. The
    /// archive knows the user by the key; the name is for messages only.
    #[must_use]
    pub fn token(user: impl Into<String>, key: impl Into<String>) -> Self {
        Self::new(Scheme::Token, user.into(), key.into())
    }

    /// Sent as `Authorization: ApiKey USER:KEY`, the form of older archives.
    #[must_use]
    pub fn api_key(user: impl Into<String>, key: impl Into<String>) -> Self {
        Self::new(Scheme::ApiKey, user.into(), key.into())
    }

    fn new(scheme: Scheme, user: String, key: String) -> Self {
        Self { scheme, user, key }
    }

    /// Returns the name of the user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the value of an `Authorization: Basic` header with user and key,
    /// whatever the form for archives is, marked as sensitive; `None` when the
    /// user holds a colon or anything else that the form has no place for.
    pub(crate) fn basic(&self) -> Option<HeaderValue> {
        let of_use = |text: &str| !text.contains(char::is_control);
        if self.user.contains(':') || !of_use(&self.user) || !of_use(&self.key) {
            return None;
        }
        let pair = BASE64.encode(format!("{}:{}", self.user, self.key));
        let mut value = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Returns the value of the `Authorization` header, marked as sensitive;
    /// `None` when user or key hold characters that no header can carry.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let text = match self.scheme {
            Scheme::Token => format!("Token {}", self.key),
            Scheme::ApiKey => format!("ApiKey {}:{}", self.user, self.key),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("scheme", &self.scheme)
            .field("user", &self.user)
            .field("key", &"[redacted]")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn both_forms_of_the_header_are_built() {
        let header = |credentials: Credentials| credentials.header().unwrap();
        assert_eq!(header(Credentials::token("u", "0a1b")), "Token 0a1b");
        assert_eq!(header(Credentials::api_key("u", "0a1b")), "ApiKey u:0a1b");
        assert!(header(Credentials::token("u", "k")).is_sensitive());
    }

    #[test]
    fn the_basic_form_holds_user_and_key() {
        let header = Credentials::token("perfsonar", "secret").basic().unwrap();
        assert_eq!(header, "Basic cGVyZnNvbmFyOnNlY3JldA==");
        assert!(header.is_sensitive());
        assert_eq!(Credentials::token("a:b", "secret").basic(), None);
        assert_eq!(Credentials::token("a", "sec\nret").basic(), None);
    }

    #[test]
    fn a_key_that_would_break_the_header_is_refused() {
        assert_eq!(Credentials::token("u", "k\r\nX: y").header(), None);
    }

    #[test]
    fn debug_never_shows_the_key() {
        let text = format!("{:?}", Credentials::api_key("alice", "s3cret"));
        assert!(text.contains("alice") && !text.contains("s3cret"), "{text}");
    }
}
