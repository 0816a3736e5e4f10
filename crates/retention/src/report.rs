//! What a run did, or would do.
//!
//! A [`Report`] serialises to an object with dashed names, for scripts. Its
//! size depends on how many kinds of series there are, not on the data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use esmond_ps_model::SummaryType;
use serde::{Serialize, Serializer};

use crate::Mode;

/// What a run did; in a dry run, what it would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Whether the run only looked.
    pub dry_run: bool,
    /// Time from which days were counted back, in Unix seconds.
    pub now: i64,
    /// Whether the run got to the end; false when it was told to stop.
    pub complete: bool,
    /// How many metadata records were looked at.
    pub records: u64,
    /// How many of them went.
    pub records_removed: u64,
    #[serde(serialize_with = "values")]
    removed: BTreeMap<(String, i64), Removed>,
    #[serde(serialize_with = "values")]
    without_policy: BTreeMap<(String, SummaryType, i64), Row>,
}

/// Data of one kind that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Removed {
    /// Name of the event type.
    pub event_type: String,
    /// What was stored.
    pub data: Data,
    /// Window in seconds; 0 for points.
    pub summary_window: i64,
    /// Types of the series that were read from these data.
    #[serde(serialize_with = "names")]
    pub summary_types: BTreeSet<SummaryType>,
    /// How many points or buckets.
    pub count: u64,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// Base points; they also serve summaries of window 0.
    Points,
    /// Buckets of a window greater than 0; all its summaries share them.
    Buckets,
}

/// A kind of series that no policy is for. Its data stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// Name of the event type.
    pub event_type: String,
    /// Type of the series.
    #[serde(serialize_with = "name")]
    pub summary_type: SummaryType,
    /// Window in seconds; 0 for base series.
    pub summary_window: i64,
    /// How many records have such a series.
    pub records: u64,
}

impl Report {
    pub(crate) const fn new(mode: Mode, now: i64) -> Self {
        Self {
            dry_run: matches!(mode, Mode::DryRun),
            now,
            complete: false,
            records: 0,
            records_removed: 0,
            removed: BTreeMap::new(),
            without_policy: BTreeMap::new(),
        }
    }

    /// Returns the data that went, by event type and window.
    pub fn removed(&self) -> impl Iterator<Item = &Removed> {
        self.removed.values()
    }

    /// Returns the kinds of series that no policy is for, each once, by event
    /// type, summary type and window.
    pub fn without_policy(&self) -> impl Iterator<Item = &Row> {
        self.without_policy.values()
    }

    /// Returns how many points went.
    #[must_use]
    pub fn points_removed(&self) -> u64 {
        self.count(Data::Points)
    }

    /// Returns how many buckets went.
    #[must_use]
    pub fn buckets_removed(&self) -> u64 {
        self.count(Data::Buckets)
    }

    fn count(&self, data: Data) -> u64 {
        let kinds = self.removed().filter(|removed| removed.data == data);
        kinds.map(|removed| removed.count).sum()
    }

    pub(crate) fn add_removed(
        &mut self,
        event_type: &str,
        window: i64,
        summary_types: &BTreeSet<SummaryType>,
        count: u64,
    ) {
        if count == 0 {
            return;
        }
        let removed = self
            .removed
            .entry((event_type.to_owned(), window))
            .or_insert_with(|| Removed {
                event_type: event_type.to_owned(),
                data: if window > 0 {
                    Data::Buckets
                } else {
                    Data::Points
                },
                summary_window: window,
                summary_types: BTreeSet::new(),
                count: 0,
            });
        removed.summary_types.extend(summary_types);
        removed.count += count;
    }

    pub(crate) fn add_without_policy(
        &mut self,
        event_type: &str,
        summary_type: SummaryType,
        window: i64,
    ) {
        self.without_policy
            .entry((event_type.to_owned(), summary_type, window))
            .or_insert_with(|| Row {
                event_type: event_type.to_owned(),
                summary_type,
                summary_window: window,
                records: 0,
            })
            .records += 1;
    }
}

/// One line: `12 points, 3 summary buckets and 1 of 7 records removed`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} and {} of {} {}",
            plural(self.points_removed(), "point"),
            plural(self.buckets_removed(), "summary bucket"),
            self.records_removed,
            plural(self.records, "record"),
            if self.dry_run {
                "would be removed"
            } else {
                "removed"
            },
        )?;
        if !self.complete {
            f.write_str(" (stopped before the end)")?;
        }
        Ok(())
    }
}

/// One line: `throughput base: 12 points`, or
/// `throughput aggregation, average of 3600 s: 3 buckets`.
impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<&str> = self.summary_types.iter().map(|kind| kind.name()).collect();
        write!(f, "{} {}", self.event_type, types.join(", "))?;
        match self.data {
            Data::Points => write!(f, ": {}", plural(self.count, "point")),
            Data::Buckets => write!(
                f,
                " of {} s: {}",
                self.summary_window,
                plural(self.count, "bucket")
            ),
        }
    }
}

/// One line: `no policy matches throughput average 3600 (2 records); it is kept`.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no policy matches {} {} {} ({}); it is kept",
            self.event_type,
            self.summary_type,
            self.summary_window,
            plural(self.records, "record")
        )
    }
}

fn plural(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}

fn values<K, V, S>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
where
    V: Serialize,
    S: Serializer,
{
    serializer.collect_seq(map.values())
}

fn names<S: Serializer>(types: &BTreeSet<SummaryType>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(types.iter().map(|kind| kind.name()))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn name<S: Serializer>(summary_type: &SummaryType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(summary_type.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use SummaryType::{Aggregation, Average, Base};

    #[test]
    fn reports_are_written_for_people_and_for_scripts() {
        let mut report = Report::new(Mode::DryRun, 1_400_000_000);
        report.add_removed("throughput", 0, &BTreeSet::from([Base]), 2);
        report.add_removed("throughput", 0, &BTreeSet::from([Base, Average]), 1);
        let both = BTreeSet::from([Average, Aggregation]);
        report.add_removed("throughput", 3600, &both, 1);
        report.add_removed("failures", 0, &BTreeSet::from([Base]), 0);
        report.add_without_policy("failures", Base, 0);
        report.records = 7;
        report.records_removed = 1;
        assert_eq!(
            report.to_string(),
            "3 points, 1 summary bucket and 1 of 7 records would be removed (stopped before the end)"
        );
        report.complete = true;
        let lines: Vec<String> = report.removed().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "throughput average, base: 3 points",
                "throughput aggregation, average of 3600 s: 1 bucket"
            ]
        );
        let rows: Vec<String> = report.without_policy().map(ToString::to_string).collect();
        assert_eq!(
            rows,
            ["no policy matches failures base 0 (1 record); it is kept"]
        );
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            concat!(
                r#"{"dry-run":true,"now":1400000000,"complete":true,"records":7,"records-removed":1,"#,
                r#""removed":[{"event-type":"throughput","data":"points","summary-window":0,"#,
                r#""summary-types":["average","base"],"count":3},"#,
                r#"{"event-type":"throughput","data":"buckets","summary-window":3600,"#,
                r#""summary-types":["aggregation","average"],"count":1}],"#,
                r#""without-policy":[{"event-type":"failures","summary-type":"base","#,
                r#""summary-window":0,"records":1}]}"#
            )
        );
    }
}
