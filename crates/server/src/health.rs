//! Whether the archive is well: `GET /healthz`, for load balancers and
//! monitoring.
//!
//! Anybody may ask. Asking costs one look-up in the store; the answer is 200
//! when that works and 503 when it fails or takes too long.
//!
//! DIFFERENCE: the original has nothing of the kind.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use esmond_ps_store as store;
use serde_json::json;
use tokio::time::timeout;

use crate::access_log::Answered;
use crate::context::App;
use crate::dispatch::finish;
use crate::error::Error;

/// How long the store may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Answers `/healthz`.
pub(crate) async fn answer(State(app): State<Arc<App>>, method: Method) -> Response {
    let mut response = if method == Method::GET || method == Method::HEAD {
        let looked_up = timeout(LIMIT, app.store.record("healthz")).await;
        told(looked_up.ok().map(|found| found.map(|_| ())))
    } else {
        Error::method_not_allowed(&method).into_response()
    };
    finish(response.headers_mut(), Some("GET, HEAD"));
    response
        .extensions_mut()
        .insert(Answered::anonymous("healthz"));
    response
}

/// Tells how the store answered; `None` when it did not in time.
fn told(answered: Option<store::Result<()>>) -> Response {
    let detail = match answered {
        Some(Ok(())) => return Json(json!({ "status": "ok" })).into_response(),
        Some(Err(error)) => {
            let doing = error.to_string();
            let reason = Error::from(error).reason();
            tracing::error!(reason, "the store fails: {doing}");
            "The store fails; the log says why."
        }
        None => {
            tracing::error!("the store gave no answer in {} s", LIMIT.as_secs());
            "The store gives no answer."
        }
    };
    let body = Json(json!({ "status": "failing", "detail": detail }));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_fails_or_says_nothing_is_503_without_its_secrets() {
        let failing = store::Error::Corrupt("/var/lib/x: page 7".to_owned());
        for (answered, detail) in [
            (Some(Err(failing)), "The store fails; the log says why."),
            (None, "The store gives no answer."),
        ] {
            let response = told(answered);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            let body = axum::body::to_bytes(response.into_body(), 1000)
                .await
                .unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body, json!({ "status": "failing", "detail": detail }));
        }
    }
}
