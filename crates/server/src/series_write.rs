//! Writing points: one, or many at once.
//!
//! DIFFERENCE: a request is checked completely before anything is stored. An
//! unknown record is 404, where the original answers 201 and stores nothing; a
//! known event type that the record does not list is added to it, where the
//! original does the same. A bulk write stores all points that are new and
//! names those that were there.
//!
//! Bodies of the usual form are read by [`plain`], all others here; both read the
//! same.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use esmond_ps_model::{Registry, SummaryType};
use esmond_ps_store::NewPoint;
use esmond_ps_store::text::stored;
use serde_json::Value;

use crate::auth::Writer;
use crate::body;
use crate::context::Context;
use crate::error::Error;
use crate::number::to_time;
use crate::plain;
use crate::validate::{self, has_field};

/// POST of one point.
pub(crate) async fn one(
    context: &Context,
    writer: &Writer,
    key: &str,
    event_type: &str,
    summary_type: &str,
    body: Body,
) -> Result<Response, Error> {
    let bytes = body::read(&context.headers, body, context.app.config.body_limit).await?;
    let _room = context.app.places.room(bytes.len()).await;
    body::said_to_be_json(&context.headers)?;
    let app = Arc::clone(&context.app);
    let (named, summary_type) = (event_type.to_owned(), summary_type.to_owned());
    let checked = body::reading(bytes.len(), move || {
        one_point(&bytes, &named, &summary_type, &app.config.registry)
    });
    let point = checked.await?;
    let outcome = store(context, writer, key, vec![point]).await?;
    match outcome.first() {
        Some(conflict) => Err(Error::conflict(conflict)),
        None => Ok(written()),
    }
}

/// Reads the point of a POST.
fn one_point(
    bytes: &[u8],
    event_type: &str,
    summary_type: &str,
    registry: &Registry,
) -> Result<NewPoint, Error> {
    let text = body::text(bytes)?;
    if summary_type == SummaryType::Base.url_name()
        && let Some(point) = plain::point(&text, event_type, registry)
    {
        return Ok(point);
    }
    one_of_tree(&text, bytes, event_type, summary_type, registry)
}

/// Reads the point of a POST from the text of its body, which came as `bytes`.
pub(crate) fn one_of_tree(
    text: &str,
    bytes: &[u8],
    event_type: &str,
    summary_type: &str,
    registry: &Registry,
) -> Result<NewPoint, Error> {
    let value = body::data(text, bytes)?;
    for field in ["ts", "val"] {
        match has_field(&value, field) {
            Some(true) => {}
            Some(false) => {
                let detail = format!("Required field {field} not provided in request");
                return Err(Error::bad_request(detail));
            }
            None => return Err(body::undecodable(bytes)),
        }
    }
    let ts = time(value.get("ts"))?;
    if registry.event_type(event_type).is_none() {
        return Err(unknown_event_type(event_type));
    }
    match SummaryType::from_url_name(summary_type) {
        Some(SummaryType::Base) => {}
        Some(_) => {
            return Err(Error::bad_request(format!(
                "Only base summary-type allowed for writing. Cannot use {summary_type}"
            )));
        }
        None => {
            let detail = format!("Invalid summary type {summary_type}");
            return Err(Error::bad_request(detail));
        }
    }
    let val = value.get("val").unwrap_or(&Value::Null);
    point(registry, event_type, ts, val)
}

/// PUT of many points.
pub(crate) async fn bulk(
    context: &Context,
    writer: &Writer,
    key: &str,
    body: Body,
) -> Result<Response, Error> {
    let bytes = body::read(&context.headers, body, context.app.config.body_limit).await?;
    let _room = context.app.places.room(bytes.len()).await;
    body::said_to_be_json(&context.headers)?;
    let app = Arc::clone(&context.app);
    let checked = body::reading(bytes.len(), move || {
        let text = body::text(&bytes)?;
        let registry = &app.config.registry;
        match plain::points(&text, registry) {
            Some(points) => Ok(points),
            None => many_of_tree(&text, &bytes, registry),
        }
    });
    let points = checked.await?;
    let conflicts = store(context, writer, key, points).await?;
    match conflicts.first() {
        Some(first) => Err(Error::conflicts(first, &conflicts)),
        None => Ok(written()),
    }
}

async fn store(
    context: &Context,
    writer: &Writer,
    key: &str,
    points: Vec<NewPoint>,
) -> Result<Vec<esmond_ps_store::Conflict>, Error> {
    let app = &context.app;
    let count = points.len();
    let outcome = app.write(key, points).await?;
    let conflicts = outcome.conflicts.len();
    tracing::debug!(
        key,
        count,
        conflicts,
        user = writer.name(),
        "points written"
    );
    Ok(outcome.conflicts)
}

/// Reads the points of a bulk write from the text of its body, which came as `bytes`.
pub(crate) fn many_of_tree(
    text: &str,
    bytes: &[u8],
    registry: &Registry,
) -> Result<Vec<NewPoint>, Error> {
    let body = body::data(text, bytes)?;
    let refused = |detail: String| Err(Error::bad_request(detail));
    let Some(data) = body.get("data") else {
        return refused("Request must contain 'data' element".to_owned());
    };
    let Value::Array(items) = data else {
        return refused("The 'data' element must be an array".to_owned());
    };
    let mut points = Vec::new();
    for (item, i) in items.iter().zip(1..) {
        let place = || format!("in provided data list at position {i}");
        let Some(ts) = item.get("ts") else {
            return refused(format!("Missing ts field {}", place()));
        };
        let Some(values) = item.get("val") else {
            return refused(format!("Missing val field {}", place()));
        };
        let Value::Array(values) = values else {
            return refused(format!("'val' field must be an array {}", place()));
        };
        for (value, j) in values.iter().zip(1..) {
            let place = || format!("at data item {i} in value {j} ");
            let Some(event_type) = value.get("event-type") else {
                return refused(format!("Missing event-type field {}", place()));
            };
            let Some(val) = value.get("val") else {
                return refused(format!("Missing val field {}", place()));
            };
            let ts = time(Some(ts))?;
            points.push(point(registry, &stored(event_type), ts, val)?);
        }
    }
    Ok(points)
}

fn point(registry: &Registry, event_type: &str, ts: i64, val: &Value) -> Result<NewPoint, Error> {
    let definition = registry
        .event_type(event_type)
        .ok_or_else(|| unknown_event_type(event_type))?;
    let value = validate::value(&definition.rules, val)
        .map_err(|error| Error::bad_request(error.to_string()))?;
    Ok(NewPoint {
        event_type: event_type.to_owned(),
        ts,
        value,
    })
}

fn time(value: Option<&Value>) -> Result<i64, Error> {
    value
        .and_then(to_time)
        .ok_or_else(|| Error::bad_request("Time must be a unix timestamp"))
}

fn unknown_event_type(name: &str) -> Error {
    Error::bad_request(format!("Invalid event type {name}"))
}

/// The answer to a write is an empty JSON text.
fn written() -> Response {
    (StatusCode::CREATED, Json("")).into_response()
}
