//! Whatever a document holds, what is stored is declared, named once, and never null.
#![no_main]

use std::collections::HashSet;

use esmond_ps_results::Addresses;
use esmond_ps_results::pscheduler::Run;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(run) = Run::parse(&text) else {
        return;
    };
    let mut addresses = Addresses::default();
    for host in run.hosts() {
        addresses.insert(host, vec!["192.0.2.1".parse().expect("an address")]);
    }
    let Ok(measured) = run.measurement(&addresses) else {
        return;
    };
    let declared: HashSet<_> = measured
        .event_types
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(declared.len(), measured.event_types.len());
    let mut seen = HashSet::new();
    for (name, value) in &measured.values {
        assert!(declared.contains(name.as_str()), "{name}");
        assert!(seen.insert(name), "{name}");
        assert!(!value.is_null());
    }
    let scalar =
        |value: &serde_json::Value| !value.is_null() && !value.is_array() && !value.is_object();
    assert!(measured.parameters.values().all(scalar));
});
