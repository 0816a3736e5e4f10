//! What a point's `val` means.

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::{DataType, Histogram, Statistics, SummaryType};

/// The value of a point, typed by the series it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub enum PointValue {
    /// A number, with the digits that the archive sent.
    Number(Number),
    /// Counts per bucket.
    Histogram(Histogram),
    /// Statistics of a histogram.
    Statistics(Box<Statistics>),
    /// Intervals inside a test.
    Subintervals(Vec<Subinterval>),
    /// Any other JSON value, also one whose shape does not fit its series.
    Json(Value),
}

/// One interval inside a test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Subinterval {
    /// Start in seconds from the start of the test.
    pub start: Number,
    /// Duration in seconds.
    pub duration: Number,
    /// Value of the interval.
    #[serde(default)]
    pub val: Value,
}

impl PointValue {
    /// Types a value by its series. A value that does not fit becomes
    /// [`PointValue::Json`], unchanged: archives hold what was once posted, and
    /// nothing is dropped because of its shape.
    #[must_use]
    pub fn new(data_type: DataType, summary_type: SummaryType, value: Value) -> Self {
        let typed = match (data_type, summary_type, &value) {
            (
                DataType::Integer | DataType::Float | DataType::Percentage,
                _,
                Value::Number(number),
            ) => Some(Self::Number(number.clone())),
            (DataType::Histogram, SummaryType::Statistics, _) => Statistics::deserialize(&value)
                .ok()
                .map(|statistics| Self::Statistics(Box::new(statistics))),
            (DataType::Histogram, _, _) => Histogram::deserialize(&value).ok().map(Self::Histogram),
            (DataType::Subinterval, _, _) => Vec::deserialize(&value).ok().map(Self::Subintervals),
            _ => None,
        };
        typed.unwrap_or(Self::Json(value))
    }

    /// Returns the number of a numeric value, in double precision.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_typed_by_their_series() {
        let base = SummaryType::Base;
        assert_eq!(
            PointValue::new(DataType::Integer, base, json!(5.0)).as_f64(),
            Some(5.0)
        );
        assert!(matches!(
            PointValue::new(DataType::Histogram, base, json!({"34.4": 506})),
            PointValue::Histogram(histogram) if histogram.buckets().eq([("34.4", 506)])
        ));
        assert!(matches!(
            PointValue::new(DataType::Subinterval, base, json!([{"start": 0, "duration": 1.5, "val": null}])),
            PointValue::Subintervals(list) if list.len() == 1
        ));
    }

    #[test]
    fn a_value_of_another_shape_is_kept_as_it_is() {
        for (data_type, summary_type, value) in [
            (DataType::Integer, SummaryType::Base, json!("n/a")),
            (DataType::Histogram, SummaryType::Statistics, json!({})),
            (DataType::Histogram, SummaryType::Base, json!({"1": "x"})),
            (DataType::Subinterval, SummaryType::Base, json!([])),
        ] {
            let typed = PointValue::new(data_type, summary_type, value.clone());
            match typed {
                PointValue::Json(kept) => assert_eq!(kept, value),
                PointValue::Subintervals(list) => assert!(list.is_empty()),
                other => panic!("{other:?}"),
            }
        }
    }
}
