//! What is shown while a run goes on: a bar on a terminal, now and then a line
//! elsewhere.
//!
//! DIFFERENCE: the original tells its progress on stdout.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use esmond_ps_cli_common::problem::{self, Stderr};
use esmond_ps_client::RequestEvent;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often the bar changes.
const BAR_PAUSE: Duration = Duration::from_millis(200);

/// How often a line is written where there is no terminal.
const LINE_PAUSE: Duration = Duration::from_secs(30);

/// Counts what happens, and keeps lines and the bar apart.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    tests_done: AtomicU64,
    tests: AtomicU64,
    points: AtomicU64,
    in_flight: AtomicI64,
    bar: Mutex<Option<ProgressBar>>,
}

impl Meter {
    /// Takes how many tests there are.
    pub(crate) fn expect_tests(&self, tests: u64) {
        self.tests.fetch_max(tests, Ordering::Relaxed);
    }

    pub(crate) fn test_done(&self) {
        self.tests_done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn point(&self) {
        self.points.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the requests under way.
    pub(crate) fn note(&self, event: &RequestEvent<'_>) {
        let change = match event {
            RequestEvent::Sending { .. } => 1,
            RequestEvent::Retrying { .. }
            | RequestEvent::Answered { .. }
            | RequestEvent::Failed { .. } => -1,
            _ => return,
        };
        self.in_flight.fetch_add(change, Ordering::Relaxed);
    }

    /// Writes a line to stderr, above the bar if there is one.
    pub(crate) fn line(&self, line: &str) {
        // A line that cannot be written is no reason to stop.
        let write = || writeln!(Stderr::default(), "{line}").ok();
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match &*bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        };
    }

    fn points(&self) -> u64 {
        self.points.load(Ordering::Relaxed)
    }

    fn tests(&self) -> (u64, u64) {
        let done = self.tests_done.load(Ordering::Relaxed);
        (done, self.tests.load(Ordering::Relaxed).max(done))
    }

    /// Says how far things are; `rate` is in points per second.
    fn counts(&self, rate: u64) -> String {
        let points = self.points();
        let in_flight = self.in_flight.load(Ordering::Relaxed).max(0);
        format!("{points} points, {rate} points/s, {in_flight} requests in flight")
    }

    fn line_of_progress(&self, rate: u64) -> String {
        let (done, all) = self.tests();
        format!("{done} of {all} tests, {}", self.counts(rate))
    }
}

/// Shows progress until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    meter: Arc<Meter>,
    ticker: tokio::task::JoinHandle<()>,
}

impl Progress {
    /// Starts a bar on a terminal, and lines elsewhere.
    pub(crate) fn start(meter: &Arc<Meter>) -> Self {
        let shown = Arc::clone(meter);
        let ticker = if stderr().is_terminal() && !problem::is_json() {
            let bar = bar();
            *meter.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
            tokio::spawn(every(BAR_PAUSE, Arc::clone(meter), move |rate| {
                let (done, all) = shown.tests();
                bar.set_length(all);
                bar.set_position(done);
                bar.set_message(shown.counts(rate));
            }))
        } else {
            tokio::spawn(every(LINE_PAUSE, Arc::clone(meter), move |rate| {
                shown.line(&shown.line_of_progress(rate));
            }))
        };
        Self {
            meter: Arc::clone(meter),
            ticker,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.ticker.abort();
        let bar = self
            .meter
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} tests, {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Calls a function again and again with the points per second since the call
/// before.
async fn every(pause: Duration, meter: Arc<Meter>, mut show: impl FnMut(u64)) {
    let mut ticks = interval_at(Instant::now() + pause, pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = (Instant::now(), meter.points());
    loop {
        ticks.tick().await;
        let now = (Instant::now(), meter.points());
        show(per_second(now.1 - last.1, now.0 - last.0));
        last = now;
    }
}

fn per_second(points: u64, time: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    points.saturating_mul(1000) / milliseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_tests_points_speed_and_requests() {
        let meter = Meter::default();
        meter.expect_tests(7);
        meter.expect_tests(3);
        meter.test_done();
        (0..5).for_each(|_| meter.point());
        let url = "u";
        meter.note(&RequestEvent::Sending { url, attempt: 1 });
        meter.note(&RequestEvent::Sending { url, attempt: 1 });
        meter.note(&RequestEvent::Answered { url, bytes: 1 });
        assert_eq!(
            meter.line_of_progress(9),
            "1 of 7 tests, 5 points, 9 points/s, 1 requests in flight"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_speed_is_that_since_the_last_line() {
        let meter = Arc::new(Meter::default());
        let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let ticker = tokio::spawn(every(LINE_PAUSE, Arc::clone(&meter), move |rate| {
            said.send((rate, Instant::now())).ok();
        }));
        // The ticker begins before the points come.
        tokio::task::yield_now().await;
        let start = Instant::now();
        (0..300).for_each(|_| meter.point());
        assert_eq!(heard.recv().await, Some((10, start + LINE_PAUSE)));
        assert_eq!(heard.recv().await, Some((0, start + 2 * LINE_PAUSE)));
        ticker.abort();
    }
}
