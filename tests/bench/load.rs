//! Requests from many connections at once.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::Connection;

/// How long all connections are busy before it counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// Keeps so many connections busy for a while, and returns the seconds that one request
/// takes of the time of all. `request` makes one out of the number of its connection.
pub(crate) fn busy(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    status: u16,
    request: &(dyn Fn(usize) -> Vec<u8> + Sync),
) -> f64 {
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let answered = AtomicU64::new(0);
    thread::scope(|scope| {
        for lane in 0..connections {
            let answered = &answered;
            scope.spawn(move || {
                let mut connection = Connection::open(address);
                loop {
                    connection.send(&request(lane), status);
                    let now = Instant::now();
                    if now >= end {
                        break;
                    }
                    if now >= begin {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "for a ratio")]
    let answered = answered.into_inner().max(1) as f64;
    time.as_secs_f64() / answered
}

/// Does pieces of work on so many connections, as each of them gets free.
pub(crate) fn share(
    address: SocketAddr,
    connections: usize,
    pieces: usize,
    work: &(dyn Fn(&mut Connection, usize) + Sync),
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut connection = Connection::open(address);
                loop {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    if piece >= pieces {
                        break;
                    }
                    work(&mut connection, piece);
                }
            });
        }
    });
}
