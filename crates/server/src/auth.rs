//! Who asks.
//!
//! A client shows a key as `Authorization: Token KEY`, in the older form
//! `ApiKey USER:KEY`, or with the query parameters `username` and `api_key`;
//! at `/logstash` also as the password of HTTP Basic.
//! A client that shows none is known by its address when that lies in a
//! registered network. Wrong credentials are refused even for reading; none at
//! all only for writing.
//!
//! DIFFERENCE: the original (4.4) ignores the older forms, which archives of
//! 2016 took, and believes `X-Forwarded-For` from anybody.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use esmond_ps_store::{KeyHash, User};

use crate::context::App;
use crate::error::Error;
use crate::lookups::Sign;
use crate::query::Query;
use crate::site::Site;

/// Who asks: somebody known, or anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody in particular; may read.
    Anonymous,
    /// A user who showed a key or comes from a registered network; may write.
    Known(Writer),
}

/// Proof that the caller may write. Only authentication makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writer {
    name: String,
}

impl Writer {
    /// Returns the name of the user.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Caller {
    /// Returns the proof that the caller may write.
    ///
    /// # Errors
    ///
    /// 401 when the caller is anonymous.
    pub(crate) fn writer(self) -> Result<Writer, Error> {
        match self {
            Self::Known(writer) => Ok(writer),
            Self::Anonymous => Err(Error::unauthorized(
                "Authentication credentials were not provided.",
            )),
        }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let header = parts.headers.get(AUTHORIZATION);
        match header.map_or(Ok(None), |value| shown(value.as_bytes()))? {
            Some(Shown::Token(key)) => return by_key(app, &key, None, INVALID).await,
            Some(Shown::ApiKey { user, key }) => {
                return by_key(app, &key, Some(&user), INVALID).await;
            }
            None => {}
        }
        let query = Query::parse(parts.uri.query());
        if let Some((user, key)) = query.credentials() {
            return by_key(app, key, Some(user), INVALID).await;
        }
        let Ok(site) = Site::from_request_parts(parts, app).await;
        let Some(address) = site.client else {
            return Ok(Self::Anonymous);
        };
        let sign = Sign::Address(address);
        Ok(match app.lookups.user(&app.store, sign).await? {
            Some(user) if user.active => Self::Known(Writer { name: user.name }),
            _ => Self::Anonymous,
        })
    }
}

/// Like [`Caller`], but a key may also come as the password of HTTP Basic.
///
/// # Errors
///
/// 401 for wrong credentials.
pub(crate) async fn basic_or_other(parts: &mut Parts, app: &Arc<App>) -> Result<Caller, Error> {
    let header = parts.headers.get(AUTHORIZATION);
    match header.and_then(|value| basic(value.as_bytes())) {
        Some(Some((user, key))) => {
            let refusal = "Invalid username or password.";
            by_key(app, &key, Some(&user), refusal).await
        }
        Some(None) => Err(Error::unauthorized("Invalid basic header.")),
        None => Caller::from_request_parts(parts, app).await,
    }
}

/// Reads user and password of HTTP Basic; `Some(None)` when they cannot be read.
fn basic(value: &[u8]) -> Option<Option<(String, String)>> {
    let mut words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    if !words.next()?.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let encoded = words.next().filter(|_| words.next().is_none());
    Some(encoded.and_then(|encoded| {
        let decoded = STANDARD.decode(encoded).ok()?;
        // A key never holds a colon, a user name may.
        let text = String::from_utf8(decoded).ok()?;
        let (user, key) = text.rsplit_once(':')?;
        Some((user.to_owned(), key.to_owned()))
    }))
}

/// Refusal of keys that are nobody's.
const INVALID: &str = "Invalid token.";

/// Finds who has a key.
///
/// What is compared is the SHA-256 of the key, and only by the store: how long
/// that takes can tell about digests at most, and whoever tries keys cannot choose
/// their digests. Nothing returns early on account of the key: every one is hashed
/// and looked up, those that are the same together.
async fn by_key(app: &App, key: &str, name: Option<&str>, refusal: &str) -> Result<Caller, Error> {
    let sign = Sign::Key(KeyHash::of(key));
    let user: Option<User> = app.lookups.user(&app.store, sign).await?;
    match user.filter(|user| name.is_none_or(|name| name == user.name)) {
        None => Err(Error::unauthorized(refusal)),
        Some(user) if !user.active => Err(Error::unauthorized("User inactive or deleted.")),
        Some(user) => Ok(Caller::Known(Writer { name: user.name })),
    }
}

/// Credentials in an `Authorization` header.
enum Shown {
    Token(String),
    ApiKey { user: String, key: String },
}

/// Reads the header; schemes that are not ours show nothing.
fn shown(value: &[u8]) -> Result<Option<Shown>, Error> {
    let mut words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let Some(scheme) = words.next() else {
        return Ok(None);
    };
    let is_token = scheme.eq_ignore_ascii_case(b"token");
    if !is_token && !scheme.eq_ignore_ascii_case(b"apikey") {
        return Ok(None);
    }
    let refused = |why: &str| Error::unauthorized(&format!("Invalid token header. {why}"));
    let Some(word) = words.next() else {
        return Err(refused("No credentials provided."));
    };
    if words.next().is_some() {
        return Err(refused("Token string should not contain spaces."));
    }
    let Ok(text) = std::str::from_utf8(word) else {
        return Err(refused(
            "Token string should not contain invalid characters.",
        ));
    };
    if is_token {
        return Ok(Some(Shown::Token(text.to_owned())));
    }
    // A user name may hold a colon, a key never does.
    let (user, key) = text
        .rsplit_once(':')
        .ok_or_else(|| Error::unauthorized(INVALID))?;
    Ok(Some(Shown::ApiKey {
        user: user.to_owned(),
        key: key.to_owned(),
    }))
}
