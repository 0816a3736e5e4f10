//! The pages for users: every command that they show is run, and prints what
//! they say; every link leads somewhere.
//!
//! What a page may have:
//!
//! - A block `console`: lines that begin with `$ ` are typed (`> ` goes on with
//!   the line before), the others are what comes out, stdout and stderr as on a
//!   terminal. `...` stands for any text in a line; alone in a line, for any
//!   lines. A command that ends in `&` goes on behind the others.
//! - A block `cron`: lines of a crontab. Their commands are run, must succeed,
//!   and say nothing, since cron sends by mail what they say.
//! - A block after a line that ends in a file's name and a colon (`` `name`: ``):
//!   the file is there from then on.
//! - `<!-- run as root -->` before a block of commands that change a system: the tests
//!   of the packages run them in a clean one.
//! - `<!-- widths vary -->` before a block whose columns are as wide as paths are:
//!   blanks in a row are compared as two.
//! - `<!-- not run: WHY -->` before a block of commands that a test cannot run.
//!
//! Each page has a [scene](scene::Scene) of its own.

mod links;
mod page;
mod scene;
mod shims;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use page::Block;
use scene::Scene;

/// Pages whose commands have a test of their own, beside the crates they are
/// about.
const ELSEWHERE: [&str; 2] = ["docs/extending.md", "docs/pv-archiver.md"];

/// Pages at once: each waits for programs most of the time.
const AT_ONCE: usize = 4;

/// The top of the project.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the project")
        .to_owned()
}

/// Names of all pages, from the top.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for entry in fs::read_dir(top().join("docs")).expect("the pages") {
        let name = entry.expect("a page").file_name();
        let name = name.to_str().expect("a plain name");
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    pages
}

fn read(name: &str) -> String {
    fs::read_to_string(top().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn commands_print_what_the_pages_say() {
    if let Some(missing) = shims::missing() {
        eprintln!("SKIPPED: {missing} is missing, which the pages use");
        return;
    }
    let only = std::env::var("ESMOND_PS_PAGE").ok();
    let waiting: Mutex<Vec<String>> = Mutex::new(
        pages()
            .into_iter()
            .filter(|name| !ELSEWHERE.contains(&name.as_str()))
            .filter(|name| only.as_ref().is_none_or(|only| only == name))
            .collect(),
    );
    let outcomes = Mutex::new((0, String::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(name) = { waiting.lock().unwrap().pop() } {
                    let (run, wrong) = play(&name);
                    let mut outcomes = outcomes.lock().unwrap();
                    outcomes.0 += run;
                    outcomes.1.push_str(&wrong);
                }
            });
        }
    });
    let (run, wrong) = outcomes.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(only.is_some() || run > 50, "{run} commands");
}

/// Runs the commands of a page; returns how many, and what is not as it says.
fn play(name: &str) -> (usize, String) {
    let blocks = page::blocks(&read(name));
    let has_commands = |block: &Block| matches!(block, Block::Console(_) | Block::Cron(_));
    if !blocks.iter().any(has_commands) {
        return (0, String::new());
    }
    let mut scene = Scene::new(name);
    let (mut run, mut wrong) = (0, String::new());
    for block in &blocks {
        match block {
            Block::File { name, contents } => scene.write(name, contents),
            Block::Root(_) => {}
            Block::Console(steps) => {
                for step in steps {
                    run += 1;
                    let printed = scene.run(&step.typed);
                    if !step.is_met_by(&printed) {
                        wrong.push_str(&format!(
                            "{name}:{}: $ {}\n--- the page\n{}--- the program\n{printed}---\n",
                            step.line, step.typed, step.printed
                        ));
                    }
                }
            }
            Block::Cron(jobs) => {
                for job in jobs {
                    run += 1;
                    let (succeeded, printed) = scene.run_job(&job.typed);
                    if !succeeded || !printed.is_empty() {
                        wrong.push_str(&format!(
                            "{name}:{}: {}\n--- cron would mail (succeeded: {succeeded})\n{printed}---\n",
                            job.line, job.typed
                        ));
                    }
                }
            }
        }
    }
    (run, wrong)
}

#[test]
fn every_page_is_in_the_contents() {
    let contents = read("docs/SUMMARY.md");
    for page in pages() {
        let Some(page) = page.strip_prefix("docs/") else {
            continue;
        };
        assert!(
            page == "SUMMARY.md" || contents.contains(&format!("({page})")),
            "docs/SUMMARY.md lacks {page}"
        );
    }
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let wrong: Vec<String> = pages
        .iter()
        .flat_map(|name| links::broken(&top(), name, &read(name)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
