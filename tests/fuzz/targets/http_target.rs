//! Method, path and query of a request: whatever they are, the archive answers with
//! JSON, and an error is the client's. Written as `METHOD TARGET`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../http.rs"]
mod http;

fuzz_target!(|bytes: &[u8]| {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    http::ask(method, target, &[]);
});
