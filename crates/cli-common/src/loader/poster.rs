//! Records, posted: metadata first, then the data.

use std::sync::{Mutex, PoisonError};

use esmond_ps_client::{Archive, Error, NewMetadata, Posted};
use serde_json::Value;

use crate::loader::recent::Recent;

/// How many metadata keys are remembered, to save a request for records with
/// the same metadata.
const REMEMBERED: usize = 512;

/// Posts records. Several may be on their way at once.
#[derive(Debug)]
pub struct Poster {
    archive: Archive,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Keys of metadata records, by what was posted.
    keys: Recent,
    tally: Tally,
}

/// What became of the records so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Records that are new.
    pub stored: u64,
    /// Records of which the archive had points already.
    pub already_there: u64,
    /// Records that were not stored, or not all of them.
    pub failed: u64,
}

/// A record that is on the archive now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedRecord {
    /// Key of its metadata.
    pub metadata_key: String,
    /// What became of its points.
    pub points: Posted,
}

impl PostedRecord {
    /// Tells whether the record was there before, as far as an archive tells:
    /// points of json, subinterval and histogram event types are replaced without
    /// a word.
    #[must_use]
    pub fn was_there(&self) -> bool {
        self.points.already_there > 0
    }
}

/// Why a record is not on the archive.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The metadata was not taken; nothing is stored.
    #[error("posting metadata failed")]
    Metadata(#[source] Error),
    /// The metadata is there, the data is not, or not all of it.
    #[error("posting data failed")]
    Data(#[source] Error),
}

impl PostError {
    /// Returns what went wrong.
    #[must_use]
    pub fn cause(&self) -> &Error {
        match self {
            Self::Metadata(error) | Self::Data(error) => error,
        }
    }

    /// Tells whether it is this record that the archive refuses, so that the
    /// next one may be taken. Everything else, such as an archive that is away,
    /// a wrong key or a full disk, will meet the next record as well: the program
    /// should stop before this one.
    #[must_use]
    pub fn is_about_record(&self) -> bool {
        match self.cause() {
            Error::Unsendable { .. } => true,
            Error::Status { status, .. } => match status.as_u16() {
                400 | 409 | 413 | 422 => true,
                // The address of the archive is known to be right by then.
                404 => matches!(self, Self::Data(_)),
                _ => false,
            },
            _ => false,
        }
    }
}

impl Poster {
    /// Makes a poster for this archive.
    #[must_use]
    pub fn new(archive: Archive) -> Self {
        Self {
            archive,
            state: Mutex::new(State {
                keys: Recent::new(REMEMBERED),
                tally: Tally::default(),
            }),
        }
    }

    /// Returns the archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Returns what became of the records so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.with(|state| state.tally)
    }

    /// Posts a record: event type, Unix time in seconds and value of each of its
    /// points. Event types that the metadata does not declare are added to it.
    ///
    /// Posting a record again is safe: what is there already stays as it is.
    ///
    /// # Errors
    ///
    /// Why the record, or a part of it, is not on the archive.
    pub async fn post<E: AsRef<str>>(
        &self,
        metadata: &NewMetadata,
        values: &[(E, i64, Value)],
    ) -> Result<PostedRecord, PostError> {
        let result = self.try_post(metadata, values).await;
        self.with(|state| match &result {
            Ok(record) if record.was_there() => state.tally.already_there += 1,
            Ok(_) => state.tally.stored += 1,
            Err(_) => state.tally.failed += 1,
        });
        result
    }

    async fn try_post<E: AsRef<str>>(
        &self,
        metadata: &NewMetadata,
        values: &[(E, i64, Value)],
    ) -> Result<PostedRecord, PostError> {
        let metadata = values
            .iter()
            .fold(metadata.clone(), |metadata, (event_type, ..)| {
                metadata.event_type(event_type.as_ref())
            });
        // Checked first, so that no metadata is left behind without its data.
        if let Some((event_type, ts, _)) = values.iter().find(|(_, _, value)| value.is_null()) {
            return Err(PostError::Data(Error::Unsendable {
                what: format!("the value of {} at {ts}", event_type.as_ref()),
                reason: "it is null",
            }));
        }
        let posted = metadata.to_json().map_err(PostError::Metadata)?.to_string();
        if let Some(key) = self.with(|state| state.keys.get(&posted)) {
            match self.post_values(key, values).await {
                // The archive has lost the record since.
                Err(PostError::Data(error)) if error.is_not_found() => {
                    self.with(|state| state.keys.remove(&posted));
                }
                result => return result,
            }
        }
        let test = self
            .archive
            .post_metadata(&metadata)
            .await
            .map_err(PostError::Metadata)?;
        let key = test.metadata_key().to_owned();
        self.with(|state| state.keys.insert(posted, key.clone()));
        self.post_values(key, values).await
    }

    async fn post_values<E: AsRef<str>>(
        &self,
        metadata_key: String,
        values: &[(E, i64, Value)],
    ) -> Result<PostedRecord, PostError> {
        let mut writer = self.archive.writer(&metadata_key);
        for (event_type, ts, value) in values {
            writer
                .add(event_type.as_ref(), *ts, value.clone())
                .map_err(PostError::Data)?;
        }
        let points = writer.flush().await.map_err(PostError::Data)?;
        Ok(PostedRecord {
            metadata_key,
            points,
        })
    }

    fn with<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        use_state(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread;

    use serde_json::json;

    /// Status and body of an answer.
    type Answer = (u16, String);

    /// Serves what a function answers to method and path, and returns address and
    /// what was asked.
    fn serve(
        answer: impl Fn(&str, usize) -> Answer + Send + 'static,
    ) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if stream.read_line(&mut head).unwrap_or(0) == 0 {
                        break;
                    }
                }
                let length = head.lines().find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                });
                let mut body = vec![0; length.unwrap_or(0)];
                stream.read_exact(&mut body).unwrap();
                let words: Vec<_> = head.split(' ').take(2).collect();
                let request = words.join(" ");
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(format!("{request} {}", String::from_utf8_lossy(&body)));
                    log.len() - 1
                };
                let (status, body) = answer(&request, number);
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.get_mut().write_all(answer.as_bytes()).ok();
            }
        });
        (url, asked)
    }

    fn record(key: &str) -> Answer {
        let record = json!({
            "metadata-key": key, "subject-type": "point-to-point", "event-types": [],
            "uri": format!("/perfsonar/archive/{key}/"),
        });
        (201, record.to_string())
    }

    fn done() -> Answer {
        (201, "\"\"".to_owned())
    }

    fn poster(url: &str) -> Poster {
        let archive = Archive::builder(url).script_alias("/").retries(0).build();
        Poster::new(archive.unwrap())
    }

    fn metadata() -> NewMetadata {
        NewMetadata::point_to_point("10.0.0.1", "10.0.0.2", "10.0.0.1", "t", "a", "b")
    }

    #[tokio::test]
    async fn metadata_is_posted_once_and_declares_what_is_posted() {
        let (url, asked) = serve(|request, _| match request {
            "POST /perfsonar/archive/" => record("0a"),
            _ => done(),
        });
        let poster = poster(&url);
        for ts in 1..=2 {
            let record = poster
                .post(&metadata(), &[("throughput", ts, json!(5))])
                .await;
            let record = record.unwrap();
            assert_eq!(record.metadata_key, "0a");
            assert_eq!(record.points.stored, 1);
        }
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert!(asked[0].contains(r#"[{"event-type":"throughput","summaries":[]}]"#));
        assert!(asked[2].starts_with("PUT /perfsonar/archive/0a/ "));
        let expected = Tally {
            stored: 2,
            ..Tally::default()
        };
        assert_eq!(poster.tally(), expected);
    }

    #[tokio::test]
    async fn a_record_that_was_there_is_told_from_a_new_one() {
        let (url, _) = serve(|request, _| match request {
            "POST /perfsonar/archive/" => record("0a"),
            _ => {
                let conflicts = json!([{"event-type": "throughput", "ts": 1}]);
                (
                    409,
                    json!({"detail": "x", "conflicts": conflicts}).to_string(),
                )
            }
        });
        let poster = poster(&url);
        let values = [("throughput", 1, json!(5)), ("failures", 1, json!({}))];
        assert!(poster.post(&metadata(), &values).await.unwrap().was_there());
        assert_eq!(poster.tally().already_there, 1);
    }

    #[tokio::test]
    async fn metadata_that_the_archive_lost_meanwhile_is_posted_again() {
        let (url, asked) = serve(|request, number| match (request, number) {
            ("POST /perfsonar/archive/", 0) => record("0a"),
            ("POST /perfsonar/archive/", _) => record("0b"),
            ("PUT /perfsonar/archive/0a/", 2..) => (404, r#"{"detail":"Not found."}"#.to_owned()),
            _ => done(),
        });
        let poster = poster(&url);
        for key in ["0a", "0b", "0b"] {
            let record = poster.post(&metadata(), &[("x", 1, json!(5))]).await;
            assert_eq!(record.unwrap().metadata_key, key);
        }
        assert_eq!(asked.lock().unwrap().len(), 6);
    }

    #[tokio::test]
    async fn a_record_at_fault_is_told_from_an_archive_at_fault() {
        for (status, about_record) in [
            (400, true),
            (413, true),
            (401, false),
            (500, false),
            (405, false),
        ] {
            let (url, _) = serve(move |_, _| (status, r#"{"detail":"no"}"#.to_owned()));
            let poster = poster(&url);
            let error = poster
                .post(&metadata(), &[("x", 1, json!(5))])
                .await
                .unwrap_err();
            assert!(matches!(error, PostError::Metadata(_)), "{error:?}");
            assert_eq!(error.is_about_record(), about_record, "{status}");
            assert_eq!(poster.tally().failed, 1);
        }
        let away = poster("http://127.0.0.1:9");
        let error = away
            .post(&metadata(), &[("x", 1, json!(5))])
            .await
            .unwrap_err();
        assert!(!error.is_about_record(), "{error:?}");
    }

    #[tokio::test]
    async fn a_null_value_is_refused_before_anything_is_sent() {
        let (url, asked) = serve(|_, _| done());
        let values = [("x", 1, json!(5)), ("y", 1, Value::Null)];
        let error = poster(&url).post(&metadata(), &values).await.unwrap_err();
        assert!(error.is_about_record());
        assert!(error.cause().to_string().contains("y at 1"), "{error:?}");
        assert!(asked.lock().unwrap().is_empty());
    }
}
