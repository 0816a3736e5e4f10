//! From a request to the function that answers it.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue,
};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::accept;
use crate::access_log::Answered;
use crate::auth::Caller;
use crate::context::{App, Context};
use crate::error::{Error, JSON};
use crate::paths::{self, Resource, Target};
use crate::query::{CREDENTIALS, Query};
use crate::records;
use crate::series_read;
use crate::series_write;
use crate::site::Site;

/// Answers a request. What it answers is the order of the checks: path,
/// representation, credentials, method, and only then the rest.
pub(crate) async fn dispatch(
    State(app): State<Arc<App>>,
    site: Site,
    caller: Result<Caller, Error>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    // Known by now; nothing that follows can repeat it.
    parts.headers.remove(AUTHORIZATION);
    let path = parts.uri.path();
    let target = paths::resolve(path, app.alias());
    let allow = target.as_ref().map(|target| target.resource.allow());
    let kind = target.as_ref().map(|target| target.resource.kind());
    let answered_as = Answered::new(kind.unwrap_or("other"), &caller);
    let answered = match target {
        Some(Target { prefix, resource }) => {
            let mut query = Query::parse(parts.uri.query());
            if query.credentials().is_some() {
                for name in CREDENTIALS {
                    query.remove(name);
                }
            }
            let context = Context {
                app,
                origin: site.origin,
                prefix,
                path: path.to_owned(),
                query,
                headers: parts.headers,
            };
            answer(context, &resource, &parts.method, caller, body).await
        }
        None => Err(Error::not_found()),
    };
    let mut response = answered.unwrap_or_else(|error| {
        error.log(&parts.method, path);
        error.into_response()
    });
    finish(response.headers_mut(), allow);
    response.extensions_mut().insert(answered_as);
    response
}

async fn answer(
    context: Context,
    resource: &Resource,
    method: &Method,
    caller: Result<Caller, Error>,
    body: Body,
) -> Result<Response, Error> {
    accept::check(&context.query, &context.headers)?;
    let caller = caller?;
    if *method == Method::OPTIONS {
        return Ok(description(resource));
    }
    if *method == Method::GET || *method == Method::HEAD {
        context.app.may_read(&caller)?;
        return match resource {
            Resource::Root => Ok(root(&context)),
            Resource::List => records::list(context).await,
            Resource::Record { key } => records::detail(&context, key).await,
            Resource::EventType { key, event_type } => {
                records::event_type(&context, key, event_type).await
            }
            Resource::Summaries {
                key,
                event_type,
                summary_type,
            } => records::summaries(&context, key, event_type, summary_type).await,
            Resource::Series {
                key,
                event_type,
                summary_type,
                window,
            } => series_read::read(&context, key, event_type, summary_type, window).await,
        };
    }
    let writer = caller.writer()?;
    match resource {
        Resource::List if *method == Method::POST => records::create(&context, &writer, body).await,
        Resource::Record { key } if *method == Method::PUT => {
            series_write::bulk(&context, &writer, key, body).await
        }
        Resource::Series {
            key,
            event_type,
            summary_type,
            ..
        }
        | Resource::Summaries {
            key,
            event_type,
            summary_type,
        } if *method == Method::POST => {
            series_write::one(&context, &writer, key, event_type, summary_type, body).await
        }
        _ => Err(Error::method_not_allowed(method)),
    }
}

fn root(context: &Context) -> Response {
    let archive = context.absolute(&context.archive_path());
    Json(json!({ "archive": archive })).into_response()
}

/// DIFFERENCE: in our own words, and without the original's description of its
/// internal fields.
fn description(resource: &Resource) -> Response {
    let (name, description) = match resource {
        Resource::Root => ("perfSONAR", "Tells where the measurement archive is."),
        Resource::List => (
            "Metadata list",
            "GET searches metadata records. POST registers one, or finds the one that is the same.",
        ),
        Resource::Record { .. } => (
            "Metadata record",
            "GET shows one metadata record. PUT writes points of several event types at once.",
        ),
        Resource::EventType { .. } => ("Event type", "GET shows one event type of a record."),
        Resource::Summaries { .. } => ("Summaries", "GET lists the summaries of one type."),
        Resource::Series { .. } => (
            "Series",
            "GET reads points. POST writes one point to a base series.",
        ),
    };
    Json(json!({
        "name": name,
        "description": description,
        "renders": ["application/json"],
        "parses": ["application/json"],
    }))
    .into_response()
}

/// Adds what every answer carries.
pub(crate) fn finish(headers: &mut HeaderMap, allow: Option<&'static str>) {
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Some(allow) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
}
