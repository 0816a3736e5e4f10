//! Samples: order, boundaries, answers that end too early, and targets.

use futures_util::TryStreamExt;
use pv_archiver_client::{Error, Quality, SampleQuery, Values};

use crate::data::{pair, targets};
use crate::server::{Reply, Server};

fn array(times: &[i64]) -> String {
    let sample = |time: &i64| {
        format!(
            r#"{{"time":{time},"severity":{{"level":"OK","hasValue":true}},"status":"NO_ALARM","quality":"Original","type":"long","value":[{time}]}}"#
        )
    };
    let samples: Vec<String> = times.iter().map(sample).collect();
    format!("[{}]", samples.join(","))
}

async fn times(server: &Server, query: &SampleQuery) -> Result<Vec<i64>, Error> {
    let samples = server.archive().samples("c", query).await?;
    let samples: Vec<_> = samples.into_stream().try_collect().await?;
    Ok(samples.iter().map(|sample| sample.time).collect())
}

fn query(start: i64, end: i64) -> SampleQuery {
    SampleQuery::new(start, end).unwrap()
}

#[tokio::test]
async fn blocks_that_come_latest_first_are_sorted() {
    // DIFFERENCE: the original client does not sort.
    let recorded = pair("access_samples_count_stitched_unsorted");
    let server = Server::saying(Reply::recorded(&recorded["response"])).await;
    let wanted = query(0, 1_060_000_000_000).count(1_000_000).unwrap();
    let samples = server.archive().samples("stitched", &wanted).await.unwrap();
    let samples = samples.collect().await.unwrap();
    assert!(samples.is_sorted_by_key(|sample| sample.time));
    assert_eq!(samples[0].time, 0);
    assert!(matches!(samples[0].values, Values::MinMaxDouble { .. }));
    assert_eq!(samples.last().unwrap().quality, Quality::Original);
}

#[tokio::test]
async fn of_two_samples_of_one_time_that_of_the_earlier_block_comes_first() {
    let json = array(&[20, 30, 10, 20]).replace("\"value\":[30]", "\"value\":[3,0]");
    let json = json.replacen("\"value\":[20]", "\"value\":[2,0]", 1);
    let server = Server::saying(Reply::json(json)).await;
    let samples = server
        .archive()
        .samples("c", &query(0, 40).count(4).unwrap())
        .await;
    let samples = samples.unwrap().collect().await.unwrap();
    let lengths: Vec<usize> = samples.iter().map(|sample| sample.values.len()).collect();
    assert_eq!(lengths, [1, 1, 2, 2]);
}

#[tokio::test]
async fn what_cannot_be_sorted_any_more_is_an_error() {
    let server = Server::saying(Reply::json(array(&[1, 3, 2]))).await;
    let error = times(&server, &query(0, 9)).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Order {
                previous: 3,
                time: 2,
                ..
            }
        ),
        "{error}"
    );
    // The finest level reaches back to the start, so nothing can be joined to it.
    let decimated = query(1, 9).count(3).unwrap();
    let error = times(&server, &decimated).await.unwrap_err();
    assert!(matches!(error, Error::Order { .. }), "{error}");
}

#[tokio::test]
async fn boundary_samples_are_kept_or_dropped_by_choice() {
    let server = Server::saying(Reply::json(array(&[5, 10, 15, 20, 25]))).await;
    let inside = query(10, 20);
    assert_eq!(times(&server, &inside).await.unwrap(), [5, 10, 15, 20, 25]);
    let inside = inside.drop_boundaries(true);
    assert_eq!(times(&server, &inside).await.unwrap(), [10, 15, 20]);
    let none = query(11, 14).drop_boundaries(true);
    assert_eq!(times(&server, &none).await.unwrap(), [0_i64; 0]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_after_what_came() {
    let whole = array(&[1, 2, 3]);
    let in_a_sample = whole[..whole.len() - 9].to_owned();
    let after_a_sample = whole[..whole.len() - 1].to_owned();
    for reply in [
        Reply::json(in_a_sample),
        Reply::json(after_a_sample),
        Reply::json(whole.clone()).cut(),
        Reply::json(whole.clone())
            .header("Transfer-Encoding", "chunked")
            .cut(),
        Reply::json(""),
    ] {
        let server = Server::saying(reply).await;
        let error = times(&server, &query(0, 9)).await.unwrap_err();
        assert!(
            matches!(error, Error::Truncated { .. } | Error::Read { .. }),
            "{error}"
        );
        assert!(error.is_transient());
    }
    let server = Server::saying(Reply::json(&whole[..whole.len() - 1])).await;
    let mut samples = server.archive().samples("c", &query(0, 9)).await.unwrap();
    for time in [1, 2, 3] {
        assert_eq!(samples.next().await.unwrap().unwrap().time, time);
    }
    assert!(samples.next().await.is_err());
    assert!(
        samples.next().await.unwrap().is_none(),
        "an error is the end"
    );
}

#[tokio::test]
async fn a_sample_that_is_none_is_told_by_its_place() {
    let json = array(&[1]).replace("\"OK\"", "\"FINE\"");
    let server = Server::saying(Reply::json(json)).await;
    let error = times(&server, &query(0, 9)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is not as expected at `severity.level`"),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_failing_database_left_out_is_asked_for_again_if_wanted() {
    // The server says 200, and closes the array, in any case.
    let server = Server::start(|asked, number| match number {
        0 => Reply::json("[]"),
        1 => Reply::json(array(&[1, 2])),
        _ if asked.target.contains("start=3&") => Reply::json(array(&[2, 4, 5])),
        _ => Reply::json(array(&[5, 9])),
    })
    .await;
    let again = query(0, 9).ask_again(true);
    assert_eq!(times(&server, &again).await.unwrap(), [1, 2, 4, 5, 9]);
    let starts: Vec<String> = server
        .asked()
        .into_iter()
        .map(|asked| asked.target)
        .collect();
    let start = |start| format!("/archive-access/api/1.0/archive/1/samples/c?start={start}&end=9");
    assert_eq!(starts, [start(0), start(0), start(3), start(6)]);

    // A channel that has nothing up to the end costs one request more, and no channel
    // is asked for for ever.
    let server = Server::start(|_, _| Reply::json(array(&[1, 2]))).await;
    assert_eq!(times(&server, &again).await.unwrap(), [1, 2]);
    assert_eq!(server.asked().len(), 2);
    let server = Server::saying(Reply::json("[]")).await;
    assert_eq!(times(&server, &again).await.unwrap(), [0_i64; 0]);
    assert_eq!(server.asked().len(), 2);

    let server = Server::saying(Reply::json(array(&[1, 2]))).await;
    assert_eq!(times(&server, &query(0, 9)).await.unwrap(), [1, 2]);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn times_and_counts_that_no_server_takes_are_refused() {
    for (start, end) in [(-1, 4), (5, 4), (i64::MIN, i64::MAX)] {
        let error = SampleQuery::new(start, end).unwrap_err();
        assert!(error.is_refused_before_sending(), "{error}");
    }
    // DIFFERENCE: the original client drops these in silence.
    for count in [0, 2_147_483_648, u32::MAX] {
        assert!(query(0, 1).count(count).is_err(), "{count}");
    }
    assert!(query(i64::MAX, i64::MAX).count(2_147_483_647).is_ok());
}

#[tokio::test]
async fn names_are_sent_in_the_one_way_that_the_server_takes() {
    let mut sent = 0;
    for row in targets() {
        let target = row["target"].as_str().unwrap();
        let Some(rest) = target.strip_prefix("/archive-access/api/1.0/archive/1/samples/") else {
            continue;
        };
        let Some(path) = rest.strip_suffix("?start=0&end=10") else {
            continue;
        };
        if row["status"] == 404 {
            continue;
        }
        // As the server decodes it: as a form.
        let form = format!("n={}", path.replace("%zz", "%25zz"));
        let (_, name) = url_form(&form);
        let server = Server::saying(Reply::json("[]")).await;
        let samples = server.archive().samples(&name, &query(0, 10)).await;
        let encodings_differ = matches!(path, "sp+ace" | "col:on" | "a%2Fb" | "%zz");
        if row["status"] == 200 || encodings_differ {
            samples.unwrap();
            assert_eq!(
                server.only().target == target,
                !encodings_differ,
                "{target}"
            );
            let accepted = targets()
                .into_iter()
                .any(|known| known["target"] == server.only().target && known["status"] == 200);
            assert!(
                accepted || path == "%zz",
                "{target}: {}",
                server.only().target
            );
            sent += 1;
        } else {
            assert!(samples.unwrap_err().is_refused_before_sending(), "{target}");
            assert!(server.asked().is_empty());
        }
    }
    assert!(sent > 12, "{sent}");
}

/// Decodes one `name=value` of a form.
fn url_form(text: &str) -> (String, String) {
    let url = url::Url::parse(&format!("http://h/?{text}")).unwrap();
    let (name, value) = url.query_pairs().next().unwrap();
    (name.into_owned(), value.into_owned())
}

#[tokio::test]
async fn a_name_that_is_longer_than_any_request_is_refused() {
    let server = Server::saying(Reply::json("[]")).await;
    let client = server.archive();
    client
        .samples(&"x".repeat(7900), &query(0, 1))
        .await
        .unwrap();
    let error = client
        .samples(&"ü".repeat(1400), &query(0, 1))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unaskable { .. }), "{error}");
    assert_eq!(server.asked().len(), 1);
}
