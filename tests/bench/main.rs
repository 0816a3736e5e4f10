//! How fast the programs are, and how much they need, each held against a named limit
//! that is measured in the same run: machines differ, ratios hardly do.
//!
//! ```text
//! make bench                              everything, and docs/performance.md
//! make bench FIGURES="disk startup"       these figures; the others stay in the page
//! make bench FIGURES=--page-only          the page of what was measured, with new notes
//! esmond-ps-bench --quick                 100 times smaller: whether it works, no page
//! ```
//!
//! `--page FILE` names the page (a quick run writes none without it), `--results FILE`
//! where the figures are kept between runs (`target/bench/results.json`). What is said
//! in the page about a figure that misses its goal stands in `notes.md`.
//!
//! Both sides of a comparison run turn by turn, and the best of several rounds counts,
//! as everything that disturbs only makes them slower. All data lie below `target/bench`
//! while it runs, so that both sides write to the same disk.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod archive;
mod bench;
mod data;
mod disk;
mod fetch;
mod gridftp;
mod histograms;
mod http;
mod load;
mod machine;
mod memory;
mod options;
mod page;
mod peer;
mod post;
mod process;
mod read;
mod results;
mod search;
mod startup;
mod stores;
mod write;

use std::env;
use std::time::Instant;

use crate::bench::{Bench, Measured};
use crate::machine::Circumstances;
use crate::options::Options;
use crate::results::Results;

/// Something that is measured by itself.
pub(crate) struct Figure {
    /// By which it is asked for.
    pub(crate) name: &'static str,
    /// Its heading in the page.
    pub(crate) title: &'static str,
    /// What is compared with what, for the page.
    pub(crate) about: &'static str,
    measure: fn(&Bench) -> Measured,
}

/// All figures, in the order of the page.
const FIGURES: [&Figure; 11] = [
    &fetch::FIGURE,
    &write::FIGURE,
    &post::FIGURE,
    &read::FIGURE,
    &search::FIGURE,
    &disk::FIGURE,
    &memory::FIGURE,
    &gridftp::FIGURE,
    &histograms::FIGURE,
    &startup::FIGURE,
    &startup::SIZES,
];

fn main() {
    let mut arguments = env::args().skip(1).peekable();
    // The other side of a comparison, in a process of its own.
    if arguments.peek().is_some_and(|first| first == post::NOTHING) {
        return post::serve_nothing();
    }
    let options = Options::read(arguments);
    let mut results = Results::read(&options.results);
    if !options.page_only {
        let bench = Bench::new(options.is_quick);
        let circumstances = Circumstances::of_now(bench.scratch(), &options.command);
        println!("{}", circumstances.text());
        for figure in FIGURES.iter().filter(|figure| options.asks_for(figure)) {
            println!("\n{} ({})", figure.title, figure.name);
            let start = Instant::now();
            let measured = (figure.measure)(&bench);
            print!("{}", page::table(&measured.rows));
            println!("{:.0} s", start.elapsed().as_secs_f64());
            results.replace(figure.name, measured, &circumstances);
            results.write(&options.results);
        }
    }
    if let Some(path) = &options.page {
        page::write(path, &results);
        println!("\n{}", path.display());
    }
}
