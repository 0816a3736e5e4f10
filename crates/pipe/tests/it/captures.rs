//! Output of bwctl with iperf3 3.0 to 3.21: metadata and values are what is to be stored.

use std::net::IpAddr;

use esmond_ps_pipe::lookup::Lookup;
use esmond_ps_pipe::measurement::{Names, Problem, map};
use esmond_ps_pipe::reader::Reader;
use serde_json::{Value, json};

use crate::data::{captures, same};

/// The address that a host has towards all others, in the captures.
const AGENT: &str = "192.0.2.99";

#[derive(Debug, Clone)]
pub(crate) struct Known;

impl Lookup for Known {
    fn addresses(&self, _: &str) -> Vec<IpAddr> {
        Vec::new()
    }

    fn local_address_towards(&self, _: IpAddr) -> Option<IpAddr> {
        Some(AGENT.parse().unwrap())
    }
}

/// Reads and maps an input, each test to what is posted or to why nothing is.
pub(crate) async fn posts(text: &str) -> Vec<Result<Value, Problem>> {
    let mut tests = Vec::new();
    let read = Reader::new(None).read(text.as_bytes(), |test| {
        tests.push(test);
        true
    });
    read.unwrap();
    let mut posts = Vec::new();
    for test in tests {
        let mapped = map(&test, &Names::default(), &Known).await;
        posts.push(mapped.map(|mapped| {
            let measurement = mapped.measurement;
            let values = measurement
                .values
                .iter()
                .map(|(event_type, value)| json!([event_type, measurement.ts, value]));
            json!({"metadata": measurement.metadata(), "values": values.collect::<Vec<_>>()})
        }));
    }
    posts
}

#[tokio::test]
async fn every_capture_gives_the_metadata_and_values_that_are_correct() {
    let captures = captures();
    assert!(captures.len() > 25, "{}", captures.len());
    for capture in captures {
        let name = capture["name"].as_str().unwrap();
        let posts = posts(capture["text"].as_str().unwrap()).await;
        let correct = capture["correct"].as_array().unwrap();
        let posted: Vec<_> = posts.iter().filter_map(|post| post.as_ref().ok()).collect();
        let expected: Vec<_> = correct
            .iter()
            .filter(|one| !one["post"].is_null())
            .map(|one| {
                let text = one["post"].to_string();
                let text = text.replace("$LOCAL_ADDRESS_TOWARDS_DESTINATION", AGENT);
                serde_json::from_str::<Value>(&text).unwrap()
            })
            .collect();
        assert_eq!(posted.len(), expected.len(), "{name}: {posts:?}");
        for (posted, expected) in posted.into_iter().zip(expected) {
            assert_eq!(same(posted), same(&expected), "{name}");
        }
    }
}

#[tokio::test]
async fn a_capture_is_read_the_same_with_the_debug_words_of_bwctl() {
    for capture in captures() {
        let text = capture["text"].as_str().unwrap();
        let debug = text.replace("bwctl: ", "bwctl[4711]: FILE=bwctl.c, LINE=2254, ");
        assert_eq!(
            posts(&debug).await,
            posts(text).await,
            "{}",
            capture["name"]
        );
        let windows = text.replace('\n', "\r\n");
        assert_eq!(
            posts(&windows).await,
            posts(text).await,
            "{}",
            capture["name"]
        );
    }
}

#[tokio::test]
async fn what_is_read_again_gives_the_same() {
    for capture in captures() {
        let text = capture["text"].as_str().unwrap();
        let mut again = String::new();
        let read = Reader::new(None).read(text.as_bytes(), |test| {
            again.push_str(&test.raw());
            true
        });
        read.unwrap();
        assert_eq!(
            posts(&again).await,
            posts(text).await,
            "{}",
            capture["name"]
        );
    }
}

/// Wherever the output breaks off, what came before counts, and a test that had begun is
/// never dropped in silence.
#[tokio::test]
async fn output_that_is_cut_anywhere_is_a_failure_or_a_result() {
    let text = crate::data::capture("var-two-tests");
    let whole = posts(&text).await;
    let starts: Vec<_> = text
        .match_indices("bwctl: start_tool:")
        .map(|(at, _)| at)
        .collect();
    for end in (0..text.len()).step_by(97) {
        let begun = starts.iter().filter(|start| *start + 40 < end).count();
        let posts = posts(&text[..end]).await;
        assert!(posts.len() >= begun, "{end}");
        for (post, whole) in posts.iter().zip(&whole) {
            let (post, whole) = (post.as_ref().unwrap(), whole.as_ref().unwrap());
            if post != whole {
                assert_eq!(post["values"][0][0], "failures", "{end}");
                assert_eq!(post["metadata"], whole["metadata"], "{end}");
            }
        }
    }
}

#[tokio::test]
async fn a_test_that_was_cut_off_does_not_take_the_next_one_with_it() {
    let text = crate::data::capture("var-two-tests");
    let whole = posts(&text).await;
    let end = text.find("\"intervals\"").unwrap();
    let second = text.rfind("SENDER START").unwrap();
    let cut = format!("{}\n{}", &text[..end], &text[second..]);
    let posts = posts(&cut).await;
    assert_eq!(posts.len(), 2);
    let failed = posts[0].as_ref().unwrap();
    assert_eq!(
        failed["values"][0][2]["error"],
        "iperf3 printed no whole result"
    );
    let (second, expected) = (posts[1].as_ref().unwrap(), whole[1].as_ref().unwrap());
    assert_eq!(second["values"], expected["values"]);
}

/// stderr is not buffered, stdout is: what bwctl says about a test can come anywhere
/// before it.
#[tokio::test]
async fn lines_about_the_session_count_wherever_they_stand() {
    let text = crate::data::capture("var-two-tests");
    let expected = posts(&text).await;
    let (told, printed): (Vec<&str>, Vec<&str>) = text
        .lines()
        .partition(|line| line.starts_with("bwctl: Using"));
    // All of them first: both tests are between the same hosts.
    let first = format!("{}\n{}\n", told.join("\n"), printed.join("\n"));
    assert_eq!(posts(&first).await, expected);
    // Those of the second test while the second endpoint works already.
    let at = text.rfind("bwctl: start_tool").unwrap();
    let second = text.rfind("bwctl: Using 127.0.0.2").unwrap();
    let mut lines = String::new();
    let before: String = text[second..at]
        .split_inclusive('\n')
        .filter(|line| {
            let session = line.starts_with("bwctl: Using");
            if session {
                lines.push_str(line);
            }
            !session
        })
        .collect();
    let late = format!("{}{before}{lines}{}", &text[..second], &text[at..]);
    assert_eq!(posts(&late).await, expected);
}
