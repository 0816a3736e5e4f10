//! Statistics of histograms, exact for a run and blurred for a bin of runs.

use serde_json::{Map, Value, json};

/// Members that are the mean of those of the runs, in a bin.
const MEANS: [&str; 7] = [
    "mean",
    "median",
    "percentile-25",
    "percentile-75",
    "percentile-95",
    "standard-deviation",
    "variance",
];

/// Returns the statistics of a run's histogram.
pub(crate) fn of_histogram(histogram: &Value) -> Value {
    let buckets = histogram.as_object().into_iter().flatten();
    let mut counts: Vec<(f64, f64)> = buckets
        .filter_map(|(bucket, count)| Some((bucket.parse().ok()?, count.as_f64()?)))
        .collect();
    counts.sort_by(|one, other| one.0.total_cmp(&other.0));
    let total: f64 = counts.iter().map(|(_, count)| count).sum();
    let mean = counts
        .iter()
        .map(|(value, count)| value * count)
        .sum::<f64>()
        / total;
    let squares = counts
        .iter()
        .map(|(value, count)| (value - mean).powi(2) * count);
    let variance = squares.sum::<f64>() / total;
    let at = |rank: f64| {
        let mut seen = 0.0;
        counts
            .iter()
            .find(|(_, count)| {
                seen += count;
                seen >= rank
            })
            .map(|(value, _)| *value)
    };
    let middle = at((total / 2.0).floor().max(1.0)).zip(at((total / 2.0).floor() + 1.0));
    let median = if total % 2.0 == 0.0 {
        middle.map(|(low, high)| f64::midpoint(low, high))
    } else {
        at((total / 2.0).ceil())
    };
    let most = counts.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    let most_often = counts.iter().filter(|(_, count)| *count >= most);
    json!({
        "maximum": counts.last().map(|(value, _)| value),
        "mean": mean,
        "median": median,
        "minimum": counts.first().map(|(value, _)| value),
        "mode": most_often.map(|(value, _)| value).collect::<Vec<_>>(),
        "percentile-25": at((total * 0.25).ceil()),
        "percentile-75": at((total * 0.75).ceil()),
        "percentile-95": at((total * 0.95).ceil()),
        "standard-deviation": variance.sqrt(),
        "variance": variance,
    })
}

/// Returns the statistics of round trips: those that pScheduler gives, the
/// others null.
pub(crate) fn of_round_trips(given: &Value) -> Value {
    let mut statistics = Map::new();
    for name in ["maximum", "minimum", "mode"].iter().chain(&MEANS) {
        statistics.insert((*name).to_owned(), given[*name].clone());
    }
    statistics.sort_keys();
    Value::Object(statistics)
}

/// Returns those of a bin: largest, smallest, and means of the others.
pub(crate) fn of_bin(runs: &[Value]) -> Value {
    let all = |name: &str| -> Vec<f64> {
        let values = runs.iter().flat_map(|run| match &run[name] {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        });
        let values = values.filter_map(|value| value.as_f64());
        values.map(in_32_bits).collect()
    };
    let mean = |name: &str| {
        let values = all(name);
        let count = i32::try_from(values.len()).unwrap_or(i32::MAX);
        (count > 0).then(|| values.iter().sum::<f64>() / f64::from(count))
    };
    let mut statistics = Map::new();
    let mut put = |name: &str, value: Value| statistics.insert(name.to_owned(), value);
    put(
        "maximum",
        json!(all("maximum").into_iter().reduce(f64::max)),
    );
    put(
        "minimum",
        json!(all("minimum").into_iter().reduce(f64::min)),
    );
    put("mode", json!([mean("mode")]));
    for name in MEANS {
        put(name, json!(mean(name)));
    }
    statistics.sort_keys();
    Value::Object(statistics)
}

/// Returns a number as OpenSearch keeps it.
#[expect(clippy::cast_possible_truncation, reason = "the loss is the point")]
pub(crate) fn in_32_bits(number: f64) -> f64 {
    f64::from(number as f32)
}
