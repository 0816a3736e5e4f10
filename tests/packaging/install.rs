//! `make install` and `make uninstall`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::made::{done, missing, names, programs, top};

const PREFIX: &str = "/opt/esmond-ps";

pub(crate) fn make(goal: &str, destination: &Path, prefix: &str) {
    let mut command = Command::new("make");
    command
        .arg("-C")
        .arg(top())
        .arg(goal)
        .arg(format!("DESTDIR={}", destination.display()))
        .arg(format!("BUILD={}", programs().display()))
        .arg(format!("PREFIX={prefix}"))
        // Not that of the make that runs the tests.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL");
    done(&mut command);
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let found = done(Command::new("find").arg(directory).args(["-type", "f"]));
    let found = String::from_utf8(found.stdout).expect("text");
    let mut files: Vec<PathBuf> = found.lines().map(PathBuf::from).collect();
    files.sort();
    files
}

#[test]
fn what_is_installed_is_complete_and_is_removed_again_but_for_what_was_changed() {
    if missing(&[("make", "make")]) {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let at = |path: &str| place.path().join(path);
    make("install", place.path(), PREFIX);
    for name in names() {
        for path in [
            format!("bin/{name}"),
            format!("share/man/man1/{name}.1.gz"),
            format!("share/bash-completion/completions/{name}"),
            format!("share/zsh/site-functions/_{name}"),
            format!("share/fish/vendor_completions.d/{name}.fish"),
        ] {
            assert!(at("opt/esmond-ps").join(&path).exists(), "{path}");
        }
    }
    let unit = at("opt/esmond-ps/lib/systemd/system/esmond-ps-archive.service");
    let unit = fs::read_to_string(unit).expect("the unit");
    assert!(unit.contains("ExecStart=/opt/esmond-ps/bin/esmond-ps-archive serve\n"));

    // The pages lead to the schemas.
    let docs = at("opt/esmond-ps/share/doc/esmond-ps/docs");
    let formats = fs::read_to_string(docs.join("formats.md")).expect("a page");
    assert!(formats.contains("(schema/numeric.json)"), "{formats}");
    assert!(docs.join("schema/numeric.json").exists());

    // Again, as an upgrade.
    let configuration = at("etc/esmond-ps/archive.toml");
    let changed = "log = \"debug\"\n";
    fs::write(&configuration, changed).expect("a change");
    let before = files(place.path());
    make("install", place.path(), PREFIX);
    assert_eq!(files(place.path()), before);
    assert_eq!(
        fs::read_to_string(&configuration).expect("it is there"),
        changed
    );

    make("uninstall", place.path(), PREFIX);
    assert_eq!(files(place.path()), [configuration]);
}
