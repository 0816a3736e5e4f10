//! What memory the archive has.

use esmond_ps_tests::command;

use crate::Figure;
use crate::archive::{Archive, PATH};
use crate::bench::{Bench, Measured, Row, count};
use crate::http;
use crate::process::megabytes;

pub(crate) const FIGURE: Figure = Figure {
    name: "memory",
    title: "Archive: memory",
    about: "Resident memory as the system tells it. Under the soak (`make soak`) 64 clients write and 16 read without \
            a pause.",
    measure,
};

/// Seconds of the soak.
const SOAK: usize = 120;

fn measure(bench: &Bench) -> Measured {
    let mut measured = Measured::default();
    let archive = Archive::start(bench.scratch());
    archive
        .connect()
        .send(&http::get(&format!("{PATH}?limit=1")), 200);
    let idle = megabytes(archive.memory().now);
    let row = Row::new("idle, an empty archive", "");
    measured.rows.push(row.at_most(idle, 30.0, "MB"));

    let points = bench.sizes()[3];
    let store = bench.store(points);
    let path = format!("{}?time-start=0&limit=1000", store.series());
    store.archive.connect().send(&http::get(&path), 200);
    let memory = store.archive.memory();
    let row = Row::new(
        format!(
            "idle, with {} points, after the figures that used it",
            count(points)
        ),
        format!("peak {:.0} MB", megabytes(memory.peak)),
    );
    measured.rows.push(row.value(megabytes(memory.now), "MB"));

    let time = bench.rounds(SOAK).max(4);
    let output = command("esmond-ps-soak")
        .env("ESMOND_PS_SOAK_SECONDS", time.to_string())
        .env("TMPDIR", bench.scratch())
        .output()
        .expect("the soak runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let (now, peak) = end(&said).expect("the soak tells the memory");
    let row = Row::new(
        format!("under the soak, {time} s"),
        format!("{now:.0} MB at the end"),
    );
    measured
        .rows
        .push(row.at_most(peak, 150.0, "MB at the most"));
    measured
}

/// Reads the memory at the end of a soak, now and at its peak, in megabytes.
fn end(said: &str) -> Option<(f64, f64)> {
    let (_, rest) = said.split_once("at the end: ")?;
    let (now, rest) = rest.split_once(" MiB, peak ")?;
    let (peak, _) = rest.split_once(" MiB")?;
    let number = |text: &str| text.parse::<u64>().ok().map(|mib| megabytes(mib << 20));
    Some((number(now)?, number(peak)?))
}
