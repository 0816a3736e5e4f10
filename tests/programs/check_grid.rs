//! The grid of all pairs: its cells, its page, and the page in a browser.

use std::path::Path;
use std::process::Command;

use esmond_ps_tests::elmond::{Holdings, MockElmond, ROOT, Run as TestRun, Test};
use esmond_ps_tests::http::{Reply, Served};
use esmond_ps_tests::tools::skipped;
use esmond_ps_tests::{Run, TestArchive};
use serde_json::{Value, json};

use crate::check::{check, measure, measure_by, now};
use crate::served::{page, test};

/// A mesh of three hosts.
fn mesh() -> TestArchive {
    let archive = TestArchive::start();
    let [a, b, c] = ["10.0.0.1", "10.0.0.2", "2001:db8::3"];
    let rate = |gigabits: i64| json!(gigabits * 1_000_000_000);
    let points = |rates: [i64; 3]| {
        let ages = [50_000, 30_000, 600];
        let points = ages.iter().zip(rates);
        points
            .map(|(age, rate_of)| (*age, rate(rate_of)))
            .collect::<Vec<_>>()
    };
    measure(&archive, (a, b), "throughput", &points([9, 8, 9]));
    measure(&archive, (b, a), "throughput", &points([9, 9, 4]));
    measure(&archive, (a, c), "throughput", &points([9, 9, 1]));
    // The newest of two tests counts.
    measure_by(
        "bwctl/nuttcp",
        &archive,
        (a, c),
        "throughput",
        &[(900, rate(7))],
    );
    measure(
        &archive,
        (c, a),
        "throughput",
        &[(200_000, rate(9)), (180_000, rate(8))],
    );
    measure(&archive, (c, b), "throughput", &[]);
    let loss = json!({"numerator": 3, "denominator": 600});
    measure(&archive, (a, b), "packet-loss-rate", &[(300, loss)]);
    let hop = |ttl: u32| json!({"ttl": ttl, "query": 1, "success": 1, "ip": format!("10.9.9.{ttl}"), "rtt": 1.5});
    let path = |hops: u32| Value::from_iter((1..=hops).map(hop));
    measure(
        &archive,
        (a, b),
        "packet-trace",
        &[(4_000, path(3)), (400, path(5))],
    );
    let delays = |ms: f64| json!({format!("{ms}"): 90, format!("{}", ms + 2.0): 10});
    let delays = (1..40).map(|step| {
        (
            step * 600,
            delays(f64::from(i32::try_from(step).expect("small"))),
        )
    });
    measure(
        &archive,
        (a, b),
        "histogram-owdelay",
        &delays.collect::<Vec<_>>(),
    );
    archive
}

const RANGES: &str = "-w throughput=5e9: -c throughput=2e9: -c packet-loss-rate=0.1";

/// The cells by source, destination and event type.
fn states(run: &Run) -> Vec<String> {
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let cells = document["cells"].as_array().expect("cells").iter();
    let text = |cell: &Value, name: &str| cell[name].as_str().unwrap_or_default().to_owned();
    cells
        .map(|cell| {
            let parts = ["source", "destination", "event_type", "state"];
            parts.map(|name| text(cell, name)).join(" ")
        })
        .collect()
}

#[test]
fn a_grid_has_the_newest_point_of_every_pair() {
    let archive = mesh();
    let grid = check(&archive.url, &format!("--grid -I -o json {RANGES}"));
    assert_eq!(grid.status, Some(2), "{grid:?}");
    assert_eq!(
        states(&grid),
        [
            "10.0.0.1 10.0.0.2 throughput ok",
            "10.0.0.1 10.0.0.2 packet-loss-rate critical",
            "10.0.0.1 10.0.0.2 histogram-owdelay ok",
            "10.0.0.1 10.0.0.2 packet-trace ok",
            "10.0.0.1 2001:db8::3 throughput critical",
            "10.0.0.2 10.0.0.1 throughput warning",
            "2001:db8::3 10.0.0.1 throughput stale",
        ]
    );
    let document: Value = serde_json::from_str(&grid.stdout).expect("JSON");
    let values: Vec<&Value> = document["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .map(|cell| &cell["value"])
        .collect();
    assert_eq!(
        values[..4],
        [&json!(9e9), &json!(0.5), &json!(1.0), &json!(5.0)]
    );
    assert_eq!(document["cells"][4]["tests"], 2);
    // A pair whose tests never ran is in no answer of the archive since then.
    let one = check(&archive.url, "--grid -I -e packet-trace");
    assert_eq!(one.status, Some(0), "{one:?}");
    assert!(one.stdout.starts_with("OK - 1 cell: 1 ok | "), "{one:?}");
    assert!(one.stdout.contains("+ 5 hops 6 min"), "{one:?}");
}

#[test]
fn a_grid_of_a_perfsonar_5_archive_goes_by_points_not_by_the_schedule() {
    let now = now();
    let test = Test::new(1, "throughput", "10.0.0.1", "10.0.0.2").runs([
        TestRun::of(now - 200_000, "throughput", json!(5e9)),
        TestRun::failed(now - 60, "no"),
    ]);
    let mock = MockElmond::model(Holdings::new([test]));
    let grid = check(&mock.url, "--grid -I -o json -e throughput");
    assert_eq!(states(&grid), ["10.0.0.1 10.0.0.2 throughput stale"]);
}

#[test]
fn a_series_that_cannot_be_read_is_a_cell_that_nobody_knows() {
    let now = now();
    let archive = Served::start(move |asked, _| {
        let mut list = ["10.0.0.2", "10.0.0.3"].map(|destination| {
            let mut test = test(destination, destination, "throughput", "base");
            test["event-types"][0]["time-updated"] = json!(now);
            test
        });
        list[0]["metadata-count-total"] = json!(list.len());
        if asked.path == ROOT {
            return Reply::json(&list.into_iter().collect());
        }
        if asked.path.contains("10.0.0.3") {
            return Reply::status(500);
        }
        Reply::json(&page(&[(now - 600, json!(9e9))], asked))
    });
    let grid = check(&archive.url, "--grid -I -o json -e throughput");
    assert_eq!(grid.status, Some(3), "{grid:?}");
    assert_eq!(
        states(&grid),
        [
            "10.0.0.1 10.0.0.2 throughput ok",
            "10.0.0.1 10.0.0.3 throughput unknown"
        ]
    );
    let grid = check(&archive.url, "--grid -I -e throughput");
    let last = grid.stdout.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("? throughput, 10.0.0.1 to 10.0.0.3: ") && last.contains("500"),
        "{grid:?}"
    );
}

#[test]
fn an_archive_without_pairs_has_an_empty_grid() {
    let archive = TestArchive::start();
    let grid = check(&archive.url, "--grid");
    assert_eq!(grid.status, Some(3), "{grid:?}");
    assert!(
        grid.stdout.starts_with("UNKNOWN - no pair has points"),
        "{grid:?}"
    );
}

/// Writes the page of the mesh.
fn mesh_page(directory: &Path) -> String {
    let archive = mesh();
    let path = directory
        .join("grid.html")
        .to_str()
        .expect("UTF-8")
        .to_owned();
    let grid = check(&archive.url, &format!("-I {RANGES} --grid-file {path}"));
    assert_eq!(grid.status, Some(2), "{grid:?}");
    assert_eq!(grid.stdout.lines().count(), 1, "{grid:?}");
    let names = std::fs::read_dir(directory).expect("a directory").count();
    assert_eq!(names, 1, "nothing is left beside the page");
    path
}

#[test]
fn the_page_has_tables_and_a_plot_for_each_pair() {
    let directory = tempfile::tempdir().expect("a directory");
    let page = std::fs::read_to_string(mesh_page(directory.path())).expect("the page");
    // Two event types have no points.
    assert_eq!(page.matches("no pair measures it").count(), 2);
    assert_eq!(page.matches("<section id=\"pair-").count(), 4);
    assert_eq!(page.matches("<svg ").count(), 4);
    for number in 1..=4 {
        assert!(
            page.contains(&format!("href=\"#pair-{number}\"")),
            "{number}"
        );
    }
    for outside in [
        "src=",
        "http-equiv=\"refresh\"",
        "<link",
        "<script",
        "@import",
        "url(",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_page_that_cannot_be_written_is_told_before_the_work() {
    let archive = mesh();
    let grid = check(&archive.url, "--grid-file /no/such/directory/grid.html");
    assert_eq!(grid.status, Some(3), "{grid:?}");
    assert!(
        grid.stdout.starts_with("UNKNOWN - writing --grid-file"),
        "{grid:?}"
    );
}

#[test]
fn a_browser_shows_the_page_without_a_complaint() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| {
            Command::new(name)
                .arg("--version")
                .output()
                .is_ok_and(|output| output.status.success())
        })
    else {
        skipped("no chromium on this machine (apt-get install chromium)");
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let path = mesh_page(directory.path());
    let picture = directory.path().join("page.png");
    let profile = directory.path().join("profile");
    let shown = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args(["--enable-logging=stderr", "--window-size=1200,1600"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{path}"))
        .output()
        .expect("the browser runs");
    let log = String::from_utf8_lossy(&shown.stderr);
    assert!(shown.status.success(), "{log}");
    // The policy of the page refuses nothing of the page.
    assert!(
        !log.contains("CONSOLE") && !log.contains("Refused"),
        "{log}"
    );
    let size = std::fs::metadata(&picture).expect("a picture").len();
    assert!(size > 20_000, "{size} bytes show next to nothing");
}
