//! Points as they are handed to a program.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use esmond_ps_model::{DataType, Histogram, Point, PointValue, SummaryType};
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::transport::{parse, short};
use crate::walk::Timed;
use crate::{Error, Result, limits};

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

/// A measurement whose value is still the text that the archive sent. Cheap to
/// make and to keep: the points of a page share its text, which lives as long
/// as any of them.
#[derive(Debug, Clone)]
pub struct RawPoint {
    ts: i64,
    page: Arc<String>,
    /// Where the value is in the page.
    value: Range<usize>,
}

/// A point of a page, by the places of its parts.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    ts: &'a RawValue,
    #[serde(borrow, default)]
    val: Option<&'a RawValue>,
}

impl RawPoint {
    /// Reads a page of points; `url` is for the error.
    pub(crate) fn parse_page(url: &str, body: Vec<u8>) -> Result<Vec<Self>> {
        let refused = |source| Error::Json {
            url: url.to_owned(),
            path: ".".to_owned(),
            source: short(source),
        };
        if limits::holds_more(&body, limits::POINTS, 1) {
            return Err(Error::TooMany {
                url: url.to_owned(),
                what: "points",
                limit: limits::POINTS,
            });
        }
        let body = String::from_utf8(body)
            .map_err(|_| refused(serde_json::Error::custom("it is not UTF-8")))?;
        let page = Arc::new(body);
        let wires: Vec<Wire<'_>> = match serde_json::from_str(&page) {
            Ok(wires) => wires,
            // Again, slowly, to tell the place.
            Err(error) => {
                return Err(parse::<Vec<Point>>(url, page.as_bytes())
                    .err()
                    .unwrap_or_else(|| refused(error)));
            }
        };
        let mut points = Vec::with_capacity(wires.len());
        for wire in wires {
            let Some(ts) = seconds(wire.ts.get()) else {
                let error = parse::<Vec<Point>>(url, page.as_bytes()).err();
                return Err(error.unwrap_or_else(|| refused(serde_json::Error::custom("no time"))));
            };
            points.push(Self {
                ts,
                value: wire.val.map_or(0..0, |value| place(&page, value.get())),
                page: Arc::clone(&page),
            });
        }
        Ok(points)
    }

    /// Returns the Unix time in seconds, UTC.
    #[must_use]
    pub fn ts_epoch(&self) -> i64 {
        self.ts
    }

    /// Returns the value as JSON, exactly as the archive sent it.
    #[must_use]
    pub fn json(&self) -> &str {
        match &self.page[self.value.clone()] {
            "" => "null",
            json => json,
        }
    }

    /// Returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] where the text is no JSON after all, such as a value
    /// nested more than 127 deep; [`Error::TooMany`] where there is too much in it.
    pub fn value(&self) -> Result<Value> {
        let json = self.json();
        // Nearly all values are numbers, which are quicker to read as what they are.
        if json.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && let Ok(number) = json.parse()
        {
            return Ok(Value::Number(number));
        }
        if limits::holds_more(json.as_bytes(), limits::VALUES, usize::MAX) {
            return Err(Error::TooMany {
                url: format!("a point, the value of {},", self.ts),
                what: "values",
                limit: limits::VALUES,
            });
        }
        serde_json::from_str(json).map_err(|source| Error::Json {
            url: "a point".to_owned(),
            path: format!("the value of {}", self.ts),
            source: short(source),
        })
    }

    pub(crate) fn typed(
        &self,
        data_type: DataType,
        summary_type: Option<SummaryType>,
    ) -> Result<DataPoint> {
        Ok(DataPoint {
            ts_epoch: self.ts,
            val: self.value()?,
            data_type,
            summary_type,
        })
    }
}

impl Timed for RawPoint {
    fn ts(&self) -> i64 {
        self.ts
    }
}

/// Reads the time of a point: quickly where it is a plain number, with the
/// leniency of the model otherwise.
fn seconds(json: &str) -> Option<i64> {
    json.parse().ok().or_else(|| {
        let point: Point = serde_json::from_str(&format!("{{\"ts\":{json}}}")).ok()?;
        Some(point.ts)
    })
}

/// Returns where a part of a text begins and ends in it.
fn place(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
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
        DataPoint {
            ts_epoch: ts,
            val,
            data_type: DataType::Histogram,
            summary_type,
        }
    }

    #[test]
    fn times_before_and_after_1970_are_times() {
        let ts = |ts| point(ts, Value::Null, None).ts().unwrap();
        assert_eq!(ts(5), UNIX_EPOCH + Duration::from_secs(5));
        assert_eq!(ts(-5), UNIX_EPOCH - Duration::from_secs(5));
    }

    #[test]
    fn a_page_is_read_without_touching_its_values() {
        let page = br#" [ {"ts": 5, "val": {"a" : 9007199254740993.0} , "x": [1]},
            {"val":"\u00f4","ts":"6"}, {"ts":7.9}, {"ts":8,"val":null} ] "#;
        let points = RawPoint::parse_page("u", page.to_vec()).unwrap();
        let read: Vec<_> = points.iter().map(|p| (p.ts_epoch(), p.json())).collect();
        assert_eq!(
            read,
            [
                (5, r#"{"a" : 9007199254740993.0}"#),
                (6, r#""\u00f4""#),
                (7, "null"),
                (8, "null")
            ]
        );
        assert_eq!(points[1].value().unwrap(), json!("\u{f4}"));
    }

    #[test]
    fn what_is_no_page_is_told_by_its_place() {
        let text = |body: &[u8]| {
            let error = RawPoint::parse_page("u", body.to_vec()).unwrap_err();
            error.to_string()
        };
        assert!(text(br#"[{"ts":1},{"ts":"soon"}]"#).contains("`[1].ts`"));
        assert!(text(br#"[{"ts":1},{"val":1}]"#).contains("`[1]`"));
        assert!(text(br#"[{"ts":1}"#).contains("not as expected"));
        assert!(text(b"[{\"ts\":1,\"val\":\"\xff\"}]").contains("not as expected"));
    }

    #[test]
    fn a_number_keeps_its_digits() {
        for number in ["0", "-0", "-1.50", "9007199254740993.0", "1e+999", "2E-7"] {
            let page = format!("[{{\"ts\":1,\"val\":{number}}}]");
            let points = RawPoint::parse_page("u", page.into_bytes()).unwrap();
            let value = points[0].value().unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(number).unwrap());
            assert_eq!(value.to_string(), number.replace('E', "e"), "{number}");
        }
    }

    #[test]
    fn a_value_nested_too_deeply_is_an_error() {
        let page = format!(
            r#"[{{"ts":1,"val":{}{}}}]"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        let points = RawPoint::parse_page("u", page.into_bytes()).unwrap();
        assert!(points[0].value().is_err());
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
