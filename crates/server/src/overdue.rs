//! How long a connection has been idle, and its requests have been under way.
//!
//! Requests come by the ten thousand a second, and limits are seconds: when a
//! request begins or ends, that is only written down. It is looked at every few
//! seconds, and the next look is never later than what could be due by then.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::connections::Connections;
use crate::kept::Witness;

/// How long a connection may be idle even when others wait for its place: time for
/// a request to follow the connection, and for the last 64 KiB of an answer, which
/// are still on their way when the request counts as done.
const MANNERS: Duration = Duration::from_secs(5);

/// What is known of the requests of a connection.
#[derive(Debug)]
pub(crate) struct Times(Mutex<Noted>);

#[derive(Debug)]
struct Noted {
    /// When the requests that are under way began, oldest first.
    began: Vec<Instant>,
    /// How many ever began.
    count: u64,
    /// When the last one ended, or the connection came.
    ended: Instant,
}

impl Times {
    /// Those of a connection that comes now.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Noted {
            began: Vec::new(),
            count: 0,
            ended: Instant::now(),
        }))
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when a request began after the first `count`.
    ///
    /// Nobody is woken for that: it is to be polled after the connection, by the
    /// same task, in which requests begin.
    async fn more_than(&self, count: u64) {
        poll_fn(|_| {
            if self.noted().count == count {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}

/// A request of a connection until its answer is sent.
pub(crate) struct UnderWay {
    times: Arc<Times>,
    began: Instant,
}

impl UnderWay {
    /// One that begins now.
    pub(crate) fn new(times: &Arc<Times>) -> Self {
        let began = Instant::now();
        let mut noted = times.noted();
        noted.began.push(began);
        noted.count += 1;
        drop(noted);
        let times = Arc::clone(times);
        Self { times, began }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut noted = self.times.noted();
        if let Some(at) = noted.began.iter().position(|began| *began == self.began) {
            noted.began.remove(at);
        }
        noted.ended = Instant::now();
    }
}

impl Witness for UnderWay {}

/// Completes when nothing was under way for too long, one request is, or the place
/// of an idle connection is `wanted`; tells which. Those who are idle are asked in
/// the order in which they became so.
///
/// It is to be polled after the connection, by the same task.
pub(crate) async fn overdue(
    times: &Times,
    limits: &Connections,
    wanted: &Semaphore,
) -> &'static str {
    let manners = MANNERS.min(limits.idle);
    loop {
        let (oldest, count, ended) = {
            let noted = times.noted();
            (noted.began.first().copied(), noted.count, noted.ended)
        };
        let now = Instant::now();
        if let Some(began) = oldest {
            let due = began + limits.longest;
            if due <= now {
                return "took too long for a request";
            }
            // It may end at once, and its connection be idle from then on.
            sleep_until(due.min(now + manners)).await;
            continue;
        }
        if now < ended + manners {
            // A request may begin at once, and take too long.
            sleep_until((ended + manners).min(now + limits.longest)).await;
            continue;
        }
        tokio::select! {
            // What was done in time is not too late.
            biased;
            () = times.more_than(count) => {}
            asked = timeout_at(ended + limits.idle, wanted.acquire()) => {
                return match asked {
                    Ok(Ok(asked)) => {
                        asked.forget();
                        "was idle when others needed its place"
                    }
                    Ok(Err(_)) | Err(_) => "was idle",
                };
            }
        }
    }
}
