//! Rows as Apache Parquet.
//!
//! The schema is that of the layout: columns as in csv with those that name the test,
//! typed, with the unit of each in its metadata. Every column may be null.
//!
//! Held are a batch of rows, and what they come to until a row group is full; either
//! is bounded in rows and bytes.
//!
//! DIFFERENCE: the original has no such format.

use std::collections::HashMap;
use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use arrow_array::builder::{
    Float64Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use esmond_ps_cli_common::columns::{Column, ColumnType, whole};
use esmond_ps_cli_common::layout::timestamp;
use esmond_ps_cli_common::pytext;
use esmond_ps_cli_common::rows::Row;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::Value;

/// Rows that become columns at a time, and how much their text may weigh.
const BATCH: usize = 1024;
const HEAVY_BATCH: usize = 1 << 20;

/// Most rows and bytes of a row group.
const GROUP: usize = 100_000;
const HEAVY_GROUP: usize = 4 << 20;

/// Time zone of the timestamps, as Parquet wants it.
const UTC: &str = "UTC";

/// Writes rows to a Parquet file.
pub(crate) struct Writer<W: Write + Send> {
    file: ArrowWriter<W>,
    schema: SchemaRef,
    columns: Vec<(Column, Cells)>,
    rows: usize,
    text: usize,
}

/// The values of a column, until the batch is full.
enum Cells {
    Text(StringBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Time(TimestampMillisecondBuilder),
}

impl<W: Write + Send> Writer<W> {
    pub(crate) fn new(columns: Vec<Column>, out: W) -> io::Result<Self> {
        let schema: SchemaRef = Arc::new(Schema::new(
            columns.iter().map(field).collect::<Vec<Field>>(),
        ));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP))
            // What is said of each page is held to the end of the file.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_created_by(concat!("esmond-ps-get-bulk ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties));
        Ok(Self {
            file: file.map_err(plain)?,
            schema,
            columns: columns
                .into_iter()
                .map(|column| (column, Cells::new(column.kind)))
                .collect(),
            rows: 0,
            text: 0,
        })
    }

    /// Takes a row.
    ///
    /// A value that its column cannot hold is an error: nothing is left out in silence.
    pub(crate) fn row(&mut self, row: &Row) -> io::Result<()> {
        for (column, cells) in &mut self.columns {
            let value = row.get(column.name).unwrap_or(&Value::Null);
            match cells.push(value) {
                Some(text) => self.text += text,
                None => return Err(unfit(column, value, row)),
            }
        }
        self.rows += 1;
        if self.rows >= BATCH || self.text >= HEAVY_BATCH {
            self.batch()?;
        }
        Ok(())
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.batch()?;
        self.file.close().map_err(plain)?;
        Ok(())
    }

    fn batch(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let arrays = self.columns.iter_mut().map(|(_, cells)| cells.finish());
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect());
        let batch = batch.map_err(io::Error::other)?;
        self.file.write(&batch).map_err(plain)?;
        if self.file.in_progress_size() >= HEAVY_GROUP {
            self.file.flush().map_err(plain)?;
        }
        (self.rows, self.text) = (0, 0);
        Ok(())
    }
}

fn field(column: &Column) -> Field {
    let kind = match column.kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into())),
    };
    let field = Field::new(column.name, kind, true);
    match column.unit {
        Some(unit) => field.with_metadata(HashMap::from([("unit".to_owned(), unit.to_owned())])),
        None => field,
    }
}

impl Cells {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Text => Self::Text(StringBuilder::new()),
            ColumnType::Integer => Self::Integer(Int64Builder::new()),
            ColumnType::Float => Self::Float(Float64Builder::new()),
            ColumnType::Time => Self::Time(TimestampMillisecondBuilder::new().with_timezone(UTC)),
        }
    }

    /// Takes a value and returns how long its text is, or nothing where it does not
    /// fit.
    fn push(&mut self, value: &Value) -> Option<usize> {
        match self {
            Self::Text(cells) if value.is_null() => cells.append_null(),
            Self::Text(cells) => {
                let text = pytext::csv(value);
                cells.append_value(&text);
                return Some(text.len());
            }
            Self::Integer(cells) => cells.append_option(optional(value, integer)?),
            Self::Float(cells) => cells.append_option(optional(value, float)?),
            Self::Time(cells) => {
                let milliseconds = |value: &Value| integer(value)?.checked_mul(1000);
                cells.append_option(optional(value, milliseconds)?);
            }
        }
        Some(0)
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(cells) => Arc::new(mem::take(cells).finish()),
            Self::Integer(cells) => Arc::new(cells.finish()),
            Self::Float(cells) => Arc::new(cells.finish()),
            Self::Time(cells) => Arc::new(cells.finish()),
        }
    }
}

/// Reads a value that may be none.
fn optional<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
    if value.is_null() {
        return Some(None);
    }
    read(value).map(Some)
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Number(number) => whole(number.as_str()),
        Value::String(text) => whole(text.trim()),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    let number: f64 = match value {
        Value::Number(number) => number.as_str().parse().ok()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // What is larger than a double can be would become infinite.
    number.is_finite().then_some(number)
}

fn unfit(column: &Column, value: &Value, row: &Row) -> io::Error {
    let what = match column.kind {
        ColumnType::Integer => "no whole number",
        _ => "no number",
    };
    let mut shown: String = value.to_string();
    if let Some((end, _)) = shown.char_indices().nth(40) {
        shown.truncate(end);
        shown.push_str("...");
    }
    let time = row.get("timestamp").and_then(Value::as_i64);
    let time = time.map(timestamp).unwrap_or_default();
    io::Error::other(format!(
        "{} at {time} is {what}, as parquet wants it: {shown} (csv, json and jsonl hold anything)",
        column.name
    ))
}

/// Returns the error of the file as it was, where there is one.
fn plain(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esmond_ps_cli_common::columns::typed;
    use esmond_ps_cli_common::layout::Layout;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use serde_json::json;

    fn row(ts: i64, value: Value) -> Row {
        Row::new().with("timestamp", ts).with("value", value)
    }

    #[test]
    fn a_value_that_does_not_fit_is_an_error_that_names_it() {
        let columns = typed(Layout::Numeric, "packet-count-sent", "base");
        let mut writer = Writer::new(columns, Vec::new()).unwrap();
        for value in [json!(5), json!(5.0), json!("6"), Value::Null] {
            writer.row(&row(1, value)).unwrap();
        }
        let error = writer.row(&row(1_398_902_400, json!(5.5))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "value at 2014-05-01 00:00:00 is no whole number, as parquet wants it: 5.5 \
             (csv, json and jsonl hold anything)"
        );
    }

    #[test]
    fn a_number_beyond_double_precision_is_an_error_and_never_infinite() {
        let columns = typed(Layout::Numeric, "throughput", "base");
        let mut writer = Writer::new(columns, Vec::new()).unwrap();
        let beyond: Value = serde_json::from_str("1e999").unwrap();
        for value in [beyond, json!("inf"), json!("nan")] {
            let error = writer.row(&row(1, value)).unwrap_err().to_string();
            assert!(error.contains("is no number, as parquet"), "{error}");
        }
    }

    #[test]
    fn row_groups_are_bounded_in_rows_and_in_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let groups = |layout, event_type, value: &dyn Fn(i64) -> Value, rows: i64| {
            let path = directory.path().join("file");
            let file = std::fs::File::create(&path).unwrap();
            let columns = typed(layout, event_type, "base");
            let mut writer = Writer::new(columns, file).unwrap();
            for ts in 0..rows {
                writer.row(&row(ts, value(ts))).unwrap();
            }
            writer.finish().unwrap();
            let file = std::fs::File::open(&path).unwrap();
            let metadata = SerializedFileReader::new(file).unwrap().metadata().clone();
            let groups = metadata.row_groups().iter();
            groups
                .map(parquet::file::metadata::RowGroupMetaData::num_rows)
                .collect::<Vec<_>>()
        };
        let numbers = groups(Layout::Numeric, "throughput", &|ts| ts.into(), 150_000);
        assert_eq!(numbers, [100_000, 50_000]);
        // Texts of 100 kB that cannot be compressed much.
        let text = |ts: i64| {
            let mut state = ts.unsigned_abs() + 1;
            let digits = std::iter::repeat_with(|| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                format!("{:08x}", state >> 32)
            });
            Value::from(digits.take(12_500).collect::<String>())
        };
        let texts = groups(Layout::Value, "tcpinfo", &text, 100);
        assert!(texts.len() >= 2, "{texts:?}");
        assert_eq!(texts.iter().sum::<i64>(), 100);
    }
}
