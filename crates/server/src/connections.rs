//! Taking connections, with limits, until told to stop.
//!
//! A connection holds one of a limited number of places, and gives it back when
//! it is idle for too long: no request under way, be it that the client sends
//! none, or sends one so slowly that its head does not get complete. A client
//! that does not read its answer is given as long. While somebody waits for a
//! place, the connection that is idle for longest gives up its own, so that only
//! requests under way, which are bounded for themselves, can keep others waiting.
//!
//! How long the archive itself takes for an answer does not count there, but no
//! request may take for ever: one that is under way for longer than an hour is cut
//! off, with its connection.
//!
//! DIFFERENCE: the original leaves all this to its web server.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::kept::keeping;
use crate::overdue::{Times, UnderWay, overdue};
use crate::tls::Tls;
use crate::unread::watched;

/// How long requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait when the system has no descriptor left for a connection.
const PAUSE: Duration = Duration::from_secs(1);

/// Longest head of a request, in bytes; a longer one is 431.
const HEAD: usize = 64 << 10;

/// The same in HTTP/2, where it is counted in its own way.
const HEAD_HTTP2: u32 = 64 << 10;

/// Most headers of a request in HTTP/1; more are 431.
const HEADERS: usize = 100;

/// Most requests that one HTTP/2 connection has under way; further ones wait.
const STREAMS: u32 = 100;

/// How connections are taken.
#[derive(Debug, Clone)]
pub struct Connections {
    /// TLS of the archive's own; without it connections are plain. Default none.
    pub tls: Option<Arc<Tls>>,
    /// How many connections are held at most. A further one gets the place of
    /// the one that is idle for longest; if none is, it waits. Default 512: more
    /// than [`Config`](crate::Config) allows requests, which are then refused
    /// rather than kept waiting.
    pub most: usize,
    /// How long a connection may be without a request under way, or a client
    /// may take nothing of its answer. Default 60 seconds.
    pub idle: Duration,
    /// How long one request may take, from its head to the end of its answer,
    /// however slowly but steadily its client reads. Default one hour.
    pub longest: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            tls: None,
            most: 512,
            idle: Duration::from_secs(60),
            longest: Duration::from_secs(3600),
        }
    }
}

/// Marks requests that came by the archive's own TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

/// Serves a router until `shutdown` completes. Then no new connection is
/// taken, idle ones are closed, and requests under way have ten seconds to
/// finish.
///
/// A connection that cannot be taken is logged, and the server goes on.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Connections,
    shutdown: impl Future<Output = ()> + Send,
) {
    let connections = Arc::new(connections);
    let places = Arc::new(Semaphore::new(
        connections.most.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let wanted = Arc::new(Semaphore::new(0));
    let graceful = GracefulShutdown::new();
    let (stop, stopping) = watch::channel(false);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let taken = async {
            let (stream, peer) = accept(&listener).await;
            (stream, peer, place(&places, &wanted).await)
        };
        let (stream, peer, place) = tokio::select! {
            taken = taken => taken,
            () = &mut shutdown => break,
        };
        let connection = Connection {
            peer,
            router: router.clone(),
            connections: connections.clone(),
            wanted: wanted.clone(),
            watcher: graceful.watcher(),
        };
        connection.spawn(stream, place, stopping.clone());
    }
    drop(listener);
    let _ = stop.send(true);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("stopping although requests are still under way");
    }
}

/// Gets a place; if there is none, by asking the idle connections for one.
async fn place(places: &Arc<Semaphore>, wanted: &Semaphore) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = places.clone().try_acquire_owned() {
        return Some(place);
    }
    wanted.add_permits(1);
    // The places are never closed, so there always is one in the end.
    let place = places.clone().acquire_owned().await.ok();
    // Another connection may have ended by itself; then nobody needs to make room.
    wanted.forget_permits(1);
    place
}

/// Takes the next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and wanted at once.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!("cannot set TCP_NODELAY: {error}");
                }
                return (stream, peer);
            }
            Err(error) if is_of_the_client(&error) => {
                tracing::debug!("a connection was gone before it was taken: {error}");
            }
            Err(error) => {
                tracing::error!("cannot take connections: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// One connection, apart from its bytes.
struct Connection {
    peer: SocketAddr,
    router: Router,
    connections: Arc<Connections>,
    /// Holds a permit while somebody waits for a place.
    wanted: Arc<Semaphore>,
    watcher: Watcher,
}

/// With TLS or without: one type for both, as each brings the code of HTTP/1 and
/// HTTP/2 once more.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Connection {
    /// Serves the connection in a task of its own, while it has its place.
    ///
    /// It stands apart from [`serve`], which is generic, so that the code for requests is
    /// made here and not with the settings of whichever crate calls that.
    fn spawn(
        self,
        stream: TcpStream,
        place: Option<OwnedSemaphorePermit>,
        mut stopping: watch::Receiver<bool>,
    ) {
        tokio::spawn(async move {
            let _place = place;
            let connections = self.connections.clone();
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(connections.idle));
            let stream = Box::pin(stream);
            let Some(tls) = &connections.tls else {
                return self.serve(Box::new(stream), false).await;
            };
            let (peer, wanted) = (self.peer, self.wanted.clone());
            let handshake = TlsAcceptor::from(tls.current()).accept(stream);
            let times = Times::new();
            tokio::select! {
                biased;
                shaken = handshake => match shaken {
                    Ok(stream) => self.serve(Box::new(stream), true).await,
                    Err(error) => tracing::debug!("no TLS with {peer}: {error}"),
                },
                why = overdue(&times, &connections, &wanted) => {
                    tracing::debug!("no TLS with {peer} in time: it {why}");
                }
                () = async { let _ = stopping.wait_for(|stop| *stop).await; } => {}
            }
        });
    }

    /// Answers the requests that come.
    async fn serve(self, stream: Box<dyn Stream>, encrypted: bool) {
        let Self {
            peer,
            router,
            connections,
            wanted,
            watcher,
        } = self;
        let times = Arc::new(Times::new());
        let noted = Arc::clone(&times);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let one = UnderWay::new(&noted);
            request.extensions_mut().insert(ConnectInfo(peer));
            if encrypted {
                request.extensions_mut().insert(Encrypted);
            }
            let (request, unread) = watched(request);
            let answer = router.clone().oneshot(request);
            async move {
                let mut answer = answer.await?;
                if let Some(unread) = unread {
                    unread.pass(&mut answer).await;
                }
                Ok::<_, Infallible>(answer.map(|body| keeping(body, one)))
            }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(connections.idle))
            .keep_alive_timeout(connections.idle)
            .max_header_list_size(HEAD_HTTP2)
            .max_concurrent_streams(STREAMS);
        builder.http1().max_buf_size(HEAD).max_headers(HEADERS);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = watcher.watch(connection.into_owned());
        tokio::select! {
            // What was done in time is not too late.
            biased;
            ended = connection => if let Err(error) = ended {
                tracing::debug!("connection of {peer}: {error}");
            },
            why = overdue(&times, &connections, &wanted) => {
                tracing::debug!("connection of {peer} {why}");
            }
        }
    }
}
