//! `/logstash`: takes results of pScheduler.
//!
//! DIFFERENCE: the original archive has nothing like it; Logstash answers `ok` also to
//! what it drops.
//!
//! This is where the `http` archiver of a perfSONAR host sends results, one in a
//! request. What is stored of a result is what
//! [`esmond_ps_results::pscheduler`] makes of it, checked like any other write.
//!
//! Nothing of a result gets lost in silence. A host without an address, a value
//! that an archive does not take, a parameter that a record cannot hold: the rest
//! is stored, and the answer and the log say what is different. So the answer is
//! 200 whenever something is stored; an archiver looks at the status alone, and
//! would send the result again and again.

mod checks;
mod hosts;
mod storing;

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use esmond_ps_results::{Error as Unusable, Measurement, address, pscheduler::Run};
use serde_json::{Value, json};

use crate::access_log::Answered;
use crate::auth::{self, Writer};
use crate::body;
use crate::context::App;
use crate::dispatch::finish;
use crate::error::Error;
use crate::site::Site;

use hosts::Hosts;
use storing::Stored;
pub(crate) use storing::Turns;

/// Who measured, as perfSONAR's archiver says it.
const OBSERVER: &str = "x-ps-observer";

/// Tells whether a path is that of this part of the archive.
pub(crate) fn is_at(path: &str) -> bool {
    matches!(path, "/logstash" | "/logstash/")
}

/// Answers `/logstash`.
pub(crate) async fn answer(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = auth::basic_or_other(&mut parts, &app).await;
    let answered_as = Answered::new("logstash", &caller);
    let answered = match caller.and_then(auth::Caller::writer) {
        Ok(_) if parts.method != Method::PUT && parts.method != Method::POST => {
            Err(Error::method_not_allowed(&parts.method))
        }
        Ok(writer) => {
            let Ok(site) = Site::from_request_parts(&mut parts, &app).await;
            let answered = take(&app, &writer, &site, &parts.headers, body).await;
            app.metrics.result(match &answered {
                Ok(stored) => stored.in_a_word(),
                Err(error) if error.status().is_client_error() => "refused",
                Err(_) => "failed",
            });
            if let Err(error) = &answered
                && error.status().is_client_error()
            {
                tracing::warn!(user = writer.name(), "result refused with {error}");
            }
            answered.map(|stored| Json(stored.shown()).into_response())
        }
        Err(error) => Err(error),
    };
    let mut response = answered.unwrap_or_else(|error| {
        error.log(&parts.method, parts.uri.path());
        error.into_logstash().into_response()
    });
    finish(response.headers_mut(), Some("PUT, POST"));
    response.extensions_mut().insert(answered_as);
    response
}

/// What became of a result.
struct Taken {
    ts: i64,
    stored: Stored,
    notes: Vec<String>,
}

impl Taken {
    fn in_a_word(&self) -> &'static str {
        if !self.stored.conflicts.is_empty() {
            "conflict"
        } else if self.stored.changed {
            "stored"
        } else {
            "there"
        }
    }

    fn shown(&self) -> Value {
        let ts = self.ts;
        let conflicts = self.stored.conflicts.iter();
        json!({
            "metadata-key": self.stored.key,
            "ts": ts,
            "event-types": self.stored.event_types,
            "conflicts": conflicts
                .map(|event_type| json!({ "event-type": event_type, "ts": ts }))
                .collect::<Value>(),
            "notes": self.notes,
        })
    }
}

async fn take(
    app: &App,
    writer: &Writer,
    site: &Site,
    headers: &HeaderMap,
    body: Body,
) -> Result<Taken, Error> {
    let bytes = body::read(headers, body, app.config.body_limit).await?;
    let _room = app.places.room(bytes.len()).await;
    let run = parsed_elsewhere(bytes)
        .await?
        .summarised_by(&app.config.summaries);
    let observer = headers.get(OBSERVER).map(HeaderValue::as_bytes);
    let observer = observer.map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    let resolver = app.config.resolver.as_ref();
    let hosts = hosts::find(&run, observer, site.client, resolver).await;
    let mut notes = run.notes().to_vec();
    let (run, measurement) = measured(run, hosts, &mut notes)?;
    let registry = &app.config.registry;
    let ts = checks::time(&measurement)?;
    let points = checks::points(&measurement, &run, registry, &mut notes);
    let record = checks::record(measurement, registry, &mut notes)?;
    let stored = storing::store(app, record, storing::own(&run), points).await?;
    notes.extend(stored.note.clone());
    let taken = Taken { ts, stored, notes };
    taken.log(writer);
    Ok(taken)
}

impl Taken {
    fn log(&self, writer: &Writer) {
        let (key, ts, user) = (&self.stored.key, self.ts, writer.name());
        let (conflicts, notes) = (&self.stored.conflicts, &self.notes);
        if conflicts.is_empty() && notes.is_empty() {
            tracing::debug!(key, ts, user, "result stored");
        } else {
            tracing::warn!(
                key,
                ts,
                user,
                ?conflicts,
                ?notes,
                "result stored, with conflicts or notes"
            );
        }
    }
}

/// Reads a result outside the async threads: it can be large.
async fn parsed_elsewhere(bytes: Bytes) -> Result<Run, Error> {
    let parsed = tokio::task::spawn_blocking(move || {
        let document = body::result(&bytes)?;
        Run::from_object(document).map_err(|error| unusable(&error))
    });
    parsed.await.unwrap_or_else(|error| {
        tracing::error!("reading a result: {error}");
        Err(Error::internal())
    })
}

/// Maps a run; when its hosts have no addresses, as a test of whoever measured.
fn measured(run: Run, hosts: Hosts, notes: &mut Vec<String>) -> Result<(Run, Measurement), Error> {
    let Hosts {
        addresses,
        agent,
        notes: oddities,
    } = hosts;
    notes.extend(oddities);
    let Some(agent) = agent else {
        let detail = "The result does not say who measured, and no host of it has an address; \
                      the header x-ps-observer can tell.";
        return Err(Error::bad_request(detail));
    };
    let run = run.observed_by(agent.name);
    let measurement = match run.measurement(&addresses) {
        Err(error @ (Unusable::NoAddress { .. } | Unusable::Missing(_))) => {
            notes.push(format!(
                "{error}: stored as a test of one host, the measurement agent {}",
                agent.address
            ));
            run.unaddressed(agent.address)
        }
        other => other,
    };
    let measurement = measurement.map_err(|error| unusable(&error))?;
    Ok((run, measurement))
}

/// The refusal of a document that is no result.
fn unusable(error: &Unusable) -> Error {
    Error::bad_request(format!("This is no result of pScheduler: {error}"))
}
