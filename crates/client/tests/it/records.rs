//! Records of both kinds of archives, through the getters that the original
//! library documents.

use esmond_ps_client::model::{DataType, MetadataFilters};
use esmond_ps_client::{Archive, Dialect, Test};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use crate::server::{Reply, Server};

async fn read(record: Value) -> Test {
    let server = Server::start(move |asked, _| match asked.argument("offset") {
        None => Reply::json(&json!([record])),
        Some(_) => Reply::json(&json!([])),
    })
    .await;
    let archive = Archive::builder(server.url()).build().unwrap();
    let mut tests = archive.metadata(&MetadataFilters::new());
    tests.try_next().await.unwrap().unwrap()
}

#[tokio::test]
async fn a_classic_record_offers_all_documented_properties() {
    let test = read(json!({
        "metadata-key": "0a", "subject-type": "point-to-point", "uri": "/esmond/perfsonar/archive/0a/",
        "source": "10.1.1.1", "destination": "10.1.1.2", "measurement-agent": "10.1.1.1",
        "tool-name": "bwctl/iperf3", "input-source": "h1", "input-destination": "h2",
        "ip-packet-interval": "0.1", "sample-bucket-width": "0.0001", "time-duration": "30",
        "mode-flip": "True",
        "event-types": [
            {"base-uri": "/u/failures/base", "event-type": "failures", "time-updated": null, "summaries": []},
            {"base-uri": "/u/throughput/base", "event-type": "throughput", "time-updated": 5, "summaries": [
                {"uri": "/u/throughput/averages/86400", "summary-type": "average", "summary-window": "86400", "time-updated": 5}]},
        ],
        "metadata-count-total": 1, "metadata-next-page": null, "metadata-previous-page": null
    }))
    .await;
    assert_eq!(test.dialect(), Dialect::Classic);
    assert_eq!(test.metadata_key(), "0a");
    assert_eq!(test.subject_type(), "point-to-point");
    assert_eq!(test.uri(), "/esmond/perfsonar/archive/0a/");
    let texts = [
        test.source(),
        test.destination(),
        test.measurement_agent(),
        test.tool_name(),
        test.input_source(),
        test.input_destination(),
        test.ip_packet_interval(),
        test.sample_bucket_width(),
        test.time_duration(),
        test.property("mode-flip"),
        test.property("mode_flip"),
    ];
    let expected = [
        "10.1.1.1",
        "10.1.1.2",
        "10.1.1.1",
        "bwctl/iperf3",
        "h1",
        "h2",
        "0.1",
        "0.0001",
        "30",
        "True",
        "True",
    ];
    assert_eq!(texts.map(Option::unwrap), expected);
    assert_eq!(test.property("nothing"), None);

    assert_eq!(
        test.event_types().collect::<Vec<_>>(),
        ["failures", "throughput"]
    );
    assert!(test.event_type("packet-trace").is_none());
    let types: Vec<_> = test
        .all_event_types()
        .map(|entry| entry.data_type())
        .collect();
    assert_eq!(types, [DataType::Json, DataType::Integer]);
    let throughput = test.event_type("throughput").unwrap();
    assert_eq!(throughput.base_uri(), "/u/throughput/base");
    assert_eq!(throughput.time_updated(), Some(5));
    assert_eq!(
        throughput.summaries().collect::<Vec<_>>(),
        [("average", 86_400)]
    );
    let summary = throughput.all_summaries().next().unwrap();
    assert_eq!(summary.uri(), "/u/throughput/averages/86400");
    assert_eq!(summary.data_type(), DataType::Integer);
}

#[tokio::test]
async fn a_perfsonar_5_record_with_numbers_and_gaps_is_a_record_too() {
    let test = read(json!({
        "metadata-key": "8947f2ce".repeat(8), "subject-type": "network-element",
        "source": "198.51.100.10", "time-duration": 14.0, "sample-size": 600, "mode-flip": true,
        "trace-max-ttl": null, "uri": "/esmond/perfsonar/archive/8947", "future": {"a": [1]},
        "event-types": [
            {"base-uri": "/u/histogram-ttl/base/0", "event-type": "histogram-ttl", "time-updated": 1_740_919_800, "summaries": [
                {"event-type": "histogram-ttl", "summary-type": "novelty", "summary-window": 0, "uri": "/u/x"}]},
            {"base-uri": "/u/brand-new/base/0", "event-type": "brand-new"},
        ]
    }))
    .await;
    assert_eq!(test.dialect(), Dialect::PerfSonar5);
    assert_eq!(test.destination(), None);
    assert_eq!(test.property("trace-max-ttl"), None);
    assert_eq!(test.time_duration().as_deref(), Some("14.0"));
    assert_eq!(test.property("sample-size").as_deref(), Some("600"));
    let summary = test
        .event_type("histogram-ttl")
        .unwrap()
        .all_summaries()
        .next()
        .unwrap();
    assert_eq!(
        (summary.summary_name(), summary.summary_type()),
        ("novelty", None)
    );
    assert_eq!(
        test.event_type("brand-new").unwrap().data_type(),
        DataType::Json
    );
}
