//! The client's writing side against the real archive, read back by a program.

use esmond_ps_client::model::SummaryType;
use esmond_ps_client::{Archive, Credentials, Error, NewMetadata, Posted};
use esmond_ps_tests::{TestArchive, run};
use serde_json::{Value, json};

fn client(archive: &TestArchive, credentials: Credentials) -> Archive {
    Archive::builder(&archive.url)
        .script_alias("esmond")
        .credentials(credentials)
        .build()
        .expect("a client")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn metadata() -> NewMetadata {
    NewMetadata::point_to_point(
        "10.7.0.1",
        "10.7.0.2",
        "10.7.0.1",
        "bwctl/iperf3",
        "a.example",
        "b.example",
    )
    .time_duration(30)
    .ip_transport_protocol("tcp")
    .summary("throughput", SummaryType::Average, 86_400)
    .event_type("failures")
    .parameter("bw-parallel-streams", 4)
}

/// Rows that `esmond-ps-get` prints.
fn read_back(archive: &TestArchive, more: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["-u", &archive.url, "-s", "10.7.0.1", "-d", "10.7.0.2"];
    arguments.extend(["-I", "-S", "2014-05-01", "-o", "json"]);
    arguments.extend(more);
    let run = run("esmond-ps-get", &arguments);
    assert_eq!(run.status, Some(0), "{run:?}");
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[test]
fn what_the_client_posts_is_read_back_and_posting_it_again_changes_nothing() {
    let archive = TestArchive::start();
    let client = client(&archive, Credentials::token("tester", &archive.key));
    let post = async || -> Result<(String, Posted), Error> {
        let test = client.post_metadata(&metadata()).await?;
        let mut writer = test.writer();
        for ts in 1_400_000_000..1_400_002_500 {
            writer.add("throughput", ts, ts)?;
        }
        writer.add("failures", 1_400_000_000, json!({"error": "no route"}))?;
        let posted = writer.flush().await?;
        Ok((test.metadata_key().to_owned(), posted))
    };
    let (key, posted) = block_on(post()).expect("posted");
    assert_eq!((posted.stored, posted.already_there), (2501, 0));
    let before = read_back(&archive, &["-e", "throughput"]);
    assert_eq!(before.len(), 2500);
    assert_eq!(before[2499]["timestamp"], "2014-05-13 17:34:59");
    assert_eq!(before[2499]["value"].as_f64(), Some(1_400_002_499.0));

    let (again, posted) = block_on(post()).expect("posted again");
    assert_eq!(again, key);
    // The failure is replaced by itself.
    assert_eq!((posted.stored, posted.already_there), (1, 2500));
    assert_eq!(read_back(&archive, &["-e", "throughput"]), before);
    assert_eq!(read_back(&archive, &["-e", "failures"]).len(), 1);
    let average = read_back(
        &archive,
        &["-e", "throughput", "-T", "average", "-W", "86400"],
    );
    assert_eq!(average.len(), 1);
}

#[test]
fn what_is_new_among_points_that_are_there_is_stored() {
    let archive = TestArchive::start();
    let client = client(&archive, Credentials::api_key("tester", &archive.key));
    block_on(async {
        let test = client.post_metadata(&metadata()).await?;
        let point = json!(1);
        let key = test.metadata_key();
        client
            .post_point(key, "throughput", 1_400_000_001, &point)
            .await?;
        let again = client
            .post_point(key, "throughput", 1_400_000_001, &point)
            .await?;
        assert_eq!(again.already_there, 1);
        let mut writer = test.writer();
        for ts in 1_400_000_000..1_400_000_003 {
            writer.add("throughput", ts, 7)?;
        }
        let posted = writer.flush().await?;
        assert_eq!((posted.stored, posted.already_there), (2, 1));
        Ok::<_, Error>(())
    })
    .expect("posted");
    let values: Vec<_> = read_back(&archive, &["-e", "throughput"])
        .iter()
        .map(|row| row["value"].as_f64())
        .collect();
    assert_eq!(values, [Some(7.0), Some(1.0), Some(7.0)]);
}

#[test]
fn a_test_of_one_host_can_be_posted() {
    let archive = TestArchive::start();
    let client = client(&archive, Credentials::token("tester", &archive.key));
    let metadata = NewMetadata::network_element("10.7.0.9", "10.7.0.9", "ntp", "c.example")
        .event_type("ntp-offset");
    let test = block_on(client.post_metadata(&metadata)).expect("posted");
    assert_eq!(test.subject_type(), "network-element");
    assert_eq!(test.destination(), None);
}

#[test]
fn a_wrong_key_is_told_in_the_words_of_the_archive() {
    let archive = TestArchive::start();
    let client = client(&archive, Credentials::token("tester", "0123"));
    let error = block_on(client.post_metadata(&metadata())).expect_err("refused");
    assert!(error.is_unauthorized(), "{error}");
    assert!(error.to_string().ends_with(": Invalid token."), "{error}");
    assert!(!error.to_string().contains("0123"), "{error}");
}
