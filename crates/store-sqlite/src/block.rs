//! Points of one series that lie together: a block.
//!
//! A block holds points in ascending order of ts. Numbers lie as numbers; all
//! other values, and those of blocks of several kinds, as their
//! [text](esmond_ps_store::codec), which is read only where it is asked for.

use std::ops::Range;

use esmond_ps_store::Value;

/// Points of a series in ascending order of ts.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Block {
    pub(crate) times: Vec<i64>,
    pub(crate) values: Values,
}

/// The values of a block, one for each time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    /// Numerators and denominators.
    Ratios(Vec<(i64, i64)>),
    Texts(Texts),
}

/// Texts, one behind the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Texts {
    pub(crate) text: String,
    /// Where each one ends.
    pub(crate) ends: Vec<usize>,
}

impl Default for Values {
    fn default() -> Self {
        Self::Integers(Vec::new())
    }
}

impl Block {
    /// Returns how many points there are.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Returns how many bytes the values take, where these are texts.
    pub(crate) fn text_bytes(&self) -> usize {
        match &self.values {
            Values::Texts(texts) => texts.text.len(),
            Values::Integers(_) | Values::Floats(_) | Values::Ratios(_) => 0,
        }
    }

    /// Looks for a time: where it is, or where it belongs.
    pub(crate) fn find(&self, ts: i64) -> Result<usize, usize> {
        match self.times.last() {
            // Points mostly come in order.
            Some(&last) if ts <= last => self.times.binary_search(&ts),
            _ => Err(self.times.len()),
        }
    }

    /// Returns the places of the points from `begin` to `end`, both included.
    pub(crate) fn places(&self, begin: i64, end: i64) -> Range<usize> {
        let from = self.times.partition_point(|&ts| ts < begin);
        let to = self.times.partition_point(|&ts| ts <= end);
        from..to.max(from)
    }

    /// Returns the value at a place; `None` when it is none.
    pub(crate) fn value(&self, at: usize) -> Option<Value> {
        Some(match &self.values {
            Values::Integers(values) => Value::Integer(*values.get(at)?),
            Values::Floats(values) => Value::Float(*values.get(at)?),
            Values::Ratios(values) => {
                let (numerator, denominator) = *values.get(at)?;
                Value::Ratio {
                    numerator,
                    denominator,
                }
            }
            Values::Texts(texts) => Value::decode(texts.get(at)?)?,
        })
    }

    /// Adds a point at the place where it belongs.
    pub(crate) fn insert(&mut self, at: usize, ts: i64, value: &Value) {
        if self.times.is_empty() {
            self.values = Values::of(value);
        }
        match (&mut self.values, value) {
            (Values::Integers(values), Value::Integer(value)) => values.insert(at, *value),
            (Values::Floats(values), Value::Float(value)) => values.insert(at, *value),
            (
                Values::Ratios(values),
                Value::Ratio {
                    numerator,
                    denominator,
                },
            ) => values.insert(at, (*numerator, *denominator)),
            (_, value) => return self.insert_text(at, ts, &value.encode()),
        }
        self.times.insert(at, ts);
    }

    /// Adds a point by the text of its value, which is not looked at.
    pub(crate) fn insert_text(&mut self, at: usize, ts: i64, text: &str) {
        self.make_texts();
        if let Values::Texts(texts) = &mut self.values {
            texts.insert(at, text);
            self.times.insert(at, ts);
        }
    }

    /// Puts another value in the place of one.
    pub(crate) fn replace(&mut self, at: usize, value: &Value) {
        match (&mut self.values, value) {
            (Values::Integers(values), Value::Integer(value)) => values[at] = *value,
            (Values::Floats(values), Value::Float(value)) => values[at] = *value,
            (
                Values::Ratios(values),
                Value::Ratio {
                    numerator,
                    denominator,
                },
            ) => values[at] = (*numerator, *denominator),
            (_, value) => {
                self.make_texts();
                if let Values::Texts(texts) = &mut self.values {
                    texts.replace(at, &value.encode());
                }
            }
        }
    }

    /// Removes the first points, as many.
    pub(crate) fn remove_first(&mut self, count: usize) {
        self.times.drain(..count);
        match &mut self.values {
            Values::Integers(values) => drop(values.drain(..count)),
            Values::Floats(values) => drop(values.drain(..count)),
            Values::Ratios(values) => drop(values.drain(..count)),
            Values::Texts(texts) => texts.remove_first(count),
        }
    }

    /// Makes the values texts, unless they are.
    fn make_texts(&mut self) {
        if matches!(self.values, Values::Texts(_)) {
            return;
        }
        let mut texts = Texts::default();
        while let Some(value) = self.value(texts.ends.len()) {
            texts.insert(texts.ends.len(), &value.encode());
        }
        self.values = Values::Texts(texts);
    }
}

impl Values {
    /// Returns no values, of the kind of this one.
    fn of(value: &Value) -> Self {
        match value {
            Value::Integer(_) => Self::Integers(Vec::new()),
            Value::Float(_) => Self::Floats(Vec::new()),
            Value::Ratio { .. } => Self::Ratios(Vec::new()),
            Value::Histogram(_) | Value::Document(_) | Value::Custom { .. } => {
                Self::Texts(Texts::default())
            }
        }
    }
}

impl Texts {
    /// Returns where the texts of these places lie.
    pub(crate) fn bytes(&self, places: Range<usize>) -> Range<usize> {
        let end = |count: usize| match count.checked_sub(1) {
            Some(last) => self.ends.get(last).copied().unwrap_or(self.text.len()),
            None => 0,
        };
        end(places.start)..end(places.end)
    }

    fn get(&self, at: usize) -> Option<&str> {
        (at < self.ends.len())
            .then(|| self.text.get(self.bytes(at..at + 1)))
            .flatten()
    }

    fn insert(&mut self, at: usize, text: &str) {
        let start = self.bytes(at..at).start;
        self.text.insert_str(start, text);
        self.ends.insert(at, start);
        for end in &mut self.ends[at..] {
            *end += text.len();
        }
    }

    fn replace(&mut self, at: usize, text: &str) {
        let old = self.bytes(at..at + 1);
        self.text.replace_range(old.clone(), text);
        for end in &mut self.ends[at..] {
            *end = *end - old.len() + text.len();
        }
    }

    fn remove_first(&mut self, count: usize) {
        let removed = self.bytes(0..count).end;
        self.text.drain(..removed);
        self.ends.drain(..count);
        for end in &mut self.ends {
            *end -= removed;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use esmond_ps_model::Histogram;
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn block(points: impl IntoIterator<Item = (i64, Value)>) -> Block {
        let mut block = Block::default();
        for (ts, value) in points {
            match block.find(ts) {
                Ok(at) => block.replace(at, &value),
                Err(at) => block.insert(at, ts, &value),
            }
        }
        block
    }

    pub(crate) fn points(block: &Block) -> Vec<(i64, Value)> {
        let places = 0..block.len();
        places
            .map(|at| (block.times[at], block.value(at).unwrap()))
            .collect()
    }

    /// Times of every distance, few of them far apart.
    fn time() -> impl Strategy<Value = i64> {
        prop_oneof![
            6 => -50_i64..50,
            3 => 1_700_000_000_i64..1_700_100_000,
            1 => any::<i64>(),
            1 => prop_oneof![Just(i64::MIN), Just(i64::MAX)],
        ]
    }

    fn integer() -> impl Strategy<Value = Value> {
        let number = prop_oneof![any::<i64>(), -300_i64..300, Just(i64::MIN), Just(i64::MAX)];
        number.prop_map(Value::Integer)
    }

    fn float() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            (-1000_i32..1000).prop_map(|n| f64::from(n) / 100.0),
            any::<f64>().prop_filter("finite", |number| number.is_finite()),
            Just(-0.0),
            Just(5e-324),
        ];
        number.prop_map(Value::Float)
    }

    fn ratio() -> impl Strategy<Value = Value> {
        (any::<i64>(), prop_oneof![Just(600), any::<i64>()]).prop_map(|(numerator, denominator)| {
            Value::Ratio {
                numerator,
                denominator,
            }
        })
    }

    fn text() -> impl Strategy<Value = Value> {
        let histogram = prop::collection::vec(("[0-9.é]{1,4}", any::<i64>()), 0..20);
        prop_oneof![
            histogram.prop_map(|buckets| Value::Histogram(Histogram::new(buckets))),
            "\\PC{0,40}".prop_map(Value::Document),
            (-100_i32..100).prop_map(|n| Value::Custom {
                kind: "gauge".into(),
                value: f64::from(n).into(),
            }),
        ]
    }

    /// Points of one kind, and of several, in whatever order.
    pub(crate) fn any_points() -> impl Strategy<Value = Vec<(i64, Value)>> {
        fn many(
            value: impl Strategy<Value = Value> + 'static,
        ) -> impl Strategy<Value = Vec<(i64, Value)>> {
            prop::collection::vec((time(), value), 0..120)
        }
        prop_oneof![
            many(integer()),
            many(float()),
            many(ratio()),
            many(text()),
            many(prop_oneof![integer(), float(), ratio(), text()]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_block_is_a_map_by_time(given in any_points(), cut in 0_usize..200) {
            let expected: std::collections::BTreeMap<i64, Value> = given.iter().cloned().collect();
            let mut expected: Vec<_> = expected.into_iter().collect();
            let mut block = block(given);
            // Debug tells -0.0 from 0.0.
            prop_assert_eq!(format!("{:?}", points(&block)), format!("{:?}", expected));
            if let [(first, _), .., (last, _)] = expected.as_slice() {
                prop_assert_eq!(block.places(*first, *last), 0..expected.len());
                prop_assert_eq!(block.places(first.saturating_add(1), *last).start, 1);
            }
            let cut = cut.min(block.len());
            block.remove_first(cut);
            expected.drain(..cut);
            prop_assert_eq!(format!("{:?}", points(&block)), format!("{:?}", expected));
        }
    }

    #[test]
    fn a_text_that_is_no_value_is_none() {
        let texts = Texts {
            text: "xi1".to_owned(),
            ends: vec![1, 3],
        };
        let block = Block {
            times: vec![1, 2],
            values: Values::Texts(texts),
        };
        assert_eq!(block.value(0), None);
        assert_eq!(block.value(1), Some(Value::Integer(1)));
        assert_eq!(block.value(2), None);
    }
}
