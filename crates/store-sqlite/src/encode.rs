//! How values and buckets lie in their columns.
//!
//! Integers and floats are SQLite's own. Everything else is text whose first
//! letter says what it is, so that a column can be read without knowing the
//! event type: `r1/300` a ratio, `h{"41.0":2}` a histogram, `d[1]` a document;
//! buckets are `i10/4` (sum, count), `f1.5/0.0/4` (sum, compensation, count),
//! `r` and `h`.

use esmond_ps_model::Histogram;
use esmond_ps_store::{Bucket, Value};
use rusqlite::types::{Value as Column, ValueRef};

/// Returns the column of a value.
pub(crate) fn value(value: &Value) -> Column {
    match value {
        Value::Integer(value) => Column::Integer(*value),
        Value::Float(value) => Column::Real(*value),
        Value::Ratio {
            numerator,
            denominator,
        } => Column::Text(format!("r{numerator}/{denominator}")),
        Value::Histogram(histogram) => Column::Text(histogram_text(histogram)),
        Value::Document(text) => Column::Text(format!("d{text}")),
    }
}

/// Reads the column of a value; `None` when it is none.
pub(crate) fn read_value(column: ValueRef<'_>) -> Option<Value> {
    let text = match column {
        ValueRef::Integer(value) => return Some(Value::Integer(value)),
        ValueRef::Real(value) => return Some(Value::Float(value)),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok()?,
        ValueRef::Null | ValueRef::Blob(_) => return None,
    };
    let (kind, text) = text.split_at_checked(1)?;
    Some(match kind {
        "r" => {
            let (numerator, denominator) = text.split_once('/')?;
            Value::Ratio {
                numerator: numerator.parse().ok()?,
                denominator: denominator.parse().ok()?,
            }
        }
        "h" => Value::Histogram(read_histogram(text)?),
        "d" => Value::Document(text.to_owned()),
        _ => return None,
    })
}

/// Returns the column of a bucket.
pub(crate) fn bucket(bucket: &Bucket) -> String {
    match bucket {
        Bucket::Integer { sum, count } => format!("i{sum}/{count}"),
        // {:?} is the shortest text that reads back to the same number.
        Bucket::Float {
            sum,
            compensation,
            count,
        } => format!("f{sum:?}/{compensation:?}/{count}"),
        Bucket::Ratio {
            numerator,
            denominator,
        } => format!("r{numerator}/{denominator}"),
        Bucket::Histogram(histogram) => histogram_text(histogram),
    }
}

/// Reads the column of a bucket; `None` when it is none.
pub(crate) fn read_bucket(text: &str) -> Option<Bucket> {
    let (kind, text) = text.split_at_checked(1)?;
    if kind == "h" {
        return Some(Bucket::Histogram(read_histogram(text)?));
    }
    let (first, rest) = text.split_once('/')?;
    Some(match kind {
        "i" => Bucket::Integer {
            sum: first.parse().ok()?,
            count: rest.parse().ok()?,
        },
        "f" => {
            let (compensation, count) = rest.split_once('/')?;
            Bucket::Float {
                sum: first.parse().ok()?,
                compensation: compensation.parse().ok()?,
                count: count.parse().ok()?,
            }
        }
        "r" => Bucket::Ratio {
            numerator: first.parse().ok()?,
            denominator: rest.parse().ok()?,
        },
        _ => return None,
    })
}

fn histogram_text(histogram: &Histogram) -> String {
    let buckets: serde_json::Map<String, serde_json::Value> = histogram
        .buckets()
        .map(|(bucket, count)| (bucket.to_owned(), count.into()))
        .collect();
    format!("h{}", serde_json::Value::Object(buckets))
}

fn read_histogram(text: &str) -> Option<Histogram> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(buckets: &[(&str, i64)]) -> Histogram {
        Histogram::new(buckets.iter().map(|(text, n)| ((*text).to_owned(), *n)))
    }

    #[test]
    fn values_read_back_as_they_were() {
        let odd_texts = histogram(&[("41.00", 1), ("41.0", -2), ("a\"\u{0}\\/é", i64::MAX)]);
        for (stored, kind) in [
            (Value::Integer(i64::MIN), "integer"),
            (Value::Float(-0.0), "real"),
            (Value::Float(5e-324), "real"),
            (Value::Float(3.0), "real"),
            (
                Value::Ratio {
                    numerator: i64::MAX,
                    denominator: 1,
                },
                "text",
            ),
            (Value::Histogram(odd_texts), "text"),
            (Value::Histogram(histogram(&[])), "text"),
            (Value::Document("null".to_owned()), "text"),
            (Value::Document("\"a\\u0000/é\"".to_owned()), "text"),
            (Value::Document("1".to_owned()), "text"),
        ] {
            let connection = rusqlite::Connection::open_in_memory().unwrap();
            connection
                .execute_batch("CREATE TABLE t (value ANY NOT NULL) STRICT")
                .unwrap();
            connection
                .execute("INSERT INTO t VALUES (?1)", [value(&stored)])
                .unwrap();
            let (found, found_kind) = connection
                .query_row("SELECT value, typeof(value) FROM t", [], |row| {
                    Ok((read_value(row.get_ref(0)?), row.get::<_, String>(1)?))
                })
                .unwrap();
            // Debug tells -0.0 from 0.0.
            assert_eq!(format!("{found:?}"), format!("{:?}", Some(&stored)));
            assert_eq!(found_kind, kind, "{stored:?}");
        }
    }

    #[test]
    fn buckets_read_back_as_they_were() {
        for stored in [
            Bucket::Integer {
                sum: i128::MIN,
                count: u64::MAX,
            },
            Bucket::Float {
                sum: 0.1,
                compensation: -1e-300,
                count: 3,
            },
            Bucket::Float {
                sum: f64::INFINITY,
                compensation: 0.0,
                count: 2,
            },
            Bucket::Ratio {
                numerator: 0,
                denominator: i128::MAX,
            },
            Bucket::Histogram(histogram(&[("b", 1), ("a", 0)])),
        ] {
            assert_eq!(read_bucket(&bucket(&stored)), Some(stored));
        }
    }

    #[test]
    fn what_is_no_column_of_ours_is_not_read() {
        for text in ["", "é", "x1", "r1", "r1/x", "h[]", "h{\"a\":1.5}"] {
            assert_eq!(read_value(ValueRef::Text(text.as_bytes())), None, "{text}");
            assert_eq!(read_bucket(text), None, "{text}");
        }
        assert_eq!(read_value(ValueRef::Null), None);
        assert_eq!(read_value(ValueRef::Text(b"d\xff")), None);
        assert_eq!(read_bucket("f1.5/2"), None);
    }
}
