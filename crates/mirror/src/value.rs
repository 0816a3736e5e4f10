//! Values of points as archives answer them, and as they are stored.
//!
//! Answers say less than what was posted: integers come as floats
//! (`7016320000.0`), fractions as their quotient.

use std::collections::BTreeMap;

use esmond_ps_model::registry::{Rules, StorageClass, Validator};
use esmond_ps_model::{Histogram, float, integer};
use esmond_ps_store::{Value, kinds, view};
use serde_json::{Number, Value as Json};

use crate::fraction;

/// What an answered value is here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Read {
    /// Exactly this.
    Exact(Value),
    /// The nearest integer.
    Rounded(Value),
    /// A fraction that reads as this value, not the one that was posted.
    Guessed(Value),
    /// Nothing.
    Blank,
    /// Something that the type cannot hold.
    Unfit,
}

/// Reads an answered value. `counts` are numerator and denominator as other
/// event types tell them for the same time.
pub(crate) fn read(rules: &Rules, value: &Json, counts: Option<(i64, i64)>) -> Read {
    if rules.storage() == StorageClass::Document {
        return Read::Exact(Value::Document(value.to_string()));
    }
    if value.is_null() {
        return Read::Blank;
    }
    let found = match rules.storage() {
        StorageClass::Integer => return whole(value),
        StorageClass::Float => double(value).map(Value::Float),
        StorageClass::Ratio => return ratio(value, counts),
        StorageClass::Histogram => histogram(value).map(Value::Histogram),
        StorageClass::Document => None,
        StorageClass::Custom => custom(rules, value),
    };
    found.map_or(Read::Unfit, Read::Exact)
}

fn custom(rules: &Rules, value: &Json) -> Option<Value> {
    let Validator::Custom(kind) = rules.validator() else {
        return None;
    };
    kinds::value(kinds::find(kind.name)?, value).ok()
}

// DIFFERENCE: a fraction, which integer types of perfSONAR 5 may have, is rounded,
// and counted.
fn whole(value: &Json) -> Read {
    let number = match value {
        Json::Number(number) => number,
        Json::Bool(flag) => return Read::Exact(Value::Integer(i64::from(*flag))),
        Json::String(text) => {
            let exact = integer::parse(text).map(Value::Integer);
            return exact.map_or(Read::Unfit, Read::Exact);
        }
        _ => return Read::Unfit,
    };
    if let Some(exact) = exact(number) {
        return Read::Exact(Value::Integer(exact));
    }
    match number.as_f64() {
        // 2^63 is the first double that does not fit.
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        Some(value)
            if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) =>
        {
            let rounded = Value::Integer(value.round() as i64);
            if value.fract() == 0.0 {
                Read::Exact(rounded)
            } else {
                Read::Rounded(rounded)
            }
        }
        _ => Read::Unfit,
    }
}

/// Reads a whole number by its digits: doubles do not hold all of 64 bits.
fn exact(number: &Number) -> Option<i64> {
    let text = number.as_str();
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    digits.parse().ok()
}

fn double(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64().filter(|value| value.is_finite()),
        Json::String(text) => float::parse(text),
        Json::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

// DIFFERENCE: the counts that the remote archive does not tell are those of the
// packets, or else the smallest that have the quotient.
fn ratio(value: &Json, counts: Option<(i64, i64)>) -> Read {
    let Some(quotient) = double(value) else {
        return Read::Unfit;
    };
    if let Some((numerator, denominator)) = counts
        && denominator > 0
        && numerator >= 0
        && numerator as f64 / denominator as f64 == quotient
    {
        return Read::Exact(Value::Ratio {
            numerator,
            denominator,
        });
    }
    match fraction::simplest(quotient) {
        Some((numerator, denominator)) => Read::Guessed(Value::Ratio {
            numerator,
            denominator,
        }),
        None => Read::Unfit,
    }
}

/// Reads counts by bucket.
pub(crate) fn histogram(value: &Json) -> Option<Histogram> {
    let mut buckets = Vec::new();
    for (bucket, count) in value.as_object()? {
        match whole(count) {
            Read::Exact(Value::Integer(count)) => buckets.push((bucket.clone(), count)),
            _ => return None,
        }
    }
    Some(Histogram::new(buckets))
}

/// Tells whether readers see the same value: fractions count by their quotient,
/// and the order and spelling of buckets do not.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (
            Value::Ratio {
                numerator,
                denominator,
            },
            Value::Ratio {
                numerator: n,
                denominator: d,
            },
        ) => *numerator as f64 / *denominator as f64 == *n as f64 / *d as f64,
        (Value::Histogram(one), Value::Histogram(other)) => {
            one == other || counts(one) == counts(other)
        }
        (Value::Document(one), Value::Document(other)) => {
            one == other
                || match (
                    serde_json::from_str::<Json>(one),
                    serde_json::from_str::<Json>(other),
                ) {
                    (Ok(one), Ok(other)) => one == other,
                    _ => false,
                }
        }
        (
            Value::Custom { kind, .. },
            Value::Custom {
                kind: other_kind, ..
            },
        ) => one == other || (kind == other_kind && view::base(one) == view::base(other)),
        _ => one == other,
    }
}

/// Returns counts by bucket, whatever the spelling of its number.
fn counts(histogram: &Histogram) -> BTreeMap<String, i128> {
    let mut counts = BTreeMap::new();
    for (bucket, count) in histogram.buckets() {
        let name = float::parse(bucket).map_or_else(|| bucket.to_owned(), |n| format!("{n:?}"));
        *counts.entry(name).or_default() += i128::from(count);
    }
    counts
}

/// Tells whether two summaries are the same, numbers as doubles.
pub(crate) fn equal(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| equal(a, b))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esmond_ps_model::DataType;

    fn read(data_type: DataType, value: &Json, counts: Option<(i64, i64)>) -> Read {
        super::read(&data_type.rules(), value, counts)
    }

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    fn of(numerator: i64, denominator: i64) -> Value {
        Value::Ratio {
            numerator,
            denominator,
        }
    }

    #[test]
    fn integers_come_back_with_all_their_digits() {
        // DIFFERENCE: a fraction is rounded.
        for (text, expected) in [
            ("7016320000.0", Read::Exact(Value::Integer(7_016_320_000))),
            ("7", Read::Exact(Value::Integer(7))),
            ("-3.00", Read::Exact(Value::Integer(-3))),
            (
                "9007199254740993.0",
                Read::Exact(Value::Integer(9_007_199_254_740_993)),
            ),
            (
                "9223372036854775807.0",
                Read::Exact(Value::Integer(i64::MAX)),
            ),
            ("1e+16", Read::Exact(Value::Integer(10_000_000_000_000_000))),
            (
                "9412345678.25",
                Read::Rounded(Value::Integer(9_412_345_678)),
            ),
            ("-1.5", Read::Rounded(Value::Integer(-2))),
            ("true", Read::Exact(Value::Integer(1))),
            ("\"12\"", Read::Exact(Value::Integer(12))),
            ("\"x\"", Read::Unfit),
            ("9223372036854775808.0", Read::Unfit),
            ("1e400", Read::Unfit),
            ("[1]", Read::Unfit),
            ("null", Read::Blank),
        ] {
            assert_eq!(
                read(DataType::Integer, &json(text), None),
                expected,
                "{text}"
            );
        }
        assert_eq!(
            read(DataType::Float, &json("-0.000019"), None),
            Read::Exact(Value::Float(-0.000_019))
        );
        assert_eq!(read(DataType::Float, &json("{}"), None), Read::Unfit);
    }

    #[test]
    fn counts_are_taken_when_they_give_the_same_double() {
        let third = Json::from(200.0 / 600.0);
        let seen = |counts| read(DataType::Percentage, &third, counts);
        assert_eq!(seen(Some((200, 600))), Read::Exact(of(200, 600)));
        assert_eq!(seen(Some((201, 600))), Read::Guessed(of(1, 3)));
        assert_eq!(seen(Some((0, 0))), Read::Guessed(of(1, 3)));
        assert_eq!(seen(None), Read::Guessed(of(1, 3)));
        let none = read(DataType::Percentage, &json("0.0"), Some((0, 600)));
        assert_eq!(none, Read::Exact(of(0, 600)));
        assert_eq!(read(DataType::Percentage, &json("-1"), None), Read::Unfit);
    }

    #[test]
    fn values_are_the_same_when_readers_see_the_same() {
        let buckets = |list: &[(&str, i64)]| {
            Value::Histogram(Histogram::new(
                list.iter().map(|(name, n)| ((*name).to_owned(), *n)),
            ))
        };
        assert!(same(&of(200, 600), &of(1, 3)));
        assert!(!same(&of(0, 600), &of(1, 600)));
        assert!(same(
            &buckets(&[("7.10", 1), ("6", 2)]),
            &buckets(&[("6.0", 2), ("7.1", 1)])
        ));
        assert!(!same(&buckets(&[("7", 1)]), &buckets(&[("7", 2)])));
        let document = |text: &str| Value::Document(text.to_owned());
        assert!(same(
            &document(r#"{"a":1,"b":2}"#),
            &document(r#"{"b":2,"a":1}"#)
        ));
        assert!(!same(&document("1"), &document("2")));
        assert!(!same(&Value::Integer(1), &Value::Float(1.0)));
    }

    #[test]
    fn summaries_are_compared_as_doubles() {
        let equal = |one, other| equal(&json(one), &json(other));
        assert!(equal("5", "5.0"));
        assert!(!equal("0.1", "0.10000000000000002"));
        assert!(equal(r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1}"#));
        assert!(!equal(r#"{"a":1}"#, r#"{"a":1,"b":2}"#));
        assert!(!equal("null", "0"));
    }
}
