//! The archive access API of a server.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::samples::{SampleQuery, Samples};
use crate::transport::{Api, Transport};
use crate::{Connection, Error, Result, encoding};

/// Reads what a server has archived. Cheap to clone.
///
/// ```no_run
/// use pv_archiver_client::{ArchiveClient, Connection, Result, SampleQuery};
///
/// # async fn example() -> Result<()> {
/// let client = ArchiveClient::new("myserver.example.com", &Connection::default())?;
/// let query = SampleQuery::new(1_567_823_452_000_000_000, 1_568_967_971_000_000_000)?;
/// for channel in client.channels_by_pattern("my_prefix:*").await? {
///     let mut samples = client.samples(&channel, &query).await?;
///     while let Some(sample) = samples.next().await? {
///         println!("{channel} {} {:?}", sample.time, sample.values);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ArchiveClient {
    transport: Transport,
}

/// An archive of a server; there is exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArchiveInfo {
    /// The number in the addresses of the API: 1.
    pub key: i64,
    /// A name.
    pub name: String,
    /// A description.
    pub description: String,
}

impl ArchiveClient {
    /// Takes a host, with the port 9812 unless another one is given, or a base URL
    /// (`https://proxy.example.org/pv/`), which has the ports that URLs have. Nothing
    /// is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Address`] or [`Error::Setting`].
    pub fn new(address: &str, connection: &Connection) -> Result<Self> {
        let transport = Transport::new(Api::Access, address, connection)?;
        Ok(Self { transport })
    }

    /// Returns the address of the API.
    #[must_use]
    pub fn address(&self) -> &str {
        self.transport.base()
    }

    /// Lists the archives: one.
    ///
    /// # Errors
    ///
    /// As for all questions: [`Error::Connect`] and the other errors of an exchange,
    /// [`Error::Status`] for what the server refuses, and [`Error::ContentType`] or
    /// [`Error::Json`] for what is no answer. [`Error::is_unavailable`] tells that the
    /// server cannot answer yet.
    pub async fn archives(&self) -> Result<Vec<ArchiveInfo>> {
        self.get("/archive/", "the list of archives").await
    }

    /// Finds channels by a pattern in which `*` stands for any text and `?` for one
    /// character; the whole name counts, in upper and lower case alike. The names are
    /// sorted.
    ///
    /// # Errors
    ///
    /// [`Error::Unaskable`] for a pattern that the server would refuse: with a
    /// backslash, or with `.` or `..` between slashes. Else as
    /// [`archives`](Self::archives).
    pub async fn channels_by_pattern(&self, pattern: &str) -> Result<Vec<String>> {
        let path = encoding::access_path("pattern", pattern)?;
        let target = format!("/archive/1/channels-by-pattern/{path}");
        self.get(&target, &format!("pattern `{pattern}`")).await
    }

    /// Finds channels by a regular expression of Java; it has to match the whole name,
    /// in the same case (`(?i)` in front changes that). The names are sorted.
    ///
    /// DIFFERENCE: in the original client this raises a NameError.
    ///
    /// # Errors
    ///
    /// [`Error::Status`] with the server's words for an expression that it does not
    /// understand; [`Error::Unaskable`] as for
    /// [`channels_by_pattern`](Self::channels_by_pattern): instead of `\d` and `\.`
    /// write `[0-9]` and `[.]`.
    pub async fn channels_by_regexp(&self, expression: &str) -> Result<Vec<String>> {
        let path = encoding::access_path("regular expression", expression)?;
        let target = format!("/archive/1/channels-by-regexp/{path}");
        self.get(&target, &format!("regular expression `{expression}`"))
            .await
    }

    /// Asks for the samples of a channel, and returns when the answer begins.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for an unknown channel; [`Error::Unaskable`] for a name that
    /// the server cannot be asked for (empty, with a backslash, or with `.` or `..`
    /// between slashes); else as [`archives`](Self::archives).
    pub async fn samples(&self, channel: &str, query: &SampleQuery) -> Result<Samples> {
        if channel.is_empty() {
            return Err(Error::Unaskable {
                what: "a channel".to_owned(),
                reason: "its name is empty".to_owned(),
            });
        }
        let path = encoding::access_path("channel", channel)?;
        let target = format!("/archive/1/samples/{path}");
        let what = format!("channel `{channel}`");
        Samples::ask(self.transport.clone(), target, what, *query).await
    }

    async fn get<T: DeserializeOwned>(&self, target: &str, what: &str) -> Result<T> {
        let answer = self.transport.get(target, what).await?;
        answer.success().await?.json().await
    }
}
