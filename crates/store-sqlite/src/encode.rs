//! How values lie in their column.
//!
//! Integers and floats are SQLite's own. Everything else is the
//! [text](esmond_ps_store::codec) of the value, whose first letter says what it
//! is, so that a column can be read without knowing the event type. Buckets are
//! their text.

use esmond_ps_store::Value;
use rusqlite::types::{Value as Column, ValueRef};

/// Returns the column of a value.
pub(crate) fn value(value: &Value) -> Column {
    match value {
        Value::Integer(value) => Column::Integer(*value),
        Value::Float(value) => Column::Real(*value),
        Value::Ratio { .. } | Value::Histogram(_) | Value::Document(_) | Value::Custom { .. } => {
            Column::Text(value.encode())
        }
    }
}

/// Reads the column of a value; `None` when it is none.
pub(crate) fn read_value(column: ValueRef<'_>) -> Option<Value> {
    match column {
        ValueRef::Integer(value) => Some(Value::Integer(value)),
        ValueRef::Real(value) => Some(Value::Float(value)),
        ValueRef::Text(bytes) => Value::decode(std::str::from_utf8(bytes).ok()?),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esmond_ps_model::Histogram;

    #[test]
    fn values_read_back_as_they_were() {
        let histogram = Histogram::new([("41.00".to_owned(), 1), ("41.0".to_owned(), -2)]);
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
            (Value::Histogram(histogram), "text"),
            (Value::Document("null".to_owned()), "text"),
            (Value::Document("\"a\\u0000/é\"".to_owned()), "text"),
            (Value::Document("1".to_owned()), "text"),
            (
                Value::Custom {
                    kind: "gauge".into(),
                    value: 0.1.into(),
                },
                "text",
            ),
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
    fn what_is_no_column_of_ours_is_not_read() {
        assert_eq!(read_value(ValueRef::Null), None);
        assert_eq!(read_value(ValueRef::Blob(b"d1")), None);
        assert_eq!(read_value(ValueRef::Text(b"d\xff")), None);
        assert_eq!(read_value(ValueRef::Text(b"x1")), None);
    }
}
