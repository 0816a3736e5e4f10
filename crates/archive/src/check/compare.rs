//! What points add up to, and whether that is what a summary says.

use std::collections::BTreeMap;

use esmond_ps_model::{Histogram, SummaryType};
use esmond_ps_store::view::{self, Source};
use esmond_ps_store::{Bucket, Value, kinds};

/// What may differ between two sums of the same floats, as part of them: their
/// order shows in the last digit at most.
const ROUNDING: f64 = 1e-12;

/// Longest text of a summary that is shown.
const SHOWN: usize = 120;

/// What the points of a window add up to.
pub(super) enum Sum {
    /// Nothing, when there are no points, or documents only.
    Of(Option<Bucket>),
    /// They do not fit together.
    Misfits,
    /// One is of a data type that this build does not have.
    Unknown,
}

impl Sum {
    pub(super) const NOTHING: Self = Self::Of(None);

    pub(super) fn add(&mut self, value: &Value) {
        if let Value::Custom { kind, .. } = value
            && kinds::find(kind).is_none()
        {
            *self = Self::Unknown;
        } else if let Self::Of(sum) = self
            && !Bucket::count(sum, value)
        {
            *self = Self::Misfits;
        }
    }
}

/// Tells whether two buckets say the same. In which order their points came does
/// not matter.
pub(super) fn same(one: &Bucket, other: &Bucket) -> bool {
    match (one, other) {
        (
            Bucket::Float {
                sum,
                compensation,
                count,
            },
            Bucket::Float {
                sum: other,
                compensation: lost,
                count: n,
            },
        ) => {
            let (one, other) = (sum + compensation, other + lost);
            let near = (one - other).abs() <= ROUNDING * one.abs().max(other.abs());
            // A sum beyond the range of doubles is no number.
            count == n && (near || (!one.is_finite() && !other.is_finite()))
        }
        (Bucket::Histogram(one), Bucket::Histogram(other)) => counts(one) == counts(other),
        (
            Bucket::Custom { kind, .. },
            Bucket::Custom {
                kind: other_kind, ..
            },
        ) => kind == other_kind && views(one) == views(other),
        (one, other) => one == other,
    }
}

/// Returns the counts of a histogram; buckets without any do not matter.
fn counts(histogram: &Histogram) -> BTreeMap<&str, i64> {
    histogram
        .buckets()
        .filter(|(_, count)| *count != 0)
        .collect()
}

/// Returns what readers see of a bucket.
fn views(bucket: &Bucket) -> Vec<(SummaryType, serde_json::Value)> {
    let views = SummaryType::DERIVED.into_iter().map(|summary_type| {
        (
            summary_type,
            view::summary(summary_type, Source::Bucket(bucket)),
        )
    });
    views.filter(|(_, view)| !view.is_null()).collect()
}

/// Shows a bucket as readers see it, shortened.
pub(super) fn shown(bucket: &Bucket) -> String {
    let views = views(bucket);
    let texts = views.iter().map(|(summary_type, view)| {
        let text = view.to_string();
        let text = match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        };
        format!("{} {text}", summary_type.name())
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summed(values: &[Value]) -> Bucket {
        let mut sum = Sum::NOTHING;
        values.iter().for_each(|value| sum.add(value));
        match sum {
            Sum::Of(Some(bucket)) => bucket,
            _ => panic!("{values:?}"),
        }
    }

    #[test]
    fn the_order_of_points_makes_no_difference_and_one_point_more_does() {
        let histogram = |buckets: &[(&str, i64)]| {
            let buckets = buckets
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count));
            Value::Histogram(Histogram::new(buckets))
        };
        let ratio = |numerator, denominator| Value::Ratio {
            numerator,
            denominator,
        };
        for values in [
            vec![Value::Integer(5), Value::Integer(-7), Value::Integer(0)],
            vec![
                Value::Float(0.1),
                Value::Float(1e9),
                Value::Float(-3.3),
                Value::Float(0.0),
            ],
            vec![ratio(0, 600), ratio(1, 600)],
            vec![
                histogram(&[("2", 1), ("1", 3)]),
                histogram(&[("1", 1), ("3", 0)]),
            ],
        ] {
            let mut reversed = values.clone();
            reversed.reverse();
            assert!(same(&summed(&values), &summed(&reversed)), "{values:?}");
            assert!(!same(&summed(&values), &summed(&values[1..])), "{values:?}");
        }
    }

    #[test]
    fn points_of_several_types_do_not_fit_and_unknown_ones_are_not_judged() {
        let mut sum = Sum::NOTHING;
        sum.add(&Value::Integer(1));
        sum.add(&Value::Float(1.0));
        assert!(matches!(sum, Sum::Misfits));
        let other = Value::Custom {
            kind: "other".into(),
            value: serde_json::json!(1),
        };
        let mut sum = Sum::NOTHING;
        sum.add(&other);
        assert!(matches!(sum, Sum::Unknown));
    }
}
