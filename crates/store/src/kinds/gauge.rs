//! `gauge`: a reading, such as a temperature or the length of a queue.
//!
//! Windows keep the least and the greatest reading, their sum and their number.
//! A second reading for the same second replaces the first.

use esmond_ps_model::{RowLayout, SummaryType};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::DataKind;
use crate::sum::Sum;

/// Greatest reading, so that the sum of a window stays a number.
const GREATEST: f64 = 1e300;

/// The kind.
#[derive(Debug)]
pub(super) struct Gauge;

/// What is kept of a window.
#[derive(Serialize, Deserialize)]
struct Window {
    minimum: f64,
    maximum: f64,
    sum: Sum,
    count: u64,
}

impl DataKind for Gauge {
    fn name(&self) -> &'static str {
        "gauge"
    }

    fn summaries(&self) -> &'static [SummaryType] {
        use SummaryType::{Aggregation, Average, Statistics};
        &[Aggregation, Average, Statistics]
    }

    fn layouts(&self) -> &'static [RowLayout] {
        &[RowLayout::Numeric, RowLayout::Value]
    }

    fn replaces(&self) -> bool {
        true
    }

    fn check(&self, posted: &Json) -> Result<Json, String> {
        match posted.as_f64() {
            // There is one zero: -0.0 + 0.0 is 0.0.
            Some(reading) if reading.abs() <= GREATEST => Ok(json!(reading + 0.0)),
            _ => Err("Value must be a number from -1e300 to 1e300".to_owned()),
        }
    }

    fn start(&self, value: &Json) -> Option<Json> {
        let reading = value.as_f64()?;
        let window = Window {
            minimum: reading,
            maximum: reading,
            sum: Sum::of(reading),
            count: 1,
        };
        serde_json::to_value(window).ok()
    }

    fn merge(&self, one: &Json, other: &Json) -> Option<Json> {
        let (one, other) = (
            Window::deserialize(one).ok()?,
            Window::deserialize(other).ok()?,
        );
        let window = Window {
            minimum: one.minimum.min(other.minimum),
            maximum: one.maximum.max(other.maximum),
            sum: one.sum.plus(other.sum),
            count: one.count.saturating_add(other.count),
        };
        serde_json::to_value(window).ok()
    }

    fn summary(&self, summary_type: SummaryType, state: &Json) -> Option<Json> {
        let Window {
            minimum,
            maximum,
            sum,
            count,
        } = Window::deserialize(state).ok()?;
        let mean = sum.total() / count as f64;
        match summary_type {
            SummaryType::Aggregation => Some(json!(sum.total())),
            SummaryType::Average => Some(json!(mean)),
            SummaryType::Statistics => Some(json!({
                "minimum": minimum, "maximum": maximum, "mean": mean, "count": count,
            })),
            SummaryType::Base => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_numbers() {
        for (posted, expected) in [
            ("1", "1.0"),
            ("-0.0", "0.0"),
            ("-2.50", "-2.5"),
            ("1e300", "1e+300"),
        ] {
            let posted: Json = serde_json::from_str(posted).unwrap();
            assert_eq!(Gauge.check(&posted).unwrap().to_string(), expected);
        }
        for posted in ["1.1e300", "-1e999", "\"1\"", "null", "true", "[1]"] {
            let posted: Json = serde_json::from_str(posted).unwrap();
            let refused = Gauge.check(&posted).unwrap_err();
            assert!(refused.contains("must be a number"), "{posted}: {refused}");
        }
    }

    #[test]
    fn windows_of_the_greatest_readings_have_numbers() {
        let one = Gauge.start(&json!(GREATEST)).unwrap();
        let many = (0..20).fold(one, |sum, _| Gauge.merge(&sum, &sum).unwrap());
        let seen = |summary_type| Gauge.summary(summary_type, &many).unwrap();
        assert!(seen(SummaryType::Aggregation).is_number());
        assert_eq!(seen(SummaryType::Average), json!(GREATEST));
        assert_eq!(seen(SummaryType::Statistics)["count"], json!(1 << 20));
    }
}
