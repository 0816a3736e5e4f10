//! The router, and serving it until told to stop.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONTENT_ENCODING, HeaderValue, VARY};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use esmond_ps_store::Store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::config::Config;
use crate::context::App;
use crate::dispatch::{dispatch, finish};
use crate::error::Error;
use crate::keys::Keys;

/// How long requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Makes the archive out of a store and settings.
///
/// To know the addresses of clients, the router must be served with connect
/// info, as [`serve`] does; without it nobody is authenticated by address.
pub fn router(store: Arc<dyn Store>, config: Config) -> Router {
    let app = Arc::new(App {
        store,
        config,
        keys: Keys::default(),
    });
    Router::new()
        .fallback(dispatch)
        .with_state(app)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new())
        .layer(map_response(with_vary))
}

/// Tells caches what an answer depends on, as the original does: a plain
/// answer serves clients of any `Accept-Encoding`, so only compressed ones
/// name it.
async fn with_vary(mut response: Response) -> Response {
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

/// Serves a router until `shutdown` completes. Then no new connection is
/// taken, idle ones are closed, and requests under way have ten seconds to
/// finish.
///
/// # Errors
///
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let listener = listener.tap_io(|stream| {
        // Answers are small and wanted at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {error}");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        // Nobody listens any more when the server has ended by itself.
        let _ = stopping.send(());
    });
    let grace = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(GRACE).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = server => result,
        () = grace => {
            tracing::warn!("stopping although requests are still under way");
            Ok(())
        }
    }
}
