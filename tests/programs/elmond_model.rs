//! The mock of Elmond follows the recordings of the real one.

use esmond_ps_tests::elmond::{ROOT, Recorded, Recordings, answer, rebuilt};
use serde_json::Value;

/// Returns where two values differ, numbers by more than the last digits of a
/// sum.
fn difference(one: &Value, other: &Value) -> Option<String> {
    let inside = |name: String, found: Option<String>| found.map(|rest| format!("{name}.{rest}"));
    match (one, other) {
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs
                .find_map(|(index, (one, other))| inside(index.to_string(), difference(one, other)))
        }
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            // When a run was put on the schedule is only known of the newest
            // run of all.
            let mut known = one.iter().filter(|(name, _)| *name != "time-updated");
            known.find_map(|(name, value)| match other.get(name) {
                Some(held) => inside(name.clone(), difference(value, held)),
                None => Some(format!("{name} is missing")),
            })
        }
        (Value::Number(one), Value::Number(other)) => {
            let (a, b) = (
                one.as_f64().expect("finite"),
                other.as_f64().expect("finite"),
            );
            let is_near = (a - b).abs() <= 1e-9 * a.abs().max(1e-3);
            (!is_near).then(|| format!(" {one} / {other}"))
        }
        _ => (one != other).then(|| format!(" {one} / {other}")),
    }
}

fn compare(recorded: &Recorded, ours: &esmond_ps_tests::http::Reply) -> Result<(), String> {
    let theirs = recorded.reply();
    if ours.status != theirs.status {
        return Err(format!("status {} for {}", ours.status, theirs.status));
    }
    let header = |reply: &esmond_ps_tests::http::Reply, name: &str| {
        let mut headers = reply.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    for name in ["content-type", "allow"] {
        if header(ours, name) != header(&theirs, name) {
            return Err(format!("header {name}"));
        }
    }
    if theirs.status >= 400 && recorded.asked().method != "HEAD" && ours.body != theirs.body {
        return Err(format!("text {} for {}", ours.body, theirs.body));
    }
    if theirs.status != 200 || recorded.asked().method != "GET" {
        return Ok(());
    }
    let [ours, theirs] = [&ours.body, &theirs.body]
        .map(|body| serde_json::from_str::<Value>(body).expect("recorded answers are JSON"));
    match difference(&theirs, &ours) {
        None => Ok(()),
        Some(difference) => Err(format!("theirs / ours: {difference}")),
    }
}

#[test]
fn the_model_answers_what_the_real_one_answered() {
    let recordings = Recordings::load();
    let mut holdings = rebuilt(recordings);
    let mut compared = 0;
    let mut differences = Vec::new();
    for recorded in recordings.iter().filter(|recorded| recorded.is_plain()) {
        compared += 1;
        if let Err(difference) = compare(recorded, &answer(&mut holdings, &recorded.asked())) {
            let start: String = difference.chars().take(900).collect();
            differences.push(format!("{}: {}: {start}", recorded.file, recorded.name));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    assert!(compared > 250, "{compared} recordings were compared");
}

#[test]
fn the_recordings_come_back_byte_for_byte() {
    let mock = esmond_ps_tests::elmond::MockElmond::recorded();
    let client = esmond_ps_tests::http_client();
    for query in [
        "",
        "?source=192.0.2.10",
        "?limit=4&offset=4",
        "?offset=4&limit=4",
    ] {
        let url = format!("{}{ROOT}{query}", mock.url);
        let ours = client
            .get(url)
            .send()
            .expect("an answer")
            .text()
            .expect("text");
        let recordings = Recordings::load();
        let asked = mock.asked().pop().expect("it was asked");
        let theirs = recordings.find(&asked).expect("it was recorded").reply();
        assert_eq!(ours, theirs.body, "{query}");
    }
}
