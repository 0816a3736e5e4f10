//! Pickles that Python made.

use esmond_ps_load_gridftp::pickle::read;
use serde_json::json;

use crate::support::data;

/// `{"transferID": "a", "nbytes": 5, "t": 1.5, "x": [1, (2, 3), None, True],
/// "big": 2**40, "neg": -3, "d": {"é": "ü"}}`, written by Python 3 in each protocol.
#[test]
fn pickles_of_all_protocols_are_read() {
    let expected = json!({
        "transferID": "a", "nbytes": 5, "t": 1.5, "x": [1, [2, 3], null, true],
        "big": 1_u64 << 40, "neg": -3, "d": {"é": "ü"},
    });
    for protocol in 0..=5 {
        let value = read(&data(&format!("pickles/protocol-{protocol}.pickle")));
        assert_eq!(value, Ok(expected.clone()), "protocol {protocol}");
    }
}

#[test]
fn a_pickle_that_was_cut_anywhere_is_an_error() {
    for protocol in 0..=5 {
        let whole = data(&format!("pickles/protocol-{protocol}.pickle"));
        for length in 0..whole.len() {
            assert!(
                read(&whole[..length]).is_err(),
                "protocol {protocol}, {length} bytes"
            );
        }
    }
}
