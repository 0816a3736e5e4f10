//! The walk through the records.
//!
//! DIFFERENCE: the original goes back chunk by chunk, and gives up after some empty
//! ones.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use esmond_ps_model::TimeRange;
use esmond_ps_store::{Error, Page, Result, Search, Store};

use crate::plan::{Holding, Plan};
use crate::{Policies, Report};

/// How long a run gives way when more writes wait than the store can do.
const GIVE_WAY: Duration = Duration::from_secs(1);

/// Whether a run removes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only counts what a run would remove.
    DryRun,
    /// Removes.
    Remove,
}

/// A run of [`prune()`].
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Whether it removes anything.
    pub mode: Mode,
    /// Time from which days are counted back, in Unix seconds.
    pub now: i64,
    /// How many points or buckets are removed in one step at most, at least 1;
    /// between two steps others write. Default: 2000.
    pub step: u64,
    /// How many records are held in memory at a time, at least 1. Default: 100.
    pub page: u64,
}

impl Run {
    /// Returns a run with the defaults.
    #[must_use]
    pub const fn new(mode: Mode, now: i64) -> Self {
        Self {
            mode,
            now,
            step: 2000,
            page: 100,
        }
    }
}

/// Removes what the policies let go: points and buckets whose time is as old
/// as the days of their policy say, and records of which nothing is left and
/// every series was last written that long ago. Then disk space is given back.
///
/// `on_progress` gets the report so far after each step and each record. When
/// `stop` completes, the run ends after the step under way, and the report is
/// not [`complete`](Report::complete). Dropping the future is as safe.
///
/// # Errors
///
/// Those of the store. What was removed until then is removed; the next run
/// goes on. While the store is [`Busy`](Error::Busy) the run waits.
pub async fn prune(
    store: &dyn Store,
    policies: &Policies,
    run: Run,
    mut on_progress: impl FnMut(&Report) + Send,
    stop: impl Future<Output = ()> + Send,
) -> Result<Report> {
    let mut stop = Stop {
        future: pin!(stop),
        told: false,
    };
    let mut walk = Walk {
        store,
        policies,
        run,
        report: Report::new(run.mode, run.now),
        on_progress: &mut on_progress,
        stop: &mut stop,
    };
    walk.records().await?;
    if run.mode == Mode::Remove {
        // Also when nothing went: a run before may have been killed.
        walk.compact().await?;
    }
    walk.report.complete = !walk.stop.told;
    Ok(walk.report)
}

/// What tells a run to stop, which must not be asked again when it has.
struct Stop<'a, S> {
    future: Pin<&'a mut S>,
    told: bool,
}

impl<S: Future<Output = ()>> Stop<'_, S> {
    async fn told(&mut self) -> bool {
        if !self.told {
            let future = &mut self.future;
            self.told =
                poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        }
        self.told
    }

    /// Does one step, giving way while the store is busy; `None` when told to
    /// stop meanwhile.
    async fn step<T, F>(&mut self, step: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            match step().await {
                Err(Error::Busy) => {}
                other => return other.map(Some),
            }
            if self.told().await {
                return Ok(None);
            }
            tokio::time::sleep(GIVE_WAY).await;
        }
    }
}

struct Walk<'a, 's, P, S> {
    store: &'a dyn Store,
    policies: &'a Policies,
    run: Run,
    report: Report,
    on_progress: &'a mut P,
    stop: &'a mut Stop<'s, S>,
}

impl<P, S> Walk<'_, '_, P, S>
where
    P: FnMut(&Report) + Send,
    S: Future<Output = ()> + Send,
{
    /// Goes through all records, until told to stop.
    async fn records(&mut self) -> Result<()> {
        let page = Page {
            offset: 0,
            limit: self.run.page.max(1),
        };
        let all = Search::default();
        let mut after: Option<String> = None;
        loop {
            let records = self.store.search(&all, after.as_deref(), page).await?;
            let Some(last) = records.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            for record in &records {
                if self.stop.told().await {
                    return Ok(());
                }
                let plan = Plan::new(record, self.policies, self.run.now);
                for (event_type, summary_type, window) in &plan.unmatched {
                    self.report
                        .add_without_policy(event_type, *summary_type, *window);
                }
                for holding in &plan.holdings {
                    self.holding(&record.key, holding).await?;
                    if self.stop.told().await {
                        return Ok(());
                    }
                }
                if plan.expired && self.remove_record(&record.key).await? {
                    self.report.records_removed += 1;
                }
                self.report.records += 1;
                (self.on_progress)(&self.report);
            }
        }
    }

    /// Removes what is old enough, in steps.
    async fn holding(&mut self, key: &str, holding: &Holding<'_>) -> Result<()> {
        let Some(until) = holding.until else {
            return Ok(());
        };
        let old = TimeRange {
            begin: i64::MIN,
            end: Some(until),
        };
        // Most series have nothing to give; asking costs no write.
        let mut rest = count(self.store, key, holding, old).await?;
        if self.run.mode == Mode::DryRun {
            self.add(holding, rest);
            return Ok(());
        }
        while rest > 0 {
            let limit = rest.min(self.run.step.max(1));
            let step = || remove(self.store, key, holding, until, limit);
            // None when another run was faster.
            let removed = self.stop.step(step).await?.unwrap_or(0);
            if removed == 0 {
                break;
            }
            rest = rest.saturating_sub(removed);
            self.add(holding, removed);
            (self.on_progress)(&self.report);
            if self.stop.told().await {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn add(&mut self, holding: &Holding<'_>, count: u64) {
        self.report.add_removed(
            holding.event_type,
            holding.window,
            &holding.summary_types,
            count,
        );
    }

    /// Removes a record if it is expired and holds nothing that is kept; tells
    /// whether it did, or would.
    async fn remove_record(&mut self, key: &str) -> Result<bool> {
        // The record may have been written to since its page was read.
        let Some(record) = self.store.record(key).await? else {
            return Ok(false);
        };
        let plan = Plan::new(&record, self.policies, self.run.now);
        if !plan.expired {
            return Ok(false);
        }
        for holding in &plan.holdings {
            let kept = match holding.until {
                None => return Ok(false),
                // Nothing is later than the end of time.
                Some(i64::MAX) => continue,
                Some(until) => TimeRange {
                    begin: until + 1,
                    end: None,
                },
            };
            if count(self.store, key, holding, kept).await? > 0 {
                return Ok(false);
            }
        }
        if self.run.mode == Mode::DryRun {
            return Ok(true);
        }
        match self.stop.step(|| self.store.remove_record(key)).await {
            // Written to a moment ago.
            Err(Error::HoldsData(_)) => Ok(false),
            removed => Ok(removed?.unwrap_or(false)),
        }
    }

    /// Gives space back in steps, until told to stop.
    async fn compact(&mut self) -> Result<()> {
        while !self.stop.told().await {
            let more = self.stop.step(|| self.store.compact()).await?;
            if more != Some(true) {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

async fn count(
    store: &dyn Store,
    key: &str,
    holding: &Holding<'_>,
    range: TimeRange,
) -> Result<u64> {
    let Holding {
        event_type, window, ..
    } = *holding;
    if window > 0 {
        store.count_buckets(key, event_type, window, range).await
    } else {
        store.count_points(key, event_type, range).await
    }
}

async fn remove(
    store: &dyn Store,
    key: &str,
    holding: &Holding<'_>,
    until: i64,
    limit: u64,
) -> Result<u64> {
    let Holding {
        event_type, window, ..
    } = *holding;
    if window > 0 {
        store
            .remove_buckets(key, event_type, window, until, limit)
            .await
    } else {
        store.remove_points(key, event_type, until, limit).await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use tokio::time::Instant;

    use super::*;

    /// Is busy for so many times, then succeeds.
    async fn after(busy: u32, stop: impl Future<Output = ()>) -> (Option<&'static str>, u32) {
        let asked = Cell::new(0);
        let mut stop = Stop {
            future: pin!(stop),
            told: false,
        };
        let step = || {
            asked.set(asked.get() + 1);
            ready(if asked.get() > busy {
                Ok("done")
            } else {
                Err(Error::Busy)
            })
        };
        (stop.step(step).await.unwrap(), asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_store_is_given_time_and_asked_again() {
        let started = Instant::now();
        assert_eq!(after(0, pending()).await, (Some("done"), 1));
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert_eq!(after(3, pending()).await, (Some("done"), 4));
        assert_eq!(started.elapsed(), GIVE_WAY * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_can_be_stopped_while_the_store_is_busy() {
        let stop = tokio::time::sleep(GIVE_WAY * 5 / 2);
        assert_eq!(after(u32::MAX, stop).await, (None, 4));
    }

    #[tokio::test]
    async fn other_errors_are_not_waited_out() {
        let mut stop = Stop {
            future: pin!(pending()),
            told: false,
        };
        let step = || ready(Err::<(), _>(Error::HoldsData("k".to_owned())));
        let error = stop.step(step).await.unwrap_err();
        assert!(matches!(error, Error::HoldsData(_)));
    }
}
