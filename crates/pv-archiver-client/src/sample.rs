//! Samples, and their JSON.

use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A sample of a channel.
///
/// Serde reads and writes the JSON of the API (only with `serde_json`), with `NaN`,
/// `Infinity` and `-Infinity` as texts. Numbers keep all their digits.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// When it was taken: nanoseconds since 1970 UTC. A sample of the quality
    /// [`Quality::Interpolated`] stands for the time from then on.
    pub time: i64,
    /// How serious the alarm is.
    pub severity: Severity,
    /// The alarm, such as `NO_ALARM` or `HIHI`; any text, and may be empty.
    pub status: String,
    /// Whether it was taken like that.
    pub quality: Quality,
    /// What the values mean, if the control system told it.
    pub meta_data: Option<MetaData>,
    /// The values. One channel may have samples of different kinds.
    pub values: Values,
}

/// How serious an alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Severity {
    /// The level.
    pub level: SeverityLevel,
    /// Whether there is a value at all. Where there is none, the values are a text
    /// such as `Disconnected`.
    pub has_value: bool,
}

/// A level of [`Severity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeverityLevel {
    /// No alarm.
    Ok,
    /// A warning.
    Minor,
    /// An alarm.
    Major,
    /// The value says nothing.
    Invalid,
}

/// Where a sample comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// It was taken like that.
    Original,
    /// It was computed from several samples.
    Interpolated,
}

/// The values of a sample; one for a scalar, any number for an array, also none.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Floating-point numbers, `NaN` and infinities included.
    Double(Vec<f64>),
    /// Integers.
    Long(Vec<i64>),
    /// Indexes of the states of [`EnumMetaData`]; may lie outside of them.
    Enum(Vec<i32>),
    /// Texts.
    String(Vec<String>),
    /// What several samples come to.
    MinMaxDouble {
        /// The mean, weighted by time.
        values: Vec<f64>,
        /// The smallest of the samples.
        minimum: f64,
        /// The largest of the samples.
        maximum: f64,
    },
}

impl Values {
    /// Returns the word for the type, as in the JSON.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Double(_) => "double",
            Self::Long(_) => "long",
            Self::Enum(_) => "enum",
            Self::String(_) => "string",
            Self::MinMaxDouble { .. } => "minMaxDouble",
        }
    }

    /// Returns how many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Double(values) | Self::MinMaxDouble { values, .. } => values.len(),
            Self::Long(values) => values.len(),
            Self::Enum(values) => values.len(),
            Self::String(values) => values.len(),
        }
    }

    /// Tells whether there is no value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What values mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum MetaData {
    /// Of numbers.
    Numeric(NumericMetaData),
    /// Of the values of an enumeration.
    Enum(EnumMetaData),
}

/// What numbers mean. Limits that do not exist are `NaN`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NumericMetaData {
    /// Digits after the point to show; may be negative.
    pub precision: i32,
    /// The unit, in the words of the control system.
    // The manual calls it `unit`.
    #[serde(alias = "unit")]
    pub units: String,
    /// Lower end of the range to show.
    #[serde(with = "real")]
    pub display_low: f64,
    /// Upper end of the range to show.
    #[serde(with = "real")]
    pub display_high: f64,
    /// Below it is a warning.
    #[serde(with = "real")]
    pub warn_low: f64,
    /// Above it is a warning.
    #[serde(with = "real")]
    pub warn_high: f64,
    /// Below it is an alarm.
    #[serde(with = "real")]
    pub alarm_low: f64,
    /// Above it is an alarm.
    #[serde(with = "real")]
    pub alarm_high: f64,
}

/// What the values of an enumeration mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EnumMetaData {
    /// The names of the states, the first being that of 0.
    pub states: Vec<String>,
}

impl EnumMetaData {
    /// Returns the name of a state, if it has one.
    #[must_use]
    pub fn state(&self, value: i32) -> Option<&str> {
        let index = usize::try_from(value).ok()?;
        self.states.get(index).map(String::as_str)
    }
}

/// Gives an enum its words, which are read in upper and lower case alike.
macro_rules! words {
    ($name:ident, $what:literal, $($variant:ident => $word:literal),+) => {
        impl $name {
            /// Returns the word of the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                [$(Self::$variant),+]
                    .into_iter()
                    .find(|known| known.as_str().eq_ignore_ascii_case(word))
                    .ok_or_else(|| format!("`{}` is no {}", word.escape_debug(), $what))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                word.parse().map_err(D::Error::custom)
            }
        }
    };
}

words!(SeverityLevel, "level of severity",
    Ok => "OK", Minor => "MINOR", Major => "MAJOR", Invalid => "INVALID");
words!(Quality, "quality", Original => "Original", Interpolated => "Interpolated");

/// A sample as it comes. The type, which tells how to read the values, may come after
/// them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    time: i64,
    severity: Severity,
    status: String,
    quality: Quality,
    meta_data: Option<MetaData>,
    r#type: String,
    value: Box<RawValue>,
    minimum: Option<Box<RawValue>>,
    maximum: Option<Box<RawValue>>,
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let values = values(&wire).map_err(D::Error::custom)?;
        Ok(Self {
            time: wire.time,
            severity: wire.severity,
            status: wire.status,
            quality: wire.quality,
            meta_data: wire.meta_data,
            values,
        })
    }
}

fn values(wire: &Wire) -> Result<Values, String> {
    let is = |name: &str| wire.r#type.eq_ignore_ascii_case(name);
    let limit = |name: &str, value: &Option<Box<RawValue>>| match value {
        Some(value) => real::read(value),
        None => Err(format!("`{name}` is missing")),
    };
    Ok(if is("double") {
        Values::Double(reals(&wire.value)?)
    } else if is("long") {
        Values::Long(list(&wire.value)?)
    } else if is("enum") {
        Values::Enum(list(&wire.value)?)
    } else if is("string") {
        Values::String(list(&wire.value)?)
    } else if is("minMaxDouble") {
        Values::MinMaxDouble {
            values: reals(&wire.value)?,
            minimum: limit("minimum", &wire.minimum)?,
            maximum: limit("maximum", &wire.maximum)?,
        }
    } else {
        let name = wire.r#type.escape_debug();
        return Err(format!("`{name}` is no type of samples"));
    })
}

fn list<T: DeserializeOwned>(raw: &RawValue) -> Result<Vec<T>, String> {
    serde_json::from_str(raw.get()).map_err(|error| format!("the value: {error}"))
}

fn reals(raw: &RawValue) -> Result<Vec<f64>, String> {
    let elements: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|error| format!("the value: {error}"))?;
    elements.into_iter().map(real::read).collect()
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sample = serializer.serialize_struct("Sample", 9)?;
        sample.serialize_field("time", &self.time)?;
        sample.serialize_field("severity", &self.severity)?;
        sample.serialize_field("status", &self.status)?;
        sample.serialize_field("quality", &self.quality)?;
        if let Some(meta_data) = &self.meta_data {
            sample.serialize_field("metaData", meta_data)?;
        }
        sample.serialize_field("type", self.values.type_name())?;
        match &self.values {
            Values::Double(values) | Values::MinMaxDouble { values, .. } => {
                sample.serialize_field("value", &real::List(values))?;
            }
            Values::Long(values) => sample.serialize_field("value", values)?,
            Values::Enum(values) => sample.serialize_field("value", values)?,
            Values::String(values) => sample.serialize_field("value", values)?,
        }
        if let Values::MinMaxDouble {
            minimum, maximum, ..
        } = &self.values
        {
            sample.serialize_field("minimum", &real::One(*minimum))?;
            sample.serialize_field("maximum", &real::One(*maximum))?;
        }
        sample.end()
    }
}

/// Floating-point numbers, of which JSON has not all.
mod real {
    use super::*;

    /// Reads a number, exactly, or the text of what is none.
    pub(super) fn read(raw: &RawValue) -> Result<f64, String> {
        let json = raw.get();
        let odd = || format!("{json} is no number");
        if !json.starts_with('"') {
            // Of Rust's words for numbers JSON has none; `null` and the like fail.
            return json.parse().map_err(|_| odd());
        }
        let text: String = serde_json::from_str(json).map_err(|_| odd())?;
        match text.to_ascii_lowercase().trim_start_matches('+') {
            "nan" => Ok(f64::NAN),
            "inf" | "infinity" => Ok(f64::INFINITY),
            "-inf" | "-infinity" => Ok(f64::NEG_INFINITY),
            number => number.parse().map_err(|_| odd()),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let raw = serde_json::value::to_raw_value(&value).map_err(D::Error::custom)?;
        read(&raw).map_err(D::Error::custom)
    }

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        One(*value).serialize(serializer)
    }

    pub(super) struct One(pub(super) f64);

    impl Serialize for One {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0.is_finite() {
                serializer.serialize_f64(self.0)
            } else if self.0.is_nan() {
                serializer.serialize_str("NaN")
            } else if self.0 > 0.0 {
                serializer.serialize_str("Infinity")
            } else {
                serializer.serialize_str("-Infinity")
            }
        }
    }

    pub(super) struct List<'a>(pub(super) &'a [f64]);

    impl Serialize for List<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter().copied().map(One))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(tail: &str) -> Result<Sample, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"time":1,"severity":{{"level":"ok","hasValue":true}},"status":"","quality":"ORIGINAL",{tail}}}"#
        ))
    }

    #[test]
    fn words_are_read_in_any_case_and_members_in_any_order() {
        let read = sample(
            r#""value":["nan","+inf","-INFINITY","Infinity",1e3],"type":"DOUBLE","new":{"x":[1]}"#,
        );
        let Values::Double(values) = read.unwrap().values else {
            panic!("no doubles");
        };
        assert!(values[0].is_nan());
        let expected = [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, 1000.0];
        assert_eq!(values[1..], expected);
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        for tail in [
            r#""type":"double","value":[null]"#,
            r#""type":"double","value":1.0"#,
            r#""type":"double","value":["x"]"#,
            r#""type":"long","value":[1.5]"#,
            r#""type":"long","value":[9223372036854775808]"#,
            r#""type":"minMaxDouble","value":[1.0],"minimum":0.0"#,
            r#""type":"int","value":[1]"#,
            r#""value":[1]"#,
        ] {
            assert!(sample(tail).is_err(), "{tail}");
        }
    }

    proptest! {
        #[test]
        fn every_double_comes_back_with_all_its_bits(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let mut before = sample(r#""type":"double","value":[]"#).unwrap();
            before.values = Values::Double(vec![value]);
            let json = serde_json::to_string(&before).unwrap();
            let Values::Double(after) = serde_json::from_str::<Sample>(&json).unwrap().values
            else {
                panic!("no doubles");
            };
            prop_assert!(after[0].to_bits() == bits || after[0].is_nan() && value.is_nan());
        }
    }
}
