//! The router: what every request goes through.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONTENT_ENCODING, HeaderValue, VARY};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use esmond_ps_store::Store;
use tower::util::MapResponseLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::access_log::observe;
use crate::config::Config;
use crate::context::App;
use crate::dispatch::{dispatch, finish};
use crate::error::Error;
use crate::health;
use crate::keys::Keys;
use crate::limits::{self, Places};
use crate::logstash::{self, Turns};
use crate::lookups::Lookups;
use crate::metrics::{self, Metrics};
use crate::openapi;

/// How long a client may send nothing of a request's body.
const STALL: Duration = Duration::from_secs(60);

/// Makes the archive out of a store and settings.
///
/// To know the addresses of clients, the router must be served with connect
/// info, as [`serve`](crate::serve) does; without it nobody is authenticated by address.
pub fn router(store: Arc<dyn Store>, config: Config) -> Router {
    let places = Places::new(&config);
    let openapi = openapi::document(&config.script_alias);
    let app = Arc::new(App {
        store,
        config,
        keys: Keys::default(),
        lookups: Lookups::default(),
        metrics: Metrics::default(),
        turns: Turns::default(),
        places,
    });
    Router::new()
        .route("/metrics", any(metrics::answer))
        .route("/logstash", any(logstash::answer))
        .route("/logstash/", any(logstash::answer))
        .route(
            "/openapi.json",
            any(move |method| openapi::answer(method, openapi.clone())),
        )
        .fallback(dispatch)
        .layer(from_fn_with_state(app.clone(), limits::within))
        .route("/healthz", any(health::answer))
        .with_state(app.clone())
        // Together, outermost first: a layer by itself is a box more for each request.
        .layer((
            from_fn_with_state(app, observe),
            MapResponseLayer::new(with_vary),
            CompressionLayer::new(),
            RequestBodyTimeoutLayer::new(STALL),
            CatchPanicLayer::custom(panicked),
        ))
}

/// Tells caches what an answer depends on, as the original does: a plain
/// answer serves clients of any `Accept-Encoding`, so only compressed ones
/// name it.
fn with_vary<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers_mut();
    let names = if headers.contains_key(CONTENT_ENCODING) {
        "Accept, Accept-Encoding"
    } else {
        "Accept"
    };
    headers.insert(VARY, HeaderValue::from_static(names));
    response
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!("request failed: panic: {}", text.unwrap_or("unknown"));
    let mut response = Error::internal().into_response();
    finish(response.headers_mut(), None);
    response
}
