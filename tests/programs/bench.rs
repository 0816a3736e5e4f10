//! The benchmark, a hundred times smaller: whether it measures and writes its page, not
//! how fast anything is.

use std::fs;
use std::path::Path;

use esmond_ps_tests::run;

/// Measures figures and returns the page.
fn measured(directory: &Path, figures: &[&str]) -> String {
    let [page, results] = ["page.md", "results.json"].map(|name| {
        let path = directory.join(name);
        path.to_str().expect("a UTF-8 path").to_owned()
    });
    let options = ["--quick", "--page", &page, "--results", &results];
    let bench = run("esmond-ps-bench", &[&options, figures].concat());
    assert_eq!(bench.status, Some(0), "{bench:?}");
    fs::read_to_string(page).expect("the page")
}

/// Returns the last cells of the rows that have a goal.
fn verdicts(page: &str) -> Vec<&str> {
    let rows = page.lines().filter(|line| line.contains('≤'));
    rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next())
        .map(str::trim)
        .collect()
}

#[test]
fn the_page_says_of_every_figure_whether_it_meets_its_goal() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let page = measured(directory.path(), &["histograms", "startup"]);
    let verdicts = verdicts(&page);
    assert_eq!(verdicts.len(), 9, "{page}");
    let met = verdicts.iter().filter(|verdict| **verdict == "met").count();
    let missed = verdicts.len() - met;
    assert!(
        page.contains(&format!("{met} of 9 goals are met.")),
        "{page}"
    );
    // Each that misses its goal has its reason, or says that there is none yet.
    let bold = verdicts.iter().filter(|verdict| **verdict == "**missed**");
    assert_eq!(bold.count(), missed, "{page}");
    let reasons = page.lines().filter(|line| line.starts_with('*'));
    assert_eq!(reasons.count(), missed, "{page}");
}

#[test]
fn a_run_of_some_figures_leaves_the_others_in_the_page() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let first = measured(directory.path(), &["startup"]);
    let second = measured(directory.path(), &["histograms"]);
    let (_, startup) = first.split_once("\n## ").expect("a figure");
    assert!(second.contains(startup), "{first}\n{second}");
    assert_eq!(verdicts(&second).len(), 1 + verdicts(&first).len());
}
