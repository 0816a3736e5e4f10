//! Lines of data: points, or buckets.

use std::borrow::Cow;

use esmond_ps_model::Summary;
use esmond_ps_store::{Bucket, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::json_reason;
use crate::values::{Item, Kind};

/// A line of data.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) event_type: String,
    pub(crate) kind: Kind,
    pub(crate) items: Items,
}

/// What a line holds, in ascending order of time.
#[derive(Debug)]
pub(crate) enum Items {
    Points(Vec<(i64, Value)>),
    Buckets {
        /// Greater than 0.
        window: i64,
        buckets: Vec<(i64, Bucket)>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line<'a> {
    event_type: String,
    summary_window: Option<i64>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    points: Option<&'a RawValue>,
    #[serde(borrow)]
    buckets: Option<&'a RawValue>,
}

impl Data {
    /// Reads a line of points; else what is wrong with it.
    pub(crate) fn points(line: &str) -> Result<Self, String> {
        let line = Line::read(line)?;
        let (kind, points) = items(&line, line.points)?;
        Ok(Self {
            event_type: line.event_type,
            kind,
            items: Items::Points(points),
        })
    }

    /// Reads a line of buckets; else what is wrong with it.
    pub(crate) fn buckets(line: &str) -> Result<Self, String> {
        let line = Line::read(line)?;
        let window = line.summary_window.unwrap_or_default();
        if window <= 0 {
            return Err("the window is not greater than 0".to_owned());
        }
        let (kind, buckets) = items::<Bucket>(&line, line.buckets)?;
        for (start, _) in &buckets {
            if Summary::window_start(window, *start) != *start {
                return Err(format!("no window of {window} seconds starts at {start}"));
            }
        }
        Ok(Self {
            event_type: line.event_type,
            kind,
            items: Items::Buckets { window, buckets },
        })
    }

    /// Returns the window of buckets, or 0, and the first and the last time;
    /// `None` when the line is empty.
    pub(crate) fn place(&self) -> Option<(i64, i64, i64)> {
        match &self.items {
            Items::Points(points) => Some((0, points.first()?.0, points.last()?.0)),
            Items::Buckets { window, buckets } => {
                Some((*window, buckets.first()?.0, buckets.last()?.0))
            }
        }
    }
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| json_reason(&error))
    }
}

fn items<I: Item>(
    line: &Line<'_>,
    json: Option<&RawValue>,
) -> Result<(Kind, Vec<(i64, I)>), String> {
    let kind = Kind::from_name(&line.kind)
        .ok_or_else(|| format!("values are of the unknown kind {}", line.kind))?;
    let json = json.ok_or("it has no data")?;
    let raw: Vec<(i64, &RawValue)> =
        serde_json::from_str(json.get()).map_err(|error| json_reason(&error))?;
    let mut items = Vec::with_capacity(raw.len());
    let mut last: Option<i64> = None;
    for (ts, json) in raw {
        if last.is_some_and(|last| last >= ts) {
            return Err(format!("the times are not in order at {ts}"));
        }
        last = Some(ts);
        let item = I::read(&kind, json)
            .ok_or_else(|| format!("what is at {ts} is not of the kind {}", kind.name()))?;
        items.push((ts, item));
    }
    Ok((kind, items))
}
