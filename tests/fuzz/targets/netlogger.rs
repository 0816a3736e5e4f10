//! Any line of a transfer log is understood or named, quickly, and a record is the
//! same behind any prefix that holds no record.
#![no_main]

use esmond_ps_load_gridftp::netlogger::parse;
use esmond_ps_load_gridftp::transfer::Line;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let line = String::from_utf8_lossy(bytes);
    let Line::Transfer(transfer) = parse(&line) else {
        return;
    };
    assert!(transfer.code.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(transfer.throughput().is_none_or(|rate| rate.is_finite() && rate >= 0.0));
    let prefixed = format!("[1] Fri Jun  1 06:08:01 2018 :: Transfer stats: {line}");
    assert_eq!(parse(&prefixed), Line::Transfer(transfer));
});
