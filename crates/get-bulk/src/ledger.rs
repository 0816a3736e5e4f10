//! What the runs of a query have done: which series are complete, what their
//! files are called, and how far they have been read.
//!
//! There are two kinds. The *manifest* of a directory serves `--resume`: a
//! hidden file that names the query, its window, and each complete series with
//! the size of its file. The *state* serves `--since-last`: a file of the
//! user's choice that tells for each series how far it has been delivered.
//!
//! The order of things makes every file appear exactly once, whenever a run is
//! killed: the file is complete as `.ready`, then the line about it is written,
//! then it gets its name. A line whose rename is missing is the last one; the
//! next run finds it and renames.
//!
//! In memory are, for each series, hashes of its identity and its file name and
//! the places of their lines; all else stays in the file.
//!
//! DIFFERENCE: the original remembers nothing, and of two series that share a name
//! the later one replaces the other.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use esmond_ps_cli_common::dates::TimeWindow;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::UsageError;

use crate::naming::distinction;
use crate::part::{Part, Ready, manifest_name, remove_leftovers};
use crate::store::{Entry, Line, Run, Store};

const FORMAT: u32 = 1;

/// Digits of a key that tell series apart in file names.
const KEY_DIGITS: usize = 8;

/// Of which query a ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryId {
    /// Everything that makes the query, as a hash.
    pub(crate) id: String,
}

impl QueryId {
    /// Returns the beginning of it, for file names.
    pub(crate) fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Ledger {
    store: Store,
    directory: PathBuf,
    query: QueryId,
    extension: &'static str,
    run: Run,
    /// Place of the latest line about each series that was read.
    series: HashMap<u64, u64>,
    /// Who has which file name, by hash.
    names: HashMap<u64, Owner>,
    state: Option<State>,
}

#[derive(Debug, Clone, Copy)]
enum Owner {
    /// The series with the line at this place.
    One(u64),
    /// Several, so that none of them may have it.
    Several,
}

#[derive(Debug)]
struct State {
    path: PathBuf,
    first_start: i64,
    /// How far the last run came that left nothing undone.
    good_until: Option<i64>,
    /// Held for as long as the run.
    _lock: File,
}

/// What the lines of a ledger come to.
#[derive(Debug, Default)]
struct Loaded {
    query: Option<String>,
    first: Option<Run>,
    last: Option<Run>,
    good: Option<(u64, i64)>,
    series: HashMap<u64, u64>,
    names: HashMap<u64, Owner>,
    latest: Option<Entry>,
}

impl Ledger {
    /// Opens the manifest of a directory. With `resume` it goes on with what an
    /// earlier run of the same query and window has completed; otherwise, and
    /// for another window, it begins anew.
    ///
    /// `open_end` says that the end of the window is just the present: then an
    /// interrupted run is taken up with its own end. Notes for the user go to
    /// `notes`.
    pub(crate) fn manifest(
        directory: &Path,
        query: QueryId,
        format: Format,
        (window, open_end): (TimeWindow, bool),
        resume: bool,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        let path = directory.join(manifest_name(query.short()));
        let file = open(&path)?;
        lock(&file, &format!("into {}", directory.display()))?;
        let mut store = Store::new(file, false).with_context(|| reading(&path))?;
        // What cannot be understood is no proof that anything is complete.
        let loaded = load(&store, false).unwrap_or_default();
        let loaded = if loaded.query.as_deref() == Some(&query.id) {
            loaded
        } else {
            Loaded::default()
        };
        settle(directory, &loaded)?;
        remove_leftovers(directory, query.short())
            .with_context(|| format!("cleaning up {}", directory.display()))?;

        let is_unfinished = loaded.last.is_some() && loaded.good.is_none();
        let same = loaded.last.as_ref().filter(|last| {
            let moved_end = open_end && is_unfinished && last.end <= window.end;
            last.start == window.start && (last.end == window.end || moved_end)
        });
        let mut run = Run {
            number: 1,
            directory: directory.to_owned(),
            start: window.start,
            end: window.end,
        };
        let mut kept = Loaded::default();
        match same {
            Some(last) if resume => {
                run.number = last.number + 1;
                run.end = last.end;
                kept = loaded;
            }
            _ => {
                if let Some(last) = loaded.last.filter(|_| resume && is_unfinished) {
                    notes.push(format!(
                        "--resume: the last run of this query asked for another time and was not finished; \
                         to go on with it, give --start-time {} --end-time {}",
                        time_text(last.start),
                        time_text(last.end)
                    ));
                }
                store.clear().with_context(|| writing(&path))?;
                let line = Line::Query {
                    format: FORMAT,
                    id: query.id.clone(),
                };
                store.append(&line).with_context(|| writing(&path))?;
            }
        }
        let begun = Line::Run(run.clone());
        store.append(&begun).with_context(|| writing(&path))?;
        Ok(Self {
            store,
            directory: directory.to_owned(),
            query,
            extension: format.name(),
            run,
            series: kept.series,
            names: kept.names,
            state: None,
        })
    }

    /// Opens a state file, or makes one.
    pub(crate) fn state(
        path: &Path,
        directory: &Path,
        query: QueryId,
        format: Format,
        window: TimeWindow,
    ) -> anyhow::Result<Self> {
        let lock_path = with_suffix(path, ".lock");
        let lock_file = open(&lock_path)?;
        lock(&lock_file, &format!("with the state {}", path.display()))?;
        let mut store = Store::new(open(path)?, true).with_context(|| reading(path))?;
        let loaded = load(&store, true).with_context(|| reading(path))?;
        match &loaded.query {
            None => {
                let line = Line::Query {
                    format: FORMAT,
                    id: query.id.clone(),
                };
                store.append(&line).with_context(|| writing(path))?;
            }
            Some(id) if *id == query.id => {}
            Some(_) => {
                let message = format!(
                    "--state {} belongs to another query (archive, filters, event type or summary)",
                    path.display()
                );
                return Err(UsageError::new(message).into());
            }
        }
        if let Some(last) = &loaded.last {
            settle(&last.directory, &loaded)?;
        }
        for directory in loaded
            .last
            .iter()
            .map(|last| last.directory.as_path())
            .chain([directory])
        {
            if directory.is_dir() {
                remove_leftovers(directory, query.short())
                    .with_context(|| format!("cleaning up {}", directory.display()))?;
            }
        }
        let run = Run {
            number: loaded.last.as_ref().map_or(0, |last| last.number) + 1,
            directory: directory.to_owned(),
            start: window.start,
            end: window.end,
        };
        store
            .append(&Line::Run(run.clone()))
            .with_context(|| writing(path))?;
        let first_start = loaded.first.map_or(window.start, |first| first.start);
        Ok(Self {
            store,
            directory: directory.to_owned(),
            query,
            extension: format.name(),
            run,
            series: loaded.series,
            // Names of earlier runs tell other times.
            names: HashMap::new(),
            state: Some(State {
                path: path.to_owned(),
                first_start: first_start.min(window.start),
                good_until: loaded.good.map(|(_, until)| until),
                _lock: lock_file,
            }),
        })
    }

    /// Returns the window of this run.
    pub(crate) fn window(&self) -> TimeWindow {
        TimeWindow {
            start: self.run.start,
            end: self.run.end,
        }
    }

    /// Returns the start of the first run of a state.
    pub(crate) fn first_start(&self) -> i64 {
        let first = self.state.as_ref().map(|state| state.first_start);
        first.unwrap_or(self.run.start)
    }

    /// Returns since when tests must have been updated to be of interest.
    pub(crate) fn search_from(&self, overlap: i64) -> i64 {
        match &self.state {
            None => self.run.start,
            Some(state) => match state.good_until {
                // Whatever came since a run that left nothing undone.
                Some(until) => until.saturating_sub(overlap),
                None => state.first_start,
            },
        }
    }

    /// Starts a file.
    pub(crate) fn part(&self) -> io::Result<Part> {
        Part::create(&self.directory, self.query.short())
    }

    /// Tells whether files and lines must survive a power failure: a state says
    /// that points need not be delivered again.
    pub(crate) fn is_durable(&self) -> bool {
        self.state.is_some()
    }

    /// Returns the latest line about a series, if it was ever read.
    pub(crate) fn known(&self, entry: &Entry) -> io::Result<Option<Entry>> {
        let Some(place) = self.series.get(&series_hash(entry)) else {
            return Ok(None);
        };
        let known = self.entry(*place)?;
        Ok(Some(known).filter(|known| is_same_series(known, entry)))
    }

    /// Returns what an earlier run has completed, if it is still in place, and
    /// takes it over into this run.
    pub(crate) fn resume(&mut self, entry: &Entry) -> io::Result<bool> {
        let Some(mut known) = self.known(entry)? else {
            return Ok(false);
        };
        let in_place = match &known.file {
            None => true,
            Some(file) => fs::metadata(self.directory.join(file))
                .is_ok_and(|metadata| metadata.is_file() && metadata.len() == known.bytes),
        };
        if in_place {
            known.run = self.run.number;
            known.from = None;
            known.resumed = true;
            known.requests = 0;
            self.write(&known)?;
        }
        Ok(in_place)
    }

    /// Takes what came of a series, and gives its file a name.
    pub(crate) fn commit(&mut self, mut entry: Entry, ready: Option<Ready>) -> io::Result<()> {
        entry.run = self.run.number;
        let Some(ready) = ready else {
            self.write(&entry)?;
            return Ok(());
        };
        let name = self.name_for(&entry)?;
        entry.bytes = ready.bytes;
        entry.from = Some(ready.name.clone());
        entry.file = Some(name.clone());
        let place = self.write(&entry)?;
        self.own(&name, place);
        ready.publish(&name)
    }

    /// Takes down why a series could not be read; it will be tried again.
    pub(crate) fn fail(&mut self, mut entry: Entry) -> io::Result<()> {
        entry.run = self.run.number;
        self.store.append(&Line::Series(Box::new(entry)))?;
        Ok(())
    }

    /// Calls a function with what came of each series of this run, in the order
    /// in which they ended.
    pub(crate) fn each(&self, mut tell: impl FnMut(&Entry) -> io::Result<()>) -> io::Result<()> {
        for line in self.store.scan() {
            let (place, Line::Series(entry), _) = line? else {
                continue;
            };
            let is_latest =
                entry.error.is_some() || self.series.get(&series_hash(&entry)) == Some(&place);
            if is_latest && entry.run == self.run.number {
                tell(&entry)?;
            }
        }
        Ok(())
    }

    /// Ends the run. `complete` says that nothing was left undone.
    pub(crate) fn finish(mut self, complete: bool) -> anyhow::Result<()> {
        if complete {
            let line = Line::Done {
                run: self.run.number,
                until: self.run.end,
            };
            self.store
                .append(&line)
                .context("writing down what was done")?;
        }
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        self.compact(&state.path)
            .with_context(|| writing(&state.path))
    }

    /// Rewrites a state with one line for each series.
    fn compact(&self, path: &Path) -> io::Result<()> {
        let new_path = with_suffix(path, ".new");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new_path)?;
        let mut new = Store::new(file, false)?;
        let mut done = None;
        let mut first = true;
        for line in self.store.scan() {
            let (place, line, text) = line?;
            let is_kept = match line {
                Line::Query { .. } => true,
                // The first tells where it all began, the last how to count on.
                Line::Run(run) => std::mem::take(&mut first) || run.number == self.run.number,
                Line::Series(entry) => self.series.get(&series_hash(&entry)) == Some(&place),
                Line::Done { .. } => {
                    done = Some(text);
                    continue;
                }
            };
            if is_kept {
                new.append_text(&text)?;
            }
        }
        if let Some(text) = done {
            new.append_text(&text)?;
        }
        new.sync()?;
        fs::rename(new_path, path)
    }

    fn entry(&self, place: u64) -> io::Result<Entry> {
        match self.store.read(place)? {
            Line::Series(entry) => Ok(*entry),
            _ => Err(io::Error::other("the ledger is not as it was written")),
        }
    }

    fn write(&mut self, entry: &Entry) -> io::Result<u64> {
        let place = self.store.append(&Line::Series(Box::new(entry.clone())))?;
        self.series.insert(series_hash(entry), place);
        Ok(place)
    }

    fn own(&mut self, name: &str, place: u64) {
        self.names.insert(hash(name), Owner::One(place));
    }

    /// Chooses the name of a file: the documented one, unless another series of
    /// this run has it. Then both get longer names.
    fn name_for(&mut self, entry: &Entry) -> io::Result<String> {
        let documented = format!("{}.{}", entry.stem, self.extension);
        match self.names.get(&hash(&documented)) {
            None => return Ok(documented),
            Some(Owner::Several) => {}
            Some(Owner::One(place)) => {
                let other = self.entry(*place)?;
                if is_same_series(&other, entry) {
                    return Ok(documented);
                }
                self.names.insert(hash(&documented), Owner::Several);
                if other.file.as_deref() == Some(&documented) {
                    self.rename(other, documented)?;
                }
            }
        }
        self.longer_name(entry)
    }

    fn rename(&mut self, mut entry: Entry, old: String) -> io::Result<()> {
        let name = self.longer_name(&entry)?;
        let (from, to) = (self.directory.join(&old), self.directory.join(&name));
        entry.from = Some(old);
        entry.file = Some(name.clone());
        let place = self.write(&entry)?;
        self.own(&name, place);
        match fs::rename(from, to) {
            // Somebody took it away, which is no reason to stop.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn longer_name(&self, entry: &Entry) -> io::Result<String> {
        let (tool, extension) = (entry.tool.as_deref(), self.extension);
        let with_digits = |digits| {
            let more = distinction(tool, &entry.summary, &entry.key, digits);
            format!("{}{more}", entry.stem)
        };
        // Keys that begin alike, or are alike but for unsafe characters.
        let whole_key = with_digits(64);
        let numbered = (2..).map(|number| format!("{whole_key}_{number}"));
        let candidates = [with_digits(KEY_DIGITS), whole_key.clone()].into_iter();
        for stem in candidates.chain(numbered) {
            let name = format!("{stem}.{extension}");
            match self.names.get(&hash(&name)) {
                None => return Ok(name),
                Some(Owner::One(place)) if is_same_series(&self.entry(*place)?, entry) => {
                    return Ok(name);
                }
                Some(_) => {}
            }
        }
        Err(io::Error::other("there is no end of names"))
    }
}

fn load(store: &Store, is_state: bool) -> io::Result<Loaded> {
    let mut loaded = Loaded::default();
    for line in store.scan() {
        let (place, line, _) = line?;
        if loaded.query.is_none() && !matches!(line, Line::Query { .. }) {
            return Err(io::Error::other("it does not begin with a query"));
        }
        match line {
            Line::Query { format, id } if format == FORMAT => loaded.query = Some(id),
            Line::Query { .. } => return Err(io::Error::other("it is of another version")),
            Line::Run(run) => {
                loaded.first.get_or_insert_with(|| run.clone());
                loaded.last = Some(run);
                if !is_state {
                    loaded.good = None;
                }
            }
            Line::Done { run, until } => loaded.good = Some((run, until)),
            Line::Series(entry) if entry.error.is_some() => {}
            Line::Series(entry) => {
                loaded.series.insert(series_hash(&entry), place);
                if let Some(file) = entry.file.as_deref().filter(|_| !is_state) {
                    let (_, extension) = file.rsplit_once('.').unwrap_or((file, ""));
                    let documented = format!("{}.{extension}", entry.stem);
                    if file != documented {
                        loaded.names.insert(hash(&documented), Owner::Several);
                    }
                    loaded.names.insert(hash(file), Owner::One(place));
                }
                loaded.latest = Some(*entry);
            }
        }
    }
    Ok(loaded)
}

/// Makes up for the rename that a killed run may have left undone.
fn settle(directory: &Path, loaded: &Loaded) -> anyhow::Result<()> {
    let Some(entry) = &loaded.latest else {
        return Ok(());
    };
    let (Some(from), Some(file)) = (&entry.from, &entry.file) else {
        return Ok(());
    };
    let (from, to) = (directory.join(from), directory.join(file));
    let is_ready = from
        .extension()
        .is_some_and(|extension| extension == "ready");
    // A former name that is there beside the new one is somebody else's.
    if from.exists() && (is_ready || !to.exists()) {
        fs::rename(&from, &to).with_context(|| format!("renaming {}", from.display()))?;
    }
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| writing(path))
}

fn lock(file: &File, what: &str) -> anyhow::Result<()> {
    match file.try_lock() {
        // Some file systems cannot lock.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        Err(TryLockError::WouldBlock) => bail!("another run of the same query is writing {what}"),
    }
}

fn reading(path: &Path) -> String {
    format!("reading {}", path.display())
}

fn writing(path: &Path) -> String {
    format!("writing {}", path.display())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}

fn is_same_series(one: &Entry, other: &Entry) -> bool {
    (&one.key, &one.event_type, &one.summary) == (&other.key, &other.event_type, &other.summary)
}

fn series_hash(entry: &Entry) -> u64 {
    hash((&entry.key, &entry.event_type, &entry.summary))
}

/// For memory only: the next build may hash otherwise.
fn hash(value: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn time_text(ts: i64) -> String {
    chrono::DateTime::from_timestamp(ts, 0).map_or_else(
        || ts.to_string(),
        |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests;
