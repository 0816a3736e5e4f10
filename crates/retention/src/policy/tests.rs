use std::error::Error;

use esmond_ps_model::Registry;
use esmond_ps_model::SummaryType::{self, Aggregation, Average, Base, Statistics};
use proptest::prelude::*;

use super::{Expire, Policies};

const SHIPPED: &str = include_str!("../../../archive/dist/retention.json");

fn parse(text: &str) -> Result<Policies, String> {
    Policies::parse(text, &Registry::standard()).map_err(|error| {
        let cause = error.source().map(|cause| format!(": {cause}"));
        format!("{error}{}", cause.unwrap_or_default())
    })
}

/// Policies written as `event type, summary type, window, expire`.
fn policies(lines: &[&str]) -> Policies {
    let objects: Vec<String> = lines
        .iter()
        .map(|line| {
            let names = ["event_type", "summary_type", "summary_window", "expire"];
            let fields: Vec<String> = names
                .iter()
                .zip(line.split(' '))
                .map(|(name, value)| format!(r#""{name}": "{value}""#))
                .collect();
            format!("{{{}}}", fields.join(", "))
        })
        .collect();
    parse(&format!(r#"{{"policies": [{}]}}"#, objects.join(", "))).unwrap()
}

#[test]
fn the_shipped_policies_keep_what_the_original_ones_keep() {
    let shipped = parse(SHIPPED).unwrap();
    assert_eq!(shipped.notes(), [""; 0]);
    for (event_type, summary_type, window, days) in [
        ("throughput", Base, 0, 365),
        ("throughput", Average, 3600, 365),
        ("throughput", Average, 86400, 1825),
        ("failures", Base, 0, 365),
        ("histogram-owdelay", Base, 0, 180),
        ("histogram-owdelay", Statistics, 0, 180),
        ("histogram-owdelay", Statistics, 3600, 365),
        ("histogram-owdelay", Statistics, 86400, 1825),
        ("packet-loss-rate", Base, 0, 180),
        ("packet-loss-rate", Aggregation, 300, 365),
        ("packet-loss-rate-bidir", Base, 0, 365),
        ("time-error-estimates", Base, 0, 180),
        ("an-extension", Base, 0, 365),
    ] {
        let expire = shipped.expire(event_type, summary_type, window);
        assert_eq!(
            expire,
            Some(Expire::Days(days)),
            "{event_type} {summary_type} {window}"
        );
    }
}

#[test]
fn a_branch_without_policy_is_left_for_the_next() {
    let set = policies(&[
        "throughput average 3600 1",
        "throughput * 86400 2",
        "* average * 3",
        "* * 60 4",
    ]);
    let days = |event_type, summary_type, window| set.expire(event_type, summary_type, window);
    assert_eq!(days("throughput", Average, 3600), Some(Expire::Days(1)));
    // Not under `average`, but under `*` of the same event type.
    assert_eq!(days("throughput", Average, 86400), Some(Expire::Days(2)));
    // Nowhere under the event type.
    assert_eq!(days("throughput", Average, 60), Some(Expire::Days(3)));
    // The summary type counts before the window.
    assert_eq!(days("path-mtu", Average, 60), Some(Expire::Days(3)));
    assert_eq!(days("path-mtu", Aggregation, 60), Some(Expire::Days(4)));
    assert_eq!(days("path-mtu", Aggregation, 61), None);
    assert_eq!(days("throughput", Base, 0), None);
}

#[test]
fn numbers_may_be_written_with_and_without_quotes() {
    // DIFFERENCE: a number as window never matches in the original.
    let set = parse(
        r#"{"policies": [
            {"event_type": "*", "summary_type": "average", "summary_window": 3600, "expire": 30},
            {"event_type": "*", "summary_type": "base", "summary_window": " 0 ", "expire": "+30"}
        ]}"#,
    )
    .unwrap();
    assert_eq!(
        set.expire("throughput", Average, 3600),
        Some(Expire::Days(30))
    );
    assert_eq!(set.expire("throughput", Base, 0), Some(Expire::Days(30)));
}

#[test]
fn never_is_written_in_any_case() {
    // DIFFERENCE: the original refuses it with a capital.
    for never in ["never", "Never", "NEVER"] {
        let set = policies(&[&format!("* * * {never}")]);
        assert_eq!(set.expire("throughput", Base, 0), Some(Expire::Never));
    }
}

#[test]
fn the_later_of_two_policies_for_the_same_series_wins_and_that_is_noted() {
    let set = policies(&["* * * 1", "* base 0 2", "* * * 3"]);
    assert_eq!(set.expire("throughput", Average, 0), Some(Expire::Days(3)));
    assert_eq!(
        set.notes(),
        ["policy 3 takes the place of policy 1, which is for the same series"]
    );
}

#[test]
fn a_policy_for_base_data_with_a_window_is_noted() {
    let set = policies(&["* base * 1", "* base 0 1", "* base 300 1"]);
    assert_eq!(
        set.notes(),
        ["policy 3 has no effect: base data have window 0"]
    );
}

#[test]
fn no_policies_match_nothing() {
    let set = parse(r#"{"policies": []}"#).unwrap();
    assert_eq!(set.expire("throughput", Base, 0), None);
}

#[test]
fn days_count_back_from_now() {
    assert_eq!(Expire::Days(2).until(200_000), Some(200_000 - 2 * 86_400));
    assert_eq!(Expire::Days(0).until(5), Some(5));
    assert_eq!(Expire::Days(i64::MAX).until(5), Some(5 - i64::MAX));
    assert_eq!(Expire::Days(i64::MAX).until(-5), Some(i64::MIN));
    assert_eq!(Expire::Never.until(5), None);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    // DIFFERENCE: the original passes over unknown fields.
    let policy = |fields: &str| {
        format!(
            "{{\"policies\": [\n  {{\"event_type\": \"*\", \"summary_type\": \"*\", \
             \"summary_window\": \"*\", \"expire\": \"1\"}},\n  {{\n    {fields}\n  }}\n]}}"
        )
    };
    let with = |event_type: &str, summary_type: &str, window: &str, expire: &str| {
        policy(&format!(
            "\"event_type\": {event_type},\n    \"summary_type\": {summary_type},\n    \
             \"summary_window\": {window},\n    \"expire\": {expire}"
        ))
    };
    let star = r#""*""#;
    let long = format!("\"{}\"", "x".repeat(100));
    for (text, expected) in [
        (
            "".to_owned(),
            "the retention policies are not JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "{\"policies\":\n [}".to_owned(),
            "the retention policies are not JSON: expected value at line 2 column 3",
        ),
        (
            "\n[]".to_owned(),
            "line 2: the file must be {\"policies\": [...]}",
        ),
        ("{}".to_owned(), "line 1: policies are missing"),
        (
            "{\n\"policies\": {}}".to_owned(),
            "line 2: policies must be a list",
        ),
        (
            "{\"policies\": [],\n\"policies\": []}".to_owned(),
            "line 2: policies come twice",
        ),
        (
            "{\"policies\": [],\n\"comment\": \"\"}".to_owned(),
            "line 2: field \"comment\" is unknown",
        ),
        (
            "{\"policies\": [\n7]}".to_owned(),
            "policy 1 (line 2): \"7\" is no object",
        ),
        (
            policy(r#""event_type": "*""#),
            "policy 2 (line 3): field summary_type is missing",
        ),
        (
            with(star, star, star, "1, \"tool_name\": \"x\""),
            "policy 2 (line 7): field \"tool_name\" is unknown",
        ),
        (
            with(star, star, star, "1, \"expire\": \"never\""),
            "policy 2 (line 7): field expire comes twice",
        ),
        (
            with(r#""troughput""#, star, star, "1"),
            "policy 2 (line 4): field event_type: unknown event type \"troughput\", did you mean throughput?",
        ),
        (
            with(r#""Throughput of everything""#, star, star, "1"),
            "policy 2 (line 4): field event_type: unknown event type \"Throughput of everything\"",
        ),
        (
            with("7", star, star, "1"),
            "policy 2 (line 4): field event_type: \"7\" is no text",
        ),
        (
            with(star, r#""averages""#, star, "1"),
            "policy 2 (line 5): field summary_type: \"averages\" is none of base, aggregation, average, statistics and *",
        ),
        (
            with(star, "null", star, "1"),
            "policy 2 (line 5): field summary_type: \"null\" is no text",
        ),
        (
            with(star, star, "-1", "1"),
            "policy 2 (line 6): field summary_window: \"-1\" is neither a number of seconds nor *",
        ),
        (
            with(star, star, "1.5", "1"),
            "policy 2 (line 6): field summary_window: \"1.5\" is neither a number of seconds nor *",
        ),
        (
            with(star, star, "[]", "1"),
            "policy 2 (line 6): field summary_window: \"[]\" is no text",
        ),
        (
            with(star, star, star, r#""*""#),
            "policy 2 (line 7): field expire: \"*\" is neither a number of days nor never",
        ),
        (
            with(star, star, star, r#""-1""#),
            "policy 2 (line 7): field expire: \"-1\" is neither a number of days nor never",
        ),
        (
            with(star, star, star, "true"),
            "policy 2 (line 7): field expire: \"true\" is no text",
        ),
        (
            with(star, star, star, &long),
            "policy 2 (line 7): field expire: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"... \
             is neither a number of days nor never",
        ),
        (
            with(star, star, star, r#""a\u001bb""#),
            r#"policy 2 (line 7): field expire: "a\u{1b}b" is neither a number of days nor never"#,
        ),
    ] {
        assert_eq!(parse(&text).unwrap_err(), expected, "{text}");
    }
}

const EVENT_TYPES: [&str; 3] = ["*", "throughput", "path-mtu"];
const SUMMARY_TYPES: [&str; 4] = ["*", "base", "aggregation", "average"];
const WINDOWS: [&str; 4] = ["*", "0", "60", "3600"];

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Of all policies that fit, the one holds that names the event type,
    /// rather than the summary type, rather than the window; of equal ones the
    /// last.
    #[test]
    fn the_most_specific_policy_holds(
        list in prop::collection::vec((0_usize..3, 0_usize..4, 0_usize..4), 0..20),
    ) {
        let lines: Vec<String> = list
            .iter()
            .enumerate()
            .map(|(index, (event_type, summary_type, window))| {
                let (event_type, summary_type) = (EVENT_TYPES[*event_type], SUMMARY_TYPES[*summary_type]);
                format!("{event_type} {summary_type} {} {index}", WINDOWS[*window])
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let set = policies(&lines);
        for (event_type, summary_type, window) in every(&EVENT_TYPES[1..], &SUMMARY_TYPES[1..], &WINDOWS[1..]) {
            let fits = lines.iter().filter_map(|line| {
                let parts: Vec<&str> = line.split(' ').collect();
                let row = [event_type, summary_type, window];
                let fit = row.iter().zip(&parts).all(|(row, part)| *part == "*" || part == row);
                let exact = [parts[0] != "*", parts[1] != "*", parts[2] != "*"];
                fit.then(|| (exact, parts[3].parse::<i64>().unwrap()))
            });
            let expected = fits.max().map(|(_, index)| Expire::Days(index));
            let found = set.expire(
                event_type,
                SummaryType::from_name(summary_type).unwrap(),
                window.parse().unwrap(),
            );
            prop_assert_eq!(found, expected, "{} {} {}", event_type, summary_type, window);
        }
    }

    #[test]
    fn no_text_ends_the_program(text in "[{}\\[\\]\",:a-z0-9 \n]{0,60}") {
        let _ = parse(&text);
    }
}

/// Every combination of one of each.
fn every<'a>(
    a: &'a [&'a str],
    b: &'a [&'a str],
    c: &'a [&'a str],
) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    a.iter().flat_map(move |a| {
        b.iter()
            .flat_map(move |b| c.iter().map(move |c| (*a, *b, *c)))
    })
}
