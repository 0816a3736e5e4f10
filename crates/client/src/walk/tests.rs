use esmond_ps_model::Point;
use proptest::prelude::*;
use serde_json::json;

use super::*;

type Run = (i64, Option<i64>);

impl Timed for Point {
    fn ts(&self) -> i64 {
        self.ts
    }
}

fn point(ts: i64, val: i64) -> Point {
    Point {
        ts,
        val: json!(val),
    }
}

fn inside(page: PointsPage, ts: i64) -> bool {
    page.start.is_none_or(|start| start <= ts) && page.end.is_none_or(|end| ts <= end)
}

/// Answers as a perfSONAR 5 archive does: runs without a value are counted, and
/// left out afterwards.
fn perfsonar_5(runs: &[Run], page: PointsPage) -> Vec<Point> {
    assert!(page.limit <= 10_000, "limit {} is refused", page.limit);
    runs.iter()
        .filter(|(ts, _)| inside(page, *ts))
        .take(usize::try_from(page.limit).unwrap())
        .filter_map(|(ts, val)| Some(point(*ts, (*val)?)))
        .collect()
}

/// Answers as a classic archive does, with pages of at most `cap` points.
fn classic(runs: &[Run], cap: u64, page: PointsPage) -> Vec<Point> {
    let all = PointsPage {
        limit: 10_000,
        ..page
    };
    let mut points = perfsonar_5(runs, all);
    points.truncate(usize::try_from(page.limit.min(cap)).unwrap());
    points
}

fn plan(page_size: u64, filters_after_limit: bool) -> Plan {
    Plan {
        begin: Some(0),
        end: Some(30 * 86_400),
        page_size,
        filters_after_limit,
        horizon: i64::MAX,
        piece: None,
    }
}

/// Reads a series to its end; returns what was delivered and what was asked.
fn read(
    plan: Plan,
    answer: impl Fn(PointsPage) -> Vec<Point>,
) -> (Vec<(i64, i64)>, Vec<PointsPage>) {
    let mut walk = Walk::new(plan);
    let (mut delivered, mut asked) = (Vec::new(), Vec::new());
    while let Some(page) = walk.next_page() {
        assert!(asked.len() < 5_000, "no end in sight: {page:?}");
        asked.push(page);
        delivered.extend(walk.accept(answer(page)));
    }
    let delivered = delivered
        .iter()
        .map(|point| (point.ts, point.val.as_i64().unwrap()))
        .collect();
    (delivered, asked)
}

fn values(runs: &[Run]) -> Vec<(i64, i64)> {
    runs.iter()
        .filter_map(|(ts, val)| Some((*ts, (*val)?)))
        .collect()
}

fn every(seconds: i64, count: i64) -> Vec<Run> {
    (0..count).map(|n| (n * seconds, Some(n))).collect()
}

#[test]
fn a_full_page_is_resumed_at_its_last_second() {
    let runs = every(60, 5);
    let (delivered, asked) = read(plan(3, false), |page| classic(&runs, 100, page));
    assert_eq!(delivered, values(&runs));
    let starts: Vec<_> = asked.iter().map(|page| page.start.unwrap()).collect();
    assert_eq!(starts, [0, 120, 240]);
    assert!(asked.iter().all(|page| page.end == Some(30 * 86_400)));
}

#[test]
fn a_short_page_is_not_the_end() {
    // DIFFERENCE: it is for the original library.
    let runs = every(60, 2_500);
    let (delivered, _) = read(plan(1_000, false), |page| classic(&runs, 700, page));
    assert_eq!(delivered, values(&runs));
}

#[test]
fn an_empty_series_of_a_classic_archive_is_one_request() {
    let (delivered, asked) = read(plan(1_000, false), |_| vec![]);
    assert_eq!((delivered.len(), asked.len()), (0, 1));
}

#[test]
fn points_that_share_a_second_are_all_delivered_once() {
    // DIFFERENCE: the original library goes on a second later.
    let runs: Vec<Run> = [1, 1, 2, 2, 2, 2, 2, 3, 3, 3]
        .into_iter()
        .zip(0..)
        .map(|(ts, val)| (ts, Some(val)))
        .collect();
    for page_size in 1..12 {
        for dialect in [false, true] {
            let (delivered, _) = read(plan(page_size, dialect), |page| perfsonar_5(&runs, page));
            assert_eq!(delivered, values(&runs), "{page_size} {dialect}");
        }
    }
}

#[test]
fn the_last_second_is_replaced_by_its_newer_answer() {
    let mut walk = Walk::new(plan(2, false));
    assert_eq!(
        walk.accept(vec![point(1, 10), point(2, 20)]),
        [point(1, 10)]
    );
    let ready = walk.accept(vec![point(2, 21), point(2, 22), point(3, 30)]);
    assert_eq!(ready, [point(2, 21), point(2, 22)]);
    assert_eq!(walk.accept(vec![]), [point(3, 30)]);
    assert_eq!(walk.next_page(), None);
}

#[test]
fn a_second_that_is_not_answered_again_is_kept() {
    let mut walk = Walk::new(plan(1, false));
    assert_eq!(walk.accept(vec![point(2, 20)]), []);
    assert_eq!(walk.accept(vec![point(3, 30)]), [point(2, 20)]);
}

#[test]
fn runs_without_a_value_hide_nothing() {
    let mut runs = every(60, 2_500);
    runs[500].1 = None;
    let (delivered, _) = read(plan(1_000, true), |page| perfsonar_5(&runs, page));
    assert_eq!(delivered, values(&runs));

    // An outage that is longer than a page, and one longer than any page.
    for outage in [1_500, 15_000] {
        let mut runs = every(60, outage + 2_500);
        for run in &mut runs[1_000..1_000 + usize::try_from(outage).unwrap()] {
            run.1 = None;
        }
        let (delivered, asked) = read(plan(1_000, true), |page| perfsonar_5(&runs, page));
        assert_eq!(delivered, values(&runs));
        assert!(asked.len() < 20, "{}", asked.len());
    }
}

#[test]
fn a_range_that_begins_with_an_outage_is_read_to_its_end() {
    let mut runs = every(60, 20_000);
    for run in &mut runs[..15_000] {
        run.1 = None;
    }
    let (delivered, _) = read(plan(1_000, true), |page| perfsonar_5(&runs, page));
    assert_eq!(delivered, values(&runs));
}

#[test]
fn a_day_without_any_point_is_two_requests() {
    let day = Plan {
        end: Some(86_400),
        ..plan(1_000, true)
    };
    let (_, asked) = read(day, |_| vec![]);
    assert_eq!(
        asked.iter().map(|page| page.limit).collect::<Vec<_>>(),
        [1_000, 10_000]
    );
    assert!(asked.iter().all(|page| page.end == Some(86_400)));
}

#[test]
fn a_day_of_points_is_two_requests() {
    let runs = every(60, 900);
    let day = Plan {
        end: Some(86_400),
        ..plan(1_000, true)
    };
    let (delivered, asked) = read(day, |page| perfsonar_5(&runs, page));
    assert_eq!((delivered.len(), asked.len()), (900, 2));
}

#[test]
fn windows_are_bounded_in_number_and_stay_in_the_range() {
    let years = Plan {
        begin: Some(1_000_000_000),
        end: Some(1_900_000_000),
        ..plan(1_000, true)
    };
    let (_, asked) = read(years, |_| vec![]);
    assert!(asked.len() <= 67, "{}", asked.len());
    for pair in asked[1..].windows(2) {
        assert_eq!(pair[1].start, pair[0].end.map(|end| end + 1));
    }
    assert_eq!(asked.last().unwrap().end, years.end);

    // Far in the future there is nothing to walk over.
    let horizon = 1_000_080_000;
    let (_, asked) = read(Plan { horizon, ..years }, |_| vec![]);
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_long_range_hides_no_outage_and_ends_soon_after_the_last_run() {
    let years = Plan {
        begin: Some(0),
        end: Some(600_000_000),
        ..plan(1_000, true)
    };
    let is_out = |n: i64| (100..25_100).contains(&n);
    let runs: Vec<Run> = (0..26_000)
        .map(|n| (n * 5, (!is_out(n)).then_some(n)))
        .collect();
    let (delivered, asked) = read(years, |page| perfsonar_5(&runs, page));
    assert_eq!(delivered, values(&runs));
    assert!(asked.len() < 130, "{}", asked.len());
    assert_eq!(asked.last().unwrap().end, years.end);
}

#[test]
fn a_range_that_holds_nothing_is_not_asked_for() {
    let empty = Plan {
        begin: Some(900),
        end: Some(899),
        ..plan(1_000, true)
    };
    assert_eq!(read(empty, |_| vec![]).1, []);
}

#[test]
fn a_range_without_a_start_is_not_walked_from_1970() {
    let open = Plan {
        begin: None,
        end: None,
        horizon: 1_900_000_000,
        ..plan(1_000, true)
    };
    let (_, asked) = read(open, |_| vec![]);
    assert_eq!(asked.len(), 2);
    assert!(
        asked
            .iter()
            .all(|page| page.start.is_none() && page.end.is_none())
    );
}

#[test]
fn points_outside_the_range_are_left_out() {
    // DIFFERENCE: the original library delivers them.
    let runs = every(60, 10);
    let short = Plan {
        end: Some(150),
        ..plan(4, false)
    };
    // This archive does not know `time-end`.
    let (delivered, _) = read(short, |page| {
        classic(&runs, 100, PointsPage { end: None, ..page })
    });
    assert_eq!(delivered, [(0, 0), (60, 1), (120, 2)]);
}

#[test]
fn an_archive_that_ignores_every_argument_is_read_without_repeats() {
    let runs = every(60, 50);
    let everything = PointsPage {
        start: None,
        end: None,
        limit: 10_000,
    };
    for dialect in [false, true] {
        let (delivered, asked) = read(plan(10, dialect), |_| perfsonar_5(&runs, everything));
        assert_eq!(delivered, values(&runs));
        assert!(asked.len() < 20, "{}", asked.len());
    }
}

#[test]
fn points_in_disorder_are_sorted_within_their_page() {
    let page = vec![point(3, 0), point(1, 1), point(2, 2)];
    let (delivered, _) = read(plan(10, false), |_| page.clone());
    assert_eq!(delivered, [(1, 1), (2, 2), (3, 0)]);
}

proptest! {
    #[test]
    fn every_value_is_delivered_once_and_in_order(
        steps in prop::collection::vec((0_i64..4, prop::option::of(0_i64..9)), 0..80),
        page_size in 1_u64..12,
        cap in 1_u64..12,
    ) {
        let mut ts = 0;
        let runs: Vec<Run> = steps
            .iter()
            .map(|(step, val)| {
                ts += step;
                (ts, *val)
            })
            .collect();
        let (delivered, _) = read(plan(page_size, true), |page| perfsonar_5(&runs, page));
        prop_assert_eq!(&delivered, &values(&runs));

        // Classic archives have one point a second, and may have small pages.
        let mut unique: Vec<Run> = runs.into_iter().filter(|run| run.1.is_some()).collect();
        unique.dedup_by_key(|run| run.0);
        let (delivered, _) = read(plan(page_size, false), |page| classic(&unique, cap.max(2), page));
        prop_assert_eq!(&delivered, &values(&unique));
    }
}

#[test]
fn where_points_are_large_fewer_are_asked_for() {
    let mut walk: Walk<Point> = Walk::new(plan(1000, false));
    walk.weigh(1000, 1 << 20);
    walk.accept((0..1000).map(|ts| point(ts, ts)).collect());
    assert_eq!(walk.next_page().unwrap().limit, 1000);
    walk.weigh(1000, 4 << 20);
    walk.accept((999..1999).map(|ts| point(ts, ts)).collect());
    assert_eq!(walk.next_page().unwrap().limit, 250);
    walk.weigh(1, 1 << 30);
    walk.accept((1998..2248).map(|ts| point(ts, ts)).collect());
    assert_eq!(walk.next_page().unwrap().limit, 1);
    // A second that holds more than a page still ends.
    assert!(walk.accept(vec![point(2247, 1)]).is_empty());
    assert_eq!(walk.next_page().unwrap().limit, 2);
}

#[test]
fn points_before_the_range_are_left_out_from_the_first_page_on() {
    let mut walk = Walk::new(plan(10, false));
    let page = [-5, 0, 1, 2].map(|ts| point(ts, ts)).to_vec();
    let times: Vec<i64> = walk.accept(page).iter().map(Timed::ts).collect();
    assert_eq!(times, [0, 1]);
}

#[test]
fn what_comes_whole_is_asked_for_in_pieces() {
    let day = Plan {
        begin: Some(0),
        end: Some(86_399),
        piece: Some(30_000),
        ..plan(100, false)
    };
    // Summaries of 300 s: all of the range, whatever the limit.
    let windows: Vec<Run> = (0..288).map(|number| (number * 300, Some(1))).collect();
    let whole = |page: PointsPage| {
        let all = PointsPage {
            limit: 10_000,
            ..page
        };
        perfsonar_5(&windows, all)
    };
    let (delivered, asked) = read(day, whole);
    assert_eq!(delivered.len(), 288);
    let ranges: Vec<_> = asked.iter().map(|page| (page.start, page.end)).collect();
    assert_eq!(
        ranges,
        [
            (Some(0), Some(29_999)),
            (Some(30_000), Some(59_999)),
            (Some(60_000), Some(86_399))
        ]
    );
    let unbounded = Plan { begin: None, ..day };
    let (delivered, asked) = read(unbounded, whole);
    assert_eq!((delivered.len(), asked.len()), (288, 1));
}

#[test]
fn an_answer_that_is_too_large_is_asked_for_in_smaller_ones() {
    let mut walk: Walk<Point> = Walk::new(plan(1_000, false));
    let limits: Vec<u64> = std::iter::from_fn(|| {
        let limit = walk.next_page().unwrap().limit;
        walk.shrink().then_some(limit)
    })
    .collect();
    assert_eq!(limits, [1_000, 100, 10]);
    assert!(!walk.shrink(), "a single point is the least");
    // The pages after it are no larger.
    walk.accept(vec![point(0, 1)]);
    assert_eq!(walk.next_page().unwrap().limit, 1);
}

#[test]
fn an_archive_that_answers_in_crumbs_is_given_up() {
    let forever = Plan {
        end: None,
        ..plan(1_000, false)
    };
    let mut walk = Walk::new(forever);
    let mut ts = 0;
    while !walk.is_endless() {
        assert!(walk.next_page().is_some() && ts < 200_000);
        ts += 1;
        walk.accept(vec![point(ts, ts)]);
    }
    assert!(ts > 10_000, "{ts}");
}
