//! The line that a monitoring system reads, with what follows it; and the same as
//! JSON.
//!
//! Text that comes from an archive or the command line is made harmless: one line,
//! nothing invisible, and no `|`, which would begin performance data.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat};
use esmond_ps_cli_common::pytext::push_json;
use esmond_ps_cli_common::report::told;
use serde_json::{Value, json};

use crate::check::{Direction, unit};
use crate::duration;
use crate::options::CheckJob;
use crate::range::Range;
use crate::stat::Stat;
use crate::state::State;

/// Most lines behind the first.
const MOST_LINES: usize = 20;

/// Most characters of a text: monitoring systems cut at a few thousand.
const MOST_CHARACTERS: usize = 1_000;

/// Makes a text harmless in a line of status.
pub(crate) fn text(text: &str) -> String {
    told(text)
        .replace('|', "/")
        .chars()
        .take(MOST_CHARACTERS)
        .collect()
}

/// Says how many points there are.
pub(crate) fn points(count: u64) -> String {
    match count {
        1 => "1 point".to_owned(),
        count => format!("{count} points"),
    }
}

/// Says how long ago a time is.
pub(crate) fn ago(now: i64, ts: i64) -> String {
    match now.saturating_sub(ts) {
        age @ 0.. => format!("{} ago", duration::words(age)),
        ahead => format!("{} in the future", duration::words(ahead.saturating_neg())),
    }
}

/// Writes a time in UTC.
pub(crate) fn time(ts: i64) -> Option<String> {
    let time = DateTime::from_timestamp(ts, 0)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Writes the line of status with its performance data, and the details.
pub(crate) fn human(
    job: &CheckJob,
    state: State,
    directions: &[Direction],
    out: &mut dyn Write,
) -> io::Result<()> {
    let message = message(job, directions);
    writeln!(
        out,
        "{state} - {message} | {}",
        performance(job, directions)
    )?;
    let details = directions.iter().flat_map(|direction| {
        let way = way(direction);
        direction
            .details
            .iter()
            .map(move |detail| (way.clone(), detail))
    });
    let count = details.clone().count();
    for (way, detail) in details.take(MOST_LINES) {
        writeln!(out, "{}", text(&format!("{way}{detail}")))?;
    }
    if count > MOST_LINES {
        writeln!(out, "and {} more", count - MOST_LINES)?;
    }
    Ok(())
}

/// Writes everything as one JSON object on one line.
pub(crate) fn json(
    job: &CheckJob,
    state: State,
    directions: &[Direction],
    out: &mut dyn Write,
) -> io::Result<()> {
    let unit = unit(job);
    let range = |range: &Option<Range>| range.as_ref().map(ToString::to_string);
    let checks: Vec<Value> = directions
        .iter()
        .map(|direction| {
            let newest = direction.seen.newest;
            json!({
                "source": direction.source,
                "destination": direction.destination,
                "event_type": job.event_type,
                "state": direction.judged.state.name(),
                "reasons": direction.judged.reasons,
                "stat": job.stat.name(),
                "value": direction.seen.value,
                "unit": unit.text,
                "points": direction.points,
                "newest": newest.and_then(time),
                "age": newest.map(|newest| job.now.saturating_sub(newest)),
                "details": direction.details,
            })
        })
        .collect();
    let document = json!({
        "state": state.name(),
        "message": message(job, directions),
        "warning": range(&job.thresholds.warning),
        "critical": range(&job.thresholds.critical),
        "warning_age": job.thresholds.warning_age,
        "critical_age": job.thresholds.critical_age,
        "checks": checks,
        "performance_data": performance(job, directions),
    });
    line_of(&document, out)
}

/// Writes a document on one line, with everything but printable ASCII escaped: people
/// look at it, too.
pub(crate) fn line_of(document: &Value, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    push_json(&mut line, document);
    writeln!(out, "{line}")
}

fn way(direction: &Direction) -> String {
    match (&direction.source, &direction.destination) {
        (Some(source), Some(destination)) => format!("{source} to {destination}: "),
        (Some(source), None) => format!("{source}: "),
        _ => String::new(),
    }
}

fn message(job: &CheckJob, directions: &[Direction]) -> String {
    let parts: Vec<String> = directions
        .iter()
        .map(|direction| one(job, direction))
        .collect();
    text(&format!("{} {}", job.event_type, parts.join("; ")))
}

fn one(job: &CheckJob, direction: &Direction) -> String {
    let mut line = way(direction);
    match (direction.seen.value, direction.seen.newest) {
        (Some(_), _) if job.stat == Stat::Count && job.scale == 1.0 => {
            line.push_str(&points(direction.points));
        }
        (Some(value), _) => {
            let (stat, points) = (job.stat.name(), points(direction.points));
            let value = unit(job).words(value);
            line.push_str(&format!("{stat} {value} of {points}"));
        }
        (None, Some(_)) => line.push_str(&points(direction.points)),
        (None, None) => line.push_str("no points"),
    }
    if let Some(newest) = direction.seen.newest {
        line.push_str(&format!(", newest {}", ago(job.now, newest)));
    }
    let reasons = &direction.judged.reasons;
    let reasons: Vec<&str> = reasons
        .iter()
        .map(String::as_str)
        .filter(|reason| *reason != "no points")
        .collect();
    if !reasons.is_empty() {
        line.push_str(&format!(" ({})", reasons.join(", ")));
    }
    line
}

/// Returns the performance data: for each direction the number with its thresholds,
/// the age of the newest point in seconds, and the number of points.
fn performance(job: &CheckJob, directions: &[Direction]) -> String {
    let unit = unit(job);
    let is_percentage = unit.uom == "%" && job.stat != Stat::Stddev;
    let (min, max) = if is_percentage {
        ("0", "100")
    } else {
        ("", "")
    };
    let range = |range: &Option<Range>| range.as_ref().map(ToString::to_string).unwrap_or_default();
    let limit = |limit: Option<i64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    let thresholds = &job.thresholds;
    let mut data = Vec::new();
    for (number, direction) in directions.iter().enumerate() {
        let suffix = if number == 0 { "" } else { "_reverse" };
        if let Some(value) = direction.seen.value {
            data.push(format!(
                "'{}{suffix}'={value}{};{};{};{min};{max}",
                label(&job.event_type),
                unit.uom,
                range(&thresholds.warning),
                range(&thresholds.critical),
            ));
        }
        if let Some(newest) = direction.seen.newest {
            data.push(format!(
                "'age{suffix}'={}s;{};{};0;",
                job.now.saturating_sub(newest).max(0),
                limit(thresholds.warning_age),
                limit(thresholds.critical_age),
            ));
        }
        data.push(format!("'points{suffix}'={};;;0;", direction.points));
    }
    data.join(" ")
}

/// Returns the name of an event type as a label, which must not hold quotes or `=`.
fn label(event_type: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let label = event_type.chars().map(|c| if fits(c) { c } else { '_' });
    label.take(100).collect()
}
