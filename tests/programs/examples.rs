//! The client's examples, against the real archive.

use chrono::Utc;
use esmond_ps_client::model::{MetadataFilters, TimeArguments};
use esmond_ps_client::{Archive, Credentials};
use esmond_ps_tests::TestArchive;
use serde_json::json;

macro_rules! example {
    ($name:ident, $path:literal) => {
        #[path = $path]
        #[expect(dead_code, reason = "its main function is not called")]
        mod $name;
    };
}

example!(bulk_post, "../../crates/client/examples/bulk_post.rs");
example!(post, "../../crates/client/examples/post.rs");
example!(query, "../../crates/client/examples/query.rs");
example!(summaries, "../../crates/client/examples/summaries.rs");
example!(throughput, "../../crates/client/examples/throughput.rs");

#[test]
fn the_examples_post_and_find_what_they_posted() {
    let archive = TestArchive::start();
    let client = Archive::builder(&archive.url)
        .credentials(Credentials::token("tester", &archive.key))
        .build()
        .expect("a client");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(all(client));
}

async fn all(client: Archive) {
    let text = |out: &[u8]| String::from_utf8(out.to_vec()).expect("text");

    let mut out = Vec::new();
    post::post(&client, &mut out).await.expect("posted");
    let posted = text(&out);
    let (key, rest) = posted.split_once('\n').expect("a key");
    assert_eq!(rest, "throughput: 1 new\nhistogram-ttl: 1 new\n");

    let mut out = Vec::new();
    bulk_post::bulk_post(&client, key, &mut out)
        .await
        .expect("posted");
    bulk_post::bulk_post(&client, key, &mut out)
        .await
        .expect("posted again");
    assert_eq!(
        text(&out),
        "4 new, 0 already there\n0 new, 4 already there\n"
    );

    let mut out = Vec::new();
    let times = TimeArguments {
        time_start: Some(1_397_000_000),
        ..TimeArguments::default()
    };
    query::query(&client, "10.10.0.1", "bwctl/iperf3", &times, &mut out)
        .await
        .expect("found");
    let found = text(&out);
    assert!(found.starts_with("to 10.10.0.2, "), "{found}");
    for line in [
        "  throughput\n    1397075053 23.0\n",
        "  histogram-ttl\n    1397075053 {\"28\":33}\n",
        "  packet-loss-rate\n    1397075053 0.333",
        "  time-error-estimates\n    1397075053 23.0\n    1397075113 55.0\n",
    ] {
        assert!(found.contains(line), "{line}: {found}");
    }

    // That of the last day.
    let now = Utc::now().timestamp();
    client
        .post_point(key, "throughput", now, &json!(9_400_000_000_i64))
        .await
        .expect("posted");
    let mut out = Vec::new();
    throughput::throughput(&client, "10.10.0.1", "10.10.0.2", &mut out)
        .await
        .expect("found");
    assert_eq!(text(&out), format!("{now} bwctl/iperf3 9400.0 Mbit/s\n"));

    let mut out = Vec::new();
    let all = MetadataFilters::new();
    summaries::summaries(&client, &all, "packet-count-sent", &mut out)
        .await
        .expect("found");
    assert_eq!(
        text(&out),
        "aggregation over 3600 s\naggregation over 86400 s\n"
    );
}
