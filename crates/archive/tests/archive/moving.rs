//! Export, import and backup.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::data::{START, answers, change_points, fill};
use crate::process::{Server, command, run};

fn notes(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn succeeds(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", notes(output));
}

fn export(data: &Path, file: &Path, options: &[&str]) -> Output {
    let mut export = command(data, &["export"]);
    export.arg(file).args(options).output().unwrap()
}

fn import(data: &Path, file: &Path) -> Output {
    command(data, &["import"]).arg(file).output().unwrap()
}

#[tokio::test]
async fn an_imported_archive_answers_as_the_exported_one() {
    // DIFFERENCE: the original has no such commands.
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    let keys = fill(&one, 100).await;
    // Both are in use meanwhile.
    let (served, copied) = (Server::start(&one), Server::start(&other));
    let file = directory.path().join("archive.jsonl.gz");
    let exported = export(&one, &file, &[]);
    succeeds(&exported);
    assert!(exported.stdout.is_empty());
    let expected = "2 metadata records, 800 points, ";
    assert!(
        notes(&exported).starts_with(expected),
        "{}",
        notes(&exported)
    );

    let checked = command(&other, &["import", "--verify-only"])
        .arg(&file)
        .output()
        .unwrap();
    succeeds(&checked);
    assert!(notes(&checked).contains(expected), "{}", notes(&checked));
    assert_ne!(answers(&served, &[]).await, answers(&copied, &[]).await);

    succeeds(&import(&other, &file));
    assert_eq!(answers(&served, &keys).await, answers(&copied, &keys).await);
    // Again: nothing changes.
    let again = command(&other, &["import", "--json"])
        .arg(&file)
        .output()
        .unwrap();
    succeeds(&again);
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        (&report["points-new"], &report["points-there"]),
        (&0.into(), &800.into())
    );
    assert_eq!(answers(&served, &keys).await, answers(&copied, &keys).await);
    succeeds(&run(&other, &["check"]));
    // Only what belongs there is there.
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[tokio::test]
async fn archives_are_piped_into_one_another() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    let keys = fill(&one, 7).await;
    let mut exporting = command(&one, &["export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut importing = command(&other, &["import", "-"]);
    importing.stdin(exporting.stdout.take().unwrap());
    succeeds(&importing.output().unwrap());
    assert!(exporting.wait().unwrap().success());
    let (one, other) = (Server::start(&one), Server::start(&other));
    assert_eq!(answers(&one, &keys).await, answers(&other, &keys).await);
}

#[tokio::test]
async fn an_export_has_the_records_that_were_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    fill(&data, 3).await;
    let file = directory.path().join("some.jsonl.gz");
    for (filter, records) in [
        ("source:2001:DB8:0::1", 1),
        ("input_source:10.1.1.1", 1),
        ("ip-transport-protocol:tcp", 2),
        ("event-type:packet-trace", 0),
        ("time-range:3600", 2),
    ] {
        // An older file is replaced.
        let exported = export(&data, &file, &["--filter", filter]);
        succeeds(&exported);
        let expected = format!("{records} metadata records, ");
        assert!(
            notes(&exported).starts_with(&expected),
            "{filter}: {}",
            notes(&exported)
        );
    }
    for filter in ["throughput", "summary-window:x", "time-start:yesterday"] {
        let refused = export(&data, &file, &["--filter", filter]);
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{filter}: {}",
            notes(&refused)
        );
        assert!(notes(&refused).contains("--filter"), "{}", notes(&refused));
    }
}

#[tokio::test]
async fn what_differs_is_named_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    let keys = fill(&one, 3).await;
    fill(&other, 3).await;
    change_points(&one, &keys[0], "throughput", |points| {
        assert_eq!(points[0].0, START);
        points[0].1 = esmond_ps_store::Value::Integer(1);
    })
    .await;
    let file = directory.path().join("file");
    succeeds(&export(&one, &file, &[]));
    let imported = import(&other, &file);
    assert_eq!(imported.status.code(), Some(3), "{}", notes(&imported));
    let expected = format!("throughput {START}\n");
    let named = notes(&imported)
        .lines()
        .find(|line| line.starts_with("another value is stored"));
    assert!(
        format!("{}\n", named.unwrap()).ends_with(&expected),
        "{}",
        notes(&imported)
    );
}

#[tokio::test]
async fn a_damaged_file_is_an_error_that_names_the_line() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    fill(&data, 3).await;
    let file = directory.path().join("file");
    succeeds(&export(&data, &file, &[]));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    for arguments in [&["import"][..], &["import", "--verify-only"]] {
        let other = directory.path().join("other");
        let output = command(&other, arguments).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", notes(&output));
        let notes = notes(&output);
        assert!(
            notes.contains(&format!("{}: ", file.display())) && notes.contains("line "),
            "{notes}"
        );
    }
    // Nothing can complete what is no export.
    fs::write(&file, "Not an export of an archive at all.\n").unwrap();
    let output = import(&data, &file);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(notes(&output).lines().count(), 1, "{}", notes(&output));
    assert!(notes(&output).contains("no export"), "{}", notes(&output));
    let output = import(&data, Path::new("/nonexistent/file"));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        notes(&output).contains("/nonexistent/file"),
        "{}",
        notes(&output)
    );
}

#[tokio::test]
async fn what_is_no_regular_file_is_written_and_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    fill(&data, 3).await;
    let file = directory.path().join("file");
    let is_whole = || {
        let arguments = ["import", "--verify-only"];
        succeeds(&command(&data, &arguments).arg(&file).output().unwrap());
    };
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fs::write(&file, "").unwrap();
    succeeds(&export(&data, &link, &[]));
    assert!(link.is_symlink());
    is_whole();

    let pipe = directory.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read(pipe).unwrap())
    };
    succeeds(&export(&data, &pipe, &[]));
    fs::write(&file, reader.join().unwrap()).unwrap();
    is_whole();
    assert!(!pipe.metadata().unwrap().is_file());
}

#[tokio::test]
async fn names_that_sqlite_could_take_for_addresses_are_names_of_files() {
    let directory = tempfile::tempdir().unwrap();
    let data = Path::new("file:data?mode=ro");
    for arguments in [
        &["user", "add", "perfsonar"][..],
        &["backup", "file:copy?mode=memory"],
    ] {
        let mut command = command(data, arguments);
        let output = command.current_dir(directory.path()).output().unwrap();
        assert!(output.status.success(), "{}", notes(&output));
    }
    assert!(directory.path().join("file:copy?mode=memory").is_file());
    assert!(directory.path().join(data).join("archive.sqlite").is_file());
}

#[tokio::test]
async fn an_export_that_fails_leaves_no_file_and_does_not_look_done() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    fill(&data, 3).await;
    // A reader that is gone.
    let mut exporting = command(&data, &["export", "-"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = exporting.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", notes(&output));
    assert!(
        notes(&output).contains("not complete"),
        "{}",
        notes(&output)
    );

    let missing = export(
        &directory.path().join("none"),
        &directory.path().join("file"),
        &[],
    );
    assert_eq!(missing.status.code(), Some(1));
    assert!(notes(&missing).contains("there is no archive in"));
    let elsewhere = export(&data, &directory.path().join("none/file"), &[]);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(
        notes(&elsewhere).contains("none/file"),
        "{}",
        notes(&elsewhere)
    );
    let names = fs::read_dir(directory.path()).unwrap();
    assert_eq!(names.count(), 1);
}

#[tokio::test]
async fn a_backup_of_a_served_archive_is_an_archive() {
    // DIFFERENCE: the original has no such command.
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let keys = fill(&data, 20).await;
    let server = Server::start(&data);
    let file = directory.path().join("today.sqlite");
    let backup = || command(&data, &["backup"]).arg(&file).output().unwrap();
    succeeds(&backup());
    let permissions = Command::new("stat")
        .args(["-c", "%a"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(permissions.stdout, b"600\n");
    let before = answers(&server, &keys).await;
    // An older backup is never overwritten.
    let length = File::open(&file).unwrap().metadata().unwrap().len();
    let second = backup();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        notes(&second).contains("today.sqlite"),
        "{}",
        notes(&second)
    );
    assert_eq!(file.metadata().unwrap().len(), length);

    let restored = directory.path().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(&file, restored.join("archive.sqlite")).unwrap();
    let copy = Server::start(&restored);
    assert_eq!(answers(&copy, &keys).await, before);
    // Users are part of it.
    let users = run(&restored, &["user", "list", "--json"]);
    let users: Value = serde_json::from_slice(&users.stdout).unwrap();
    assert_eq!(users[0]["name"], "writer");
    succeeds(&run(&restored, &["check"]));
}
