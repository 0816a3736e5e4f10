//! The summaries that are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use esmond_ps_model::{Registry, Summary, SummaryType};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use SummaryType::{Aggregation, Average, Statistics};

/// Summaries by event type. The default is that of pScheduler's own archiver.
///
/// In a configuration it is a map, and strict: a summary or a field that there is not, a
/// name that comes twice, and a negative window are errors.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use esmond_ps_results::pscheduler::Summaries;
///
/// let own: Summaries = serde_json::from_str(
///     r#"{"throughput": [{"summary-type": "average", "summary-window": 3600}]}"#,
/// )?;
/// own.check(&esmond_ps_model::Registry::standard())?;
/// assert_eq!(own.of("throughput").len(), 1);
/// assert!(own.of("packet-loss-rate").is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summaries(BTreeMap<String, BTreeSet<Summary>>);

/// Why an archive would not take summaries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummariesError {
    /// There is no event type of that name.
    #[error("{0} is no event type")]
    UnknownEventType(String),
    /// Values of that event type cannot be summarised so.
    #[error("{event_type} has no summaries of type {summary_type}")]
    NotAllowed {
        /// Name of the event type.
        event_type: String,
        /// Name of the kind of summary.
        summary_type: &'static str,
    },
}

impl Summaries {
    /// Returns the summaries of an event type, by type and window.
    #[must_use]
    pub fn of(&self, event_type: &str) -> Vec<Summary> {
        let own = self.0.get(event_type);
        own.into_iter().flatten().copied().collect()
    }

    /// Checks that an archive with these event types can make all of the summaries.
    ///
    /// # Errors
    ///
    /// [`SummariesError`] for the first that it cannot make.
    pub fn check(&self, registry: &Registry) -> Result<(), SummariesError> {
        for (name, summaries) in &self.0 {
            let definition = registry
                .event_type(name)
                .ok_or_else(|| SummariesError::UnknownEventType(name.clone()))?;
            let refused = summaries
                .iter()
                .find(|summary| !definition.rules.allows(summary.summary_type));
            if let Some(summary) = refused {
                return Err(SummariesError::NotAllowed {
                    event_type: name.clone(),
                    summary_type: summary.summary_type.name(),
                });
            }
        }
        Ok(())
    }

    /// Reads the summaries of an envelope's `data`: a list in which each names its event
    /// type. `None` when there is none; what is no summary is added to `notes`.
    pub(super) fn of_envelope(data: &Map<String, Value>, notes: &mut Vec<String>) -> Option<Self> {
        let list = data.get("summaries")?.as_array()?;
        let mut all: BTreeMap<String, BTreeSet<Summary>> = BTreeMap::new();
        for entry in list {
            match summary_of(entry) {
                Some((event_type, summary)) => {
                    all.entry(event_type).or_default().insert(summary);
                }
                None => notes.push(format!("{entry} is no summary")),
            }
        }
        (!list.is_empty()).then_some(Self(all))
    }
}

fn summary_of(entry: &Value) -> Option<(String, Summary)> {
    let window = entry.get("summary-window")?;
    let window = window
        .as_i64()
        .or_else(|| window.as_str()?.trim().parse().ok())
        .filter(|window| *window >= 0)?;
    let summary = Summary {
        summary_type: derived(entry.get("summary-type")?.as_str()?)?,
        window,
    };
    let event_type = entry.get("event-type")?.as_str()?;
    Some((event_type.to_owned(), summary))
}

fn derived(name: &str) -> Option<SummaryType> {
    SummaryType::from_name(name).filter(|kind| *kind != SummaryType::Base)
}

impl Default for Summaries {
    fn default() -> Self {
        const HOURLY: i64 = 3600;
        const DAILY: i64 = 86_400;
        const COUNT: &[(SummaryType, i64)] = &[
            (Aggregation, 300),
            (Aggregation, HOURLY),
            (Aggregation, DAILY),
        ];
        let all: [(&str, &[(SummaryType, i64)]); 8] = [
            ("packet-loss-rate", COUNT),
            ("packet-count-sent", COUNT),
            ("packet-count-lost", COUNT),
            ("packet-count-lost-bidir", COUNT),
            (
                "packet-loss-rate-bidir",
                &[(Aggregation, HOURLY), (Aggregation, DAILY)],
            ),
            (
                "histogram-owdelay",
                &[
                    (Aggregation, 300),
                    (Aggregation, HOURLY),
                    (Aggregation, DAILY),
                    (Statistics, 0),
                    (Statistics, 300),
                    (Statistics, HOURLY),
                    (Statistics, DAILY),
                ],
            ),
            (
                "histogram-rtt",
                &[
                    (Aggregation, HOURLY),
                    (Aggregation, DAILY),
                    (Statistics, 0),
                    (Statistics, HOURLY),
                    (Statistics, DAILY),
                ],
            ),
            ("throughput", &[(Average, DAILY)]),
        ];
        let summaries = |list: &[(SummaryType, i64)]| {
            let list = list.iter().map(|&(summary_type, window)| Summary {
                summary_type,
                window,
            });
            list.collect()
        };
        let all = all
            .into_iter()
            .map(|(name, list)| (name.to_owned(), summaries(list)));
        Self(all.collect())
    }
}

impl<'de> Deserialize<'de> for Summaries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct Entry {
            summary_type: String,
            summary_window: u32,
        }

        struct ByEventType;

        impl<'de> Visitor<'de> for ByEventType {
            type Value = Summaries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of event types to lists of summaries")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Summaries, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, entries)) = map.next_entry::<String, Vec<Entry>>()? {
                    let mut summaries = BTreeSet::new();
                    for entry in entries {
                        let kind = &entry.summary_type;
                        let summary_type = derived(kind).ok_or_else(|| {
                            A::Error::custom(format!("{kind} is no type of summary"))
                        })?;
                        let window = i64::from(entry.summary_window);
                        let summary = Summary {
                            summary_type,
                            window,
                        };
                        if !summaries.insert(summary) {
                            return Err(A::Error::custom(format!(
                                "{name} has the summary {kind} {window} twice"
                            )));
                        }
                    }
                    if all.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name} is there twice")));
                    }
                    all.insert(name, summaries);
                }
                Ok(Summaries(all))
            }
        }

        deserializer.deserialize_map(ByEventType)
    }
}

#[cfg(test)]
mod tests {
    use super::{Registry, Summaries};
    use serde_json::json;

    #[test]
    fn an_envelope_replaces_all_defaults_and_what_is_no_summary_is_named() {
        let data = json!({"summaries": [
            {"event-type": "throughput", "summary-type": "average", "summary-window": 3600},
            {"event-type": "throughput", "summary-type": "average", "summary-window": "60"},
            {"event-type": "throughput", "summary-type": "median", "summary-window": 1},
        ]});
        let mut notes = Vec::new();
        let own = Summaries::of_envelope(data.as_object().unwrap(), &mut notes).unwrap();
        let windows: Vec<_> = own.of("throughput").iter().map(|one| one.window).collect();
        assert_eq!(windows, [60, 3600]);
        assert!(own.of("packet-loss-rate").is_empty());
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("median"), "{notes:?}");
        let none = json!({"summaries": []});
        assert_eq!(
            Summaries::of_envelope(none.as_object().unwrap(), &mut notes),
            None
        );
    }

    #[test]
    fn the_defaults_can_be_made() {
        let defaults = Summaries::default();
        assert_eq!(defaults.check(&Registry::standard()), Ok(()));
        assert_eq!(defaults.of("packet-loss-rate").len(), 3);
        assert!(defaults.of("failures").is_empty());
    }

    #[test]
    fn a_configuration_is_strict() {
        let p = |text: &str| {
            serde_json::from_str::<Summaries>(text)
                .map_err(|error| error.to_string())
                .and_then(|own| {
                    own.check(&Registry::standard())
                        .map_err(|error| error.to_string())
                })
                .unwrap_err()
        };
        for (text, said) in [
            (r#"[]"#, "map of event types"),
            (
                r#"{"throughput": [{"summary-type": "average"}]}"#,
                "summary-window",
            ),
            (
                r#"{"throughput": [{"summary-type": "average", "summary-window": -1}]}"#,
                "-1",
            ),
            (
                r#"{"throughput": [{"summary-type": "base", "summary-window": 0}]}"#,
                "base is no type",
            ),
            (
                r#"{"throughput": [{"summary-type": "average", "summary-window": 1, "x": 1}]}"#,
                "unknown field `x`",
            ),
            (
                r#"{"throughput": [{"summary-type": "average", "summary-window": 1}, {"summary-type": "average", "summary-window": 1}]}"#,
                "average 1 twice",
            ),
            (
                r#"{"throughput": [], "throughput": []}"#,
                "throughput is there twice",
            ),
            (r#"{"speed": []}"#, "speed is no event type"),
            (
                r#"{"throughput": [{"summary-type": "statistics", "summary-window": 0}]}"#,
                "throughput has no summaries of type statistics",
            ),
        ] {
            let error = p(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
