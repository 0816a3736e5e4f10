//! What a loader has to tell an archive, in the words of either kind of archive.

use esmond_ps_client::{Error, NewMetadata};
use serde_json::{Value, json};

/// A record: the description of a test and what it measured at one time.
///
/// Both forms say the same. Which of them is asked for depends on the archive.
pub trait Record {
    /// Puts it into the words of esmond archives.
    ///
    /// # Errors
    ///
    /// [`Error::Unsendable`] for what such an archive cannot be told.
    fn points(&self) -> Result<Points, Error>;

    /// Puts the same into one result of pScheduler.
    ///
    /// # Errors
    ///
    /// [`Error::Unsendable`] for what such a result cannot say.
    fn document(&self) -> Result<Document, Error>;
}

/// A test and its points.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// The test. Event types of the values need not be among those that it lists.
    pub metadata: NewMetadata,
    /// Event type, Unix time in seconds and value of each point.
    pub values: Vec<(String, i64, Value)>,
}

/// A result of pScheduler, and who measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Address of the host that measured; empty when only the result tells.
    pub observer: String,
    /// The result.
    pub body: Value,
}

/// Which kind of archive gets the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Target {
    /// An esmond archive, of the original or of ours
    #[default]
    Esmond,
    /// A perfSONAR 5 archive, through its Logstash input
    Logstash,
}

impl Target {
    /// Returns what would be sent there: `metadata` and `data` as a bulk request
    /// has it, or `observer` and `document`.
    ///
    /// # Errors
    ///
    /// [`Error::Unsendable`], as posting the record would give.
    pub fn preview(self, record: &impl Record) -> Result<Value, Error> {
        match self {
            Self::Esmond => {
                let Points { metadata, values } = record.points()?;
                Ok(json!({"metadata": metadata.to_json()?, "data": by_second(values)}))
            }
            Self::Logstash => {
                let Document { observer, body } = record.document()?;
                Ok(json!({"observer": observer, "document": body}))
            }
        }
    }
}

fn by_second(values: Vec<(String, i64, Value)>) -> Vec<Value> {
    let mut seconds: Vec<(i64, Vec<Value>)> = Vec::new();
    for (event_type, ts, value) in values {
        let point = json!({"event-type": event_type, "val": value});
        match seconds.iter_mut().find(|(known, _)| *known == ts) {
            Some((_, points)) => points.push(point),
            None => seconds.push((ts, vec![point])),
        }
    }
    let seconds = seconds.into_iter();
    seconds
        .map(|(ts, points)| json!({"ts": ts, "val": points}))
        .collect()
}
