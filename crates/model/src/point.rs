//! Points as an archive answers them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::metadata::lenient_integer;

/// One point of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Unix time in seconds, UTC.
    #[serde(deserialize_with = "whole_seconds")]
    pub ts: i64,
    /// Value, exactly as the archive sent it.
    #[serde(default)]
    pub val: Value,
}

fn whole_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    lenient_integer(&value)
        .ok_or_else(|| serde::de::Error::custom(format_args!("ts is no Unix time: {value}")))
}

#[cfg(test)]
mod tests {
    use super::Point;

    #[test]
    fn digits_of_a_value_are_kept() {
        let text = r#"{"ts":1398965989,"val":9007199254740993.0}"#;
        let point: Point = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&point).unwrap(), text);
    }

    #[test]
    fn a_point_without_a_time_is_refused() {
        assert!(serde_json::from_str::<Point>(r#"{"val":1}"#).is_err());
        assert!(serde_json::from_str::<Point>(r#"{"ts":"soon","val":1}"#).is_err());
    }
}
