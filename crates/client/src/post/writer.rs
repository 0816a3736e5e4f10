//! Points, buffered and sent in bulk.

use serde_json::Value;

use crate::post::Posted;
use crate::post::buffer::{Buffer, Waiting, value_text};
use crate::post::conflict::{self, Conflict};
use crate::transport::Written;
use crate::{Archive, Result};

/// Collects points of one test and sends them in bulk, in requests of at most
/// 1000 points and about a mebibyte. In the original library this is
/// `EventTypeBulkPost`.
///
/// Nothing is sent before [`flush`](Self::flush), and what has not been sent
/// when the writer is dropped is gone.
///
/// ```no_run
/// # async fn example(test: esmond_ps_client::Test) -> esmond_ps_client::Result<()> {
/// let mut writer = test.writer();
/// writer.add("throughput", 1_398_965_989, 9_412_345_678_i64)?;
/// writer.add("failures", 1_398_966_049, serde_json::json!({"error": "no route"}))?;
/// let posted = writer.flush().await?;
/// println!("{} new, {} already there", posted.stored, posted.already_there);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PointWriter {
    archive: Archive,
    metadata_key: String,
    buffer: Buffer,
}

impl PointWriter {
    pub(crate) fn new(archive: Archive, metadata_key: String) -> Self {
        Self {
            archive,
            metadata_key,
            buffer: Buffer::default(),
        }
    }

    /// Adds a point; `ts` is Unix time in seconds.
    ///
    /// # Errors
    ///
    /// [`Error::Unsendable`](crate::Error::Unsendable) for null.
    pub fn add(
        &mut self,
        event_type: impl Into<String>,
        ts: i64,
        value: impl Into<Value>,
    ) -> Result<()> {
        let event_type = event_type.into();
        let value = value_text(&event_type, ts, &value.into())?;
        self.buffer.add(Waiting {
            event_type,
            ts,
            value,
        });
        Ok(())
    }

    /// Returns the number of points that have not been sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Tells whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends all points, grouped by second.
    ///
    /// Points that an archive has leave the writer, also when a later request
    /// fails or the call is abandoned; the others stay and are sent by the next
    /// call. (DIFFERENCE: the original library sends everything again.)
    ///
    /// # Errors
    ///
    /// Any [`Error`](crate::Error) of sending. A point that is already there is
    /// none (DIFFERENCE: nor does it keep the points behind it from being
    /// stored).
    pub async fn flush(&mut self) -> Result<Posted> {
        let mut posted = Posted::default();
        self.buffer.settle();
        while let Some(bulk) = self.buffer.next_bulk() {
            let request = self.archive.address().bulk(&self.metadata_key, &bulk);
            let answer = match self.archive.transport().write(&request).await? {
                Written::Stored(_) => Conflict::Settled(0),
                Written::Conflict(body) => {
                    conflict::read(&body, self.buffer.settled().take(bulk.points))
                }
            };
            match answer {
                Conflict::Settled(conflicts) => {
                    let already_there = conflicts.min(bulk.points);
                    self.buffer.sent(bulk.points);
                    posted.stored += bulk.points - already_there;
                    posted.already_there += already_there;
                }
                Conflict::StoppedAt(taken) => {
                    // Not again: the archive holds them back until the next
                    // success, does not see them meanwhile, and would add them up.
                    self.buffer.sent(taken + 1);
                    posted.stored += taken;
                    posted.already_there += 1;
                    posted += self.post_singly(bulk.points - taken - 1).await?;
                }
                Conflict::Untold => posted += self.post_singly(bulk.points).await?,
            }
        }
        Ok(posted)
    }

    /// Sends so many points one by one, so that one that is there already does
    /// not stand in the way of the others.
    async fn post_singly(&mut self, points: usize) -> Result<Posted> {
        let mut posted = Posted::default();
        for _ in 0..points {
            let Some(point) = self.buffer.first() else {
                break;
            };
            posted += self
                .archive
                .post_raw(
                    &self.metadata_key,
                    &point.event_type,
                    point.ts,
                    &point.value,
                )
                .await?;
            self.buffer.sent(1);
        }
        Ok(posted)
    }
}
