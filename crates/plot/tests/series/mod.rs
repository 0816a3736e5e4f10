//! Charts to be drawn in tests, made of values as archives answer them.

use esmond_ps_model::{RowLayout, SummaryType};
use esmond_ps_plot::{Chart, Panel};
use serde_json::{Value, json};

/// 2026-11-23 02:13:20 UTC.
const FROM: i64 = 1_795_400_000;
const DAY: i64 = 86_400;

fn panel(
    label: &str,
    event_type: &str,
    layout: RowLayout,
    points: impl IntoIterator<Item = (i64, Value)>,
) -> Panel {
    let mut panel =
        Panel::of(label, event_type, layout, SummaryType::Base).expect("it can be drawn");
    for (after, value) in points {
        assert!(panel.add(FROM + after, &value), "{value}");
    }
    panel
}

fn day(title: &str, panels: Vec<Panel>) -> Chart {
    Chart {
        title: title.to_owned(),
        from: FROM,
        to: FROM + DAY,
        panels,
    }
}

/// Something between 0 and 1 that looks like chance.
fn chance(number: i64) -> f64 {
    (number.wrapping_mul(7919).rem_euclid(1009)) as f64 / 1009.0
}

/// A value every half hour, with some hours missing.
pub(crate) fn throughput() -> Chart {
    let times = (0..48).filter(|number| !(15..25).contains(number));
    let points = times.map(|number| (number * 1800 + 100, json!((8.5 + chance(number)) * 1e9)));
    day(
        "throughput from a to b",
        vec![panel("iperf3", "throughput", RowLayout::Numeric, points)],
    )
}

fn two_tests() -> Chart {
    let points = (0..12).map(|number| (number * 7200, json!((3.0 + chance(number)) * 1e8)));
    let single = [(40_000, json!(9.4e9))];
    let panels = vec![
        panel("iperf", "throughput", RowLayout::Numeric, points),
        panel("iperf3", "throughput", RowLayout::Numeric, single),
    ];
    day("throughput from a to b", panels)
}

fn loss() -> Chart {
    let rate = |number| {
        if chance(number) > 0.97 {
            chance(number + 1) * 0.02
        } else {
            0.0
        }
    };
    let points = (0..288).map(|number| (number * 300, json!(rate(number))));
    day(
        "packet-loss-rate from a to b",
        vec![panel(
            "powstream",
            "packet-loss-rate",
            RowLayout::Numeric,
            points,
        )],
    )
}

fn delay() -> Chart {
    let times = (0..96).filter(|number| !(40..50).contains(number));
    let points = times.map(|number| {
        let least = 41.0 + chance(number) / 4.0;
        let value = json!({
            format!("{least:.2}"): 300, format!("{:.2}", least + 0.3): 250,
            format!("{:.2}", least + 1.5): 45, format!("{:.2}", least + 2.0 + 4.0 * chance(number + 5)): 5,
        });
        (number * 900, value)
    });
    day(
        "histogram-owdelay from a to b",
        vec![panel(
            "powstream",
            "histogram-owdelay",
            RowLayout::Histogram,
            points,
        )],
    )
}

fn path() -> Chart {
    let times = (0..144).filter(|number| !(70..90).contains(number));
    let points = times.map(|number| {
        let via = match number {
            30..50 => "198.51.100.99",
            100 => "203.0.113.7",
            _ => "198.51.100.1",
        };
        let third = if number % 5 == 0 {
            Value::Null
        } else {
            json!("192.0.2.9")
        };
        let hop = |ttl: i64, ip: Value| json!({"ttl": ttl, "query": 1, "success": 1, "ip": ip});
        let trace = json!([
            hop(1, json!("10.0.0.1")),
            hop(2, json!(via)),
            hop(3, third),
            hop(4, json!("192.0.2.77"))
        ]);
        (number * 600, trace)
    });
    day(
        "packet-trace from a to b",
        vec![panel(
            "tracepath",
            "packet-trace",
            RowLayout::PacketTrace,
            points,
        )],
    )
}

fn retransmits() -> Chart {
    let count = |number| {
        if chance(number) > 0.6 {
            (chance(number + 9) * 300.0) as i64
        } else {
            0
        }
    };
    let points = (0..48).map(|number| (number * 1800, json!(count(number))));
    day(
        "packet-retransmits from a to b",
        vec![panel(
            "iperf3",
            "packet-retransmits",
            RowLayout::Numeric,
            points,
        )],
    )
}

fn constant() -> Chart {
    let points = (0..48).map(|number| (number * 1800, json!(0.25)));
    day(
        "time-error-estimates from a to b",
        vec![panel(
            "powstream",
            "time-error-estimates",
            RowLayout::Numeric,
            points,
        )],
    )
}

fn subintervals() -> Chart {
    let points = (0..8).map(|number| {
        let interval = |second: i64| json!({"start": second, "duration": 1, "val": (7.0 + chance(number * 20 + second)) * 1e9});
        (number * 10_800, (0..20).map(interval).collect())
    });
    let panel = panel(
        "iperf3",
        "throughput-subintervals",
        RowLayout::Subintervals,
        points,
    );
    day("throughput-subintervals from a to b", vec![panel])
}

fn empty() -> Chart {
    day(
        "throughput from a to b",
        vec![panel("iperf3", "throughput", RowLayout::Numeric, [])],
    )
}

/// A million values.
pub(crate) fn million() -> Chart {
    let points = (0..1_000_000).map(|number| {
        (
            number * DAY / 1_000_000,
            json!((5.0 + chance(number)) * 1e9),
        )
    });
    day(
        "throughput from a to b",
        vec![panel("iperf3", "throughput", RowLayout::Numeric, points)],
    )
}

/// One of each kind.
pub(crate) fn all() -> Vec<(&'static str, Chart)> {
    vec![
        ("throughput", throughput()),
        ("two_tests", two_tests()),
        ("loss", loss()),
        ("delay", delay()),
        ("path", path()),
        ("retransmits", retransmits()),
        ("constant", constant()),
        ("subintervals", subintervals()),
        ("empty", empty()),
    ]
}
