//! The archive under load for a while: many clients write, others read, `prune`
//! runs again and again beside them.
//!
//! ```text
//! make soak
//! ```
//!
//! `ESMOND_PS_SOAK_SECONDS` says how long (600), `ESMOND_PS_SOAK_WRITERS` and
//! `ESMOND_PS_SOAK_READERS` how many clients (64 and 16). The clients never pause, so
//! the figures are those of an archive that has all it can do, on the same processors
//! as its clients.
//!
//! The exit status is 0 when every request was answered as it should, the archive
//! holds exactly what it acknowledged, `check` finds nothing, and the memory was flat
//! from the end of the warm-up (the first minute) on; see
//! [`allowed`](archive::allowed). In a run shorter than two minutes memory is shown,
//! and not judged; nor is it where there is no `/proc`.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod archive;
mod audit;
mod figures;
mod load;
mod readers;
mod values;
mod writers;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use esmond_ps_tests::http_client;
use reqwest::blocking::Client;
use serde_json::Value;

use crate::archive::Archive;
use crate::load::Load;
use crate::values::{Lane, eras, metadata};

fn main() -> ExitCode {
    let number = |name: &str, default: u64| {
        let text = env::var(name).ok();
        text.map_or(default, |text| text.parse().expect("a number"))
    };
    let time = Duration::from_secs(number("ESMOND_PS_SOAK_SECONDS", 600));
    let writers = number("ESMOND_PS_SOAK_WRITERS", 64);
    let readers = number("ESMOND_PS_SOAK_READERS", 16);

    let archive = Archive::start();
    let client = http_client();
    let eras = eras();
    let lanes: Vec<Lane> = (0..writers)
        .map(|n| register(&archive, &client, n))
        .collect();
    let load = Load {
        archive: &archive,
        client: &client,
        lanes: &lanes,
        eras,
        readers,
    };
    let loaded = load.run(time);
    let mut failures = loaded.tell(&lanes, readers, time);

    let pruned = archive.prune();
    if pruned.status != Some(0) {
        failures.push(format!("prune: {pruned:?}"));
    }
    match load.audit() {
        Ok(points) => {
            println!("found again: {points} points (of those removed: the sums of their days)");
        }
        Err(lost) => failures.extend(lost),
    }
    match archive.check() {
        Ok(()) => println!("check: no problems"),
        Err(found) => failures.push(found),
    }
    if !archive.stop() {
        failures.push("the archive did not end well".to_owned());
    }
    for failure in &failures {
        println!("FAILED: {failure}");
    }
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn register(archive: &Archive, client: &Client, number: u64) -> Lane {
    let number = i64::try_from(number).expect("a small number");
    let request = client.post(archive.address("")).json(&metadata(number));
    let answer = writers::signed(archive, request).send();
    let answer: Value = answer.expect("an answer").json().expect("JSON");
    let key = answer["metadata-key"].as_str().expect("a key");
    Lane::new(number, key.to_owned())
}
