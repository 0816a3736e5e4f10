//! How much is stored, and how it grows.
//!
//! DIFFERENCE: the original has no such command.

use std::io::{self, Write};

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;
use esmond_ps_store::{Search, Store, StoreSize, Usage};
use serde::Serialize;

use super::{Outcome, plural, print_json};
use crate::home::Home;
use crate::table::{Side, table};

/// How many days count for the growth.
const DAYS: i64 = 30;

const SECONDS_PER_DAY: i64 = 86_400;

/// Tell how much is stored, and how it grows
///
/// Works while the archive is served. Everything is looked at, which takes
/// seconds for tens of millions of points.
#[derive(Debug, Args)]
#[command(after_help = "\
Sizes of event types are estimates. The growth is that of points of the last 30 days (of the time
since the first point, if that is shorter); the forecast takes nothing for removed.")]
pub(crate) struct Stats {
    /// Print one JSON object; sizes in bytes, times in Unix seconds
    #[arg(long)]
    json: bool,
}

/// What is told. The fields of the JSON are these, with dashes.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Answer {
    directory: String,
    schema_version: u32,
    bytes: u64,
    free_bytes: u64,
    records: u64,
    event_types: Vec<EventType>,
    growth: Growth,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct EventType {
    event_type: String,
    series: u64,
    points: u64,
    buckets: u64,
    bytes: u64,
    first: Option<i64>,
    last: Option<i64>,
    points_per_day: f64,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Growth {
    /// Over which the rates are taken.
    days: f64,
    points_per_day: f64,
    bytes_per_day: f64,
    /// Bytes that a year at this rate adds.
    bytes_per_year: f64,
}

/// Runs the command.
pub(crate) async fn run(options: &Stats, home: &Home) -> Result<Outcome> {
    let store = home.open().await?;
    let now = Utc::now().timestamp();
    let usage = store.usage(now - DAYS * SECONDS_PER_DAY).await?;
    let size = store.size().await?;
    let growth = growth(&usage, now);
    let answer = Answer {
        directory: home.path().display().to_string(),
        schema_version: store.version().await?,
        bytes: size.bytes,
        free_bytes: size.free_bytes,
        records: store.count(&Search::default()).await?,
        event_types: usage
            .into_iter()
            .map(|usage| EventType {
                points_per_day: usage.recent_points as f64 / growth.days,
                event_type: usage.event_type,
                series: usage.series,
                points: usage.points,
                buckets: usage.buckets,
                bytes: usage.bytes,
                first: usage.first,
                last: usage.last,
            })
            .collect(),
        growth,
    };
    if options.json {
        print_json(&answer)?;
    } else {
        io::stdout().write_all(text(&answer, size).as_bytes())?;
    }
    Ok(Outcome::Done)
}

/// Returns what the last days added; summaries grow with their points.
fn growth(usage: &[Usage], now: i64) -> Growth {
    let first = usage.iter().filter_map(|usage| usage.first).min();
    // Less than a day says little about a day.
    let seconds = first.map_or(0, |first| now.saturating_sub(first));
    let seconds = seconds.clamp(SECONDS_PER_DAY, DAYS * SECONDS_PER_DAY);
    let days = seconds as f64 / SECONDS_PER_DAY as f64;
    let points: u64 = usage.iter().map(|usage| usage.recent_points).sum();
    let bytes: f64 = usage
        .iter()
        .filter(|usage| usage.points > 0)
        .map(|usage| usage.bytes as f64 * usage.recent_points as f64 / usage.points as f64)
        .sum();
    Growth {
        days,
        points_per_day: points as f64 / days,
        bytes_per_day: bytes / days,
        bytes_per_year: bytes / days * 365.0,
    }
}

fn text(answer: &Answer, size: StoreSize) -> String {
    let free = byte_count(size.free_bytes as f64);
    let mut text = format!(
        "directory  {}\nschema     version {}\nsize       {} on disk, {free} of it unused\n\
         records    {}\n",
        crate::logging::escaped(&answer.directory, |_| false),
        answer.schema_version,
        byte_count(size.bytes as f64),
        answer.records,
    );
    if !answer.event_types.is_empty() {
        let rows: Vec<Vec<String>> = answer.event_types.iter().map(row).collect();
        let head = [
            ("event type", Side::Left),
            ("series", Side::Right),
            ("points", Side::Right),
            ("summaries", Side::Right),
            ("size", Side::Right),
            ("points/day", Side::Right),
            ("first", Side::Left),
            ("last", Side::Left),
        ];
        text.push('\n');
        text.push_str(&table(&head, &rows));
    }
    let Growth {
        days,
        points_per_day,
        bytes_per_day,
        bytes_per_year,
    } = answer.growth;
    text.push('\n');
    if points_per_day > 0.0 {
        let used = size.bytes.saturating_sub(size.free_bytes) as f64;
        text.push_str(&format!(
            "{} points and {} a day in the last {}; at this rate {} in a year\n",
            rounded(points_per_day),
            byte_count(bytes_per_day),
            plural(days.round() as u64, "day", "days"),
            byte_count(used + bytes_per_year),
        ));
    } else {
        text.push_str(&format!("nothing was added in the last {DAYS} days\n"));
    }
    text
}

fn row(of: &EventType) -> Vec<String> {
    vec![
        of.event_type.clone(),
        of.series.to_string(),
        of.points.to_string(),
        of.buckets.to_string(),
        byte_count(of.bytes as f64),
        rounded(of.points_per_day),
        time(of.first),
        time(of.last),
    ]
}

/// Returns a rate with a decimal where that matters.
fn rounded(rate: f64) -> String {
    if rate > 0.0 && rate < 10.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

fn time(seconds: Option<i64>) -> String {
    let Some(seconds) = seconds else {
        return "-".to_owned();
    };
    // Times that no calendar has are shown as they are.
    DateTime::from_timestamp(seconds, 0).map_or_else(
        || seconds.to_string(),
        |time| time.format("%Y-%m-%d %H:%M").to_string(),
    )
}

/// Returns a size for people, in units of 1000.
fn byte_count(bytes: f64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000.0 {
        return format!("{bytes:.0} B");
    }
    let mut size = bytes / 1000.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    // What is rounded up to the next unit is of that unit.
    for next in units {
        if size < 999.95 {
            break;
        }
        size /= 1000.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_750_000_000;

    #[test]
    fn the_growth_of_a_young_archive_is_that_of_its_age() {
        let usage = |age: i64, points, recent_points| Usage {
            points,
            recent_points,
            bytes: points * 20,
            first: Some(NOW - age * SECONDS_PER_DAY),
            ..Usage::default()
        };
        let old = growth(&[usage(400, 4000, 300), usage(1, 10, 0)], NOW);
        assert_eq!((old.days, old.points_per_day), (30.0, 10.0));
        assert_eq!((old.bytes_per_day, old.bytes_per_year), (200.0, 73_000.0));
        let young = growth(&[usage(3, 30, 30)], NOW);
        assert_eq!((young.days, young.points_per_day), (3.0, 10.0));
        // A point of the future, or nothing at all.
        assert_eq!(growth(&[usage(-5, 1, 1)], NOW).days, 1.0);
        assert_eq!(growth(&[Usage::default()], NOW).bytes_per_day, 0.0);
    }

    #[test]
    fn sizes_and_times_are_for_people() {
        for (bytes, expected) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1000.0, "1.0 kB"),
            (999_949.0, "999.9 kB"),
            (999_950.0, "1.0 MB"),
            (12_345_678_901.0, "12.3 GB"),
            (5e15, "5000.0 TB"),
        ] {
            assert_eq!(byte_count(bytes), expected);
        }
        assert_eq!(time(Some(NOW)), "2025-06-15 15:06");
        assert_eq!(time(Some(i64::MAX)), i64::MAX.to_string());
        assert_eq!(time(None), "-");
        assert_eq!(
            (rounded(0.25), rounded(0.0), rounded(17.4)),
            ("0.2".to_owned(), "0".to_owned(), "17".to_owned())
        );
    }
}
