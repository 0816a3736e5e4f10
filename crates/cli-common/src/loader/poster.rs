//! Records, posted: to an esmond archive metadata first, then the data; to the
//! Logstash input of a perfSONAR 5 archive as one result of pScheduler.

use std::sync::{Mutex, PoisonError};

use esmond_ps_client::{Archive, Error, Logstash, NewMetadata, Posted, Taken};
use serde_json::Value;

use crate::loader::recent::Recent;
use crate::loader::{Document, Points, Record, hint, log};

/// How many metadata keys are remembered, to save a request for records with
/// the same metadata.
const REMEMBERED: usize = 512;

/// Posts records. Several may be on their way at once.
#[derive(Debug)]
pub struct Poster {
    way: Way,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Way {
    Archive(Archive),
    Logstash(Logstash),
}

#[derive(Debug)]
struct State {
    /// Keys of metadata records, by what was posted.
    keys: Recent,
    tally: Tally,
    /// Whether it was said what may help.
    hinted: bool,
}

/// What became of the records so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Records that are new, as far as the archive tells.
    pub stored: u64,
    /// Records of which the archive had points already.
    pub already_there: u64,
    /// Records that were not stored, or not all of them.
    pub failed: u64,
}

/// A record that is on the archive now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedRecord {
    /// Key of its metadata; Logstash tells none.
    pub metadata_key: Option<String>,
    /// What became of its points; a result for Logstash counts as one.
    pub points: Posted,
}

impl PostedRecord {
    /// Tells whether the record was there before, as far as an archive tells:
    /// points of json, subinterval and histogram event types are replaced without
    /// a word, and Logstash takes everything for new.
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
    /// The result, which is all that Logstash gets of a record, was not taken.
    #[error("posting the result failed")]
    Document(#[source] Error),
}

impl PostError {
    /// Returns what went wrong.
    #[must_use]
    pub fn cause(&self) -> &Error {
        match self {
            Self::Metadata(error) | Self::Data(error) | Self::Document(error) => error,
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
        Self::on(Way::Archive(archive))
    }

    /// Makes a poster for this input of a perfSONAR 5 archive.
    #[must_use]
    pub fn to_logstash(input: Logstash) -> Self {
        Self::on(Way::Logstash(input))
    }

    fn on(way: Way) -> Self {
        Self {
            way,
            state: Mutex::new(State {
                keys: Recent::new(REMEMBERED),
                tally: Tally::default(),
                hinted: false,
            }),
        }
    }

    /// Returns what became of the records so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.with(|state| state.tally)
    }

    /// Posts a record. Event types that its metadata does not declare are added
    /// to it.
    ///
    /// Posting a record again is safe on esmond archives: what is there already
    /// stays as it is. Logstash makes a second point of it. What may help against
    /// an error is written to the log, once.
    ///
    /// # Errors
    ///
    /// Why the record, or a part of it, is not on the archive.
    pub async fn post(&self, record: &impl Record) -> Result<PostedRecord, PostError> {
        let result = match &self.way {
            Way::Archive(archive) => self.to_archive(archive, record).await,
            Way::Logstash(input) => to_input(input, record).await,
        };
        self.with(|state| match &result {
            Ok(record) if record.was_there() => state.tally.already_there += 1,
            Ok(_) => state.tally.stored += 1,
            Err(_) => state.tally.failed += 1,
        });
        if let Err(error) = &result
            && let Some(hint) = hint::against(error)
            && !self.with(|state| std::mem::replace(&mut state.hinted, true))
        {
            log::line("main.warn", hint);
        }
        result
    }

    async fn to_archive(
        &self,
        archive: &Archive,
        record: &impl Record,
    ) -> Result<PostedRecord, PostError> {
        let Points { metadata, values } = record.points().map_err(PostError::Metadata)?;
        let metadata = values.iter().fold(metadata, |metadata, (event_type, ..)| {
            metadata.event_type(event_type)
        });
        // Checked first, so that no metadata is left behind without its data.
        refuse_null(&values).map_err(PostError::Data)?;
        let posted = metadata.to_json().map_err(PostError::Metadata)?.to_string();
        if let Some(key) = self.with(|state| state.keys.get(&posted)) {
            match post_values(archive, key, &values).await {
                // The archive has lost the record since.
                Err(PostError::Data(error)) if error.is_not_found() => {
                    self.with(|state| state.keys.remove(&posted));
                }
                result => return result,
            }
        }
        let key = create(archive, &metadata).await?;
        self.with(|state| state.keys.insert(posted, key.clone()));
        post_values(archive, key, &values).await
    }

    fn with<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        use_state(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn create(archive: &Archive, metadata: &NewMetadata) -> Result<String, PostError> {
    let test = archive.post_metadata(metadata).await;
    let test = test.map_err(PostError::Metadata)?;
    Ok(test.metadata_key().to_owned())
}

async fn post_values(
    archive: &Archive,
    metadata_key: String,
    values: &[(String, i64, Value)],
) -> Result<PostedRecord, PostError> {
    let mut writer = archive.writer(&metadata_key);
    for (event_type, ts, value) in values {
        writer
            .add(event_type, *ts, value.clone())
            .map_err(PostError::Data)?;
    }
    let points = writer.flush().await.map_err(PostError::Data)?;
    Ok(PostedRecord {
        metadata_key: Some(metadata_key),
        points,
    })
}

async fn to_input(input: &Logstash, record: &impl Record) -> Result<PostedRecord, PostError> {
    let Document { observer, body } = record.document().map_err(PostError::Document)?;
    let taken = input.post(&observer, &body).await;
    let taken = taken.map_err(PostError::Document)?;
    tell(&taken);
    let mut points = Posted::default();
    let stored_nothing = taken.answer["event-types"]
        .as_array()
        .is_some_and(Vec::is_empty);
    if taken.already_there || stored_nothing {
        points.already_there = 1;
    } else {
        points.stored = 1;
    }
    Ok(PostedRecord {
        metadata_key: taken.answer["metadata-key"].as_str().map(ToOwned::to_owned),
        points,
    })
}

/// Logs what an archive of ours says beside yes.
fn tell(taken: &Taken) {
    let list = |name: &str| taken.answer[name].as_array().into_iter().flatten();
    for note in list("notes").filter_map(Value::as_str) {
        log::line("write.warning", note);
    }
    for conflict in list("conflicts") {
        let (event_type, ts) = (&conflict["event-type"], &conflict["ts"]);
        let event_type = event_type.as_str().unwrap_or("a point");
        log::line(
            "write.warning",
            format_args!("another value of {event_type} was there at {ts}"),
        );
    }
}

// DIFFERENCE: the originals send nulls, at which archives fail.
fn refuse_null(values: &[(String, i64, Value)]) -> Result<(), Error> {
    match values.iter().find(|(_, _, value)| value.is_null()) {
        Some((event_type, ts, _)) => Err(Error::Unsendable {
            what: format!("the value of {event_type} at {ts}"),
            reason: "it is null",
        }),
        None => Ok(()),
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

    /// A record with these points.
    struct Of<const N: usize>([(&'static str, i64, Value); N]);

    impl<const N: usize> Record for Of<N> {
        fn points(&self) -> Result<Points, Error> {
            let values = self.0.iter();
            let values = values.map(|(name, ts, value)| ((*name).to_owned(), *ts, value.clone()));
            Ok(Points {
                metadata: NewMetadata::point_to_point(
                    "10.0.0.1", "10.0.0.2", "10.0.0.1", "t", "a", "b",
                ),
                values: values.collect(),
            })
        }

        fn document(&self) -> Result<Document, Error> {
            Ok(Document {
                observer: "10.0.0.1".to_owned(),
                body: json!({ "result": self.0[0].2 }),
            })
        }
    }

    #[tokio::test]
    async fn metadata_is_posted_once_and_declares_what_is_posted() {
        let (url, asked) = serve(|request, _| match request {
            "POST /perfsonar/archive/" => record("0a"),
            _ => done(),
        });
        let poster = poster(&url);
        for ts in 1..=2 {
            let record = poster.post(&Of([("throughput", ts, json!(5))])).await;
            let record = record.unwrap();
            assert_eq!(record.metadata_key.as_deref(), Some("0a"));
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
        let record = Of([("throughput", 1, json!(5)), ("failures", 1, json!({}))]);
        assert!(poster.post(&record).await.unwrap().was_there());
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
            let record = poster.post(&Of([("x", 1, json!(5))])).await;
            assert_eq!(record.unwrap().metadata_key.as_deref(), Some(key));
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
            let error = poster.post(&Of([("x", 1, json!(5))])).await;
            let error = error.unwrap_err();
            assert!(matches!(error, PostError::Metadata(_)), "{error:?}");
            assert_eq!(error.is_about_record(), about_record, "{status}");
            assert_eq!(poster.tally().failed, 1);
        }
        let away = poster("http://127.0.0.1:9");
        let error = away.post(&Of([("x", 1, json!(5))])).await.unwrap_err();
        assert!(!error.is_about_record(), "{error:?}");
    }

    #[tokio::test]
    async fn a_null_value_is_refused_before_anything_is_sent() {
        // DIFFERENCE: the originals send it.
        let (url, asked) = serve(|_, _| done());
        let record = Of([("x", 1, json!(5)), ("y", 1, Value::Null)]);
        let error = poster(&url).post(&record).await.unwrap_err();
        assert!(error.is_about_record());
        assert!(error.cause().to_string().contains("y at 1"), "{error:?}");
        assert!(asked.lock().unwrap().is_empty());
    }

    fn input(url: &str) -> Poster {
        let input = Logstash::builder(url).retries(0).build_logstash();
        Poster::to_logstash(input.unwrap())
    }

    #[tokio::test]
    async fn logstash_gets_one_document_for_a_record() {
        let (url, asked) = serve(|_, _| (200, "ok".to_owned()));
        let poster = input(&url);
        let record = Of([("x", 1, json!(5)), ("y", 1, json!(6))]);
        let posted = poster.post(&record).await.unwrap();
        assert_eq!((posted.points.stored, posted.was_there()), (1, false));
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked, [r#"PUT /logstash {"result":5}"#]);
        assert_eq!(poster.tally().stored, 1);
    }

    #[tokio::test]
    async fn an_input_that_says_more_is_heard() {
        let (url, _) = serve(|_, number| match number {
            0 => {
                let answer = json!({"metadata-key": "0a", "conflicts": [], "notes": ["x"]});
                (200, answer.to_string())
            }
            _ => (409, "{}".to_owned()),
        });
        let poster = input(&url);
        let record = Of([("x", 1, json!(5))]);
        let first = poster.post(&record).await.unwrap();
        assert_eq!(first.metadata_key.as_deref(), Some("0a"));
        assert!(poster.post(&record).await.unwrap().was_there());
    }

    #[tokio::test]
    async fn a_result_of_which_nothing_was_stored_is_not_counted_as_stored() {
        let (url, _) = serve(|_, _| {
            let conflicts = json!([{"event-type": "throughput", "ts": 1}]);
            let answer = json!({"event-types": [], "conflicts": conflicts});
            (200, answer.to_string())
        });
        let poster = input(&url);
        let record = Of([("x", 1, json!(5))]);
        assert!(poster.post(&record).await.unwrap().was_there());
        assert_eq!(
            (poster.tally().stored, poster.tally().already_there),
            (0, 1)
        );
    }

    #[tokio::test]
    async fn a_result_at_fault_is_told_from_an_input_at_fault() {
        for (status, about_record) in [
            (400, true),
            (413, true),
            (401, false),
            (403, false),
            (404, false),
            (405, false),
            (429, false),
            (503, false),
        ] {
            let (url, _) = serve(move |_, _| (status, "<p>no</p>".to_owned()));
            let error = input(&url).post(&Of([("x", 1, json!(5))])).await;
            let error = error.unwrap_err();
            assert!(matches!(error, PostError::Document(_)), "{error:?}");
            assert_eq!(error.is_about_record(), about_record, "{status}");
            assert!(error.cause().to_string().ends_with(": no"), "{error:?}");
        }
    }
}
