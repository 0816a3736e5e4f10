//! A run: tests are read, mapped and posted, one after the other.

use std::io::{self, BufReader};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use esmond_ps_cli_common::loader::log::line;
use esmond_ps_cli_common::loader::{Ending, PostError, Record, Session, Target};
use esmond_ps_cli_common::report;
use esmond_ps_results::Measurement;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::lookup::Lookup;
use crate::measurement::{self, Mapped, Names, Problem};
use crate::options::Options;
use crate::reader::{Reader, Test};
use crate::record::PassedOn;
use crate::saved::Saved;

/// What comes from the thread that reads.
enum Read {
    Test(Box<Test>),
    /// The end, with the reader for what there was when there was no test at all.
    End(Box<Reader>),
    /// The input cannot be read any further.
    Failed(io::Error),
}

/// Stores all tests that stdin holds.
///
/// # Errors
///
/// When stdin or the file for tests that are not stored fails.
pub async fn run(
    session: &Session,
    options: &Options,
    lookup: impl Lookup,
) -> anyhow::Result<Ending> {
    let saved = options
        .save_failed
        .as_ref()
        .map(|path| Saved::open(path).with_context(|| format!("opening {}", path.display())));
    let mut run = Run {
        session,
        options,
        lookup,
        saved: saved.transpose()?,
        tests: 0,
        not_stored: 0,
        failed: false,
    };
    line("main.start", "reading input");
    let (sender, mut tests) = mpsc::channel(1);
    let reader = Reader::new(options.tool);
    spawn_blocking(move || read(reader, &sender));
    // A signal counts between two tests, also when there is always another one.
    while session.stop.requested().is_none() {
        let read = tokio::select! {
            read = tests.recv() => read,
            _ = session.stop.wait() => break,
        };
        match read {
            Some(Read::Test(test)) => run.test(&test).await?,
            Some(Read::Failed(error)) => return Err(error).context("reading stdin"),
            Some(Read::End(reader)) => {
                run.end(&reader);
                return Ok(run.ending());
            }
            None => break,
        }
    }
    if let Some(signal) = session.stop.requested() {
        line(
            "main.fatal",
            format_args!("signal {signal}: the rest of the input is not stored"),
        );
    }
    run.failed = true;
    Ok(run.ending())
}

fn read(mut reader: Reader, tests: &mpsc::Sender<Read>) {
    let stdin = BufReader::new(io::stdin().lock());
    let result = reader.read(stdin, |test| {
        tests.blocking_send(Read::Test(Box::new(test))).is_ok()
    });
    let end = match result {
        Ok(()) => Read::End(Box::new(reader)),
        Err(error) => Read::Failed(error),
    };
    // Nobody waits for it after a signal.
    tests.blocking_send(end).ok();
}

struct Run<'a, L> {
    session: &'a Session,
    options: &'a Options,
    lookup: L,
    saved: Option<Saved>,
    tests: u64,
    not_stored: u64,
    failed: bool,
}

impl<L: Lookup> Run<'_, L> {
    async fn test(&mut self, test: &Test) -> anyhow::Result<()> {
        self.tests += 1;
        if let (Target::Logstash, Test::Pscheduler(document)) = (self.session.args.to, test) {
            return match PassedOn::read(document, &self.lookup).await {
                Ok(passed) => self.post(&passed, &About::passed_on(&passed), test).await,
                Err(problem) => self.refuse(&problem, test),
            };
        }
        let names = Names {
            source: self.options.input_source.clone(),
            destination: self.options.input_destination.clone(),
            now: now(),
        };
        match measurement::map(test, &names, &self.lookup).await {
            Ok(mapped) => self.post(&mapped, &About::mapped(&mapped), test).await,
            Err(problem) => self.refuse(&problem, test),
        }
    }

    fn refuse(&mut self, problem: &Problem, test: &Test) -> anyhow::Result<()> {
        match problem {
            Problem::Unreadable(parts) => self.unreadable(parts, &test.raw()),
            Problem::NoHandler(tool) => line(
                "main.fatal",
                format_args!("there is no handler for input type: {tool}"),
            ),
        }
        self.keep(test)
    }

    async fn post(
        &mut self,
        record: &impl Record,
        about: &About<'_>,
        test: &Test,
    ) -> anyhow::Result<()> {
        let process = match test {
            Test::Pscheduler(_) => "process_pscheduler",
            _ => "process_iperf3",
        };
        for oddity in about.oddities {
            line("id_and_extract.error", oddity);
        }
        line(&format!("{process}.start"), "begin");
        if self.is_verbose() {
            for event_type in &about.event_types {
                line("process_event_type.start", event_type);
            }
        }
        let posted = self.session.poster.post(record).await;
        if let Err(error) = posted {
            let text = report::chain(error.cause());
            match error {
                PostError::Metadata(_) => line(
                    &format!("{process}.error"),
                    format_args!(
                        "MetadataPost failed, abort processing, not updating record state - ERROR: {text}"
                    ),
                ),
                PostError::Data(_) | PostError::Document(_) => line("write.warning", text),
            }
            line(
                &format!("{process}.error"),
                format_args!("not stored: {}", about.name),
            );
            return self.keep(test);
        }
        line(&format!("{process}.end"), "finished");
        if let Some(error) = about.failure {
            line("main.fatal", format_args!("the test failed: {error}"));
            self.failed = true;
        }
        Ok(())
    }

    fn end(&mut self, reader: &Reader) {
        if self.tests == 0 {
            self.unreadable(&reader.missing(), reader.head());
            self.failed = true;
        }
    }

    // DIFFERENCE: the original ends with 0 also when posting failed.
    fn ending(&self) -> Ending {
        if self.not_stored > 0 {
            let text = format!("{} of {} tests not stored", self.not_stored, self.tests);
            match &self.saved {
                Some(saved) => line(
                    "main.fatal",
                    format_args!("{text}, kept in {}", saved.path().display()),
                ),
                None if self.tests > 1 => line("main.fatal", text),
                None => {}
            }
        } else if !self.failed {
            line("main.exit", "success");
            return Ending::Done;
        }
        line("main.fatal", "exiting");
        Ending::Failed
    }

    fn unreadable(&self, parts: &[String], raw: &str) {
        for part in parts {
            line("id_and_extract.error", part);
        }
        line(
            "main.fatal",
            "could not extract metadata and valid json from input",
        );
        if self.is_verbose() && !raw.is_empty() {
            line("main.debug", raw);
        }
    }

    fn keep(&mut self, test: &Test) -> anyhow::Result<()> {
        self.not_stored += 1;
        match &mut self.saved {
            Some(saved) => saved
                .add(&test.raw())
                .with_context(|| format!("writing {}", saved.path().display())),
            None => Ok(()),
        }
    }

    fn is_verbose(&self) -> bool {
        self.session.args.verbose > 0
    }
}

/// What the log says of a test.
struct About<'a> {
    name: String,
    oddities: &'a [String],
    event_types: Vec<&'a str>,
    /// Why the test failed, where that makes the run fail.
    failure: Option<&'a str>,
}

impl<'a> About<'a> {
    fn mapped(mapped: &'a Mapped) -> Self {
        let measurement = &mapped.measurement;
        let names = measurement.values.iter().map(|(name, _)| name.as_str());
        Self {
            name: name(measurement),
            oddities: &mapped.oddities,
            event_types: names.collect(),
            failure: measurement.failure().filter(|_| mapped.failure_counts),
        }
    }

    fn passed_on(passed: &PassedOn) -> Self {
        let at = passed.result.ts.map(|ts| format!(" at {ts}"));
        Self {
            name: format!(
                "the {} result of {}{}",
                passed.result.kind,
                passed.observer,
                at.unwrap_or_default()
            ),
            oddities: &[],
            event_types: Vec::new(),
            failure: None,
        }
    }
}

fn name(measurement: &Measurement) -> String {
    let subject = &measurement.subject;
    let destination = subject
        .destination
        .map(|destination| format!(" to {destination}"))
        .unwrap_or_default();
    format!(
        "the {} test from {}{destination} at {}",
        measurement.tool_name, subject.source, measurement.ts
    )
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
