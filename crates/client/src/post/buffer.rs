//! Points on their way, and the bulk requests that they fill.
//!
//! Pure: what to send next; sending is the writer's part.
//!
//! DIFFERENCE: the original library sends all points in one request, however many
//! there are.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

use serde_json::Value;

use crate::{Error, Result};

/// Most points of one request.
const MOST_POINTS: usize = 1000;

/// Largest body of a request in bytes, unless one point alone is larger. The
/// original archive refuses more than 2.5 MiB.
const LARGEST_BODY: usize = 1 << 20;

/// A point that waits, its value as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) event_type: String,
    pub(crate) ts: i64,
    pub(crate) value: String,
}

/// Points in the order in which they are sent: grouped by second, seconds and
/// the points of each in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// Points that are being sent: their order is settled.
    queue: VecDeque<Waiting>,
    /// Points that came since, by second.
    seconds: Vec<Vec<Waiting>>,
    /// Where the points of a second are.
    places: HashMap<i64, usize>,
    /// Number of points in `seconds`.
    added: usize,
}

/// One bulk request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bulk {
    pub(crate) body: String,
    /// How many points it holds.
    pub(crate) points: usize,
}

impl Buffer {
    pub(crate) fn len(&self) -> usize {
        self.queue.len() + self.added
    }

    pub(crate) fn add(&mut self, point: Waiting) {
        let place = *self.places.entry(point.ts).or_insert_with(|| {
            self.seconds.push(Vec::new());
            self.seconds.len() - 1
        });
        self.seconds[place].push(point);
        self.added += 1;
    }

    /// Settles the order of what was added.
    pub(crate) fn settle(&mut self) {
        self.places.clear();
        self.added = 0;
        self.queue.extend(self.seconds.drain(..).flatten());
    }

    /// Returns the next of the settled points.
    pub(crate) fn first(&self) -> Option<&Waiting> {
        self.queue.front()
    }

    /// Returns the settled points, in order.
    pub(crate) fn settled(&self) -> impl Iterator<Item = &Waiting> {
        self.queue.iter()
    }

    /// Forgets that many of the settled points.
    pub(crate) fn sent(&mut self, points: usize) {
        self.queue.drain(..points.min(self.queue.len()));
    }

    /// Returns a request with as many of the settled points as one may hold;
    /// `None` when there are none.
    ///
    /// A point that comes twice goes into two requests, so that the archive's
    /// rule for points that are already there applies to it: within one
    /// request the original archive adds the two up.
    pub(crate) fn next_bulk(&self) -> Option<Bulk> {
        let mut body = String::from(r#"{"data":["#);
        let mut points = 0;
        let mut second = None;
        let mut seen = HashSet::new();
        for point in &self.queue {
            let Waiting {
                event_type,
                ts,
                value,
            } = point;
            let name = Value::from(event_type.as_str()).to_string();
            // What stands around a value is never longer than 80 bytes.
            let full =
                points == MOST_POINTS || body.len() + name.len() + value.len() + 80 > LARGEST_BODY;
            if (full && points > 0) || !seen.insert((*ts, event_type)) {
                break;
            }
            // Writing to a string cannot fail.
            let _ = match second {
                Some(second) if second == *ts => write!(body, ","),
                Some(_) => write!(body, r#"]}},{{"ts":{ts},"val":["#),
                None => write!(body, r#"{{"ts":{ts},"val":["#),
            };
            let _ = write!(body, r#"{{"event-type":{name},"val":{value}}}"#);
            second = Some(*ts);
            points += 1;
        }
        if points == 0 {
            return None;
        }
        body.push_str("]}]}");
        Some(Bulk { body, points })
    }
}

/// Returns a value as it is sent.
pub(crate) fn value_text(event_type: &str, ts: i64, value: &Value) -> Result<String> {
    if value.is_null() {
        return Err(Error::Unsendable {
            what: format!("the value of {} at {ts}", event_type.escape_debug()),
            reason: "it is null",
        });
    }
    Ok(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn waiting(event_type: &str, ts: i64, value: impl Into<String>) -> Waiting {
        Waiting {
            event_type: event_type.to_owned(),
            ts,
            value: value.into(),
        }
    }

    fn settled(points: impl IntoIterator<Item = Waiting>) -> Buffer {
        let mut buffer = Buffer::default();
        for point in points {
            buffer.add(point);
        }
        buffer.settle();
        buffer
    }

    /// All requests, and the number of points of each.
    fn drain(mut buffer: Buffer) -> Vec<(Value, usize)> {
        let mut bulks = Vec::new();
        while let Some(bulk) = buffer.next_bulk() {
            assert!(bulk.points > 0);
            bulks.push((serde_json::from_str(&bulk.body).unwrap(), bulk.points));
            buffer.sent(bulk.points);
        }
        assert_eq!(buffer.len(), 0);
        bulks
    }

    #[test]
    fn points_are_grouped_by_second_in_order_of_first_appearance() {
        let buffer = settled([
            waiting("throughput", 90, "1"),
            waiting("throughput", -120, "2"),
            waiting("failures", 90, r#"{"error":"x"}"#),
        ]);
        assert_eq!(
            buffer.next_bulk().unwrap().body,
            r#"{"data":[{"ts":90,"val":[{"event-type":"throughput","val":1},{"event-type":"failures","val":{"error":"x"}}]},{"ts":-120,"val":[{"event-type":"throughput","val":2}]}]}"#
        );
    }

    #[test]
    fn a_request_holds_a_thousand_points() {
        let bulks = drain(settled((0..2500).map(|ts| waiting("throughput", ts, "1"))));
        let sizes: Vec<_> = bulks.iter().map(|(_, points)| *points).collect();
        assert_eq!(sizes, [1000, 1000, 500]);
    }

    #[test]
    fn a_request_is_bounded_in_bytes_but_a_large_point_goes_alone() {
        let large = |size| format!("\"{}\"", "x".repeat(size));
        let buffer = settled([
            waiting("failures", 1, large(600_000)),
            waiting("failures", 2, large(600_000)),
            waiting("failures", 3, large(3_000_000)),
            waiting("failures", 4, "1"),
        ]);
        assert!(buffer.next_bulk().unwrap().body.len() < LARGEST_BODY);
        assert_eq!(drain(buffer).len(), 4);
    }

    #[test]
    fn a_point_that_comes_twice_goes_into_two_requests() {
        // DIFFERENCE: the original library sends both at once, and its archive
        // adds them up.
        let bulks = drain(settled([
            waiting("throughput", 90, "10"),
            waiting("failures", 90, "{}"),
            waiting("throughput", 90, "15"),
        ]));
        let sizes: Vec<_> = bulks.iter().map(|(_, points)| *points).collect();
        assert_eq!(sizes, [2, 1]);
    }

    #[test]
    fn points_that_come_while_others_are_sent_wait_behind_them() {
        let mut buffer = settled([waiting("a", 1, "1"), waiting("a", 2, "1")]);
        buffer.add(waiting("b", 1, "1"));
        assert_eq!(buffer.len(), 3);
        buffer.sent(1);
        buffer.settle();
        let order: Vec<_> = buffer.settled().map(|p| (p.ts, &*p.event_type)).collect();
        assert_eq!(order, [(2, "a"), (1, "b")]);
    }

    #[test]
    fn null_is_no_value() {
        let error = value_text("throughput", 90, &Value::Null).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the value of throughput at 90 cannot be sent: it is null"
        );
    }

    proptest! {
        #[test]
        fn every_point_is_sent_once(points in prop::collection::vec((0_i64..9, "[a-c\"]{1,2}", 0_i32..99), 0..60)) {
            let expected = points.len();
            let buffer = settled(points.iter().map(|(ts, name, value)| waiting(name, *ts, value.to_string())));
            let mut sent = Vec::new();
            for (bulk, _) in drain(buffer) {
                for item in bulk["data"].as_array().unwrap() {
                    for value in item["val"].as_array().unwrap() {
                        let ts = item["ts"].as_i64().unwrap();
                        let name = value["event-type"].as_str().unwrap().to_owned();
                        sent.push((ts, name, i32::try_from(value["val"].as_i64().unwrap()).unwrap()));
                    }
                }
            }
            let mut points = points;
            // The order of one series is kept; that of different ones may change.
            points.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            sent.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            prop_assert_eq!(sent.len(), expected);
            prop_assert_eq!(sent, points);
        }
    }
}
