//! The order in which points arrive does not show in a summary.
#![expect(clippy::unwrap_used, reason = "tests")]

use esmond_ps_model::{Histogram, SummaryType};
use esmond_ps_store::view::{self, Source};
use esmond_ps_store::{Bucket, Value, kinds};
use proptest::prelude::*;
use serde_json::Value as Json;

/// Adds up values in groups, and then the groups.
fn summed(values: &[Value], group: usize) -> Bucket {
    let mut groups = values.chunks(group).map(|group| {
        let mut bucket = Bucket::start(&group[0]).unwrap();
        for value in &group[1..] {
            assert!(bucket.add(value));
        }
        bucket
    });
    let mut sum = groups.next().unwrap();
    for group in groups {
        assert!(sum.merge(&group));
    }
    sum
}

/// All that readers can see of a bucket. The modes of a histogram, which come
/// in the order in which their buckets came, are sorted.
fn views(bucket: &Bucket) -> Vec<Json> {
    let mut views: Vec<Json> = SummaryType::DERIVED
        .map(|summary_type| view::summary(summary_type, Source::Bucket(bucket)))
        .into();
    for view in &mut views {
        if let Some(Json::Array(modes)) = view.get_mut("mode") {
            modes.sort_by_key(ToString::to_string);
        }
    }
    views
}

/// Measurements within nine decades, with all bits of a double in use.
fn measurement() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e6..1e6,
        (1e-3..1e-2),
        Just(0.0),
        (-1000_i32..1000).prop_map(|n| f64::from(n) / 10.0),
    ]
}

fn values() -> impl Strategy<Value = Vec<Value>> {
    let ratio = (0..i64::MAX, 1..i64::MAX).prop_map(|(numerator, denominator)| Value::Ratio {
        numerator,
        denominator,
    });
    let histogram = prop::collection::vec((0_i64..9, 0_i64..1000), 0..6).prop_map(|buckets| {
        let buckets = buckets.into_iter();
        Value::Histogram(Histogram::new(buckets.map(|(b, n)| (b.to_string(), n))))
    });
    let gauge = measurement().prop_map(|reading| {
        let gauge = kinds::find("gauge").unwrap();
        kinds::value(gauge, &Json::from(reading)).unwrap()
    });
    let some = 1..40;
    prop_oneof![
        prop::collection::vec(any::<i64>().prop_map(Value::Integer), some.clone()),
        prop::collection::vec(measurement().prop_map(Value::Float), some.clone()),
        prop::collection::vec(ratio, some.clone()),
        prop::collection::vec(histogram, some.clone()),
        prop::collection::vec(gauge, some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_grouping_do_not_show(
        (values, shuffled) in values().prop_flat_map(|values| {
            (Just(values.clone()), Just(values).prop_shuffle())
        }),
        group in 1_usize..40,
    ) {
        let one_by_one = views(&summed(&values, values.len()));
        prop_assert_eq!(&views(&summed(&shuffled, shuffled.len())), &one_by_one);
        prop_assert_eq!(&views(&summed(&values, group)), &one_by_one);
        prop_assert_eq!(&views(&summed(&shuffled, group)), &one_by_one);
    }

    #[test]
    fn a_value_of_another_kind_is_refused_and_changes_nothing(
        a in values(),
        b in values(),
    ) {
        let mut bucket = summed(&a, 1);
        let before = bucket.clone();
        let same_kind = std::mem::discriminant(&a[0]) == std::mem::discriminant(&b[0]);
        prop_assert_eq!(bucket.add(&b[0]), same_kind);
        prop_assert!(same_kind || bucket == before);
        prop_assert!(!bucket.add(&Value::Document("1".to_owned())));
    }
}
