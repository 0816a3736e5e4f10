//! How much is stored.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::data::{Writer, fill};
use crate::process::{Server, run};

#[tokio::test]
async fn what_is_stored_is_told_by_event_type() {
    // DIFFERENCE: the original has no such command.
    let data = tempfile::tempdir().unwrap();
    fill(data.path(), 100).await;
    let output = run(data.path(), &["stats", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["records"], 2);
    assert_eq!(answer["directory"], data.path().to_str().unwrap());
    let size = std::fs::metadata(data.path().join("archive.sqlite")).unwrap();
    assert_eq!(answer["bytes"], size.len());
    let types = answer["event-types"].as_array().unwrap();
    let throughput = types.iter().find(|row| row["event-type"] == "throughput");
    let throughput = throughput.unwrap();
    assert_eq!(throughput["series"], 2);
    assert_eq!(throughput["points"], 200);
    assert_eq!(throughput["buckets"], 36);
    assert_eq!(
        throughput["last"].as_i64().unwrap() - throughput["first"].as_i64().unwrap(),
        59_400
    );
    // These points are old.
    assert_eq!(answer["growth"]["points-per-day"], json!(0.0));

    let output = run(data.path(), &["stats"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("2025-06-15"))
        .collect();
    assert_eq!(lines.len(), 4, "{text}");
    let columns = lines.iter().map(|line| line.find("2025-06-15"));
    assert_eq!(
        columns.collect::<std::collections::HashSet<_>>().len(),
        1,
        "{text}"
    );
    assert!(
        text.ends_with("nothing was added in the last 30 days\n"),
        "{text}"
    );
}

#[tokio::test]
async fn growth_is_told_with_a_forecast_while_the_archive_is_served() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let writer = Writer::new(data.path(), &server);
    let key = writer.record("10.1.1.1").await;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let now = i64::try_from(now).unwrap();
    // Ten days, twenty points of each of four event types a day.
    writer.write(&key, (0..200).map(|n| now - n * 4320)).await;
    let output = run(data.path(), &["stats", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let growth = |name: &str| answer["growth"][name].as_f64().unwrap();
    let per_day = growth("points-per-day");
    assert!((79.0..82.0).contains(&per_day), "{answer}");
    let year = growth("bytes-per-year") / growth("bytes-per-day");
    assert!((year - 365.0).abs() < 0.001, "{answer}");
    let text = String::from_utf8(run(data.path(), &["stats"]).stdout).unwrap();
    assert!(
        text.contains(" a day in the last 10 days; at this rate "),
        "{text}"
    );
}
