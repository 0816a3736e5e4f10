//! Where a result goes.
//!
//! All runs of a test have one record, and a record has one value at a second. Two
//! tasks may run the same test in the same second: then the values of the second one go
//! to a record of its own, which is like the first but for the parameter
//! `pscheduler-task-href`, so that both are kept. A run that does not name its task but
//! itself, such as those that our loaders send, has `pscheduler-run-id` there. Only when
//! that place is taken, too, or the result names neither, values are not stored; they
//! are conflicts, as in other writes.
//!
//! DIFFERENCE: other writes replace documents and histograms. Here a value that is there
//! stays: half of a run in the place of half of another would be neither.

use std::hash::{DefaultHasher, Hash, Hasher};

use esmond_ps_model::TimeRange;
use esmond_ps_results::pscheduler::Run;
use esmond_ps_store::{NewPoint, NewRecord, Page, Value};
use futures_util::future::try_join_all;
use tokio::sync::{Mutex, MutexGuard};

use crate::context::App;
use crate::error::Error;

/// The parameter that makes a record one of a task alone.
const TASK: &str = "pscheduler-task-href";

/// The parameter that makes a record one of a run alone.
const RUN: &str = "pscheduler-run-id";

/// Returns the parameter that tells the record of a run from that of another one.
///
/// DIFFERENCE: the original archiver makes one record of both, where the second of
/// two runs in one second has no place.
pub(super) fn own(run: &Run) -> Option<(&'static str, &str)> {
    let task = run.task_href().map(|task| (TASK, task));
    task.or_else(|| Some((RUN, run.id()?)))
}

/// What was stored of a result, and where.
#[derive(Debug)]
pub(super) struct Stored {
    /// Key of the record.
    pub(super) key: String,
    /// Whether something is new; false when all was there before.
    pub(super) changed: bool,
    /// Event types whose value is that of the result, new or not.
    pub(super) event_types: Vec<String>,
    /// Event types that had another value at this time.
    pub(super) conflicts: Vec<String>,
    /// What is to be said about it.
    pub(super) note: Option<String>,
}

/// Lets results of one test be stored one after the other.
///
/// The archive looks at what is there before it stores, and another run must not come
/// between. One lock serves several records; nobody waits while holding one for another.
#[derive(Debug)]
pub(crate) struct Turns([Mutex<()>; 64]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    async fn wait(&self, key: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let count = self.0.len() as u64;
        let at = usize::try_from(hasher.finish() % count).unwrap_or_default();
        self.0[at].lock().await
    }
}

/// Stores the values of a run. `own` is the parameter of a record of its own.
pub(super) async fn store(
    app: &App,
    mut record: NewRecord,
    own: Option<(&str, &str)>,
    points: Vec<NewPoint>,
) -> Result<Stored, Error> {
    let key = find(app, &record).await?;
    let turn = app.turns.wait(&key).await;
    let place = look(app, &key, &points).await?;
    let own = own.filter(|(name, value)| {
        !place.other.is_empty() && !record.parameters.contains_key(*name) && !value.contains('\0')
    });
    if let Some((name, value)) = own {
        record.parameters.insert(name.to_owned(), value.to_owned());
        let own_key = find(app, &record).await?;
        let own_place = look(app, &own_key, &points).await?;
        if own_place.other.is_empty() {
            let mut stored = write(app, own_key, own_place, points).await?;
            stored.note = Some(format!(
                "at this time another run of this test is stored in {key}: \
                 this one is in a record of its own"
            ));
            stored.conflicts.extend(place.other);
            return Ok(stored);
        }
    }
    let stored = write(app, key, place, points).await?;
    drop(turn);
    Ok(stored)
}

/// Finds a record, or creates it.
async fn find(app: &App, record: &NewRecord) -> Result<String, Error> {
    let key = app.keys.propose(app.now());
    let (record, new) = app.store.create(&key.text, record).await?;
    if new {
        app.keys.take(&key);
    }
    Ok(record.key)
}

/// What is there at the time of a run.
struct Place {
    /// Event types with the value of the run.
    same: Vec<String>,
    /// Event types with another value.
    other: Vec<String>,
}

async fn look(app: &App, key: &str, points: &[NewPoint]) -> Result<Place, Error> {
    let stored = points.iter().map(|point| {
        let second = TimeRange {
            begin: point.ts,
            end: Some(point.ts),
        };
        let one = Page {
            offset: 0,
            limit: 1,
        };
        app.store.points(key, &point.event_type, second, one)
    });
    let stored = try_join_all(stored).await?;
    let mut place = Place {
        same: Vec::new(),
        other: Vec::new(),
    };
    for (point, stored) in points.iter().zip(stored) {
        if let Some((_, value)) = stored.first() {
            let list = if is_same(value, &point.value) {
                &mut place.same
            } else {
                &mut place.other
            };
            list.push(point.event_type.clone());
        }
    }
    Ok(place)
}

/// Tells whether two values say the same; the order of names in a document says nothing.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Document(one), Value::Document(other)) => {
            let parsed = |text| serde_json::from_str::<serde_json::Value>(text).ok();
            one == other || (parsed(one).is_some() && parsed(one) == parsed(other))
        }
        _ => one == other,
    }
}

/// Stores the values that are not there.
async fn write(
    app: &App,
    key: String,
    place: Place,
    points: Vec<NewPoint>,
) -> Result<Stored, Error> {
    let Place { same, other } = place;
    let names: Vec<String> = points.iter().map(|one| one.event_type.clone()).collect();
    let is_new =
        |point: &NewPoint| !same.contains(&point.event_type) && !other.contains(&point.event_type);
    let new: Vec<NewPoint> = points.into_iter().filter(is_new).collect();
    let mut conflicts = other;
    let changed = !new.is_empty();
    if changed {
        // Somebody else may have written meanwhile, by the other paths.
        let outcome = app.write(&key, new).await?;
        conflicts.extend(outcome.conflicts.into_iter().map(|one| one.event_type));
    }
    let stored = |name: &String| !conflicts.contains(name);
    let event_types = names.into_iter().filter(stored).collect();
    Ok(Stored {
        key,
        changed,
        event_types,
        conflicts,
        note: None,
    })
}
