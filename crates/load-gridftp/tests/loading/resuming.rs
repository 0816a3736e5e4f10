//! Going on where the last run stopped, whatever happened to the log.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::{Place, data, record, records};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

#[test]
fn a_second_run_loads_what_is_new() {
    // DIFFERENCE: the original reads all of the log again.
    let place = Place::new(&records(1..=3));
    assert_eq!(place.load().loaded, 3);
    assert_eq!(place.posted(), [1, 2, 3]);
    let state = fs::read(place.path("state")).unwrap();
    assert_eq!(place.load().loaded, 0);
    assert!(place.posted().is_empty());
    assert_eq!(fs::read(place.path("state")).unwrap(), state);
    place.append("g.log", &records(4..=5));
    assert_eq!(place.load().loaded, 2);
    assert_eq!(place.posted(), [4, 5]);
}

#[test]
fn identical_lines_are_counted_by_place_not_by_contents() {
    let place = Place::new(&records([1, 2, 1]));
    assert_eq!(place.load().already_there, 1);
    place.posted();
    place.append("g.log", &records([1, 9]));
    place.load();
    assert_eq!(place.posted(), [1, 9]);
}

#[test]
fn a_last_line_without_newline_waits_for_it() {
    // DIFFERENCE: the original takes it as it is.
    let cut = record(2);
    let (first, second) = cut.split_at(cut.len() - 1);
    let place = Place::new(&[&records([1])[..], first.as_bytes()].concat());
    let report = place.load();
    assert_eq!((place.posted(), report.skipped), (vec![1], 0));
    place.append("g.log", second.as_bytes());
    place.load();
    assert_eq!(place.posted(), [2]);
}

#[test]
fn lines_that_are_no_transfers_move_the_state_too() {
    let listing = record(7).replace("RETR", "NLST");
    let place = Place::new(&[&records([1])[..], listing.as_bytes()].concat());
    place.load();
    place.append("g.log", &records([2]));
    place.load();
    assert_eq!(place.posted(), [1, 2]);
}

#[test]
fn after_a_renaming_rotation_the_old_log_is_finished_first() {
    // DIFFERENCE: the original does not look for it.
    for name in ["g.log.1", "g.log-20261124", "g-20261124.log", "g.log.old"] {
        let place = Place::new(&records(1..=2));
        place.load();
        place.append("g.log", &records([3]));
        place.rename("g.log", name);
        place.write("g.log", &records(4..=5));
        place.load();
        assert_eq!(place.posted(), [1, 2, 3, 4, 5], "{name}");
        assert_eq!((place.load().loaded, place.posted()), (0, vec![]), "{name}");
    }
}

#[test]
fn a_server_that_still_writes_to_the_renamed_log_loses_nothing() {
    let place = Place::new(&records([1]));
    place.load();
    place.rename("g.log", "g.log.1");
    place.write("g.log", &records([2]));
    place.load();
    place.append("g.log.1", &records([3]));
    place.append("g.log", &records([4]));
    place.load();
    place.append("g.log.1", &records([5]));
    place.load();
    assert_eq!(place.posted(), [1, 2, 3, 4, 5]);
}

#[test]
fn after_several_rotations_all_logs_are_finished_in_order() {
    let place = Place::new(&records([1]));
    place.load();
    place.append("g.log", &records([2]));
    let old = fs::read(place.path("g.log")).unwrap();
    place.write("g.log.3.gz", &gzip(&old));
    place.write("g.log.2.gz", &gzip(&records([3, 4])));
    place.write("g.log.1", &records([5]));
    fs::remove_file(place.path("g.log")).unwrap();
    place.write("g.log", &records([6]));
    place.load();
    assert_eq!(place.posted(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn after_copytruncate_the_copy_is_finished_first() {
    for (name, packed) in [
        ("g.log.1", false),
        ("g.log.1.gz", true),
        ("g.log-20261124.gz", true),
    ] {
        let place = Place::new(&records(1..=2));
        place.load();
        place.append("g.log", &records([3]));
        let old = fs::read(place.path("g.log")).unwrap();
        place.write(name, &if packed { gzip(&old) } else { old });
        // The same file goes on, shorter and then longer than before.
        place.write("g.log", &records([4]));
        place.load();
        place.append("g.log", &records([5, 6, 7, 8]));
        place.load();
        assert_eq!(place.posted(), [1, 2, 3, 4, 5, 6, 7, 8], "{name}");
    }
}

#[test]
fn a_log_that_was_still_empty_is_found_again_after_rotation() {
    let place = Place::new(&records([1]));
    place.load();
    place.rename("g.log", "g.log.1");
    place.write("g.log", b"");
    place.load();
    // Now the empty one fills, is rotated and packed: it is another file then.
    let second = records([2, 3]);
    fs::rename(place.path("g.log.1"), place.path("g.log.2")).unwrap();
    place.write("g.log.1.gz", &gzip(&second));
    fs::remove_file(place.path("g.log")).unwrap();
    place.write("g.log", &records([4]));
    place.load();
    assert_eq!(place.posted(), [1, 2, 3, 4]);
}

#[test]
fn a_log_that_cannot_be_found_again_is_loaded_whole() {
    let place = Place::new(&records(1..=2));
    place.load();
    place.posted();
    fs::remove_file(place.path("g.log")).unwrap();
    place.write("g.log", &records(3..=4));
    place.load();
    assert_eq!(place.posted(), [3, 4]);
}

#[test]
fn a_log_whose_old_lines_were_cut_off_goes_on_behind_the_last_record() {
    let place = Place::new(&records(1..=5));
    place.load();
    fs::remove_file(place.path("g.log")).unwrap();
    place.write("g.log", &[&b"text\n"[..], &records(4..=7)].concat());
    place.load();
    assert_eq!(place.posted(), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_packed_log_is_read_and_its_end_remembered() {
    let place = Place::new(&gzip(&records(1..=3)));
    assert_eq!(place.load().loaded, 3);
    assert_eq!(place.load().loaded, 0);
    // Members can be appended to gzip files.
    place.append("g.log", &gzip(&records([4])));
    place.load();
    assert_eq!(place.posted(), [1, 2, 3, 4]);
}

#[test]
fn a_packed_log_that_ends_within_a_line_says_so() {
    let place = Place::new(&gzip(b"DATE=2018"));
    assert_eq!(place.load().skipped, 1);
}

#[test]
fn a_damaged_packed_log_is_loaded_up_to_the_damage() {
    let mut packed = gzip(&records(1..=400));
    packed.truncate(packed.len() / 2);
    let place = Place::new(&packed);
    let ended = place.run().unwrap();
    assert!(ended.error.is_some());
    assert!(ended.report.loaded > 10);
    assert_eq!(place.posted().len() as u64, ended.report.loaded);
}

#[test]
fn the_state_stays_before_the_first_record_that_was_not_stored() {
    // DIFFERENCE: the original goes on over data that could not be posted.
    for disordered in [false, true] {
        let mut place = Place::new(&records(1..=50));
        place.notes.away_after = Some(20);
        place.notes.disordered = disordered;
        let ended = place.run().unwrap();
        assert!(ended.error.unwrap().to_string().contains("nobody there"));
        let first = place.posted();
        place.notes.away_after = None;
        place.load();
        let mut all = [first, place.posted()].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, Vec::from_iter(1..=50), "{disordered}");
    }
}

#[test]
fn a_name_service_that_does_not_answer_costs_no_record() {
    // DIFFERENCE: the original ends with a traceback.
    let mut place = Place::new(&records(1..=5));
    place.append("g.log", record(6).replace("dtn1.", "v4only.").as_bytes());
    place.append("g.log", &records(7..=8));
    place.table.silent.insert("v4only.example.org".to_owned());
    let ended = place.run().unwrap();
    let error = format!("{:#}", ended.error.unwrap());
    assert!(
        error.contains("cannot look up the host v4only.example.org (line 6"),
        "{error}"
    );
    assert_eq!(
        (place.posted(), ended.report.skipped),
        (vec![1, 2, 3, 4, 5], 0)
    );
    place.table.silent.clear();
    place.load();
    assert_eq!(place.posted(), [6, 7, 8]);
}

#[test]
fn a_refused_record_does_not_keep_the_others() {
    let mut place = Place::new(&records(1..=3));
    place.notes.refused = vec![2];
    place.job.rejects = Some(place.path("rejects"));
    let report = place.load();
    assert_eq!((report.loaded, report.failed), (2, 1));
    assert_eq!(place.posted(), [1, 3]);
    assert_eq!(fs::read(place.path("rejects")).unwrap(), records([2]));
    assert_eq!(place.load().failed, 0);
}

#[test]
fn lines_that_were_not_understood_are_kept() {
    // DIFFERENCE: the original ends at them.
    let mut bad = record(2).replace("NBYTES=2", "NBYTES=two").into_bytes();
    bad.insert(120, 0xe9);
    let unknown = record(3).replace("dtn1", "nosuch");
    let all = [&records([1])[..], &bad, unknown.as_bytes(), &records([4])].concat();
    let mut place = Place::new(&all);
    place.job.rejects = Some(place.path("rejects"));
    let report = place.load();
    assert_eq!((report.loaded, report.skipped), (2, 2));
    let expected = [&bad[..], unknown.as_bytes()].concat();
    assert_eq!(fs::read(place.path("rejects")).unwrap(), expected);
}

#[test]
fn single_loads_one_record_at_a_time() {
    let mut place = Place::new(&records(1..=3));
    place.job.settings.single = true;
    for expected in [vec![1], vec![2], vec![3], vec![]] {
        place.load();
        assert_eq!(place.posted(), expected);
    }
}

#[test]
fn without_writing_the_state_every_run_loads_everything() {
    let mut place = Place::new(&records(1..=2));
    place.job.write_state = false;
    place.load();
    place.load();
    assert_eq!(place.posted(), [1, 2, 1, 2]);
    let names: Vec<_> = fs::read_dir(place.directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn deleting_the_state_needs_none() {
    // DIFFERENCE: the original crashes without one.
    let mut place = Place::new(&records([1]));
    place.job.delete_state = true;
    place.load();
    assert!(!place.path("state").exists());
    place.load();
    assert!(!place.path("state").exists());
    assert_eq!(place.posted(), [1, 1]);
}

#[test]
fn a_run_that_stores_nothing_leaves_no_state() {
    let mut place = Place::new(&records(1..=2));
    place.notes.away_after = Some(0);
    place.run().unwrap();
    assert!(!place.path("state").exists());
    let place = Place::new(b"");
    place.load();
    assert!(!place.path("state").exists());
}

#[test]
fn a_failed_run_does_not_delete_the_state() {
    // DIFFERENCE: the original does.
    let mut place = Place::new(&records(1..=2));
    place.job.delete_state = true;
    place.job.settings.jobs = 1;
    place.notes.away_after = Some(1);
    place.run().unwrap();
    place.notes.away_after = None;
    place.load();
    assert_eq!(place.posted(), [1, 2]);
}

#[test]
fn a_state_that_cannot_be_read_never_means_to_start_again() {
    let foreign = br#"{"format": "esmond-ps-load-gridftp 2"}"#;
    for bytes in [
        &b""[..],
        b"{",
        b"{}",
        b"rubbish",
        foreign,
        b"cos\nsystem\n(S'ls'\ntR.",
    ] {
        let place = Place::new(&records([1]));
        place.write("state", bytes);
        let error = place.run().unwrap_err().to_string();
        assert!(error.contains("where to go on is not known"), "{error}");
        assert!(place.posted().is_empty());
        assert_eq!(fs::read(place.path("state")).unwrap(), bytes);
    }
}

#[test]
fn a_state_of_the_original_is_read_once_and_replaced() {
    // DIFFERENCE: ours is JSON.
    let runs: Vec<Value> = serde_json::from_slice(&data("recorded/load_gridftp.json.gz")).unwrap();
    let case = |name: &str| runs.iter().find(|case| case["name"] == name).unwrap();
    for (name, log, more, expected) in [
        ("state-sequence", "netlogger", "netlogger_appended", 2),
        // The last line was a listing: the original lost all that came after it.
        (
            "state-listing-last",
            "netlogger_listing_last",
            "netlogger_listing_last_appended",
            1,
        ),
    ] {
        let pickle = &case(name)["runs"][0]["files"]["load_grid_ftp.pickle"];
        let place = Place::new(&data(&format!("recorded/{log}.log.gz")));
        place.write("state", pickle.as_str().unwrap().as_bytes());
        assert_eq!(place.load().processed(), 0, "{name}");
        assert!(
            fs::read(place.path("state")).unwrap().starts_with(b"{"),
            "{name}"
        );
        let place = Place::new(&data(&format!("recorded/{more}.log.gz")));
        place.write("state", pickle.as_str().unwrap().as_bytes());
        assert_eq!(place.load().processed(), expected, "{name}");
        assert_eq!(place.load().processed(), 0, "{name}");
    }
}

#[test]
fn a_record_of_the_original_is_also_found_in_the_rotated_log() {
    let record = "DATE=20180601100001.000000 HOST=dtn1.example.org NBYTES=1\n";
    let pickle = "(dp0\nS'date'\nS'20180601100001.000000'\nsS'host'\nS'dtn1.example.org'\nsS'nbytes'\nS'1'\ns.";
    let place = Place::new(&records([4]));
    place.write(
        "g.log.1.gz",
        &gzip(&[&records([2])[..], record.as_bytes(), &records([3])].concat()),
    );
    place.write("state", pickle.as_bytes());
    place.load();
    assert_eq!(place.posted(), [3, 4]);
}
