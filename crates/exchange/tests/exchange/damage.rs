//! Files that are damaged, cut off, of another kind, or hostile.

use std::future::pending;
use std::io;

use esmond_ps_exchange::{Error, Import, Limits, import, verify};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::support::*;

#[tokio::test]
async fn a_changed_byte_is_noticed_or_changes_nothing() {
    let file = varied().await.export().await;
    let good = check(&file).await.unwrap();
    let mut harmless = 0;
    for at in 0..file.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bad = file.clone();
            bad[at] ^= flip;
            match check(&bad).await {
                Ok(verified) => {
                    assert_eq!(verified, good, "byte {at}");
                    harmless += 1;
                }
                Err(error) => assert!(!error.to_string().contains(char::is_control)),
            }
        }
    }
    // The time, the flags and the system in the head of a gzip stream.
    assert!(harmless < 30, "{harmless}");
}

#[tokio::test]
async fn nothing_wrong_is_stored_of_a_damaged_file_and_a_good_one_completes_it() {
    let archive = varied().await;
    let file = archive.export().await;
    let stored = archive.dump().await;
    for at in (20..file.len()).step_by(file.len() / 25) {
        let copy = Archive::new().await;
        let mut bad = file.clone();
        bad[at] ^= 0x55;
        let error = copy.import(&bad).await.unwrap_err();
        assert!(!error.report.complete);
        let some = copy.dump().await;
        assert!(some.iter().all(|line| stored.contains(line)), "{some:?}");
        copy.import(&file).await.unwrap();
        assert_eq!(copy.dump().await, stored);
    }
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_never_complete() {
    let file = varied().await.export().await;
    for length in 0..file.len() {
        let error = check(&file[..length]).await.unwrap_err();
        let expected = matches!(error, Error::CutOff { .. } | Error::OtherFile(_));
        assert!(expected, "{length}: {error}");
    }
    // Also when the compressed stream itself ends well.
    let text = decompress(&file);
    for (at, _) in text.match_indices('\n') {
        let error = check(&compress(&text[..at])).await.unwrap_err();
        let line = text[..at].matches('\n').count() as u64 + 1;
        // The first line cannot be told from another kind of file.
        assert!(
            matches!(error, Error::CutOff { line: l } if l == line),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_was_stored_of_a_file_that_is_cut_off_is_told() {
    let archive = varied().await;
    let key = archive
        .create(3, &record("b", &[("throughput", &[])]))
        .await;
    archive.write(&key, "throughput", &integers([(1, 1)])).await;
    let text = decompress(&archive.export().await);
    let end = text.rfind("{\"type\":\"record-end\"").unwrap();
    let copy = Archive::new().await;
    let error = copy.import(&compress(&text[..end])).await.unwrap_err();
    assert_eq!(error.report.records_new, 2);
    assert!(error.report.points_new > 0);
    assert!(
        error.to_string().contains("2 new metadata records"),
        "{error}"
    );
    assert!(matches!(error.cause, Error::CutOff { .. }));
    assert_eq!(
        copy.dump().await[..],
        archive.dump().await[..copy.dump().await.len()]
    );
}

#[tokio::test]
async fn other_files_are_told_from_damaged_ones() {
    for bytes in [
        vec![],
        b"{\"type\":\"header\"}\n".to_vec(),
        b"PK\x03\x04".to_vec(),
        compress(""),
        compress("<html>\n"),
        compress("{\"metadata-key\":\"1\"}\n"),
        compress("{\"type\":\"header\",\"format\":\"other\",\"version\":1}\n"),
    ] {
        let error = check(&bytes).await.unwrap_err();
        let expected = match error {
            Error::OtherFile(_) => true,
            Error::CutOff { line: 1 } => bytes.len() < 20,
            _ => false,
        };
        assert!(expected, "{error} {bytes:?}");
    }
}

#[tokio::test]
async fn a_newer_version_is_refused_in_clear_words() {
    let header = r#"{"type":"header","format":"esmond-ps-export","version":2,"new":[1]}"#;
    let error = check(&compress(&format!("{header}\nanything\n")))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NewerVersion { found: 2, known: 1 }));
    assert!(
        error.to_string().contains("newer version of the program"),
        "{error}"
    );
}

#[tokio::test]
async fn a_failing_stream_is_an_error_that_names_the_line() {
    struct Failing;
    impl io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let error = verify(Failing, Limits::default(), |_| {}, pending())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "reading the export at line 1");
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "unplugged");
}

const HEADER: &str =
    r#"{"type":"header","format":"esmond-ps-export","version":1,"created":0,"program":"p"}"#;

fn record_line(key: u32, rest: &str) -> String {
    let (key, identity) = (crate::support::key(key), "0".repeat(64));
    format!(
        r#"{{"type":"record","metadata-key":"{key}","identity":"{identity}","created":null,"subject-type":"s","subject":{{}},"parameters":{{}},"event-types":[{{"event-type":"house-made","time-updated":null,"removed-until":null,"summaries":[]}}]{rest}}}"#
    )
}

/// Makes a file of records, each of its metadata and its data, with the counts
/// and digests that they should have.
fn sealed(records: &[(String, &[&str])]) -> String {
    let hex = |text: &str| -> String {
        let digest = Sha256::digest(text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let mut file = format!("{HEADER}\n");
    let mut all = [0, 0];
    let mut whole = 0;
    for (metadata, data) in records {
        let mut part = format!("{metadata}\n");
        let mut counted = [0, 0];
        for line in *data {
            part.push_str(line);
            part.push('\n');
            let json: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            for (count, name) in counted.iter_mut().zip(["points", "buckets"]) {
                *count += json[name].as_array().map_or(0, Vec::len);
            }
        }
        whole += usize::from(!metadata.contains("continued"));
        all = [all[0] + counted[0], all[1] + counted[1]];
        let json: serde_json::Value = serde_json::from_str(metadata).unwrap();
        file.push_str(&part);
        file.push_str(&format!(
            r#"{{"type":"record-end","metadata-key":{},"points":{},"buckets":{},"sha256":"{}"}}"#,
            json["metadata-key"],
            counted[0],
            counted[1],
            hex(&part)
        ));
        file.push('\n');
    }
    let digest = hex(&file);
    let [points, buckets] = all;
    file.push_str(&format!(
        r#"{{"type":"end","records":{whole},"points":{points},"buckets":{buckets},"sha256":"{digest}"}}"#
    ));
    file.push('\n');
    file
}

fn points(kind: &str, points: &str) -> String {
    format!(r#"{{"type":"points","event-type":"house-made","kind":"{kind}","points":{points}}}"#)
}

fn buckets(window: i64, buckets: &str) -> String {
    format!(
        r#"{{"type":"buckets","event-type":"house-made","summary-window":{window},"kind":"integer","buckets":{buckets}}}"#
    )
}

#[tokio::test]
async fn members_that_are_unknown_are_ignored() {
    let record = record_line(1, r#","later":{"a":[1]}"#);
    let data = r#"{"later":1,"type":"points","kind":"integer","points":[[1,5]],"event-type":"house-made"}"#;
    let copy = Archive::of(&compress(&sealed(&[(record, &[data])]))).await;
    assert_eq!(copy.points(&key(1), "house-made").await, integers([(1, 5)]));
}

/// What the error says, and records: metadata and data.
type Case = (&'static str, Vec<(String, Vec<String>)>);

#[tokio::test]
async fn what_a_file_cannot_hold_is_refused_although_its_digests_are_right() {
    let one = points("integer", "[[1,1]]");
    let deep = format!("[[1,{}{}]]", "[".repeat(101), "]".repeat(101));
    let abyss = format!("[[1,{}{}]]", "[".repeat(100_000), "]".repeat(100_000));
    let bucket = r#"[0,{"sum":1,"count":1}]"#;
    let bad_key = record_line(1, "").replace(&key(1), "../../etc");
    let bad_name = record_line(1, "").replace("house-made", "a/b");
    let bad_summary = record_line(1, "").replace(
        "\"summaries\":[]",
        r#""summaries":[{"summary-type":"base","summary-window":0}]"#,
    );
    let continued = || record_line(1, r#","continued":true"#);
    let first = || record_line(1, "");
    let data = |lines: &[String]| -> Vec<String> { lines.to_vec() };
    let cases: Vec<Case> = vec![
        ("not in order", vec![(first(), vec![]), (first(), vec![])]),
        (
            "not in order",
            vec![(record_line(2, ""), vec![]), (first(), vec![])],
        ),
        ("continues another", vec![(continued(), vec![])]),
        (
            "continues another",
            vec![(record_line(0, ""), vec![]), (continued(), vec![])],
        ),
        (
            "data are not in order",
            vec![
                (first(), data(std::slice::from_ref(&one))),
                (continued(), data(std::slice::from_ref(&one))),
            ],
        ),
        (
            "data are not in order",
            vec![(first(), vec![one.clone(), one.clone()])],
        ),
        (
            "data are not in order",
            vec![(
                first(),
                vec![buckets(60, &format!("[{bucket}]")), one.clone()],
            )],
        ),
        (
            "times are not in order at 1",
            vec![(first(), vec![points("integer", "[[1,1],[1,1]]")])],
        ),
        ("metadata key", vec![(bad_key, vec![])]),
        ("name of an event type", vec![(bad_name, vec![])]),
        ("unknown type", vec![(bad_summary, vec![])]),
        (
            "does not have this event type",
            vec![(first(), vec![one.replace("house-made", "throughput")])],
        ),
        (
            "unknown kind complex",
            vec![(first(), vec![points("complex", "[[1,1]]")])],
        ),
        (
            "not of the kind integer",
            vec![(first(), vec![points("integer", "[[1,1.5]]")])],
        ),
        (
            "not of the kind document",
            vec![(first(), vec![points("document", &deep)])],
        ),
        (
            "not of the kind document",
            vec![(first(), vec![points("document", &abyss)])],
        ),
        (
            "not of the kind custom:gauge",
            vec![(first(), vec![points("custom:gauge", &abyss)])],
        ),
        (
            "window is not greater",
            vec![(first(), vec![buckets(0, &format!("[{bucket}]"))])],
        ),
        (
            "no window of 60 seconds starts at 7",
            vec![(first(), vec![buckets(60, r#"[[7,{"sum":1,"count":1}]]"#)])],
        ),
        (
            "it has no data",
            vec![(first(), vec![one.replace("\"points\":[", "\"pts\":[")])],
        ),
        (
            "unknown type hint",
            vec![(first(), vec![r#"{"type":"hint"}"#.to_owned()])],
        ),
        ("the record has not ended", vec![(first(), vec![first()])]),
        ("column", vec![(first(), vec!["{".to_owned()])]),
        (
            "duplicate field",
            vec![(
                first(),
                vec![one.replace("\"kind\"", "\"kind\":\"float\",\"kind\"")],
            )],
        ),
        (
            "too long",
            vec![(
                first(),
                (0..6)
                    .map(|ts| points("document", &format!("[[{ts},\"{}\"]]", "x".repeat(1 << 20))))
                    .collect(),
            )],
        ),
    ];
    let copy = Archive::new().await;
    for (expected, records) in cases {
        let lines: Vec<Vec<&str>> = records
            .iter()
            .map(|(_, lines)| lines.iter().map(String::as_str).collect())
            .collect();
        let records: Vec<(String, &[&str])> = records
            .iter()
            .zip(&lines)
            .map(|((metadata, _), lines)| (metadata.clone(), &**lines))
            .collect();
        let file = compress(&sealed(&records));
        let error = check(&file).await.unwrap_err();
        assert!(
            error.to_string().contains(expected),
            "{error}, not {expected}"
        );
        let same = copy.import(&file).await.unwrap_err().cause;
        assert_eq!(same.to_string(), error.to_string());
    }
}

#[tokio::test]
async fn text_of_the_file_does_no_harm_in_an_error() {
    let line = r#"{"type":"\u001b[2J"}"#;
    let file = sealed(&[(record_line(1, ""), &[line])]);
    let error = check(&compress(&file)).await.unwrap_err();
    assert!(error.to_string().contains(r"\u{1b}[2J"), "{error}");
}

#[tokio::test]
async fn counts_and_digests_must_be_right() {
    let one = points("integer", "[[1,1]]");
    let good = sealed(&[(record_line(1, ""), &[&one])]);
    assert!(check(&compress(&good)).await.is_ok());
    for (from, to, expected) in [
        (
            "[[1,1]]",
            "[[1,2]]",
            "the record does not have this SHA-256",
        ),
        (
            "\"points\":1,",
            "\"points\":2,",
            "the record does not have these counts",
        ),
        (
            "\"program\":\"p\"",
            "\"program\":\"q\"",
            "the file does not have this SHA-256",
        ),
        (
            "\"records\":1",
            "\"records\":2",
            "the file does not have these counts",
        ),
    ] {
        let error = check(&compress(&good.replacen(from, to, 1)))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let twice = format!("{good}{{}}\n");
    let error = check(&compress(&twice)).await.unwrap_err();
    assert!(error.to_string().contains("something follows"), "{error}");
}

#[tokio::test]
async fn a_file_may_be_compressed_again_in_pieces() {
    let text = decompress(&varied().await.export().await);
    let (first, second) = text.split_at(text.len() / 2);
    let mut file = compress(first);
    file.extend(compress(second));
    assert!(check(&file).await.is_ok());
    file.extend(b"garbage");
    assert!(check(&file).await.is_err());
}

#[tokio::test]
async fn a_line_without_end_is_refused_at_the_limit() {
    let limits = Limits { line: 100_000 };
    let long = format!("{HEADER}\n{}", "x".repeat(20_000_000));
    let file = compress(&long);
    assert!(file.len() < 200_000);
    let error = verify(&*file, limits, |_| {}, pending()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::LineTooLong {
                line: 2,
                limit: 100_000
            }
        ),
        "{error}"
    );
    let copy = Archive::new().await;
    let how = Import {
        limits,
        ..Import::default()
    };
    let error = import(&copy.store, &*file, &how, |_| {}, pending())
        .await
        .unwrap_err();
    assert!(matches!(error.cause, Error::LineTooLong { .. }));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #[test]
    fn no_lines_make_it_panic(lines in proptest::collection::vec("[ -~]{0,40}", 0..6)) {
        let file = format!("{HEADER}\n{}\n", lines.join("\n"));
        prop_assert!(block_on(check(&compress(&file))).is_err());
    }

    #[test]
    fn no_values_make_it_panic(
        kind in "integer|float|ratio|histogram|document|text|fixed|custom:gauge",
        ts in any::<i64>(),
        value in r#"[0-9]{1,40}|"[a-zA-Z]{0,5}"|\{"(sum|numerator|count)":[0-9]{1,50}\}|\[\]|null|-?[0-9]e[0-9]{3}"#,
        window in any::<i64>(),
    ) {
        let line = points(&kind, &format!("[[{ts},{value}]]"));
        let more = buckets(window, &format!("[[{ts},{value}]]"));
        let record = record_line(1, "");
        for lines in [&[&*line][..], &[&*more][..]] {
            let _ = block_on(check(&compress(&sealed(&[(record.clone(), lines)]))));
        }
    }
}
