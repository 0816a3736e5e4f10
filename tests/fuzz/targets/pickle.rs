//! No pickle, however made, does more than become a value or an error.
#![no_main]

use esmond_ps_load_gridftp::pickle::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = read(bytes) {
        // Nested values can be written again: they are not too deep.
        serde_json::to_string(&value).expect("JSON");
    }
});
