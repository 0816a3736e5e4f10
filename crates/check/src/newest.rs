//! The newest point of a series, without reading all of it.

use esmond_ps_client::{DataPoint, Dialect, Result, Series};
use esmond_ps_model::TimeArguments;
use futures_util::TryStreamExt as _;

/// How far before the time that is expected is looked first, in seconds.
const FIRST: i64 = 3_600;

/// How much farther back each further look goes.
const STEP: i64 = 12;

/// How far ahead of now points are looked for: clocks of hosts may be wrong.
pub(crate) const AHEAD: i64 = 86_400;

/// Tells when a series was written last, where that is known. perfSONAR 5 archives
/// tell when a test was put on the schedule, which is something else.
pub(crate) fn written(series: &Series) -> Option<i64> {
    let event_type = series.event_type();
    match event_type.test().dialect() {
        Dialect::Classic => event_type.time_updated(),
        Dialect::PerfSonar5 => None,
    }
}

/// Tells whether a series is known to have nothing since then, without asking.
pub(crate) fn is_empty_since(series: &Series, since: i64) -> bool {
    series.event_type().test().dialect() == Dialect::Classic
        && written(series).is_none_or(|written| written < since)
}

/// Reads the newest point that has something in it, since `since`.
pub(crate) async fn read(series: &Series, since: i64, now: i64) -> Result<Option<DataPoint>> {
    if is_empty_since(series, since) {
        return Ok(None);
    }
    let expected = written(series).map_or(now, |written| written.min(now));
    let mut end = now.saturating_add(AHEAD);
    let mut reach = FIRST;
    loop {
        let start = expected.saturating_sub(reach).max(since);
        let times = TimeArguments {
            time_start: Some(start),
            time_end: Some(end),
            ..TimeArguments::default()
        };
        let mut newest = None;
        let mut points = series.points(&times);
        loop {
            match points.try_next().await {
                Ok(Some(point)) if series.is_blank(&point.val) => {}
                Ok(Some(point)) => newest = Some(point),
                Ok(None) => break,
                Err(error) if error.is_not_held() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        if newest.is_some() || start <= since {
            return Ok(newest);
        }
        end = start - 1;
        reach = reach.saturating_mul(STEP);
    }
}
