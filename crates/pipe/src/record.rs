//! Tests in the form in which archives get them.

use esmond_ps_cli_common::loader::{Document, Points, Record};
use esmond_ps_client::Error;
use esmond_ps_results::document::{self, Complete, Details};
use esmond_ps_results::{Measurement, address};

use crate::lookup::{self, Lookup};
use crate::measurement::{self, Mapped, Problem};

impl Record for Mapped {
    fn points(&self) -> Result<Points, Error> {
        let Measurement { values, ts, .. } = &self.measurement;
        let values = values.iter();
        Ok(Points {
            metadata: measurement::metadata(&self.measurement),
            values: values
                .map(|(event_type, value)| (event_type.clone(), *ts, value.clone()))
                .collect(),
        })
    }

    fn document(&self) -> Result<Document, Error> {
        let measurement = &self.measurement;
        let body = document::of(measurement, Details::default());
        Ok(Document {
            observer: measurement.subject.measurement_agent.to_string(),
            body: body.map_err(|_| Error::Unsendable {
                what: format!("the test at {}", measurement.ts),
                reason: "no calendar has its time",
            })?,
        })
    }
}

/// A result of pScheduler for an archive of perfSONAR 5: it is passed on as it is, with
/// everything that a mapping would leave out.
#[derive(Debug, Clone, PartialEq)]
pub struct PassedOn {
    /// The result.
    pub result: Complete,
    /// Address of who measured; the name where it has no address, and empty where the
    /// result names nobody.
    pub observer: String,
}

impl PassedOn {
    /// Reads a result, with or without the envelope of an archiver.
    ///
    /// # Errors
    ///
    /// Why such an archive could not use it.
    pub async fn read(document: &str, lookup: &impl Lookup) -> Result<Self, Problem> {
        let result = document::complete(document)?;
        let agent = result.agent.clone().unwrap_or_default();
        let observer = match address(&agent) {
            Some(address) => address.to_string(),
            None => lookup::first(lookup, &agent)
                .await
                .map_or(agent, |address| address.to_string()),
        };
        Ok(Self { result, observer })
    }
}

impl Record for PassedOn {
    fn points(&self) -> Result<Points, Error> {
        Err(Error::Unsendable {
            what: format!("a {} result that is passed on", self.result.kind),
            reason: "it was not mapped to points",
        })
    }

    fn document(&self) -> Result<Document, Error> {
        Ok(Document {
            observer: self.observer.clone(),
            body: self.result.document.clone(),
        })
    }
}
