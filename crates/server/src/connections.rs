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

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
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
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::kept::{Witness, keeping};
use crate::tls::Tls;

/// How long requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long a connection may be idle even when others wait for its place: time for
/// a request to follow the connection, and for the last 64 KiB of an answer, which
/// are still on their way when the request counts as done.
const MANNERS: Duration = Duration::from_secs(5);

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
        let connections = connections.clone();
        let wanted = wanted.clone();
        let mut stopping = stopping.clone();
        tokio::spawn(async move {
            let _place = place;
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(connections.idle));
            let stream = Box::pin(stream);
            let Some(tls) = &connections.tls else {
                return connection.serve(stream, false).await;
            };
            let handshake = TlsAcceptor::from(tls.current()).accept(stream);
            tokio::select! {
                shaken = handshake => match shaken {
                    Ok(stream) => connection.serve(stream, true).await,
                    Err(error) => tracing::debug!("no TLS with {peer}: {error}"),
                },
                why = idle(connections.idle, &wanted) => {
                    tracing::debug!("no TLS with {peer} in time: {why}");
                }
                () = async { let _ = stopping.wait_for(|stop| *stop).await; } => {}
            }
        });
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

/// Completes when a connection was idle for too long, or its place is wanted; tells
/// which. Those who are idle are asked in the order in which they became so.
async fn idle(limit: Duration, wanted: &Semaphore) -> &'static str {
    let until = Instant::now() + limit;
    sleep(MANNERS.min(limit)).await;
    match timeout_at(until, wanted.acquire()).await {
        Ok(Ok(asked)) => {
            asked.forget();
            "was idle when others needed its place"
        }
        Ok(Err(_)) | Err(_) => "was idle",
    }
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

impl Connection {
    /// Answers the requests that come.
    async fn serve<S>(self, stream: S, encrypted: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            peer,
            router,
            connections,
            wanted,
            watcher,
        } = self;
        let under_way = Arc::new(watch::Sender::new(Began::new()));
        let until_overdue = overdue(&connections, &wanted, under_way.subscribe());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let one = UnderWay::new(&under_way);
            request.extensions_mut().insert(ConnectInfo(peer));
            if encrypted {
                request.extensions_mut().insert(Encrypted);
            }
            let answer = router.clone().oneshot(request.map(Body::new));
            async move {
                let answer = answer.await?;
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
            ended = connection => if let Err(error) = ended {
                tracing::debug!("connection of {peer}: {error}");
            },
            why = until_overdue => tracing::debug!("connection of {peer} {why}"),
        }
    }
}

/// When the requests of a connection that are under way began, oldest first.
type Began = Vec<Instant>;

/// A request of a connection until its answer is sent.
struct UnderWay {
    all: Arc<watch::Sender<Began>>,
    began: Instant,
}

impl UnderWay {
    fn new(all: &Arc<watch::Sender<Began>>) -> Self {
        let began = Instant::now();
        all.send_modify(|all| all.push(began));
        let all = all.clone();
        Self { all, began }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.send_modify(|all| {
            if let Some(at) = all.iter().position(|began| *began == self.began) {
                all.remove(at);
            }
        });
    }
}

impl Witness for UnderWay {}

/// Completes when nothing was under way for too long, or one request is; tells
/// which.
async fn overdue(
    limits: &Connections,
    wanted: &Semaphore,
    mut under_way: watch::Receiver<Began>,
) -> &'static str {
    loop {
        let oldest = under_way.borrow_and_update().first().copied();
        let too_long = async {
            match oldest {
                Some(began) => {
                    sleep_until(began + limits.longest).await;
                    "took too long for a request"
                }
                None => idle(limits.idle, wanted).await,
            }
        };
        tokio::select! {
            // What was done in time is not too late.
            biased;
            changed = under_way.changed() => if changed.is_err() {
                return "has ended";
            },
            why = too_long => return why,
        }
    }
}
