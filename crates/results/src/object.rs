//! JSON objects in which a name may stand twice.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// A JSON object whose parts are read when they are asked for.
///
/// Of parts with equal names the first counts: iperf3 from 3.7 to 3.10 writes the sums
/// of a bidirectional test twice, and the second is that of the reverse direction.
#[derive(Debug, Default)]
pub(crate) struct Object(BTreeMap<String, Box<RawValue>>);

/// Reads a number, also one that is a text.
pub(crate) fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

impl Object {
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a part; `None` when it is missing, or not of that shape.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// Returns an object inside this one, empty when there is none.
    pub(crate) fn object(&self, name: &str) -> Self {
        self.get(name).unwrap_or_default()
    }

    /// Returns a list of objects, leaving out what is none; empty when there is none.
    pub(crate) fn objects(&self, name: &str) -> Vec<Self> {
        let list: Vec<Box<RawValue>> = self.get(name).unwrap_or_default();
        list.iter()
            .filter_map(|element| Self::parse(element.get()).ok())
            .collect()
    }

    /// Returns a number, with the digits that it has.
    pub(crate) fn number(&self, name: &str) -> Option<Number> {
        match self.get(name)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns a whole number, also one that is written with a fraction.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        whole(&self.number(name)?)
    }

    /// Returns a text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)
    }

    /// Tells whether a flag is set, as `true` or as a number other than 0.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(set)) => set,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            _ => false,
        }
    }
}

/// Returns the whole seconds, or whatever it is, of a number.
pub(crate) fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        #[expect(clippy::cast_possible_truncation, reason = "range is checked")]
        number
            .as_f64()
            .filter(|float| float.abs() < 9e18)
            .map(|float| float.floor() as i64)
    })
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut parts = BTreeMap::new();
                while let Some((name, part)) = map.next_entry::<String, Box<RawValue>>()? {
                    parts.entry(name).or_insert(part);
                }
                Ok(Object(parts))
            }
        }

        deserializer.deserialize_map(Parts)
    }
}

#[cfg(test)]
mod tests {
    use super::Object;

    #[test]
    fn of_equal_names_the_first_counts() {
        let object = Object::parse(r#"{"sum": {"n": 1.50}, "other": [1, {}], "sum": 2}"#).unwrap();
        let number = object.object("sum").number("n").unwrap();
        assert_eq!(number.to_string(), "1.50");
        assert_eq!(object.objects("other").len(), 1);
    }

    #[test]
    fn a_part_of_another_shape_is_none() {
        let object =
            Object::parse(r#"{"a": null, "b": "1", "c": 1795311335.9, "d": 1e300}"#).unwrap();
        assert_eq!(object.number("a"), None);
        assert_eq!(object.number("b"), None);
        assert_eq!(object.integer("c"), Some(1_795_311_335));
        assert_eq!(object.integer("d"), None);
        assert!(Object::parse("[]").is_err());
    }
}
