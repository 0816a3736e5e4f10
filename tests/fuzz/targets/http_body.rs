//! Bodies of every kind of write: whatever they are, the archive stores or refuses
//! them. The first byte says which write it is.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../http.rs"]
mod http;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, body)) = bytes.split_first() else {
        return;
    };
    let archive = "/perfsonar/archive/";
    let (method, target) = match which {
        b'c' => ("POST", archive.to_owned()),
        b'b' => ("PUT", format!("{archive}KEY/")),
        b'l' => ("PUT", "/logstash".to_owned()),
        b'h' => ("POST", format!("{archive}KEY/histogram-owdelay/base")),
        b'p' => ("POST", format!("{archive}KEY/packet-loss-rate/base")),
        b's' => ("POST", format!("{archive}KEY/throughput-subintervals/base")),
        b'j' => ("POST", format!("{archive}KEY/pscheduler-raw/base")),
        _ => ("POST", format!("{archive}KEY/throughput/base")),
    };
    http::ask(method, &target, body);
});
