//! How long the programs take to begin, and how large they are.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use esmond_ps_tests::{binary, command};

use crate::Figure;
use crate::bench::{Bench, Measured, Row, seconds, short};
use crate::process::{least, megabytes, time};

pub(crate) const FIGURE: Figure = Figure {
    name: "startup",
    title: "Start of the programs",
    about: "`--help` of each program; the limit is `true`. The fastest of many runs counts.",
    measure,
};

pub(crate) const SIZES: Figure = Figure {
    name: "sizes",
    title: "Size of the programs",
    about: "Each file after `strip`. They need no libraries but those of the system.",
    measure: sizes,
};

const PROGRAMS: [&str; 8] = [
    "esmond-ps-archive",
    "esmond-ps-get",
    "esmond-ps-get-bulk",
    "esmond-ps-get-endpoints",
    "esmond-ps-get-metadata",
    "esmond-ps-load-gridftp",
    "esmond-ps-pipe",
    "pv-archiver",
];

const ROUNDS: usize = 30;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    for program in PROGRAMS {
        let [ours, nothing] = least(
            bench.rounds(ROUNDS),
            [&mut || ended(command(program).arg("--help")), &mut || {
                ended(&mut Command::new("true"))
            }],
        );
        measured.rows.push(
            Row::new(format!("{program} --help"), seconds(ours))
                .against(format!("true: {}", seconds(nothing)))
                .at_most((ours - nothing) * 1e3, 10.0, "ms more"),
        );
    }
    measured
}

fn ended(command: &mut Command) -> f64 {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    time(|| {
        let status = command.status().expect("it starts");
        assert!(status.success(), "{command:?} failed");
    })
}

fn sizes(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    for program in PROGRAMS {
        let path = binary(program);
        let built = length(&path);
        let stripped = bench.scratch().join(program);
        let is_stripped = Command::new("strip")
            .arg("-o")
            .arg(&stripped)
            .arg(&path)
            .status()
            .is_ok_and(|status| status.success());
        let bytes = if is_stripped {
            length(&stripped)
        } else {
            built
        };
        let built = format!("{} MB as built", short(megabytes(built)));
        let unit = if is_stripped {
            "MB"
        } else {
            "MB, not stripped"
        };
        let row = Row::new(program, built);
        measured
            .rows
            .push(row.at_most(megabytes(bytes), 12.0, unit));
    }
    measured
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).expect("a program").len()
}
