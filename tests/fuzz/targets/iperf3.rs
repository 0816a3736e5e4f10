//! Whatever a document holds, what is stored is declared, named once, and never null.
#![no_main]

use std::collections::HashSet;

use esmond_ps_results::iperf3::{Context, Report, measurement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(report) = Report::parse(&text) else {
        return;
    };
    let context = Context {
        source: "192.0.2.1".parse().ok(),
        destination: "192.0.2.2".parse().ok(),
        ts: Some(1),
        ..Context::default()
    };
    let measured = measurement(Some(&report), &context).expect("the context says all");
    let declared: HashSet<_> = measured
        .event_types
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(declared.len(), measured.event_types.len());
    assert!(!measured.values.is_empty());
    for (name, value) in &measured.values {
        // Other protocols than the three declare less.
        assert!(declared.contains(name.as_str()), "{name}");
        assert!(!value.is_null());
    }
    assert!(
        measured
            .parameters
            .values()
            .all(|value| value.is_number() || value.is_string())
    );
});
