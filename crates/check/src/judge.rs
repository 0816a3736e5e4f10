//! From what was seen in a window to a state. Pure.

use crate::duration;
use crate::range::Range;
use crate::state::State;

/// What is good enough.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thresholds {
    pub(crate) warning: Option<Range>,
    pub(crate) critical: Option<Range>,
    /// Oldest newest point that is no warning, in seconds.
    pub(crate) warning_age: Option<i64>,
    /// Oldest newest point that is not critical, in seconds.
    pub(crate) critical_age: Option<i64>,
    /// State when there are no points.
    pub(crate) no_data: State,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            warning: None,
            critical: None,
            warning_age: None,
            critical_age: None,
            no_data: State::Unknown,
        }
    }
}

/// What was seen in a window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Seen {
    /// Time of the newest point, Unix seconds.
    pub(crate) newest: Option<i64>,
    /// The number to judge, in its unit.
    pub(crate) value: Option<f64>,
}

/// A state, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub(crate) state: State,
    /// Whether the newest point is too old, whatever its value.
    pub(crate) is_stale: bool,
    pub(crate) reasons: Vec<String>,
}

/// Judges what was seen, at the time `now`.
pub(crate) fn judge(seen: Seen, thresholds: &Thresholds, now: i64) -> Judged {
    let mut judged = Judged {
        state: State::Ok,
        is_stale: false,
        reasons: Vec::new(),
    };
    let Thresholds {
        warning, critical, ..
    } = thresholds;
    match (seen.newest, seen.value) {
        (None, None) => judged.add(thresholds.no_data, "no points"),
        (_, Some(value)) => {
            let alert = |range: &Option<Range>| {
                let range = range.as_ref()?;
                range.alerts(value).then(|| range.complaint())
            };
            if let Some(complaint) = alert(critical) {
                judged.add(State::Critical, &complaint);
            } else if let Some(complaint) = alert(warning) {
                judged.add(State::Warning, &complaint);
            }
        }
        (Some(_), None) if warning.is_some() || critical.is_some() => {
            judged.add(State::Unknown, "the values are no numbers");
        }
        (Some(_), None) => {}
    }
    let age = seen.newest.map(|newest| now.saturating_sub(newest));
    let is_older =
        |limit: Option<i64>| limit.is_some_and(|limit| age.is_none_or(|age| age > limit));
    // Points that are missing are judged as such, unless their number is a value.
    if age.is_some() || seen.value.is_some() {
        let limits = [
            (State::Critical, thresholds.critical_age),
            (State::Warning, thresholds.warning_age),
        ];
        if let Some((state, Some(limit))) = limits.into_iter().find(|(_, limit)| is_older(*limit)) {
            judged.is_stale = true;
            judged.add(state, &format!("older than {}", duration::words(limit)));
        }
    }

    judged
}

impl Judged {
    fn add(&mut self, state: State, reason: &str) {
        self.state = self.state.max(state);
        if state != State::Ok {
            self.reasons.push(reason.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    const NOW: i64 = 1_000_000;

    fn thresholds(text: &str) -> Thresholds {
        let mut thresholds = Thresholds::default();
        for (name, value) in text
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
        {
            match name {
                "w" => thresholds.warning = Some(value.parse().unwrap()),
                "c" => thresholds.critical = Some(value.parse().unwrap()),
                "wa" => thresholds.warning_age = value.parse().ok(),
                "ca" => thresholds.critical_age = value.parse().ok(),
                "no" => thresholds.no_data = State::from_str(value, true).unwrap(),
                other => panic!("{other}"),
            }
        }
        thresholds
    }

    #[test]
    fn states_follow_from_value_and_age() {
        use State::{Critical, Ok, Unknown, Warning};
        // thresholds, age of the newest point, value, state, stale
        for (options, age, value, state, is_stale) in [
            ("", Some(5), Some(1.0), Ok, false),
            ("", None, None, Unknown, false),
            ("no=ok", None, None, Ok, false),
            ("no=critical", None, None, Critical, false),
            ("no=warning wa=5 ca=10", None, None, Warning, false),
            ("", Some(5), None, Ok, false),
            ("w=10:", Some(5), None, Unknown, false),
            ("w=10: c=5:", Some(5), Some(10.0), Ok, false),
            ("w=10: c=5:", Some(5), Some(9.0), Warning, false),
            ("w=10: c=5:", Some(5), Some(4.0), Critical, false),
            ("c=5:", Some(5), Some(4.0), Critical, false),
            ("w=@1:2", Some(5), Some(1.5), Warning, false),
            ("wa=60 ca=120", Some(60), Some(1.0), Ok, false),
            ("wa=60 ca=120", Some(61), Some(1.0), Warning, true),
            ("wa=60 ca=120", Some(120), Some(1.0), Warning, true),
            ("wa=60 ca=120", Some(121), Some(1.0), Critical, true),
            ("ca=120", Some(121), None, Critical, true),
            ("wa=60 c=5:", Some(61), Some(4.0), Critical, true),
            ("ca=60 w=5:", Some(61), Some(4.0), Critical, true),
            ("w=5:", Some(61), None, Unknown, false),
            ("w=5: wa=60", Some(61), None, Warning, true),
            // Ahead of the clock is not old.
            ("wa=60", Some(-500), Some(1.0), Ok, false),
            // The number of points is a value, also when it is none.
            ("c=0", None, Some(0.0), Ok, false),
            ("c=1:", None, Some(0.0), Critical, false),
            ("ca=60", None, Some(0.0), Critical, true),
        ] {
            let seen = Seen {
                newest: age.map(|age: i64| NOW - age),
                value,
            };
            let judged = judge(seen, &thresholds(options), NOW);
            let case = format!("{options} {age:?} {value:?}: {judged:?}");
            assert_eq!((judged.state, judged.is_stale), (state, is_stale), "{case}");
            assert_eq!(judged.reasons.is_empty(), state == Ok, "{case}");
        }
    }
}
