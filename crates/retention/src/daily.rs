//! Retention inside a server.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use esmond_ps_store::Store;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{Mode, Policies, Run, prune};

const DAY: Duration = Duration::from_secs(86_400);

/// Runs [`prune()`] at once and then every 24 hours, until `stop` completes; a
/// run under way then ends after its step. `clock` tells the time of each run
/// in Unix seconds.
///
/// Each run is told in one line of the log. A run that fails is told as a
/// warning, and the next one goes on where it ended. Each kind of series
/// without policy is told once.
pub async fn daily(
    store: &dyn Store,
    policies: &Policies,
    clock: impl Fn() -> i64 + Send,
    stop: impl Future<Output = ()> + Send,
) {
    let mut stop = pin!(stop);
    let mut told = BTreeSet::new();
    let mut days = interval_at(Instant::now(), DAY);
    // After a sleep of the machine one run is enough.
    days.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            _ = days.tick() => {}
        }
        let run = Run::new(Mode::Remove, clock());
        match prune(store, policies, run, |_| {}, stop.as_mut()).await {
            Ok(report) => {
                tracing::info!("retention: {report}");
                for row in report.without_policy() {
                    let kind = (row.event_type.clone(), row.summary_type, row.summary_window);
                    if told.insert(kind) {
                        tracing::warn!("retention: {row}");
                    }
                }
                if !report.complete {
                    return;
                }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(tracing::field::display);
                tracing::warn!(cause, "retention: {error}");
            }
        }
    }
}
