//! Axes: where their marks stand, and what is written there.

use chrono::{DateTime, Datelike as _, NaiveDate};

/// Marks on an axis of numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Values {
    /// Lower end.
    pub(crate) low: f64,
    /// Upper end.
    pub(crate) high: f64,
    /// Marks and what is written there, ascending.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Values {
    /// Returns an axis for values from `low` to `high` with about `most` marks at round
    /// numbers. One that begins at zero does so unless values lie below.
    pub(crate) fn new(low: f64, high: f64, from_zero: bool, most: usize) -> Self {
        let (mut low, mut high) = (low, high);
        // Near enough that cutting the axis off would exaggerate.
        if low > 0.0 && (from_zero || low < 0.3 * high) {
            low = 0.0;
        }
        if high < 0.0 && from_zero {
            high = 0.0;
        }
        if low == high {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            high += room;
            if low != 0.0 {
                low -= room;
            }
        }
        let step = round_step((high - low) / most.max(1) as f64);
        let first = (low / step).floor();
        let last = (high / step - 1e-9).ceil().max(first + 1.0);
        let decimals = (-step.log10().floor()).clamp(0.0, 15.0) as usize;
        let exponent = !(-5.0..15.0).contains(&high.abs().max(low.abs()).log10());
        let count = (last - first).min(1000.0) as usize;
        let ticks = (0..=count).map(|number| {
            let value = (first + number as f64) * step;
            let text = if exponent {
                format!("{value:.1e}")
            } else {
                let text = format!("{value:.decimals$}");
                if text
                    .trim_start_matches('-')
                    .trim_matches(['0', '.'])
                    .is_empty()
                {
                    "0".to_owned()
                } else {
                    text
                }
            };
            (value, text)
        });
        Self {
            low: first * step,
            high: last * step,
            ticks: ticks.collect(),
        }
    }

    /// Returns where a value lies: 0 at the lower end, 1 at the upper.
    pub(crate) fn place(&self, value: f64) -> f64 {
        // Halves, since the distance of the ends can be more than a number holds.
        let from_low = value / 2.0 - self.low / 2.0;
        (from_low / (self.high / 2.0 - self.low / 2.0)).clamp(0.0, 1.0)
    }
}

/// Returns 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return if least > 0.0 { f64::MAX / 4.0 } else { 1.0 };
    }
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    // A hair of tolerance: 0.2 is 0.2 however it was computed.
    step.into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// A mark on an axis of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tick {
    /// Unix seconds.
    pub(crate) ts: i64,
    /// The time, such as `14:00`, or the day, month or year.
    pub(crate) label: String,
    /// What the label belongs to, such as the day, where it is another than before.
    pub(crate) context: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Seconds(i64),
    Months(i32),
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

const STEPS: &[i64] = &[
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
];

const MONTHS: &[i32] = &[1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 12_000];

/// Monday the fifth of January 1970: weeks begin on Mondays.
const MONDAY: i64 = 4 * DAY;

/// Returns marks from `from` to `to`, at most `most`, at round times of UTC.
pub(crate) fn times(from: i64, to: i64, most: usize) -> Vec<Tick> {
    let most = most.max(1);
    let span = to.saturating_sub(from).max(1);
    let fits = |length: i64| span / length < most as i64;
    let step = STEPS
        .iter()
        .map(|&seconds| (Step::Seconds(seconds), seconds))
        .chain(
            MONTHS
                .iter()
                .map(|&months| (Step::Months(months), i64::from(months) * 2_629_746)),
        )
        .find(|(_, length)| fits(*length))
        .map_or(Step::Months(120_000), |(step, _)| step);
    let mut before = None;
    round_times(step, from, to)
        .into_iter()
        .take(most + 1)
        .map(|ts| {
            let (label, context) = labels(step, ts);
            let is_new = before.as_ref() != Some(&context);
            before = Some(context.clone());
            let context = (is_new && !context.is_empty()).then_some(context);
            Tick { ts, label, context }
        })
        .collect()
}

fn round_times(step: Step, from: i64, to: i64) -> Vec<i64> {
    match step {
        Step::Seconds(seconds) => {
            let offset = if seconds == 7 * DAY { MONDAY } else { 0 };
            let from = from.saturating_sub(offset);
            let first = match from.rem_euclid(seconds) {
                0 => from,
                inside => from.saturating_add(seconds - inside),
            };
            let count = to
                .saturating_sub(offset)
                .saturating_sub(first)
                .div_euclid(seconds);
            let times = 0..=count.min(1000);
            let times = times.map(|number| first.saturating_add(number * seconds + offset));
            times.filter(|ts| *ts <= to).collect()
        }
        Step::Months(months) => {
            let Some(start) = DateTime::from_timestamp(from, 0) else {
                return Vec::new();
            };
            let first = (start.year() * 12 + start.month0() as i32).div_euclid(months);
            let nth = |number: i32| {
                let month = (first + number).checked_mul(months)?;
                let date = NaiveDate::from_ymd_opt(
                    month.div_euclid(12),
                    month.rem_euclid(12) as u32 + 1,
                    1,
                )?;
                Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp())
            };
            let times = (0..1000).map_while(nth).take_while(|ts| *ts <= to);
            times.filter(|ts| *ts >= from).collect()
        }
    }
}

fn labels(step: Step, ts: i64) -> (String, String) {
    match step {
        Step::Seconds(seconds) if seconds < MINUTE => {
            (moment(ts, Moment::Clock), moment(ts, Moment::Day))
        }
        Step::Seconds(seconds) if seconds < DAY => {
            (moment(ts, Moment::HourMinute), moment(ts, Moment::Day))
        }
        Step::Seconds(_) => (moment(ts, Moment::ShortDay), moment(ts, Moment::Year)),
        Step::Months(months) if months < 12 => {
            (moment(ts, Moment::Month), moment(ts, Moment::Year))
        }
        Step::Months(_) => (moment(ts, Moment::Year), String::new()),
    }
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// `14:00:05`
    Clock,
    /// `14:00`
    HourMinute,
    /// `2026-11-24`
    Day,
    /// `Nov 24`
    ShortDay,
    /// `Nov`
    Month,
    /// `2026`
    Year,
    /// `2026-11-24 14:00`
    Minute,
}

/// Writes a time in UTC; one that no calendar holds as its number.
pub(crate) fn moment(ts: i64, how: Moment) -> String {
    let format = match how {
        Moment::Clock => "%H:%M:%S",
        Moment::HourMinute => "%H:%M",
        Moment::Day => "%Y-%m-%d",
        Moment::ShortDay => "%b %-d",
        Moment::Month => "%b",
        Moment::Year => "%Y",
        Moment::Minute => "%Y-%m-%d %H:%M",
    };
    match DateTime::from_timestamp(ts, 0) {
        Some(time) => time.format(format).to_string(),
        None => ts.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64, from_zero: bool) -> Vec<String> {
        let axis = Values::new(low, high, from_zero, 4);
        let hair = (high - low).abs() * 1e-9;
        assert!(
            axis.low <= low + hair && axis.high >= high - hair,
            "{axis:?}"
        );
        axis.ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn marks_stand_at_round_numbers_around_the_values() {
        assert_eq!(texts(9.1, 9.41, true), ["0", "5", "10"]);
        assert_eq!(texts(41.0, 41.9, false), ["41.0", "41.5", "42.0"]);
        assert_eq!(
            texts(0.0, 0.000_3, true),
            ["0", "0.0001", "0.0002", "0.0003"]
        );
        assert_eq!(texts(-3.0, 4.0, true), ["-4", "-2", "0", "2", "4"]);
        assert_eq!(texts(-0.4, -0.3, false).last().unwrap(), "-0.30");
    }

    #[test]
    fn a_constant_series_has_room_around_it() {
        assert_eq!(texts(41.5, 41.5, false), ["35", "40", "45", "50"]);
        assert_eq!(
            texts(0.0, 0.0, true),
            ["0.0", "0.5", "1.0"].map(|t| if t == "0.0" { "0" } else { t })
        );
        assert_eq!(texts(7.0, 7.0, true).first().unwrap(), "0");
    }

    #[test]
    fn odd_numbers_make_an_axis_all_the_same() {
        for (low, high) in [
            (f64::MIN, f64::MAX),
            (1e-300, 2e-300),
            (1e300, 1e300),
            (5e-324, 5e-324),
            (-1e18, 1e18),
        ] {
            let axis = Values::new(low, high, false, 4);
            assert!(axis.ticks.len() >= 2 && axis.ticks.len() < 20, "{axis:?}");
            assert!((0.0..=1.0).contains(&axis.place(high)), "{axis:?}");
        }
    }

    fn labels_of(from: i64, to: i64, most: usize) -> Vec<String> {
        let told = |tick: Tick| match tick.context {
            Some(context) => format!("{} {context}", tick.label),
            None => tick.label,
        };
        times(from, to, most).into_iter().map(told).collect()
    }

    #[test]
    fn times_are_round_and_say_what_changes() {
        let day = 1_795_478_400; // 2026-11-24
        assert_eq!(
            labels_of(day - 11 * HOUR, day + 13 * HOUR, 6),
            ["18:00 2026-11-23", "00:00 2026-11-24", "06:00", "12:00"]
        );
        assert_eq!(
            labels_of(day, day + 4, 5),
            [
                "00:00:00 2026-11-24",
                "00:00:01",
                "00:00:02",
                "00:00:03",
                "00:00:04"
            ]
        );
        assert_eq!(
            labels_of(day, day + 40 * DAY, 7),
            ["Nov 30 2026", "Dec 7", "Dec 14", "Dec 21", "Dec 28"]
        );
        assert_eq!(
            labels_of(day, day + 200 * DAY, 8)[..2],
            ["Dec 2026", "Jan 2027"]
        );
        assert_eq!(
            labels_of(day, day + 3000 * DAY, 5),
            ["2028", "2030", "2032", "2034"]
        );
    }

    #[test]
    fn odd_times_make_an_axis_all_the_same() {
        for (from, to) in [
            (i64::MIN, i64::MAX),
            (0, i64::MAX),
            (i64::MAX - 1, i64::MAX),
            (0, 0),
        ] {
            assert!(times(from, to, 8).len() <= 9);
        }
        assert_eq!(times(100, 100_000_000_000, 8).len(), 7);
    }
}
