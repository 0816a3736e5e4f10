//! From version 2 to 3: points, which had a row each, move into blocks.

use esmond_ps_store::Value;
use rusqlite::Transaction;
use rusqlite::types::ValueRef;
use rusqlite_migration::HookResult;

use crate::series::Filling;

/// Moves all points, one after the other: a large archive takes a while (a second
/// or two for a million points), and no more memory than a small one.
pub(super) fn fill(transaction: &Transaction<'_>) -> HookResult {
    let mut points: u64 = 0;
    {
        let mut statement = transaction
            .prepare("SELECT event_type, ts, value FROM point ORDER BY event_type, ts")?;
        let mut rows = statement.query([])?;
        let mut filling: Option<Filling<'_>> = None;
        while let Some(row) = rows.next()? {
            let (series, ts) = (row.get(0)?, row.get(1)?);
            if filling.as_ref().is_none_or(|old| old.series() != series) {
                if points == 0 {
                    tracing::info!("moving the points into blocks, once: this may take a while");
                }
                if let Some(complete) = filling.replace(Filling::new(transaction, series)) {
                    complete.finish()?;
                }
            }
            if let Some(filling) = &mut filling {
                add(filling, ts, row.get_ref(2)?)?;
            }
            points += 1;
        }
        if let Some(complete) = filling {
            complete.finish()?;
        }
    }
    transaction.execute_batch("DROP TABLE point")?;
    if points > 0 {
        tracing::info!(points, "moved the points into blocks");
    }
    Ok(())
}

/// Adds a point by its column: integers and floats were SQLite's own, everything
/// else the text of the value. What is damaged stays so, and keeps nobody from
/// using the rest.
fn add(filling: &mut Filling<'_>, ts: i64, column: ValueRef<'_>) -> rusqlite::Result<()> {
    match column {
        ValueRef::Integer(value) => filling.add(ts, &Value::Integer(value)),
        ValueRef::Real(value) => filling.add(ts, &Value::Float(value)),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => filling.add_text(ts, text),
            Err(_) => filling.add_text(ts, &format!("?{}", String::from_utf8_lossy(bytes))),
        },
        ValueRef::Null => filling.add_text(ts, ""),
    }
}
