//! Any line of a JSON log is understood or named, and no value of a transfer is null.
#![no_main]

use esmond_ps_load_gridftp::json_log::parse;
use esmond_ps_load_gridftp::transfer::Line;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Line::Transfer(transfer) = parse(&String::from_utf8_lossy(bytes)) {
        assert!(transfer.details.values().all(|value| !value.is_null()));
        assert!(transfer.retransmits.iter().all(|figure| figure.to_json().is_number()));
        assert!(transfer.throughput().is_none_or(|rate| rate.is_finite() && rate >= 0.0));
    }
});
