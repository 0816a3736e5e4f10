//! Writing: new tests, and their points.
//!
//! [`NewMetadata`] describes a test, [`Archive::post_metadata`] creates it, and a
//! [`PointWriter`] sends its points in bulk; [`Archive::post_point`] sends a
//! single one. In the original library these are `MetadataPost`,
//! `EventTypeBulkPost` and `EventTypePost`.
//!
//! Everything may be sent twice: an archive answers with the record that it
//! has, and refuses a point that is already there (409), which counts as
//! success. For the archives of perfSONAR 5, which take nothing of this, there is
//! [`Logstash`].

mod buffer;
mod conflict;
mod logstash;
mod metadata;
mod request;
mod writer;

use http::StatusCode;
use serde_json::Value;

pub use logstash::{Logstash, Taken};
pub use metadata::NewMetadata;
pub use writer::PointWriter;

use crate::archive::refuse_long_names;
use crate::transport::{Written, parse};
use crate::{Archive, Error, Result, Test, message};

/// What became of points that were sent; all of them are on the archive now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Posted {
    /// Points that are new.
    pub stored: usize,
    /// Points whose place was taken: another value of the same event type and
    /// second, most likely this very one, was there already.
    pub already_there: usize,
}

impl std::ops::AddAssign for Posted {
    fn add_assign(&mut self, more: Self) {
        self.stored += more.stored;
        self.already_there += more.already_there;
    }
}

impl Archive {
    /// Creates a test, or finds it when the archive has one with the very same
    /// metadata.
    ///
    /// # Errors
    ///
    /// [`Error::Unsendable`] for a parameter that no archive takes,
    /// [`Error::NoWriteApi`] for a perfSONAR 5 archive, or any other
    /// [`Error`] of sending.
    pub async fn post_metadata(&self, metadata: &NewMetadata) -> Result<Test> {
        let request = self.address().new_metadata(metadata)?;
        match self.transport().write(&request).await? {
            Written::Stored(body) => {
                let record = parse(request.url.as_str(), &body)?;
                refuse_long_names(request.url.as_str(), &record, "")?;
                Ok(Test::new(self.clone(), record))
            }
            Written::Conflict(body) => Err(Error::Status {
                url: request.url.into(),
                status: StatusCode::CONFLICT,
                message: message::words(&body),
            }),
        }
    }

    /// Stores one point of a test, `ts` being Unix time in seconds. Many points
    /// go faster through a [`writer`](Self::writer).
    ///
    /// # Errors
    ///
    /// [`Error::Unsendable`] for null, or any other [`Error`] of sending.
    pub async fn post_point(
        &self,
        metadata_key: &str,
        event_type: &str,
        ts: i64,
        value: &Value,
    ) -> Result<Posted> {
        let value = buffer::value_text(event_type, ts, value)?;
        self.post_raw(metadata_key, event_type, ts, &value).await
    }

    async fn post_raw(
        &self,
        metadata_key: &str,
        event_type: &str,
        ts: i64,
        value: &str,
    ) -> Result<Posted> {
        let request = self
            .address()
            .new_point(metadata_key, event_type, ts, value);
        let mut posted = Posted::default();
        match self.transport().write(&request).await? {
            Written::Stored(_) => posted.stored += 1,
            Written::Conflict(_) => posted.already_there += 1,
        }
        Ok(posted)
    }

    /// Returns a writer of points for the test with this key.
    #[must_use]
    pub fn writer(&self, metadata_key: impl Into<String>) -> PointWriter {
        PointWriter::new(self.clone(), metadata_key.into())
    }
}

impl Test {
    /// Returns a writer of points for this test.
    #[must_use]
    pub fn writer(&self) -> PointWriter {
        self.archive().writer(self.metadata_key())
    }
}
