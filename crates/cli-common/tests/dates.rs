//! Date texts: python-dateutil's verdicts, relative forms, time windows.
//!
//! `data/dates/corpus.tsv` holds what python-dateutil makes of a text on
//! 2026-11-22, `corpus_defaults.tsv` the same for other days, `relative.tsv`
//! the relative forms at 2026-11-22T15:47:33Z, and `recorded.tsv` the epochs
//! that the original programs sent for a text on the day of capture.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, like the test"
)]

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use esmond_ps_cli_common::dates::{
    DateError, TimeWindow, WindowError, ignored_zone, parse, window,
};
use proptest::prelude::*;

const CORPUS: &str = include_str!("data/dates/corpus.tsv");
const CORPUS_DEFAULTS: &str = include_str!("data/dates/corpus_defaults.tsv");
const RELATIVE: &str = include_str!("data/dates/relative.tsv");
const RECORDED: &str = include_str!("data/dates/recorded.tsv");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-11-22T15:47:33Z")
}

fn epoch(text: &str) -> i64 {
    at(text).timestamp()
}

/// What an expectation such as `naive 2015-03-15T00:00:00Z` or `ERROR` says.
fn verdict(expected: &str) -> Option<DateTime<Utc>> {
    expected.split_once(' ').map(|(_, moment)| at(moment))
}

/// Fails with all the lines whose text is read otherwise than expected.
fn assert_all(cases: impl Iterator<Item = (String, DateTime<Utc>, Option<DateTime<Utc>>)>) {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (text, now, expected) in cases {
        count += 1;
        let got = parse(&text, now).ok();
        if got != expected {
            wrong.push(format!("{text:?} at {now}: {got:?}, expected {expected:?}"));
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next().unwrap() {
            't' => out.push('\t'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            '\\' => out.push('\\'),
            'x' => {
                let hex: String = chars.by_ref().take(2).collect();
                out.push(char::from(u8::from_str_radix(&hex, 16).unwrap()));
            }
            other => panic!("unknown escape \\{other}"),
        }
    }
    out
}

fn lines(file: &'static str) -> impl Iterator<Item = Vec<String>> {
    file.lines()
        .map(|line| line.split('\t').map(unescape).collect())
}

/// DIFFERENCE: to dateutil Unix epochs are errors, to us they are dates.
fn is_epoch(text: &str) -> bool {
    matches!(text.len(), 10 | 13) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn every_text_that_dateutil_reads_means_the_same() {
    assert_all(
        lines(CORPUS)
            .filter(|line| !is_epoch(&line[0]))
            .map(|line| (line[0].clone(), now(), verdict(&line[1]))),
    );
}

#[test]
fn missing_fields_come_from_today() {
    // DIFFERENCE: to the originals, from the local date of today.
    assert_all(lines(CORPUS_DEFAULTS).map(|line| {
        let day = at(&format!("{}T23:59:59.999999Z", line[1]));
        (line[0].clone(), day, verdict(&line[2]))
    }));
}

#[test]
fn relative_forms_count_from_now() {
    assert_all(lines(RELATIVE).map(|line| (line[0].clone(), now(), verdict(&line[1]))));
}

#[test]
fn the_original_programs_sent_the_same_epochs() {
    // DIFFERENCE: the originals refuse these.
    let only_ours = ["1398939630", "now", "yesterday"];
    let captured = at("2026-11-22T02:02:10Z");
    for line in lines(RECORDED) {
        let got = parse(&line[0], captured).map(|moment| moment.timestamp());
        if only_ours.contains(&line[0].as_str()) {
            assert!(got.is_ok(), "{}", line[0]);
        } else {
            assert_eq!(got.ok(), line[1].parse().ok(), "{}", line[0]);
        }
    }
}

#[test]
fn ten_digits_are_unix_seconds_and_thirteen_are_milliseconds() {
    // DIFFERENCE: the originals refuse these.
    let read = |text| parse(text, now());
    assert_eq!(read("1511648546"), Ok(at("2017-11-25T22:22:26Z")));
    assert_eq!(read("1427000000250"), Ok(at("2015-03-22T04:53:20.250Z")));
    assert_eq!(read(" 0000000000 "), Ok(DateTime::UNIX_EPOCH));
    // 12 digits are YYYYMMDDhhmm, also when mistyped.
    assert_eq!(read("201503151430"), Ok(at("2015-03-15T14:30:00Z")));
    assert!(read("201513151430").is_err());
    assert!(read("142700000").is_err());
}

#[test]
fn relative_units_have_short_and_long_names_in_any_case() {
    let read = |text| parse(text, now()).unwrap_or_else(|error| panic!("{text}: {error}"));
    for text in [
        "-90m",
        "-90min",
        "90 Minutes ago",
        "NOW-1h30m",
        "- 1 hour 30 mins",
        "now - 1.5h",
    ] {
        assert_eq!(read(text), at("2026-11-22T14:17:33Z"), "{text}");
    }
    for text in ["-2w", "-14d", "2 wks ago", "-1w7d", "-1w -7d", "now-3w+1w"] {
        assert_eq!(read(text), at("2026-11-08T15:47:33Z"), "{text}");
    }
    for text in ["-1mo", "-1M", "1 month ago", "-4M3M+6M"] {
        assert_eq!(read(text), at("2026-10-22T15:47:33Z"), "{text}");
    }
    assert_eq!(read("-1m"), at("2026-11-22T15:46:33Z"));
    assert_eq!(read("-0.5y"), at("2026-05-22T15:47:33Z"));
}

#[test]
fn months_and_years_end_on_the_last_day_of_a_shorter_month() {
    let read = |text, now| parse(text, at(now));
    let leap_day = "2024-02-29T12:00:00Z";
    assert_eq!(read("1 year ago", leap_day), Ok(at("2023-02-28T12:00:00Z")));
    let end_of_march = "2026-03-31T12:00:00Z";
    assert_eq!(read("-1mo", end_of_march), Ok(at("2026-02-28T12:00:00Z")));
}

#[test]
fn days_by_name_take_a_time_or_a_shift() {
    let read = |text| parse(text, now());
    assert_eq!(read("today"), Ok(at("2026-11-22T00:00:00Z")));
    assert_eq!(read("tomorrow"), Ok(at("2026-11-23T00:00:00Z")));
    assert_eq!(read("Yesterday at 2:30 pm"), Ok(at("2026-11-21T14:30:00Z")));
    assert_eq!(
        read("yesterday 01:30+02:00"),
        Ok(at("2026-11-20T23:30:00Z"))
    );
    assert_eq!(read("last fri 14:30"), Ok(at("2026-11-20T14:30:00Z")));
    assert_eq!(read("last sunday"), Ok(at("2026-11-15T00:00:00Z")));
    assert_eq!(read("today-7d"), Ok(at("2026-11-15T00:00:00Z")));
    for text in [
        "yesterday 14",
        "yesterday May",
        "yesterday monday",
        "yesterday EST",
    ] {
        assert_eq!(read(text), Err(DateError::NotUnderstood), "{text}");
    }
    assert_eq!(read("yesterday 25:00"), Err(DateError::NoSuchTime));
}

#[test]
fn half_understood_relative_forms_are_not_read_as_a_time_of_today() {
    // DIFFERENCE: to dateutil the first is 02:30 of today.
    for text in [
        "-2h30",
        "-2h 2015",
        "now 14:30",
        "now-",
        "now-1h-",
        "-1h ago",
        "1.2.3 days ago",
    ] {
        assert_eq!(parse(text, now()), Err(DateError::NotUnderstood), "{text}");
    }
    assert_eq!(parse("-1.5mo", now()), Err(DateError::NotUnderstood));
    // Without a unit a sign is only punctuation, as to dateutil.
    assert_eq!(parse("-5 Nov", now()), Ok(at("2026-11-05T00:00:00Z")));
}

#[test]
fn a_number_that_is_no_clock_is_not_dropped_before_a_time() {
    for text in ["5.2015 14:30", "05.2015 14:30", "123,31 20150315143015"] {
        assert_eq!(parse(text, now()).is_ok(), text.starts_with("05"), "{text}");
    }
    assert_eq!(
        parse("10:20:05.201", now()),
        Ok(at("2026-11-22T10:20:05.201Z"))
    );
    assert_eq!(parse("10:05.201", now()), Ok(at("2026-11-22T10:05:12Z")));
}

#[test]
fn times_that_do_not_exist_or_lie_too_far_are_told_apart() {
    let read = |text: &str| parse(text, now());
    for text in [
        "2015-02-29",
        "25:00",
        "12:60",
        "2015-03-15 10:00+25:00",
        "2015-13-01",
    ] {
        assert_eq!(read(text), Err(DateError::NoSuchTime), "{text}");
    }
    for text in [
        "99999-01-01",
        "0000-01-01",
        "0001-01-01 00:00 +01:00",
        "9999-12-31 23:59 -00:01",
        "3000 years ago",
        "+9000y",
        "-99999999999999999999d",
        "-99999999999999999999mo",
        "-1h99999999999999999999999999999999999999999999999999s",
    ] {
        assert_eq!(read(text), Err(DateError::OutOfRange), "{text}");
    }
    assert_eq!(
        parse("tomorrow", DateTime::<Utc>::MAX_UTC),
        Err(DateError::OutOfRange)
    );
}

#[test]
fn overlong_texts_and_numbers_are_refused() {
    // DIFFERENCE: dateutil reads some of them.
    let fraction = |digits| format!("5.{}m", "5".repeat(digits));
    assert_eq!(parse(&fraction(30), now()), Ok(at("2026-11-22T00:05:33Z")));
    for text in [
        fraction(31),
        fraction(40).replace("55", "5\u{0}5"),
        "٦".repeat(31),
        format!("2015-03-15{}", " ".repeat(300)),
    ] {
        assert_eq!(
            parse(&text, now()),
            Err(DateError::NotUnderstood),
            "{text:?}"
        );
    }
}

#[test]
fn a_zone_abbreviation_without_a_known_offset_can_be_told() {
    // DIFFERENCE: dateutil knows those of the local zone.
    let zone = |text| ignored_zone(text, now());
    assert_eq!(zone("2015-03-15 14:30 EST").as_deref(), Some("EST"));
    assert_eq!(zone("yesterday 14:30 CET").as_deref(), Some("CET"));
    for text in [
        "2015-03-15 14:30 UTC",
        "14:30Z",
        "14:30 GMT",
        "14:30 -0800 (PST)",
        "-24h",
        "foo",
    ] {
        assert_eq!(zone(text), None, "{text}");
    }
}

#[test]
fn the_window_is_the_last_day_unless_told_otherwise() {
    let now = at("2026-11-22T15:47:33.999Z");
    let last_day = TimeWindow {
        start: epoch("2026-11-21T15:47:33Z"),
        end: epoch("2026-11-22T15:47:33Z"),
    };
    assert_eq!(window(None, None, now), Ok(last_day));
    assert_eq!(window(Some(""), Some(""), now), Ok(last_day));
    assert_eq!(window(Some("-24h"), Some("now"), now), Ok(last_day));
    assert_eq!(
        window(Some("2015-01-01 00:00:00.9"), Some("2015-01-01"), now),
        Ok(TimeWindow {
            start: 1_420_070_400,
            end: 1_420_070_400,
        })
    );
}

#[test]
fn an_unreadable_option_is_named_with_forms_that_work() {
    let error = window(Some("-24h"), Some("noon"), now()).unwrap_err();
    assert!(matches!(
        error,
        WindowError::Unreadable {
            option: "--end-time",
            reason: DateError::NotUnderstood,
            ..
        }
    ));
    let text = error.to_string();
    let (first, second) = text.split_once('\n').unwrap();
    assert_eq!(first, "could not parse --end-time arg: noon");
    assert!(
        second.starts_with("hint: forms that work: 2026-11-21, "),
        "{second}"
    );

    let text = window(Some("Feb 30\x1b[2J"), None, now())
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("could not parse --start-time arg: Feb 30\\u{1b}[2J\nhint: "),
        "{text}"
    );
    let text = window(Some("Feb 30"), None, now()).unwrap_err().to_string();
    assert!(
        text.contains("\nhint: the date or time does not exist; forms that work: "),
        "{text}"
    );
}

#[test]
fn every_form_in_the_hint_works() {
    let error = window(Some("foo"), None, now()).unwrap_err().to_string();
    let (_, forms) = error.split_once("forms that work: ").unwrap();
    let (forms, _) = forms.split_once(" (").unwrap();
    assert!(forms.split(", ").count() > 8);
    for form in forms.split(", ") {
        let text = form.trim_matches('\'');
        assert!(parse(text, now()).is_ok(), "{text}");
    }
}

/// The start text to type, out of the hint to a window that ends now.
fn suggestion(start: &str) -> String {
    let error = window(Some(start), None, now()).unwrap_err().to_string();
    let (_, typed) = error.split_once(", type --start-time ").unwrap();
    assert!(window(Some(typed), None, now()).is_ok(), "{typed}");
    typed.to_owned()
}

#[test]
fn a_date_without_a_year_that_lies_ahead_was_probably_meant_for_last_year() {
    let error = window(Some("December 1"), None, now()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the start time 2026-12-01 00:00:00 UTC is after the end time 2026-11-22 15:47:33 UTC\n\
         hint: 'December 1' has no year and was read as a time in the future; \
         if last year was meant, type --start-time 2025-12-01"
    );
    assert_eq!(suggestion("Dec 24 14:30:15.5"), "2025-12-24T14:30:15Z");
    assert_eq!(suggestion("Friday"), "2026-11-20");
    assert_eq!(suggestion("30"), "2026-10-30");
    assert_eq!(suggestion("23:00"), "2026-11-21T23:00:00Z");
}

#[test]
fn other_windows_that_start_after_their_end_say_what_to_do() {
    // DIFFERENCE: the originals do not compare the two.
    let hint = |start: Option<&str>, end| {
        let text = window(start, end, now()).unwrap_err().to_string();
        text.split_once("\nhint: ").unwrap().1.to_owned()
    };
    assert!(
        hint(Some("2026-12-01"), None)
            .starts_with("the start lies in the future: it is 2026-11-22")
    );
    assert!(hint(Some("2015-02-01"), Some("2015-01-01")).starts_with("exchange "));
    assert!(
        hint(Some("December 1"), Some("2015-01-01")).starts_with("the start lies in the future")
    );
    assert!(
        hint(None, Some("2015-01-01")).starts_with("without --start-time a query starts 24 hours")
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = parse(&text, now());
        let _ = window(Some(&text), Some(&text), now()).map_err(|error| error.to_string());
    }

    #[test]
    fn no_mixture_of_date_parts_makes_the_reader_panic(
        parts in prop::collection::vec(
            prop_oneof![
                "[0-9٠-٩²]{1,16}",
                "[-+:/.,' ()\u{0}T]",
                prop::sample::select(vec![
                    "Jan", "Sept", "mon", "of", "am", "PM", "UTC", "Z", "EST", "h", "m", "s", "inf", "nan",
                    "ago", "now", "today", "yesterday", "last", "d", "M", "y", "days", "Ⅳ", "é", "K",
                ]).prop_map(str::to_owned),
            ],
            0..12,
        ),
        seconds in -62_000_000_000_i64..250_000_000_000,
    ) {
        let now = DateTime::from_timestamp(seconds, 0).unwrap();
        let _ = window(Some(&parts.concat()), Some(&parts.join(" ")), now)
            .map_err(|error| error.to_string());
    }

    #[test]
    fn what_is_written_in_iso_form_comes_back(seconds in -62_000_000_000_i64..250_000_000_000) {
        let moment = DateTime::from_timestamp(seconds, 0).unwrap();
        let text = moment.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        prop_assert_eq!(parse(&text, now()), Ok(moment));
        let midnight = moment.date_naive().and_time(NaiveTime::MIN).and_utc();
        prop_assert_eq!(parse("today", moment), Ok(midnight));
        prop_assert_eq!(parse("-36h", moment), Ok(moment - TimeDelta::hours(36)));
    }
}
