//! Clients that write, one thing after the other, until the time is over.

use std::thread;
use std::time::{Duration, Instant};

use esmond_ps_tests::eras::Eras;
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::archive::Archive;
use crate::figures::Figures;
use crate::values::Lane;

/// Most points of a bulk write, of two event types each.
const BULK: i64 = 100;
/// A client that was put off so often in a row has been refused.
const PATIENCE: u32 = 100;
/// The longest pause that a client makes, whatever it is asked for.
const PAUSE: u64 = 10;

/// Writes until the end, or until something is not answered as it should.
pub(crate) fn write(
    archive: &Archive,
    client: &Client,
    lane: &Lane,
    eras: Eras,
    mut dice: StdRng,
    end: Instant,
) -> Figures {
    let mut figures = Figures::default();
    while Instant::now() < end {
        let written = match dice.random_range(0..10) {
            0..5 => {
                let ts = eras.young + lane.posted.get();
                let url = archive.address(&format!("{}/throughput/base", lane.key));
                let body = json!({"ts": ts, "val": lane.throughput(ts)});
                let request = signed(archive, client.post(url)).json(&body);
                let written = send(&mut figures, "single posts", &request, 201);
                written.inspect(|()| lane.posted.add(1))
            }
            5..8 => {
                let (era, count) = match dice.random_range(0..3) {
                    0 => (eras.old, &lane.old),
                    _ => (eras.young, &lane.young),
                };
                let first = era + count.get();
                let points = dice.random_range(1..=BULK);
                let items = (first..first + points).map(|ts| lane.item(ts));
                let url = archive.address(&format!("{}/", lane.key));
                let body = json!({"data": items.collect::<Vec<Value>>()});
                let request = signed(archive, client.put(url)).json(&body);
                let written = send(&mut figures, "bulk writes", &request, 201);
                written.inspect(|()| count.add(points))
            }
            _ => {
                let n = lane.results.get();
                let request = client
                    .put(format!("{}/logstash", archive.url))
                    .basic_auth("tester", Some(&archive.key))
                    .header("x-ps-observer", lane.source())
                    .json(&lane.result(n, eras.young + n));
                let written = send(&mut figures, "results", &request, 200);
                written.inspect(|()| lane.results.add(1))
            }
        };
        if let Err(failure) = written {
            let failure = format!("writer {}: {failure}", lane.number);
            figures.failures.push(failure);
            break;
        }
    }
    figures
}

/// Adds the credentials.
pub(crate) fn signed(archive: &Archive, request: RequestBuilder) -> RequestBuilder {
    request.header("Authorization", format!("Token {}", archive.key))
}

/// Sends a write until it is acknowledged: when it is put off, again after the pause
/// that the archive asks for.
fn send(
    figures: &mut Figures,
    kind: &'static str,
    request: &RequestBuilder,
    expected: u16,
) -> Result<(), String> {
    let start = Instant::now();
    for _ in 0..PATIENCE {
        let copy = request.try_clone().expect("its body is text");
        let answer = copy.send().map_err(|error| format!("{kind}: {error:?}"))?;
        let status = answer.status().as_u16();
        let pause = answer.headers().get("Retry-After");
        let pause = pause.and_then(|pause| pause.to_str().ok()?.parse::<u64>().ok());
        let body = answer.text();
        let body = body.map_err(|error| format!("{kind}: {status}, then {error:?}"))?;
        match (status, pause) {
            (503 | 429, Some(pause)) => {
                figures.put_off += 1;
                // What a client is asked to do, not a way to wait for something.
                thread::sleep(Duration::from_secs(pause.min(PAUSE)));
            }
            _ if status == expected => {
                figures.add(kind, start.elapsed());
                return Ok(());
            }
            _ => return Err(format!("{kind}: {status} {body}")),
        }
    }
    Err(format!("{kind}: put off {PATIENCE} times"))
}
