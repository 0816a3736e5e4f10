//! The files that come with the programs say what the documentation says, and what
//! the programs take.

use std::fs;
use std::process::Command;

use esmond_ps_tests::run;

use crate::made::{dist, done, top};

fn read(name: &str) -> String {
    fs::read_to_string(dist().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Without comments.
fn bare(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_examples_for_cron_and_logrotate_are_those_of_the_documentation() {
    let page = fs::read_to_string(top().join("docs/load-gridftp.md")).expect("the page");
    for name in ["load-gridftp.cron", "load-gridftp.logrotate"] {
        let example = bare(&read(name));
        assert!(page.contains(&format!("\n{example}```\n")), "{name}");
    }
    // The page has the words in columns, and the data directory, which a package
    // has from its configuration.
    let page = fs::read_to_string(top().join("docs/retention.md")).expect("the page");
    let prune = bare(&read("prune.cron"));
    let (when, command) = prune.trim_end().split_once(" esmond-ps ").expect("a user");
    let command = command.trim_start_matches("/usr/bin/esmond-ps-archive ");
    assert!(page.contains(when), "{when}");
    assert!(page.contains(command), "{command}");
}

#[test]
fn the_example_of_named_archives_is_taken_as_it_is_and_with_all_it_shows() {
    let example = read("config.toml");
    let uncommented: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(uncommented, example);
    let directory = tempfile::tempdir().expect("a directory");
    for (text, archive) in [(&example, None), (&uncommented, Some("local"))] {
        let file = directory.path().join("config.toml");
        fs::write(&file, text).expect("a file");
        let file = file.to_str().expect("text");
        let shown = run(
            "esmond-ps-get-endpoints",
            &["--config", file, "--show-config"],
        );
        assert_eq!(shown.status, Some(0), "{shown:?}");
        if let Some(archive) = archive {
            let line = shown
                .stdout
                .lines()
                .find(|line| line.starts_with("archive "));
            assert!(line.is_some_and(|line| line.contains(archive)), "{shown:?}");
        }
    }
}

#[test]
fn the_licences_of_what_is_built_in_come_with_the_packages() {
    let notices = done(&mut Command::new(dist().join("notices.sh")));
    let notices = String::from_utf8_lossy(&notices.stdout).into_owned();
    for built_in in ["  reqwest ", "DejaVuSans.ttf is a subset", "Bitstream Vera"] {
        assert!(notices.contains(built_in), "{built_in}");
    }
}

#[test]
fn every_crate_for_others_holds_the_licences_and_says_what_it_is() {
    let licences = ["LICENSE-MIT", "LICENSE-APACHE"];
    let makefile = fs::read_to_string(top().join("Makefile")).expect("the makefile");
    let (_, libraries) = makefile.split_once("\nLIBRARIES = ").expect("libraries");
    let (libraries, _) = libraries.split_once("\npublish-check").expect("an end");
    let libraries: Vec<&str> = libraries
        .split_whitespace()
        .filter(|word| *word != "\\")
        .collect();
    assert!(libraries.len() > 10, "{libraries:?}");
    for library in libraries {
        let directory = library.strip_prefix("esmond-ps-").unwrap_or(library);
        let directory = top().join("crates").join(directory);
        for licence in licences {
            let ours = fs::read_to_string(top().join(licence)).expect("the licence");
            let theirs = fs::read_to_string(directory.join(licence));
            assert_eq!(theirs.ok(), Some(ours), "{licence} of {library}");
        }
        assert!(directory.join("README.md").exists(), "README of {library}");
        let manifest = fs::read_to_string(directory.join("Cargo.toml")).expect("a manifest");
        for key in [
            "description",
            "readme",
            "keywords",
            "categories",
            "repository",
        ] {
            assert!(manifest.contains(&format!("\n{key}")), "{key} of {library}");
        }
    }
}
