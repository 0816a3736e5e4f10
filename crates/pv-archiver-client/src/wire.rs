//! The forms in which the administrative API writes numbers: as texts.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Reads a number that is a text, or a number after all.
fn number<T: FromStr>(value: &Value) -> Result<T, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => other.to_string(),
    };
    text.parse()
        .map_err(|_| format!("`{text}` is no whole number in the range that it should be in"))
}

/// A number as a text, for `#[serde(with)]`.
pub(crate) mod text {
    use super::*;

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        number(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A number as a text, or null, for `#[serde(with)]`.
pub(crate) mod optional_text {
    use super::*;

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(None),
            value => number(&value).map(Some).map_err(D::Error::custom),
        }
    }
}

/// Seconds, as decimation and retention periods count: from 0 to 2147483647.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seconds(pub(crate) u32);

impl Seconds {
    pub(crate) const MAX: u32 = i32::MAX as u32;
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match number(&value) {
            Ok(seconds) if seconds <= Self::MAX => Ok(Self(seconds)),
            _ => Err(D::Error::custom(format!(
                "{value} is no whole number of seconds from 0 to {}",
                Self::MAX
            ))),
        }
    }
}

/// A list of seconds, for `#[serde(with)]`.
pub(crate) mod seconds_list {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        values: &[u32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().copied().map(Seconds))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u32>, D::Error> {
        let values = Vec::<Seconds>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|seconds| seconds.0).collect())
    }
}

/// Retention periods by decimation periods, for `#[serde(with)]`.
pub(crate) mod seconds_map {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        values: &BTreeMap<u32, u32>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let values = values
            .iter()
            .map(|(key, value)| (Seconds(*key), Seconds(*value)));
        serializer.collect_map(values)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<u32, u32>, D::Error> {
        let values = BTreeMap::<Seconds, Seconds>::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .map(|(key, value)| (key.0, value.0))
            .collect())
    }
}
