//! The walk through the tests of the remote archive.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use esmond_ps_client::model::MetadataFilters;
use esmond_ps_client::{Archive, Dialect, EventType, Test};
use esmond_ps_model::registry::{Rules, StorageClass};
use esmond_ps_store::{self as store, Record, Store};
use futures_util::TryStreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::error::Trouble;
use crate::series::Series;
use crate::state::Progress;
use crate::{Error, Options, Report, State, StateError, Stopped, record, text};

/// How long a run gives way when more writes wait than the store can do.
const GIVE_WAY: Duration = Duration::from_secs(1);

/// After so many failures in a row the archive may be away.
const AWAY: u32 = 8;

/// How often the list is read at most. Lists of perfSONAR 5 archives move while
/// they are read: a test that has just run comes to the front.
const LISTS: u32 = 3;

/// Copies an archive into a store: all tests that match the filters, with their
/// points, and the summaries whose points are gone.
///
/// `on_progress` gets the report so far after each page of points and after
/// each test. When `stop` completes, the run ends at once, and the report is not
/// [`complete`](Report::complete). Dropping the future is as safe.
///
/// # Errors
///
/// [`Stopped`] holds what was done, and why it cannot go on: the list of tests
/// cannot be read, nothing answers any more, the archive lets nobody in, or the
/// store or the file of the state fails. While the store is
/// [`Busy`](esmond_ps_store::Error::Busy) the run waits.
pub async fn mirror(
    archive: &Archive,
    store: &dyn Store,
    filters: &MetadataFilters,
    options: &Options,
    state: State,
    mut on_progress: impl FnMut(&Report) + Send,
    stop: impl Future<Output = ()> + Send,
) -> Result<Report, Stopped> {
    let report = Report {
        remote: state.remote().to_owned(),
        ..Report::default()
    };
    let run = Run {
        archive,
        store,
        options,
        shared: Mutex::new(Shared {
            state,
            report,
            on_progress: &mut on_progress,
            saved: Instant::now(),
            failed_in_a_row: 0,
        }),
    };
    let ended = {
        let (stop, work) = (pin!(stop), pin!(run.all(filters)));
        match select(stop, work).await {
            Either::Left(((), _)) => Ok(false),
            Either::Right((done, _)) => done.map(|()| true),
        }
    };
    let shared = run
        .shared
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let kept = shared.state.save().map_err(Error::State);
    let mut report = shared.report;
    report.dialect = archive.dialect();
    match ended.and_then(|complete| kept.map(|()| complete)) {
        Ok(complete) => {
            report.complete = complete;
            Ok(report)
        }
        Err(source) => Err(Stopped {
            report: Box::new(report),
            source,
        }),
    }
}

/// A run under way.
pub(crate) struct Run<'a> {
    archive: &'a Archive,
    pub(crate) store: &'a dyn Store,
    pub(crate) options: &'a Options,
    shared: Mutex<Shared<'a>>,
}

/// What the tests that are copied at once share.
struct Shared<'a> {
    state: State,
    report: Report,
    on_progress: &'a mut (dyn FnMut(&Report) + Send),
    saved: Instant,
    failed_in_a_row: u32,
}

impl Run<'_> {
    async fn all(&self, filters: &MetadataFilters) -> Result<(), Error> {
        let remote = self.archive.address().to_string();
        self.with(|shared| {
            if shared.state.remote() == remote {
                return Ok(());
            }
            Err(StateError::Remote {
                path: shared.state.path().to_owned(),
                remote: shared.state.remote().to_owned(),
            })
        })?;
        let mut filters = filters.clone();
        if let Some(since) = self.options.since
            && filters.get("time-start").is_none()
        {
            filters.set("time-start".to_owned(), since.to_string());
        }
        let mut seen = HashSet::new();
        for _ in 0..LISTS {
            let keys = self.list(&filters, &mut seen).await.map_err(Error::List)?;
            if keys.is_empty() {
                break;
            }
            self.report(|report| report.tests += keys.len() as u64);
            self.tests(&keys).await?;
        }
        Ok(())
    }

    /// Returns the keys of tests that were not seen before. The list is read to
    /// its end at once, before it moves.
    async fn list(
        &self,
        filters: &MetadataFilters,
        seen: &mut HashSet<String>,
    ) -> esmond_ps_client::Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut tests = self.archive.metadata(filters);
        while let Some(test) = tests.try_next().await? {
            if seen.insert(test.metadata_key().to_owned()) {
                keys.push(test.metadata_key().to_owned());
            }
        }
        Ok(keys)
    }

    /// Copies tests, a few at a time.
    async fn tests(&self, keys: &[String]) -> Result<(), Error> {
        let mut waiting = keys.iter();
        let mut active = FuturesUnordered::new();
        loop {
            while active.len() < self.options.at_once.max(1)
                && let Some(key) = waiting.next()
            {
                active.push(self.test(key));
            }
            match active.next().await {
                Some(done) => done?,
                None => return Ok(()),
            }
        }
    }

    async fn test(&self, key: &str) -> Result<(), Error> {
        match self.archive.metadata_by_key(key).await {
            Ok(test) => self.copy(key, &test).await?,
            Err(error) if error.is_not_found() => {
                self.report(|report| report.note("tests went while they were copied".to_owned()));
            }
            Err(error) => self.failed(key, None, error).await?,
        }
        self.report(|report| report.tests_done += 1);
        self.tell();
        Ok(())
    }

    async fn copy(&self, key: &str, test: &Test) -> Result<(), Error> {
        self.succeeded();
        let Some(record) = self.place(key, test).await? else {
            return Ok(());
        };
        let mut all: Vec<_> = test.all_event_types().collect();
        // Ratios come last: the counts of packets tell what they are made of.
        all.sort_by_key(|event_type| self.rules(event_type).storage() == StorageClass::Ratio);
        for event_type in all {
            let rules = self.rules(&event_type);
            let mut series = Series::new(key, &record, event_type, rules);
            match self.series(&mut series).await {
                Ok(()) => {}
                Err(Trouble::Series(error)) => {
                    self.failed(key, Some(series.name()), error).await?;
                }
                Err(Trouble::Here(error)) => {
                    let (name, reason) = (series.name(), text::reason(&error));
                    self.report(|report| report.add_failure(key, Some(name), reason));
                }
                Err(Trouble::Fatal(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns how values of an event type are stored here.
    fn rules(&self, event_type: &EventType) -> Rules {
        match self.options.registry.event_type(event_type.name()) {
            Some(definition) => definition.rules.clone(),
            None => event_type.data_type().rules(),
        }
    }

    /// Finds or makes the record that is the copy of a test; `None` when there
    /// can be none, which the report says.
    async fn place(&self, key: &str, test: &Test) -> Result<Option<Record>, Error> {
        let mut copy = record::read(test.record(), &self.options.registry);
        // The metadata of perfSONAR 5 archives are those of the newest run, and
        // their times those of the schedule.
        let changing = test.dialect() == Dialect::PerfSonar5;
        let unknown: Vec<String> = test
            .event_types()
            .filter(|name| self.options.registry.event_type(name).is_none())
            .map(|name| format!("the event type {} is not known here", text::shown(name)))
            .collect();
        self.report(|report| {
            for note in copy.notes.drain(..).chain(unknown) {
                report.note(note);
            }
        });
        let known = self.with(|shared| shared.state.local(key).map(str::to_owned));
        let wanted = known.clone().unwrap_or_else(|| record::key(key));
        let here = self.store.record(&wanted).await?;
        let here = here.filter(|here| known.is_some() || copy.is(here, changing));
        if let Some(here) = &here
            && copy.adds_nothing(here, !changing)
        {
            self.with(|shared| shared.state.set_local(key, &here.key));
            return Ok(Some(here.clone()));
        }
        let mut restored = self
            .restore(&copy.under(&wanted, here.as_ref(), !changing))
            .await;
        if let Ok((record, _)) = &restored
            && self.is_of_another(&record.key, key)
        {
            copy.distinguish(key);
            restored = self.restore(&copy.under(&wanted, None, !changing)).await;
        }
        let (record, is_new) = match restored {
            Ok(restored) => restored,
            Err(error @ store::Error::KeyTaken(_)) => {
                let reason = text::reason(&error);
                self.report(|report| report.add_failure(key, None, reason));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        self.with(|shared| {
            if is_new {
                shared.report.records_new += 1;
            }
            shared.state.set_local(key, &record.key);
            // Which record it is must be known before it holds points, where
            // the key does not tell.
            if record.key != wanted {
                shared.state.save()?;
            }
            Ok::<_, Error>(())
        })?;
        Ok(Some(record))
    }

    fn is_of_another(&self, local: &str, remote: &str) -> bool {
        self.with(|shared| {
            let owner = shared.state.owner(local);
            owner.is_some_and(|owner| owner != remote)
        })
    }

    pub(crate) async fn restore(&self, record: &Record) -> store::Result<(Record, bool)> {
        self.patiently(|| self.store.restore(record)).await
    }

    /// Does something with the store, giving way while it is busy.
    pub(crate) async fn patiently<T, F>(&self, step: impl Fn() -> F) -> store::Result<T>
    where
        F: Future<Output = store::Result<T>>,
    {
        loop {
            match step().await {
                Err(store::Error::Busy) => tokio::time::sleep(GIVE_WAY).await,
                other => return other,
            }
        }
    }

    /// Notes a failure; an error when it is not one of a single series.
    async fn failed(
        &self,
        key: &str,
        event_type: Option<&str>,
        error: esmond_ps_client::Error,
    ) -> Result<(), Error> {
        let seems_away = self.with(|shared| {
            let report = &mut shared.report;
            report.add_failure(key, event_type, text::reason(&error));
            if error.is_transient() {
                shared.failed_in_a_row += 1;
            }
            shared.failed_in_a_row >= AWAY
        });
        if error.is_unauthorized() || error.is_certificate() {
            return Err(Error::Away(error));
        }
        if seems_away {
            // All series of a test may be too much for an archive that is well.
            let one = self.archive.get_json("", &[("limit", "1")]);
            one.await.map_err(Error::Away)?;
            self.succeeded();
        }
        Ok(())
    }

    fn succeeded(&self) {
        self.with(|shared| shared.failed_in_a_row = 0);
    }

    /// Returns how far a series was copied by an earlier run.
    pub(crate) fn progress(&self, series: &Series<'_>) -> Option<Progress> {
        self.with(|shared| shared.state.progress(series.remote, series.name()))
    }

    /// Takes how far a series is copied now. What it says is stored.
    pub(crate) fn keep(&self, series: &Series<'_>, progress: Progress) -> Result<(), Error> {
        self.with(|shared| {
            shared.failed_in_a_row = 0;
            let state = &mut shared.state;
            state.set_progress(series.remote, series.name(), progress);
            if shared.saved.elapsed() >= self.options.save_every {
                state.save()?;
                shared.saved = Instant::now();
            }
            Ok::<_, Error>(())
        })?;
        self.tell();
        Ok(())
    }

    /// Changes the report.
    pub(crate) fn report(&self, change: impl FnOnce(&mut Report)) {
        self.with(|shared| change(&mut shared.report));
    }

    fn tell(&self) {
        self.with(|shared| {
            shared.report.dialect = self.archive.dialect();
            (shared.on_progress)(&shared.report);
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Shared<'_>) -> T) -> T {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut shared)
    }
}
