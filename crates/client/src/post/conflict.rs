//! What a 409 to a bulk request means.
//!
//! Our archive stores whatever is new and names the points that were there.
//! The original stops at the first point that was there: what stands before it
//! has been taken, what stands behind it is lost unless it is sent again.
//!
//! DIFFERENCE: the original library takes a conflict for a failure.

use serde_json::Value;

use crate::limits;
use crate::post::buffer::Waiting;

/// What became of the points of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// All are on the archive; so many of them were there before.
    Settled(usize),
    /// So many have been taken, the next one was there before, and the others
    /// have not been looked at.
    StoppedAt(usize),
    /// The archive does not tell.
    Untold,
}

/// Reads a 409 to a request with these points.
pub(crate) fn read<'a>(body: &[u8], points: impl Iterator<Item = &'a Waiting>) -> Conflict {
    if limits::holds_more(body, limits::VALUES, usize::MAX) {
        return Conflict::Untold;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Conflict::Untold;
    };
    if let Some(conflicts) = answer["conflicts"].as_array() {
        return Conflict::Settled(conflicts.len());
    }
    let Some((event_type, ts)) = answer["detail"].as_str().and_then(named) else {
        return Conflict::Untold;
    };
    let mut points = points;
    match points.position(|point| point.event_type == event_type && point.ts == ts) {
        Some(index) => Conflict::StoppedAt(index),
        None => Conflict::Untold,
    }
}

/// Finds event type and time in the words of the original archive.
fn named(detail: &str) -> Option<(&str, i64)> {
    let (_, rest) = detail.split_once("with event type ")?;
    let (event_type, ts) = rest.rsplit_once(" at time ")?;
    Some((event_type, ts.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Conflict {
        let points: Vec<_> = [("throughput", 90), ("failures", 90), ("throughput", 120)]
            .map(|(event_type, ts)| Waiting {
                event_type: event_type.to_owned(),
                ts,
                value: "1".to_owned(),
            })
            .into();
        super::read(body.as_bytes(), points.iter())
    }

    #[test]
    fn an_archive_that_names_the_conflicts_has_stored_the_rest() {
        // DIFFERENCE: the original archive stops at the first.
        let answer = r#"{"detail":"Time series value already exists with event type throughput at time 90",
            "conflicts":[{"event-type":"throughput","ts":90},{"event-type":"throughput","ts":120}]}"#;
        assert_eq!(read(answer), Conflict::Settled(2));
    }

    #[test]
    fn the_original_stops_at_the_point_that_it_names() {
        let answer = r#"{"detail":"Time series value already exists with event type throughput at time 120"}"#;
        assert_eq!(read(answer), Conflict::StoppedAt(2));
    }

    #[test]
    fn other_words_tell_nothing() {
        for answer in [
            r#"{"detail":"Time series value already exists with event type throughput at time 91"}"#,
            r#"{"detail":"conflict"}"#,
            r#"{"detail":{"ts":90}}"#,
            r#""""#,
            "<p>Conflict</p>",
            &format!(r#"{{"conflicts":[{}0]}}"#, "0,".repeat(3_000_000)),
            "",
        ] {
            assert_eq!(read(answer), Conflict::Untold, "{answer:.99}");
        }
    }
}
