//! Reading what is left of a log, and posting it.
//!
//! Records are posted several at a time, and their ends are taken in the order of the
//! log: the state only ever moves over records that the archive has acknowledged. A
//! run that breaks off at any point leaves records behind the state that are stored
//! already; they are posted again, and the archive says that it has them.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use esmond_ps_cli_common::loader::Stop;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;

use crate::journal::Journal;
use crate::lines::RawLine;
use crate::measurement::{self, Attributes, Measurement};
use crate::position::Position;
use crate::rejects::Rejects;
use crate::resolve::{Family, Hosts, Lookup, NoAnswer};
use crate::sources::{Opened, Source};
use crate::state::State;
use crate::transfer::{Line, Style, Transfer};
use crate::twins::Twins;
use crate::{json_log, netlogger};

/// How far the state may lag behind.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// How long records on their way may take after a signal to end.
const GRACE: Duration = Duration::from_secs(5);

/// How many lines are read before others get a turn: signals must be noticed.
const LINES_AT_ONCE: u64 = 256;

/// What an archive did with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is new.
    New,
    /// It was there already, as far as archives tell.
    AlreadyThere,
}

/// Why a record was not stored.
#[derive(Debug)]
pub enum Failure {
    /// The archive does not want this one; it may want others.
    Refused(anyhow::Error),
    /// Nothing can be stored now.
    Away(anyhow::Error),
}

/// Where measurements go.
pub trait Post {
    /// Posts the metadata and the values of one transfer, with all the patience that
    /// there is.
    fn post(
        &self,
        line: u64,
        measurement: &Measurement,
    ) -> impl Future<Output = Result<Stored, Failure>>;

    /// Tells whether two transfers of the same metadata in one second are two there.
    fn keeps_twins(&self) -> bool {
        false
    }
}

/// Where the state is kept.
pub trait Keep {
    /// Keeps a state.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn keep(&mut self, state: &State) -> anyhow::Result<()>;
}

/// How to load.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Kind of log.
    pub style: Style,
    /// Further parameters to send.
    pub attributes: Attributes,
    /// Stop after one record.
    pub single: bool,
    /// Records on their way at once, at least 1.
    pub jobs: usize,
}

/// What became of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Transfers stored.
    pub loaded: u64,
    /// Transfers that the archive had already.
    pub already_there: u64,
    /// Lines that could not be understood, and transfers whose ends are not known.
    pub skipped: u64,
    /// Transfers that the archive refused.
    pub failed: u64,
}

impl Report {
    /// The closing line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "Loaded {} records, {} already there, {} skipped, {} failed",
            self.loaded, self.already_there, self.skipped, self.failed
        )
    }

    fn posted(&self) -> u64 {
        self.loaded + self.already_there
    }

    /// All records: what became of them or not.
    #[must_use]
    pub fn processed(&self) -> u64 {
        self.posted() + self.skipped + self.failed
    }
}

/// A run.
#[derive(Debug)]
pub struct Loader<'a, P, L, K> {
    /// How to load.
    pub settings: Settings,
    /// Where measurements go.
    pub post: &'a P,
    /// Addresses of servers.
    pub hosts: Hosts<L>,
    /// Where the state is kept.
    pub keeper: K,
    /// The state so far; none before the first run.
    pub state: Option<State>,
    /// Tells what happens.
    pub journal: Journal,
    /// Where lines go that were not loaded.
    pub rejects: Rejects,
    /// Whether to end early.
    pub stop: Stop,
    /// What became of the lines so far.
    pub report: Report,
    /// Transfers of late.
    pub twins: Twins,
    /// The log that was read last.
    pub last_log: LastLog,
}

/// What a [`Loader`] remembers of the log before the one that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LastLog {
    /// There was none.
    #[default]
    None,
    /// Somebody may still write to it.
    MayGrow,
    /// It is closed for good.
    Closed,
}

/// What comes of reading on.
enum Step {
    Post(RawLine<'static>, Box<Measurement>),
    /// Lines that are not posted were read; others should get a turn.
    Pause,
    End,
}

/// Why a transfer gives no measurement.
enum Unusable {
    /// It never will, for this reason.
    Record(String),
    /// The address of this host cannot be found out now.
    NoAnswer(String),
}

impl<P: Post, L: Lookup, K: Keep> Loader<'_, P, L, K> {
    /// Reads the sources one after the other, and posts what they hold.
    ///
    /// # Errors
    ///
    /// When the archive is away, or a file cannot be read or written. What was stored
    /// until then is in the state and in the report.
    pub async fn run(&mut self, sources: &[Source]) -> anyhow::Result<()> {
        let looked_after = |source: &Source| matches!(source, Source::Previous { .. });
        if let Some(state) = &mut self.state
            && !sources.iter().any(looked_after)
        {
            state.previous = None;
        }
        for source in sources {
            if self.is_over() {
                break;
            }
            let opened = source
                .open()
                .with_context(|| format!("cannot read {}", source.name()))?;
            self.load(source, opened).await?;
        }
        Ok(())
    }

    /// Tells whether a signal or `--single` ends the run before the log does.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stop.requested().is_some() || (self.settings.single && self.report.posted() > 0)
    }

    async fn load(&mut self, source: &Source, mut opened: Opened) -> anyhow::Result<()> {
        self.enter(source, &opened);
        let mut progress = Progress::default();
        let result = self.read_and_post(source, &mut opened, &mut progress).await;
        // However it ended: what is stored is stored.
        let kept = self.keep(source, &opened, &progress);
        result.and(kept)?;
        if matches!(source, Source::Previous { .. })
            && !opened.may_grow
            && let Some(state) = &mut self.state
        {
            state.previous = None;
        }
        Ok(())
    }

    /// Makes the state that of a log at its start, or where reading goes on.
    fn enter(&mut self, source: &Source, opened: &Opened) {
        self.journal.enter(opened.length);
        let Source::Log { from, .. } = source else {
            return;
        };
        let mut current = from
            .clone()
            .unwrap_or_else(|| Position::start(opened.identity));
        current.identity = opened.identity;
        match &mut self.state {
            None => self.state = Some(State::new(None, current, None)),
            Some(state) => {
                match self.last_log {
                    LastLog::None => {}
                    LastLog::MayGrow => state.previous = Some(state.current.clone()),
                    LastLog::Closed => state.previous = None,
                }
                state.current = current;
            }
        }
        self.last_log = if opened.may_grow {
            LastLog::MayGrow
        } else {
            LastLog::Closed
        };
    }

    async fn read_and_post(
        &mut self,
        source: &Source,
        opened: &mut Opened,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let post = self.post;
        let jobs = if self.settings.single {
            1
        } else {
            self.settings.jobs
        };
        let mut on_their_way = FuturesOrdered::new();
        let mut saved = Instant::now();
        let stop = self.stop.clone();
        let mut ended = Ok(false);
        loop {
            while matches!(ended, Ok(false)) && on_their_way.len() < jobs {
                let nothing_open = on_their_way.is_empty();
                match self.step(source, opened, progress, nothing_open).await {
                    Ok(Step::Post(line, measurement)) => on_their_way.push_back(async move {
                        let result = post.post(line.number, &measurement).await;
                        (line, result)
                    }),
                    // Signals must be noticed.
                    Ok(Step::Pause) => tokio::task::yield_now().await,
                    Ok(Step::End) => ended = Ok(true),
                    // Records on their way still come to their end.
                    Err(error) => ended = Err(error),
                }
            }
            let next = tokio::select! {
                next = on_their_way.next() => next,
                () = grace_is_over(&stop) => None,
            };
            let Some((line, result)) = next else {
                break;
            };
            self.settle(source, &line, result)?;
            progress.posted(line, on_their_way.is_empty());
            if saved.elapsed() >= SAVE_EVERY {
                self.keep(source, opened, progress)?;
                saved = Instant::now();
            }
        }
        ended.map(|_| ())
    }

    /// Reads up to the next line that gives a measurement.
    async fn step(
        &mut self,
        source: &Source,
        opened: &mut Opened,
        progress: &mut Progress,
        nothing_open: bool,
    ) -> anyhow::Result<Step> {
        if self.is_over() {
            return Ok(Step::End);
        }
        loop {
            let next = opened.lines.next_line();
            let line = match next.with_context(|| format!("cannot read {}", source.name()))? {
                Ok(line) => line,
                Err(unfinished) => {
                    if unfinished.length > 0 && !opened.may_grow {
                        self.report.skipped += 1;
                        let text = format!("skipping - {} ends within a line", source.name());
                        self.journal.error(&text);
                    }
                    return Ok(Step::End);
                }
            };
            let mut is_turn_over = line.number.is_multiple_of(LINES_AT_ONCE);
            let text = line.text();
            let understood = self.read(&line, &text);
            if !matches!(understood, Line::Other) {
                if let Some(measurement) = self.measure(source, &line, &text, understood).await? {
                    drop(text);
                    if is_turn_over {
                        tokio::task::yield_now().await;
                    }
                    return Ok(Step::Post(line.into_owned(), measurement));
                }
                is_turn_over = true;
            }
            progress.passed(&line, nothing_open);
            if is_turn_over {
                return Ok(Step::Pause);
            }
        }
    }

    /// Tells what a line holds.
    fn read<'t>(&self, line: &RawLine<'_>, text: &'t str) -> Line<'t> {
        if line.cut {
            return Line::broken("the line is longer than 1 MiB");
        }
        match self.settings.style {
            Style::Netlogger => netlogger::parse(text),
            Style::Json => json_log::parse(text),
        }
    }

    /// Makes a measurement of a line; none of one that gives none, which is told where
    /// something is lost with it.
    async fn measure(
        &mut self,
        source: &Source,
        line: &RawLine<'_>,
        text: &str,
        understood: Line<'_>,
    ) -> anyhow::Result<Option<Box<Measurement>>> {
        let place = || format!("(line {} of {})", line.number, source.name());
        match understood {
            Line::Other => return Ok(None),
            Line::Broken(why) => {
                let message = format!("skipping - {why}: {} {}", text.trim(), place());
                self.journal.error(&message);
            }
            Line::Transfer(transfer) => match self.measurement(&transfer).await {
                Ok(measurement) => {
                    if let Some(earlier) = self.twins.check(line.number, &measurement)
                        && !self.post.keeps_twins()
                    {
                        let message = format!(
                            "line {} of {} and line {earlier} tell of two transfers that an archive \
                             cannot tell apart: it keeps one throughput for both",
                            line.number,
                            source.name()
                        );
                        self.journal.warning(&message);
                    }
                    return Ok(Some(Box::new(measurement)));
                }
                Err(Unusable::NoAnswer(host)) => {
                    // As when the archive is away: what was not loaded is loaded by
                    // the next run, which begins here. DIFFERENCE: the original
                    // ends with a traceback.
                    let error = anyhow::Error::new(NoAnswer).context(format!(
                        "cannot look up the host {host} {}; a line in /etc/hosts helps",
                        place()
                    ));
                    return Err(error);
                }
                Err(Unusable::Record(why)) => {
                    let row = text.trim();
                    let message = format!(
                        "could not generate metadata args for row: {row} - exception: {why} {}",
                        place()
                    );
                    self.journal.error(&message);
                }
            },
        }
        self.report.skipped += 1;
        self.rejects.add(&line.bytes)?;
        self.tell_progress(line);
        Ok(None)
    }

    async fn measurement(&mut self, transfer: &Transfer<'_>) -> Result<Measurement, Unusable> {
        let peer = measurement::peer_address(&transfer.peer).map_err(Unusable::Record)?;
        let family = Family::of(peer);
        let host = self.hosts.address(&transfer.host, family).await;
        let host = host.map_err(|NoAnswer| Unusable::NoAnswer(transfer.host.to_string()))?;
        let host = host.ok_or_else(|| {
            Unusable::Record(format!(
                "the host {} has no {} address",
                transfer.host,
                family.name()
            ))
        })?;
        let attributes = self.settings.attributes;
        Ok(Measurement::new(transfer, host, peer, attributes))
    }

    /// Counts what became of a record.
    fn settle(
        &mut self,
        source: &Source,
        line: &RawLine<'_>,
        result: Result<Stored, Failure>,
    ) -> anyhow::Result<()> {
        match result {
            Ok(Stored::New) => self.report.loaded += 1,
            Ok(Stored::AlreadyThere) => self.report.already_there += 1,
            Err(Failure::Refused(error)) => {
                self.report.failed += 1;
                let name = source.name();
                let text = format!("line {} of {name} was refused: {error:#}", line.number);
                self.journal.warning(&text);
                self.rejects.add(&line.bytes)?;
            }
            Err(Failure::Away(error)) => return Err(error),
        }
        if let Some(state) = &mut self.state {
            state.last_record = Some(line.text().trim().to_owned());
        }
        self.tell_progress(line);
        Ok(())
    }

    fn tell_progress(&self, line: &RawLine<'_>) {
        self.journal.progress(self.report.processed(), line.end);
    }

    /// Moves the state to where everything was settled, and keeps it.
    fn keep(
        &mut self,
        source: &Source,
        opened: &Opened,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        // Nothing read, nothing to note: the place of the last run can still be found.
        let (Some(state), Some(line)) = (&mut self.state, &progress.settled) else {
            return Ok(());
        };
        let position = Position::behind(line, opened.identity, opened.lines.head());
        match source {
            Source::Previous { .. } => state.previous = Some(position),
            Source::Log { .. } => state.current = position,
            Source::Stdin => {}
        }
        self.keeper.keep(state)
    }
}

/// Up to which line everything is settled.
#[derive(Debug, Default)]
struct Progress {
    settled: Option<RawLine<'static>>,
    /// A later line without a record.
    passed: Option<RawLine<'static>>,
}

impl Progress {
    fn passed(&mut self, line: &RawLine<'_>, nothing_open: bool) {
        if nothing_open {
            remember(&mut self.settled, line);
        } else {
            remember(&mut self.passed, line);
        }
    }

    fn posted(&mut self, line: RawLine<'static>, nothing_open: bool) {
        let passed = self
            .passed
            .take_if(|passed| nothing_open && passed.end > line.end);
        self.settled = Some(passed.unwrap_or(line));
    }
}

/// Copies a line to where another one was: there are millions of them.
fn remember(place: &mut Option<RawLine<'static>>, line: &RawLine<'_>) {
    let Some(known) = place else {
        *place = Some(line.clone().into_owned());
        return;
    };
    let bytes = known.bytes.to_mut();
    bytes.clear();
    bytes.extend_from_slice(&line.bytes);
    (known.end, known.number, known.cut) = (line.end, line.number, line.cut);
}

/// Waits for a signal to end, and as long as records on their way may take then.
async fn grace_is_over(stop: &Stop) {
    stop.wait().await;
    tokio::time::sleep(GRACE).await;
}
