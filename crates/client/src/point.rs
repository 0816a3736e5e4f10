//! Points as they are handed to a program.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use esmond_ps_model::{DataType, Histogram, Point, PointValue, SummaryType};
use serde_json::Value;

/// A measurement: when, and what. In the original library these are `DataPoint`
/// and `DataHistogram`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataPoint {
    /// Unix time in seconds, UTC (`ts_epoch`).
    pub ts_epoch: i64,
    /// Value, exactly as the archive sent it (`val`).
    pub val: Value,
    /// Type of the event type's values.
    pub data_type: DataType,
    /// Kind of the series; `None` for one that is not known.
    pub summary_type: Option<SummaryType>,
}

impl DataPoint {
    pub(crate) fn new(
        point: Point,
        data_type: DataType,
        summary_type: Option<SummaryType>,
    ) -> Self {
        Self {
            ts_epoch: point.ts,
            val: point.val,
            data_type,
            summary_type,
        }
    }

    /// Returns the time of the measurement (`ts`); `None` where the clock of
    /// the platform cannot hold it.
    #[must_use]
    pub fn ts(&self) -> Option<SystemTime> {
        let distance = Duration::from_secs(self.ts_epoch.unsigned_abs());
        if self.ts_epoch < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        }
    }

    /// Returns the value, typed by its series. What does not fit its series is
    /// [`PointValue::Json`], unchanged.
    #[must_use]
    pub fn typed(&self) -> PointValue {
        match self.summary_type {
            Some(summary_type) => PointValue::new(self.data_type, summary_type, self.val.clone()),
            None => PointValue::Json(self.val.clone()),
        }
    }

    /// Returns the value as a histogram, where it is one.
    #[must_use]
    pub fn histogram(&self) -> Option<Histogram> {
        match self.typed() {
            PointValue::Histogram(histogram) => Some(histogram),
            _ => None,
        }
    }
}

/// All points of a range, and the type of their values. In the original library
/// this is `DataPayload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPayload {
    /// Type of the event type's values (`data_type`).
    pub data_type: DataType,
    /// Points, ascending in time (`data`).
    pub data: Vec<DataPoint>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn point(ts: i64, val: Value, summary_type: Option<SummaryType>) -> DataPoint {
        DataPoint::new(Point { ts, val }, DataType::Histogram, summary_type)
    }

    #[test]
    fn times_before_and_after_1970_are_times() {
        let ts = |ts| point(ts, Value::Null, None).ts().unwrap();
        assert_eq!(ts(5), UNIX_EPOCH + Duration::from_secs(5));
        assert_eq!(ts(-5), UNIX_EPOCH - Duration::from_secs(5));
    }

    #[test]
    fn a_histogram_is_told_by_its_series() {
        let base = point(1, json!({"34.4": 506}), Some(SummaryType::Base));
        assert_eq!(base.histogram().unwrap().buckets().len(), 1);
        let unknown = point(1, json!({"34.4": 506}), None);
        assert_eq!(unknown.histogram(), None);
        assert_eq!(unknown.typed(), PointValue::Json(json!({"34.4": 506})));
    }
}
