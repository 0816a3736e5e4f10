//! The numbers that values of archives hold.

use esmond_ps_model::{Histogram, RowLayout, Statistics, float};
use serde::Deserialize as _;
use serde_json::Value;

/// Gives each number of a value of that layout: of histograms none, see
/// [`counts`]. What is no number is left out.
pub fn each_number(layout: RowLayout, value: &Value, tell: &mut dyn FnMut(f64)) {
    match layout {
        RowLayout::Numeric => {
            if let Some(number) = number(value) {
                tell(number);
            }
        }
        RowLayout::Subintervals => intervals(value, tell),
        RowLayout::NumberList => list(value).iter().filter_map(number).for_each(tell),
        RowLayout::SubintervalList => {
            for stream in list(value) {
                intervals(stream, tell);
            }
        }
        _ => {}
    }
}

fn intervals(value: &Value, tell: &mut dyn FnMut(f64)) {
    list(value)
        .iter()
        .filter_map(|interval| number(interval.get("val")?))
        .for_each(tell);
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the number of a value that is one, or text of one.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => float::parse(text),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Returns the buckets of a histogram and their counts, ascending. Buckets that
/// are no numbers and counts below one are left out.
#[must_use]
pub fn counts(value: &Value) -> Vec<(f64, u64)> {
    let Ok(histogram) = Histogram::deserialize(value) else {
        return Vec::new();
    };
    let mut counts: Vec<(f64, u64)> = histogram
        .buckets()
        .filter_map(|(bucket, count)| {
            let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
            Some((float::parse(bucket)?, count))
        })
        .collect();
    counts.sort_by(|one, two| one.0.total_cmp(&two.0));
    counts
}

/// Returns minimum, median, 95th percentile and maximum of a statistics summary.
pub(crate) fn of_statistics(value: &Value) -> Option<[f64; 4]> {
    let statistics = Statistics::deserialize(value).ok()?;
    Some([
        statistics.minimum,
        statistics.median,
        statistics.percentile_95,
        statistics.maximum,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn numbers(layout: RowLayout, value: &Value) -> Vec<f64> {
        let mut numbers = Vec::new();
        each_number(layout, value, &mut |number| numbers.push(number));
        numbers
    }

    #[test]
    fn each_layout_gives_its_numbers_and_leaves_out_what_is_none() {
        let interval = |val: Value| json!({"start": 0, "duration": 1, "val": val});
        let intervals = json!([
            interval(json!(1)),
            interval(json!(null)),
            interval(json!("3"))
        ]);
        for (layout, value, expected) in [
            (RowLayout::Numeric, json!(5), vec![5.0]),
            (RowLayout::Numeric, json!({}), vec![]),
            (RowLayout::Subintervals, intervals.clone(), vec![1.0, 3.0]),
            (RowLayout::NumberList, json!([1, "x", 2.5]), vec![1.0, 2.5]),
            (
                RowLayout::SubintervalList,
                json!([intervals, 7]),
                vec![1.0, 3.0],
            ),
            (RowLayout::Value, json!(5), vec![]),
        ] {
            assert_eq!(numbers(layout, &value), expected, "{layout:?} {value}");
        }
    }

    #[test]
    fn buckets_are_sorted_as_numbers() {
        let value = json!({"10": 1, "9.5": 2, "fast": 3, "1": 0, "2": -4});
        assert_eq!(counts(&value), [(9.5, 2), (10.0, 1)]);
        assert_eq!(counts(&json!([1])), []);
    }
}
