//! Files of the configuration of a server, on their way out and in.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use reqwest::Body;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::export::Extractor;
use crate::transport::Answer;
use crate::{Error, Result, message};

/// How much of a file is read at a time, in bytes.
const CHUNK: usize = 64 << 10;

/// The configuration of a server, as it comes; made by
/// [`AdminClient::export_configuration`](crate::AdminClient::export_configuration).
#[derive(Debug)]
pub struct Export {
    answer: Answer,
    extractor: Extractor,
    is_finished: bool,
}

impl Export {
    pub(crate) fn new(answer: Answer) -> Self {
        Self {
            answer,
            extractor: Extractor::new(),
            is_finished: false,
        }
    }

    /// Reads the next part of the file; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] when the answer ends too early, and the other errors of an
    /// exchange. What was read before is then not the whole file.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        while !self.is_finished {
            let chunk = self.answer.chunk().await?;
            let url = || self.answer.url.clone();
            let part = match chunk {
                Some(chunk) => self.extractor.feed(&chunk).map_err(|source| Error::Json {
                    url: url(),
                    path: "configurationFile".to_owned(),
                    source,
                })?,
                None => {
                    self.is_finished = true;
                    if !self.extractor.is_complete() {
                        return Err(Error::Truncated { url: url() });
                    }
                    Vec::new()
                }
            };
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    /// Writes the file, and returns its size in bytes. What has been written is only
    /// of use when this succeeds.
    ///
    /// # Errors
    ///
    /// [`Error::ConfigurationFile`] when it cannot be written, and as
    /// [`next`](Self::next).
    pub async fn write_to(mut self, mut file: impl AsyncWrite + Unpin) -> Result<u64> {
        let failed = |error: io::Error| Error::ConfigurationFile {
            action: "written",
            source: error.into(),
        };
        let mut size = 0;
        while let Some(part) = self.next().await? {
            file.write_all(&part).await.map_err(failed)?;
            size += part.len() as u64;
        }
        file.flush().await.map_err(failed)?;
        Ok(size)
    }

    /// Reads the whole file into memory.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn bytes(mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(part) = self.next().await? {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }
}

/// A file of configuration to be imported.
///
/// It is XML, in any encoding that its declaration names; the server checks it. Beware
/// of `enabled="1"`, which the server takes, and reads as *false*.
pub struct ConfigurationFile {
    source: Pin<Box<dyn AsyncRead + Send>>,
    size: Option<u64>,
}

impl ConfigurationFile {
    /// A file that is read while it is sent, such as a `tokio::fs::File`.
    #[must_use]
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self {
            source: Box::pin(reader),
            size: None,
        }
    }

    /// Makes the body of the request. The first part is read at once, so that a file
    /// that cannot be read, or has nothing in it, is told before anything is sent.
    ///
    /// DIFFERENCE: an empty file is not sent; the original client sends it.
    pub(crate) async fn into_body(
        mut self,
        options: &ImportOptions,
    ) -> Result<(Body, Option<u64>, Failure)> {
        let unreadable = |source| Error::ConfigurationFile {
            action: "read",
            source,
        };
        let first = read(&mut self.source).await;
        let first = first.map_err(|error| unreadable(error.into()))?;
        if first.is_empty() {
            return Err(unreadable("it is empty".into()));
        }
        let start = format!(
            r#"{{"addChannels":{},"configurationFile":""#,
            options.add_channels
        );
        let end = format!(
            r#"","removeChannels":{},"simulate":{},"updateChannels":{}}}"#,
            options.remove_channels, options.simulate, options.update_channels
        );
        let length = self
            .size
            .map(|size| (start.len() + end.len()) as u64 + size.div_ceil(3) * 4);
        let failure = Failure::default();
        let file = encoded(first, self.source, failure.clone());
        let text = |text: String| stream::iter([Ok::<_, io::Error>(Bytes::from(text))]);
        let body = text(start).chain(file).chain(text(end));
        Ok((Body::wrap_stream(body), length, failure))
    }
}

impl std::fmt::Debug for ConfigurationFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigurationFile")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl From<Vec<u8>> for ConfigurationFile {
    fn from(file: Vec<u8>) -> Self {
        Self {
            size: Some(file.len() as u64),
            source: Box::pin(io::Cursor::new(file)),
        }
    }
}

impl From<&[u8]> for ConfigurationFile {
    fn from(file: &[u8]) -> Self {
        Self::from(file.to_vec())
    }
}

/// Why a file could not be read to its end, told beside the HTTP library, which would
/// only say that the request failed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: io::Error) -> io::Error {
        let told = io::Error::from(error.kind());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        told
    }
}

async fn read(source: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; CHUNK];
    let length = source.read(&mut bytes).await?;
    bytes.truncate(length);
    Ok(bytes)
}

/// A file as base64, `first` being its beginning.
fn encoded(
    first: Vec<u8>,
    source: Pin<Box<dyn AsyncRead + Send>>,
    failure: Failure,
) -> impl Stream<Item = io::Result<Bytes>> {
    let state = Some((first, source, failure));
    stream::try_unfold(state, |state| async {
        let Some((mut bytes, mut source, failure)) = state else {
            return Ok(None);
        };
        // Three bytes at a time make four letters, so what is left over waits.
        let rest = bytes.split_off(bytes.len() - bytes.len() % 3);
        let mut text = BASE64.encode(&bytes);
        let more = read(&mut source)
            .await
            .map_err(|error| failure.set(error))?;
        if more.is_empty() {
            text.push_str(&BASE64.encode(&rest));
            return Ok(Some((Bytes::from(text), None)));
        }
        let next = [rest, more].concat();
        Ok(Some((Bytes::from(text), Some((next, source, failure)))))
    })
    // An empty part of a body would end it.
    .filter(|part| {
        let is_of_use = part.as_ref().map_or(true, |part| !part.is_empty());
        std::future::ready(is_of_use)
    })
}

/// What an import does with the channels of a file. Without any of the first three
/// nothing is done.
///
/// ```
/// use pv_archiver_client::ImportOptions;
///
/// let merge = ImportOptions {
///     add_channels: true,
///     update_channels: true,
///     ..ImportOptions::default()
/// };
/// ```
///
/// DIFFERENCE: the original client adds and updates by default, against its own
/// documentation; here as on the server, what is not asked for is not done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Adds channels of the file that do not exist. Without
    /// [`update_channels`](Self::update_channels) those that do exist fail.
    pub add_channels: bool,
    /// Removes channels of the server that are not in the file, **with their data**.
    pub remove_channels: bool,
    /// Gives channels that exist the configuration of the file, levels that the file
    /// does not have being removed **with their samples**. Without
    /// [`add_channels`](Self::add_channels) those that do not exist fail.
    pub update_channels: bool,
    /// Does nothing, and says what would be done. The server does not compare with
    /// what exists, so all channels are said to succeed.
    pub simulate: bool,
}

/// What became of an import.
///
/// Serde writes it as the server does, but for its `errorMessage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImportReport {
    /// Channels that could not be added or updated, and why, if the server says it.
    pub add_or_update_failed: BTreeMap<String, Option<String>>,
    /// Channels that were added or updated, or would be.
    pub add_or_update_succeeded: Vec<String>,
    /// Channels that could not be removed, and why, if the server says it.
    pub remove_failed: BTreeMap<String, Option<String>>,
    /// Channels that were removed, or would be.
    pub remove_succeeded: Vec<String>,
}

impl ImportReport {
    /// Tells whether nothing failed.
    #[must_use]
    pub fn all_succeeded(&self) -> bool {
        self.add_or_update_failed.is_empty() && self.remove_failed.is_empty()
    }

    pub(crate) async fn read(answer: Answer) -> Result<Self> {
        let status = answer.status();
        let answer = match status {
            StatusCode::OK => answer.json_only()?,
            _ if answer.is_outcome() => answer,
            _ => return Err(answer.refusal().await),
        };
        let url = answer.url.clone();
        let wire: ImportAnswer = answer.json().await?;
        // 500 without a message only means that a channel failed.
        let is_result = matches!(status.as_u16(), 200 | 500) && wire.error_message.is_none();
        if !is_result {
            return Err(Error::Status {
                url,
                status,
                message: message::one_line(&wire.error_message.unwrap_or_default()),
            });
        }
        Ok(Self {
            add_or_update_failed: wire.add_or_update_failed.unwrap_or_default(),
            add_or_update_succeeded: wire.add_or_update_succeeded.unwrap_or_default(),
            remove_failed: wire.remove_failed.unwrap_or_default(),
            remove_succeeded: wire.remove_succeeded.unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImportAnswer {
    add_or_update_failed: Option<BTreeMap<String, Option<String>>>,
    add_or_update_succeeded: Option<Vec<String>>,
    error_message: Option<String>,
    remove_failed: Option<BTreeMap<String, Option<String>>>,
    remove_succeeded: Option<Vec<String>>,
}
