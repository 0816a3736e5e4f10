//! A run: the tests that match, a bounded number of their series at work, and
//! the end.
//!
//! Everything happens on one thread. It is quicker than any archive: handing
//! work to other threads costs more than it gains.
//!
//! DIFFERENCE: the original crashes at event types that it does not know, and reads
//! one series after the other.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use chrono::Utc;
use esmond_ps_cli_common::app::Session;
use esmond_ps_cli_common::dates::TimeWindow;
use esmond_ps_cli_common::gaps::Gaps;
use esmond_ps_cli_common::names::Resolver;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::plan::{self, Plan};
use esmond_ps_cli_common::problem::{Level, Problem};
use esmond_ps_cli_common::report::{Outcome, Output, told};
use esmond_ps_client::{Error, Test};
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use sha2::{Digest as _, Sha256};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::fetch::{Target, fetch};
use crate::ledger::{Ledger, QueryId};
use crate::listing;
use crate::options::{BulkArgs, absolute};
use crate::progress::{Meter, Progress};
use crate::slice::{Increment, Slice};
use crate::summary::{self, Totals};
use crate::task::{Subject, Task, series, wanted};

/// Records of tests that are asked for at a time: they are large, and
/// `--page-size` is about points.
const TESTS_AT_ONCE: &str = "200";

/// Fetches everything that the options ask for.
pub(crate) async fn run(
    session: &Session,
    args: &BulkArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let plan = &session.plan;
    if let Some(note) = plan::lone_window(&session.args) {
        output.note(note);
    }
    let filters = plan
        .filters_without_summary()
        .parameter("limit", TESTS_AT_ONCE);
    if args.dry_run {
        return listing::list(session, args, &filters, output).await;
    }
    // From here on a signal is an orderly end.
    let mut signals = Signals::new()?;
    let ledger = open_ledger(session, args, output)?;
    let overlap = args.overlap.max(session.args.summary_window);
    let filters = filters.time_start(ledger.search_from(overlap));
    let shared = Arc::new(Shared {
        plan: plan.clone(),
        resume: args.resume,
        overlap: args.state.is_some().then_some(args.overlap),
        resolver: (!session.args.ip).then(Resolver::default),
        meter: Arc::clone(&args.meter),
        durable: ledger.is_durable(),
        window: ledger.window(),
        first_start: ledger.first_start(),
        ledger: Mutex::new(ledger),
        gaps: Mutex::default(),
    });
    let mut crowd = Crowd {
        tests: session.archive.metadata(&filters),
        shared: Arc::clone(&shared),
        most: args.jobs(),
        waiting: VecDeque::new(),
        at_work: JoinSet::new(),
        list_error: None,
    };
    let progress = (!args.quiet).then(|| Progress::start(&args.meter));
    let stopped_by = tokio::select! {
        signal = signals.any() => Some(signal),
        finished = crowd.work() => {
            finished?;
            None
        }
    };
    // Whoever is at work is given up, and removes what it has begun.
    crowd.at_work.shutdown().await;
    let list_error = crowd.list_error.take();
    drop(crowd);
    drop(progress);
    let shared = Arc::into_inner(shared).context("ending the run")?;
    let gaps: Vec<String> = shared.gaps().lines().collect();
    let ledger = shared
        .ledger
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if !args.quiet {
        gaps.iter().for_each(|line| output.note(line));
    }
    end(args, ledger, stopped_by, list_error, output)
}

fn open_ledger(
    session: &Session,
    args: &BulkArgs,
    output: &mut Output<'_>,
) -> anyhow::Result<Ledger> {
    let plan = &session.plan;
    let directory = absolute(&args.output_directory);
    let query = query_id(session, args.state.is_none());
    if let Some(path) = &args.state {
        return Ledger::state(&absolute(path), &directory, query, plan.format, plan.window);
    }
    let mut notes = Vec::new();
    let ledger = Ledger::manifest(
        &directory,
        query,
        plan.format,
        (plan.window, has_open_end(session)),
        args.resume,
        &mut notes,
    )?;
    for note in notes {
        output.note(&note);
    }
    Ok(ledger)
}

/// Tells whether the end of the window is the present, because nobody gave one.
fn has_open_end(session: &Session) -> bool {
    let is_end = |filter: &String| {
        let key = filter.split(':').next().unwrap_or_default();
        matches!(key.replace('_', "-").as_str(), "time" | "time-end")
    };
    session.args.end_time.as_deref().is_none_or(str::is_empty)
        && !session.args.filters.iter().any(is_end)
}

/// Returns what makes the query: everything that decides which series there are,
/// and, for files that are complete, how they are written.
fn query_id(session: &Session, with_output: bool) -> QueryId {
    let plan = &session.plan;
    let filters: Vec<_> = plan
        .filters
        .to_query()
        .iter()
        .filter(|(name, _)| name != "time-start")
        .collect();
    let summary = plan.summary.map(|(kind, window)| (kind.name(), window));
    let output = with_output.then_some((plan.format.name(), session.args.ip));
    let address = session.archive.address().to_string();
    let text = serde_json::json!([address, filters, plan.event_type, summary, output]).to_string();
    let hash = Sha256::digest(text);
    QueryId {
        id: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// What everybody at work needs.
#[derive(Debug)]
struct Shared {
    plan: Plan,
    resume: bool,
    /// How far incremental runs read back, in seconds; `None` for other runs.
    overlap: Option<i64>,
    resolver: Option<Resolver>,
    meter: Arc<Meter>,
    durable: bool,
    window: TimeWindow,
    first_start: i64,
    ledger: Mutex<Ledger>,
    gaps: Mutex<Gaps>,
}

impl Shared {
    fn format(&self) -> Format {
        self.plan.format
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gaps(&self) -> MutexGuard<'_, Gaps> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches a series, and writes down what came of it. An error is one of
    /// the ledger: nothing can be remembered any more.
    async fn work(&self, task: &Task) -> anyhow::Result<()> {
        let remembering = "writing down what was done";
        let Some(slice) = self.slice(task).context(remembering)? else {
            return Ok(());
        };
        let mut entry = task.entry(&slice);
        if self.resume && self.ledger().resume(&entry).context(remembering)? {
            return Ok(());
        }
        let target = Target {
            format: self.format(),
            resolver: self.resolver.as_ref(),
            meter: &self.meter,
            durable: self.durable,
        };
        let part = || self.ledger().part();
        let fetched = fetch(task, &slice, &target, part, &mut entry).await;
        let mut ledger = self.ledger();
        match fetched {
            Ok((ready, read)) => {
                self.gaps().add(&task.series, read);
                ledger.commit(entry, ready)
            }
            Err(error) => {
                entry.error = Some(error);
                ledger.fail(entry)
            }
        }
        .context(remembering)
    }

    fn slice(&self, task: &Task) -> std::io::Result<Option<Slice>> {
        let Some(overlap) = self.overlap else {
            return Ok(Some(Slice::whole(self.window)));
        };
        let any = Slice::whole(self.window);
        let last = self.ledger().known(&task.entry(&any))?;
        let increment = Increment {
            first_start: self.first_start,
            overlap,
            series_window: task.series.window(),
            now: Utc::now().timestamp(),
        };
        Ok(Slice::since(last.as_ref(), self.window, increment))
    }
}

/// The tests still to come, the series that wait, and those at work.
struct Crowd {
    tests: BoxStream<'static, Result<Test, Error>>,
    shared: Arc<Shared>,
    most: usize,
    waiting: VecDeque<Task>,
    at_work: JoinSet<anyhow::Result<()>>,
    list_error: Option<Error>,
}

impl Crowd {
    /// Works until nothing is left.
    async fn work(&mut self) -> anyhow::Result<()> {
        let mut is_listing = true;
        loop {
            while self.at_work.len() < self.most
                && let Some(task) = self.waiting.pop_front()
            {
                let shared = Arc::clone(&self.shared);
                self.at_work.spawn(async move { shared.work(&task).await });
            }
            let has_room = is_listing && self.waiting.is_empty();
            if !has_room && self.at_work.is_empty() {
                return Ok(());
            }
            let next_test = async {
                if has_room {
                    self.tests.try_next().await
                } else {
                    pending().await
                }
            };
            tokio::select! {
                Some(ended) = self.at_work.join_next() => ended.context("fetching a series")??,
                test = next_test => match test {
                    Ok(Some(test)) => self.take(&test).await,
                    Ok(None) => is_listing = false,
                    Err(error) => {
                        self.list_error = Some(error);
                        is_listing = false;
                    }
                },
            }
        }
    }

    /// Lets the series of a test wait, and names what it lacks.
    async fn take(&mut self, test: &Test) {
        let Shared {
            plan,
            meter,
            resolver,
            ..
        } = &*self.shared;
        if let Some(paging) = &test.paging {
            meter.expect_tests(paging.total);
        }
        let subject = Subject::new(test, resolver.as_ref(), meter).await;
        let mut lacking = Vec::new();
        for event_type in wanted(plan, test) {
            match series(plan, &event_type) {
                Some(series) => {
                    let task = Task::new(plan, &subject, series);
                    self.waiting.push_back(task);
                }
                None => {
                    if let Some((kind, _)) = plan.summary {
                        self.shared.gaps().add_lacking(&event_type, kind);
                    }
                    lacking.push(event_type.name().to_owned());
                }
            }
        }
        if let (Some((kind, window)), false) = (plan.summary, lacking.is_empty()) {
            let (types, test) = (lacking.join(", "), subject.describe(test.metadata_key()));
            let line = format!("no {kind} of {window} s of {types}: {test}");
            meter.line(&told(&line));
        }
    }
}

/// Ends a run: summary, report, ledger, outcome.
fn end(
    args: &BulkArgs,
    ledger: Ledger,
    stopped_by: Option<u8>,
    list_error: Option<Error>,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let totals = Totals::of(&ledger).context("adding up what was done")?;
    let whole = totals.series - totals.failed;
    let outcome = match (stopped_by, totals.failed, &list_error) {
        (Some(signal), _, _) => Outcome::Interrupted(signal),
        (None, 0, None) => Outcome::Done,
        _ => Outcome::Partly,
    };
    let is_failure = outcome == Outcome::Partly && whole == 0;
    let ending = match outcome {
        Outcome::Done => "done",
        Outcome::Interrupted(_) => "interrupted",
        Outcome::Partly if is_failure => "failed",
        Outcome::Partly => "partly",
    };
    // What cannot be told is no reason not to write the report.
    summary::print(&ledger, &totals, args.quiet, &mut output.err).ok();
    if outcome == Outcome::Partly
        && !is_failure
        && let Some(error) = &list_error
    {
        let problem = Problem::new(Level::Error, "the list of tests is incomplete");
        output.tell(&problem.because(error));
    }
    if let Outcome::Interrupted(_) = outcome {
        let how = if args.since_last {
            "the next run"
        } else {
            "--resume"
        };
        output.note(&format!(
            "interrupted: what is listed is complete, {how} goes on"
        ));
    }
    if let Some(path) = &args.report {
        summary::report(&ledger, &totals, ending, path)?;
    }
    ledger.finish(outcome == Outcome::Done)?;
    if is_failure {
        return Err(match list_error {
            Some(error) => error.into(),
            None => anyhow::anyhow!("none of {} series could be read", totals.failed),
        });
    }
    Ok(outcome)
}

/// The signals that end a run early.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for one of them and returns its number.
    async fn any(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}
