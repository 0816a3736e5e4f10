//! Backups that are killed.

use std::fs;
use std::process::Stdio;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use esmond_ps_tests::eras::Eras;
use esmond_ps_tests::{TestArchive, command, http_client, run};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::clients::{Event, Places, Target, Write, write_until_killed};
use crate::model::Model;
use crate::values::{eras, metadata};

/// How many are killed.
const KILLS: u32 = 12;

/// Kills backups at random moments while a client writes. Where there is a file, it is
/// a whole archive, with all that was acknowledged before the backup began.
#[test]
fn a_backup_that_is_killed_leaves_a_whole_file_or_none() {
    let archive = TestArchive::start();
    let eras = eras();
    let target = Target {
        round: 0,
        url: archive.url.clone(),
        key: archive.key.clone(),
        record: archive.create(&metadata(0)),
        client: http_client(),
    };
    let places = Arc::new(Places::new(eras));
    let (sender, events) = mpsc::channel();
    let client = {
        let target = target.clone();
        let dice = StdRng::seed_from_u64(rand::rng().random());
        thread::spawn(move || write_until_killed(target, &places, dice, &sender))
    };
    let mut writes: Vec<(Write, Option<String>)> = Vec::new();
    let next = || match events.recv().expect("the archive lives") {
        Event::Acknowledged(write, key) => (write, key),
        other => panic!("{other:?}"),
    };
    writes.extend((0..200).map(|_| next()));

    let copies = tempfile::tempdir().expect("a directory");
    let backup = |name: &str| {
        let directory = copies.path().join(name);
        fs::create_dir(&directory).expect("a directory");
        let file = directory.join("archive.sqlite");
        let mut backup = command("esmond-ps-archive");
        backup.args(["backup", "--data", archive.directory()]);
        backup
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        (directory, file, backup)
    };
    let (_, _, mut whole) = backup("whole");
    let start = Instant::now();
    assert!(whole.status().expect("it runs").success());
    let whole = start.elapsed();

    for number in 0..KILLS {
        // What was acknowledged until now is what each copy must have.
        writes.extend((0..20).map(|_| next()));
        let (directory, file, mut killed) = backup(&number.to_string());
        let mut child = killed.spawn().expect("it starts");
        thread::sleep(whole.mul_f64(rand::rng().random_range(0.0..1.2)));
        child.kill().ok();
        child.wait().expect("it ends");

        let part = directory.join("archive.sqlite.part");
        if !file.exists() {
            if part.exists() {
                let refused = killed.output().expect("it runs");
                let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
                assert!(refused.contains("was interrupted and the file can be removed"));
                fs::remove_file(&part).expect("it can be removed");
            }
            // Nothing else is in its way.
            let repeated = killed.output().expect("it runs");
            assert!(repeated.status.success(), "{repeated:?}");
        }
        assert!(!part.exists());
        assert_eq!(fs::read_dir(&directory).expect("a directory").count(), 1);
        let data = directory.to_str().expect("a UTF-8 path");
        let checked = run("esmond-ps-archive", &["check", "--data", data]);
        assert_eq!(checked.status, Some(0), "{checked:?}");
        if number == KILLS - 1 {
            assert_has(&writes, data, &target, eras);
        }
    }
    drop(archive);
    drop(events);
    client.join().expect("nothing was refused");
}

/// Compares what an archive in a directory holds with writes; it may hold more.
fn assert_has(writes: &[(Write, Option<String>)], data: &str, target: &Target, eras: Eras) {
    let mut serve = command("esmond-ps-archive");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data", data]);
    let (mut server, url) = esmond_ps_tests::spawn_archive(serve);
    let target = Target {
        url,
        ..target.clone()
    };
    let mut model = Model::new(eras);
    for (write, key) in writes {
        model.acknowledged(write.clone(), key.clone());
    }
    model.assert_holds_at_least(&target);
    server.kill().expect("it can be killed");
    server.wait().expect("it ends");
}
