//! A whole run: lock, state, what is left to read, loading, state again.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use esmond_ps_cli_common::loader::{PostError, Stop};
use esmond_ps_cli_common::report::chain;

use crate::journal::{Journal, Shown};
use crate::load::{Keep, LastLog, Loader, Post, Report, Settings};
use crate::lock;
use crate::rejects::Rejects;
use crate::resolve::{Hosts, Lookup};
use crate::sources::{self, Finding, Plan, Source};
use crate::state::{self, Saved, State};
use crate::twins::Twins;

/// What to do.
#[derive(Debug, Clone)]
pub struct Job {
    /// The log; none for standard input, which has no state.
    pub log: Option<PathBuf>,
    /// The state file.
    pub state: PathBuf,
    /// Whether to write the state.
    pub write_state: bool,
    /// Whether to delete the state file at the end.
    pub delete_state: bool,
    /// How to load.
    pub settings: Settings,
    /// File for lines that were not loaded.
    pub rejects: Option<PathBuf>,
    /// How progress is shown.
    pub shown: Shown,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// What became of the lines.
    pub report: Report,
    /// What broke it off; the report and the state are as far as it came.
    pub error: Option<anyhow::Error>,
}

/// Does a job.
///
/// # Errors
///
/// When it cannot start: another run is at it, the state or the log cannot be read.
pub async fn run<P: Post, L: Lookup>(
    job: &Job,
    post: &P,
    lookup: L,
    stop: Stop,
) -> anyhow::Result<Ended> {
    let journal = Journal::new(job.settings.style, job.shown.clone());
    let touches_state = job.log.is_some() && (job.write_state || job.delete_state);
    let _lock = touches_state.then(|| lock::take(&job.state)).transpose()?;
    let saved = match &job.log {
        Some(_) => state::load(&job.state)?,
        None => Saved::Nothing,
    };
    tell_start(&journal, &saved);
    let plan = match &job.log {
        Some(log) => sources::plan(log, &saved, job.settings.style)
            .with_context(|| format!("cannot read {}", log.display()))?,
        None => Plan {
            sources: vec![Source::Stdin],
            finding: Finding::First,
        },
    };
    tell_plan(&journal, &plan, job.log.as_deref());
    let state = match &saved {
        Saved::State(state) => Some(State::clone(state)),
        Saved::Nothing | Saved::Original(_) => None,
    };
    let mut keeper = StateFile {
        path: (touches_state && job.write_state).then(|| job.state.clone()),
        kept: state.clone(),
    };
    if let (
        Saved::Original(_),
        Some(Source::Log {
            from: Some(from), ..
        }),
    ) = (&saved, plan.sources.first())
    {
        // Found once, the place is kept in our own form, whether anything is new or not.
        keeper.keep(&State::new(None, from.clone(), None))?;
    }
    let mut loader = Loader {
        settings: job.settings,
        post,
        hosts: Hosts::new(lookup),
        keeper,
        state,
        journal: journal.clone(),
        rejects: Rejects::new(job.rejects.clone()),
        stop,
        report: Report::default(),
        twins: Twins::default(),
        last_log: LastLog::None,
    };
    let error = loader.run(&plan.sources).await.err();
    if let Some(signal) = loader.stop.requested() {
        let name = if signal == 2 { "SIGINT" } else { "SIGTERM" };
        journal.info(&format!("Got {name} - exiting."));
    }
    if let Some(failed) = error.as_ref().and_then(|error| error.downcast_ref()) {
        tell_failure(&journal, failed);
    }
    // DIFFERENCE: the original deletes the state also when the load failed, and with it
    // the only note of where to go on.
    if error.is_none() && touches_state && job.delete_state {
        state::delete(&job.state)?;
    }
    let report = loader.report;
    journal.end(&report.summary());
    Ok(Ended { report, error })
}

fn tell_start(journal: &Journal, saved: &Saved) {
    let text = match saved {
        Saved::Nothing => String::from("no last record found"),
        Saved::State(state) => match &state.last_record {
            Some(record) => format!("found last record: {record}"),
            None => String::from("no last record found"),
        },
        Saved::Original(fields) => {
            format!(
                "found last record: {}",
                serde_json::Value::Object(fields.clone())
            )
        }
    };
    journal.start(&text);
}

fn tell_plan(journal: &Journal, plan: &Plan, log: Option<&Path>) {
    let name = log.map_or_else(
        || String::from("standard input"),
        |log| log.display().to_string(),
    );
    match plan.finding {
        Finding::First => journal.process(&format!("No last record, processing {name}")),
        Finding::Continues => journal.process(&format!("File {name} passes last record check")),
        Finding::Rotated => {
            let names: Vec<_> = plan.sources.iter().map(Source::name).collect();
            let text = format!("File {name} was rotated, processing {}", names.join(", "));
            journal.process(&text);
        }
        Finding::Lost => journal.main_warn(&format!(
            "File {name} does not contain last log entry. Maybe rotated?- proceeding"
        )),
    }
}

/// DIFFERENCE: the original leaves the state as it was before the run, and goes on when
/// it is data that could not be posted.
fn tell_failure(journal: &Journal, failed: &PostError) {
    let what = match failed {
        PostError::Metadata(_) => "MetadataPost",
        PostError::Data(_) => "DataPost",
        PostError::Document(_) => "ResultPost",
    };
    journal.error(&format!(
        "{what} failed, abort processing, state stays at the last stored record - ERR: {}",
        chain(failed)
    ));
}

/// Keeps the state in its file, if at all.
#[derive(Debug)]
struct StateFile {
    path: Option<PathBuf>,
    kept: Option<State>,
}

impl Keep for StateFile {
    fn keep(&mut self, state: &State) -> anyhow::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        if self.kept.as_ref() != Some(state) {
            state::save(path, state)?;
            self.kept = Some(state.clone());
        }
        Ok(())
    }
}
