//! Copying one series.

use esmond_ps_client::model::TimeArguments;
use esmond_ps_client::{Dialect, EventType};
use esmond_ps_model::registry::{Rules, StorageClass};
use esmond_ps_store::Record;

use crate::error::Trouble;
use crate::run::Run;
use crate::state::{Owed, Progress};
use crate::text;

/// Points that are stored in one step.
const BATCH: usize = 1000;

/// A series that is copied, and where to.
pub(crate) struct Series<'a> {
    /// Key of its record there.
    pub(crate) remote: &'a str,
    /// The record here.
    pub(crate) record: &'a Record,
    pub(crate) event_type: EventType,
    /// How its values are stored.
    pub(crate) rules: Rules,
    pub(crate) dialect: Dialect,
    /// Time of the last write, as far as it is known.
    pub(crate) updated: Option<i64>,
    /// Points until then were removed here.
    pub(crate) removed_until: Option<i64>,
}

impl<'a> Series<'a> {
    pub(crate) fn new(
        remote: &'a str,
        record: &'a Record,
        event_type: EventType,
        rules: Rules,
    ) -> Self {
        let here = record.event_type(event_type.name());
        Self {
            remote,
            record,
            rules,
            dialect: event_type.test().dialect(),
            updated: here.and_then(|here| here.time_updated),
            removed_until: here.and_then(|here| here.removed_until),
            event_type,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.event_type.name()
    }

    pub(crate) fn storage(&self) -> StorageClass {
        self.rules.storage()
    }

    /// Returns the key of the record here.
    pub(crate) fn local(&self) -> &str {
        &self.record.key
    }
}

impl Run<'_> {
    /// Copies what is new of a series, and what summaries it takes.
    pub(crate) async fn series(&self, series: &mut Series<'_>) -> Result<(), Trouble> {
        let since = self.options.since;
        let known = self.progress(series);
        let mut progress = match known.filter(|known| known.covers(since)) {
            Some(known) => known,
            // Windows in which a run began hold more than was copied: they are
            // to be made anew.
            None => Progress {
                from: since,
                until: None,
                owed: known.and_then(|known| known.from).map(|began| Owed {
                    from: Some(began),
                    to: Some(began),
                }),
            },
        };
        self.points(series, &mut progress).await?;
        self.summaries(series, &mut progress).await?;
        self.keep(series, progress)?;
        Ok(())
    }

    async fn points(
        &self,
        series: &mut Series<'_>,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let begin = match progress.until {
            Some(until) => Some(until.saturating_sub(self.options.overlap)),
            None => progress.from,
        };
        let times = TimeArguments {
            time_start: begin.map(|begin| begin.max(0)),
            ..TimeArguments::default()
        };
        let mut pages = series.event_type.base().pages(&times)?;
        let mut is_empty = true;
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) if error.is_not_held() => {
                    let name = text::shown(series.name());
                    let note = format!("{name} is listed, but the archive does not hold it");
                    self.report(|report| report.note(note));
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            let (Some(first), Some(last)) = (page.first(), page.last()) else {
                continue;
            };
            if is_empty {
                progress.found_first(first.ts_epoch());
                is_empty = false;
            }
            let last = last.ts_epoch().min(self.options.now);
            for batch in page.chunks(BATCH) {
                self.store_points(series, batch, progress).await?;
            }
            progress.until = progress.until.max(Some(last));
            self.keep(series, *progress)?;
        }
        if is_empty {
            progress.found_none();
        }
        Ok(())
    }
}
