//! How policies fall on the data of a record.

use std::collections::{BTreeMap, BTreeSet};

use esmond_ps_model::SummaryType;
use esmond_ps_store::{EventTypeRecord, Record};

use crate::policy::SECONDS_PER_DAY;
use crate::{Expire, Policies};

/// What the policies say about a record.
pub(crate) struct Plan<'a> {
    pub(crate) holdings: Vec<Holding<'a>>,
    /// Series without a policy: event type, summary type, window.
    pub(crate) unmatched: Vec<(&'a str, SummaryType, i64)>,
    /// Whether every series has outlived its policy by the time of its last
    /// write. The record may go when it then holds nothing any more.
    pub(crate) expired: bool,
}

/// Data that are stored once: the points of an event type, or the buckets of
/// one of its windows.
pub(crate) struct Holding<'a> {
    pub(crate) event_type: &'a str,
    /// Window in seconds; 0 for the points.
    pub(crate) window: i64,
    /// Types of the series that are read from these data.
    pub(crate) summary_types: BTreeSet<SummaryType>,
    /// Last second (Unix time) that is old enough to go; `None` when nothing is.
    pub(crate) until: Option<i64>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(record: &'a Record, policies: &Policies, now: i64) -> Self {
        let mut plan = Self {
            holdings: Vec::new(),
            unmatched: Vec::new(),
            expired: true,
        };
        // What was written to was there before. What never was may be about to
        // be: it gets a day, whatever the policies say. DIFFERENCE: the original
        // takes what was never written for expired, however new.
        let written = record
            .event_types
            .iter()
            .filter_map(|entry| entry.time_updated)
            .min();
        let known_at = match (written, record.created) {
            (Some(written), created) => Some(created.unwrap_or(written).min(written)),
            (None, created) => created.map(|created| created.saturating_add(SECONDS_PER_DAY)),
        };
        // Without event types there is no policy.
        plan.expired = !record.event_types.is_empty();
        for entry in &record.event_types {
            let mut windows: BTreeMap<i64, Shared> = BTreeMap::new();
            let summaries = entry.summaries.iter();
            let rows = std::iter::once((SummaryType::Base, 0))
                .chain(summaries.map(|summary| (summary.summary_type, summary.window)));
            for (summary_type, window) in rows {
                let policy = policies.expire(&entry.name, summary_type, window);
                if policy.is_none() {
                    plan.unmatched.push((&entry.name, summary_type, window));
                }
                let expire = policy.unwrap_or(Expire::Never);
                // DIFFERENCE: in the original a series with `never` or without
                // policy does not save its record.
                let last = entry.time_updated.or(known_at);
                let old = expire
                    .until(now)
                    .zip(last)
                    .is_some_and(|(until, last)| last <= until);
                plan.expired &= old;

                let shared = windows.entry(window.max(0)).or_insert(Shared {
                    summary_types: BTreeSet::new(),
                    expire,
                });
                shared.summary_types.insert(summary_type);
                // DIFFERENCE: each summary of the original has data of its own.
                shared.expire = shared.expire.max(expire);
            }
            plan.holdings
                .extend(windows.into_iter().map(|(window, shared)| Holding {
                    event_type: &entry.name,
                    window,
                    summary_types: shared.summary_types,
                    until: shared.expire.until(now),
                }));
        }
        plan
    }
}

impl Policies {
    /// Returns the last second (Unix time) until which the summaries of a window
    /// of an event type are old enough to go at `now`; `None` when none is.
    #[must_use]
    pub fn let_go(&self, entry: &EventTypeRecord, window: i64, now: i64) -> Option<i64> {
        let summaries = entry.summaries.iter();
        let expires = summaries
            .filter(|summary| summary.window == window)
            .map(|summary| {
                let expire = self.expire(&entry.name, summary.summary_type, window);
                expire.unwrap_or(Expire::Never)
            });
        // They share their data.
        expires.max()?.until(now)
    }
}

/// What the series of one window have in common.
struct Shared {
    summary_types: BTreeSet<SummaryType>,
    /// The longest of their policies.
    expire: Expire,
}

#[cfg(test)]
mod tests {
    use super::*;
    use SummaryType::{Aggregation, Average, Base, Statistics};
    use esmond_ps_model::{Registry, Summary};

    const DAY: i64 = 86_400;
    const NOW: i64 = 100 * DAY;

    fn policies(list: &[(&str, &str, &str, &str)]) -> Policies {
        let list: Vec<String> = list
            .iter()
            .map(|(event_type, summary_type, window, expire)| {
                format!(
                    r#"{{"event_type": "{event_type}", "summary_type": "{summary_type}",
                    "summary_window": "{window}", "expire": "{expire}"}}"#
                )
            })
            .collect();
        let text = format!(r#"{{"policies": [{}]}}"#, list.join(","));
        Policies::parse(&text, &Registry::standard()).unwrap()
    }

    type EventType<'a> = (&'a str, Option<i64>, &'a [(SummaryType, i64)]);

    fn record(event_types: &[EventType<'_>]) -> Record {
        let event_types = event_types.iter().map(|(name, time_updated, summaries)| {
            let summaries = summaries.iter().map(|&(summary_type, window)| Summary {
                summary_type,
                window,
            });
            EventTypeRecord {
                name: (*name).to_owned(),
                time_updated: *time_updated,
                removed_until: None,
                summaries: summaries.collect(),
            }
        });
        Record {
            key: "k".to_owned(),
            identity: [0; 32],
            created: None,
            subject_type: "point-to-point".to_owned(),
            subject: BTreeMap::new(),
            parameters: BTreeMap::new(),
            event_types: event_types.collect(),
        }
    }

    /// Event type, window and days that are kept of each holding.
    fn kept<'a>(plan: &Plan<'a>) -> Vec<(&'a str, i64, Option<i64>)> {
        let holdings = plan.holdings.iter();
        holdings
            .map(|holding| {
                let days = holding.until.map(|until| (NOW - until) / DAY);
                (holding.event_type, holding.window, days)
            })
            .collect()
    }

    #[test]
    fn data_stay_as_long_as_the_longest_policy_of_the_series_that_share_them() {
        // DIFFERENCE: the original keeps each series apart.
        let set = policies(&[
            ("*", "base", "0", "1"),
            ("*", "aggregation", "*", "2"),
            ("*", "average", "*", "3"),
            ("path-mtu", "average", "3600", "never"),
        ]);
        let record = record(&[
            (
                "path-mtu",
                None,
                &[(Aggregation, 3600), (Average, 3600), (Aggregation, 300)],
            ),
            ("throughput", None, &[(Aggregation, 0), (Average, 3600)]),
            ("packet-rtt", None, &[]),
        ]);
        let plan = Plan::new(&record, &set, NOW);
        assert_eq!(
            kept(&plan),
            [
                ("path-mtu", 0, Some(1)),
                ("path-mtu", 300, Some(2)),
                ("path-mtu", 3600, None),
                ("throughput", 0, Some(2)),
                ("throughput", 3600, Some(3)),
                ("packet-rtt", 0, Some(1)),
            ]
        );
        let shared = &plan.holdings[3].summary_types;
        assert_eq!(shared, &BTreeSet::from([Base, Aggregation]));
        assert_eq!(plan.unmatched, []);
    }

    #[test]
    fn what_no_policy_matches_is_kept_with_what_shares_its_data() {
        let set = policies(&[("*", "base", "0", "1"), ("*", "aggregation", "*", "1")]);
        let record = record(&[(
            "histogram-rtt",
            Some(0),
            &[(Aggregation, 60), (Statistics, 0), (Statistics, 60)],
        )]);
        let plan = Plan::new(&record, &set, NOW);
        assert_eq!(
            kept(&plan),
            [("histogram-rtt", 0, None), ("histogram-rtt", 60, None)]
        );
        assert_eq!(
            plan.unmatched,
            [
                ("histogram-rtt", Statistics, 0),
                ("histogram-rtt", Statistics, 60)
            ]
        );
        assert!(!plan.expired);
    }

    #[test]
    fn a_record_expires_when_every_series_was_last_written_long_ago() {
        let set = policies(&[
            ("*", "*", "*", "10"),
            ("*", "*", "86400", "20"),
            ("failures", "*", "*", "never"),
        ]);
        let expired =
            |event_types: &[EventType<'_>]| Plan::new(&record(event_types), &set, NOW).expired;
        let days_ago = |days: i64| Some(NOW - days * DAY);
        let daily = &[(Average, 86400)][..];
        assert!(expired(&[("throughput", days_ago(10), &[])]));
        assert!(!expired(&[(
            "throughput",
            days_ago(10).map(|ts| ts + 1),
            &[]
        )]));
        assert!(!expired(&[("throughput", days_ago(10), daily)]));
        assert!(expired(&[("throughput", days_ago(20), daily)]));
        assert!(!expired(&[
            ("path-mtu", days_ago(1), &[]),
            ("throughput", days_ago(20), daily)
        ]));
        // DIFFERENCE: the original deletes this one.
        assert!(!expired(&[
            ("failures", days_ago(99), &[]),
            ("throughput", days_ago(99), &[])
        ]));
    }

    #[test]
    fn what_was_never_written_is_as_old_as_its_record() {
        let set = policies(&[("*", "*", "*", "10"), ("failures", "*", "*", "5")]);
        let days_ago = |days: i64| Some(NOW - days * DAY);
        let expired = |created: Option<i64>, event_types: &[EventType<'_>]| {
            let mut record = record(event_types);
            record.created = created;
            Plan::new(&record, &set, NOW).expired
        };
        let never = [("path-mtu", None, &[][..])];
        // DIFFERENCE: the original deletes these at once.
        assert!(!expired(None, &never));
        assert!(!expired(days_ago(0), &never));
        assert!(!expired(days_ago(10), &never));
        assert!(expired(days_ago(11), &never));
        assert!(!expired(days_ago(99), &[]));

        // One that was written to shows that the record was there.
        let (path_mtu, throughput) = (never[0], ("throughput", days_ago(10), &[][..]));
        let failures = ("failures", days_ago(6), &[][..]);
        assert!(expired(None, &[path_mtu, throughput]));
        assert!(!expired(None, &[failures, path_mtu]));
        assert!(expired(days_ago(10), &[failures, path_mtu]));
        assert!(expired(days_ago(2), &[path_mtu, throughput]));
    }

    #[test]
    fn a_new_record_is_not_taken_from_under_its_first_write() {
        let set = policies(&[("*", "*", "*", "0")]);
        let mut record = record(&[("throughput", None, &[])]);
        record.created = Some(NOW - DAY + 1);
        assert!(!Plan::new(&record, &set, NOW).expired);
        record.created = Some(NOW - DAY);
        assert!(Plan::new(&record, &set, NOW).expired);
    }

    #[test]
    fn summaries_of_a_window_may_go_when_the_longest_of_their_policies_lets_them() {
        let policies = policies(&[
            ("*", "average", "3600", "10"),
            ("*", "aggregation", "3600", "20"),
            ("*", "average", "86400", "10"),
        ]);
        let record = record(&[(
            "throughput",
            None,
            &[
                (Average, 3600),
                (Aggregation, 3600),
                (Average, 86_400),
                (Aggregation, 86_400),
            ],
        )]);
        let entry = &record.event_types[0];
        let until = |window| policies.let_go(entry, window, NOW);
        assert_eq!(until(3600), Some(80 * DAY));
        // One has no policy; of the other window there is nothing.
        assert_eq!(until(86_400), None);
        assert_eq!(until(60), None);
        // What may go is what is removed.
        let plan = Plan::new(&record, &policies, NOW);
        for holding in plan.holdings.iter().filter(|holding| holding.window > 0) {
            assert_eq!(until(holding.window), holding.until);
        }
    }
}
