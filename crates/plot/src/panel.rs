//! Charts, their panels, and what is known of a series when it is drawn.

use esmond_ps_model::{RowLayout, SummaryType, quantile};
use serde_json::Value;

use crate::axis::{Moment, moment};
use crate::bands::Bands;
use crate::line::Line;
use crate::strip::{Path, Strip};
use crate::unit::{DIGITS, Scale, Unit};
use crate::values;

/// Shortest span that is taken for one of many points, in seconds.
const LEAST: i64 = 600;

/// Panels on one axis of time.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What is drawn, on one line; empty for none.
    pub title: String,
    /// Begin of the axis of time: Unix seconds, UTC.
    pub from: i64,
    /// End of the axis of time; an end before the begin is taken as the begin.
    pub to: i64,
    /// Panels, from above to below.
    pub panels: Vec<Panel>,
}

/// A series of points to be drawn.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Whose series it is, such as the tool; empty for none.
    pub label: String,
    /// What is measured, such as `throughput`.
    pub quantity: String,
    /// Unit of the numbers in `kind`.
    pub unit: Unit,
    /// How it is drawn, and the points.
    pub kind: Kind,
    layout: RowLayout,
    summary: SummaryType,
}

/// How a series is drawn.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A line through the points, broken where there is a gap.
    Line(Line),
    /// A line from zero to each point.
    Bars(Line),
    /// Lines for parts of a distribution, with what lies between them shaded.
    Bands(Bands),
    /// Which path was taken when.
    Strip(Strip),
}

/// Returns a chart of one series, given by its points in the order of time. `None`
/// when its values cannot be drawn: see [`Panel::of`].
pub fn chart<'a>(
    title: &str,
    event_type: &str,
    layout: RowLayout,
    from: i64,
    to: i64,
    points: impl IntoIterator<Item = (i64, &'a Value)>,
) -> Option<Chart> {
    let mut panel = Panel::of("", event_type, layout, SummaryType::Base)?;
    for (ts, value) in points {
        panel.add(ts, value);
    }
    Some(Chart {
        title: title.to_owned(),
        from,
        to,
        panels: vec![panel],
    })
}

impl Panel {
    /// Returns a panel without points, of an event type whose rows are laid out
    /// so, or of its summaries of a type. `None` when the values are documents, which
    /// cannot be drawn.
    #[must_use]
    pub fn of(
        label: &str,
        event_type: &str,
        layout: RowLayout,
        summary: SummaryType,
    ) -> Option<Self> {
        let unit = Unit::of(event_type);
        let kind = match layout {
            RowLayout::Numeric if counts_faults(event_type) => Kind::Bars(Line::new()),
            RowLayout::Numeric => Kind::Line(Line::new()),
            RowLayout::Failures => Kind::Bars(Line::new()),
            RowLayout::Histogram => Kind::Bands(Bands::new(&Bands::PERCENTILES)),
            RowLayout::Subintervals | RowLayout::NumberList | RowLayout::SubintervalList => {
                Kind::Bands(Bands::new(&Bands::MEAN))
            }
            RowLayout::PacketTrace => Kind::Strip(Strip::default()),
            RowLayout::Value => return None,
        };
        Some(Self {
            label: label.to_owned(),
            quantity: event_type.to_owned(),
            unit,
            kind,
            layout,
            summary,
        })
    }

    /// Takes a point as an archive answers it, and tells whether there was
    /// anything to draw in it. Points come in the order of time.
    pub fn add(&mut self, ts: i64, value: &Value) -> bool {
        let factor = self.unit.factor();
        match &mut self.kind {
            Kind::Line(line) | Kind::Bars(line) => {
                let number = match self.layout {
                    RowLayout::Failures => Some(1.0),
                    _ => values::number(value),
                };
                let Some(number) = number else { return false };
                line.add(ts, number * factor);
            }
            Kind::Bands(bands) if self.layout == RowLayout::Histogram => {
                let parts = match self.summary {
                    SummaryType::Statistics => values::of_statistics(value),
                    _ => percentiles(&values::counts(value)),
                };
                let Some(parts) = parts else { return false };
                bands.add(ts, &parts.map(|part| part * factor));
            }
            Kind::Bands(bands) => {
                let mut count = 0_u32;
                let (mut sum, mut low, mut high) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
                values::each_number(self.layout, value, &mut |number| {
                    count += 1;
                    sum += number;
                    low = low.min(number);
                    high = high.max(number);
                });
                if count == 0 {
                    return false;
                }
                let parts = [low, sum / f64::from(count), high];
                bands.add(ts, &parts.map(|part| part * factor));
            }
            Kind::Strip(strip) => {
                let Some(path) = Path::of(value) else {
                    return false;
                };
                strip.add(ts, path);
            }
        }
        true
    }

    /// Tells whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Returns how many points there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.kind {
            Kind::Line(line) | Kind::Bars(line) => line.count(),
            Kind::Bands(bands) => bands.lowest().map_or(0, Line::count),
            Kind::Strip(strip) => strip.traces(),
        }
    }

    /// Returns the times of the first and the last point.
    #[must_use]
    pub fn times(&self) -> Option<(i64, i64)> {
        match &self.kind {
            Kind::Line(line) | Kind::Bars(line) => line.times(),
            Kind::Bands(bands) => bands.lowest()?.times(),
            Kind::Strip(strip) => strip.times(),
        }
    }

    /// Returns the smallest and the largest number drawn.
    pub(crate) fn extremes(&self) -> Option<(f64, f64)> {
        match &self.kind {
            Kind::Line(line) | Kind::Bars(line) => line.extremes(),
            Kind::Bands(bands) => {
                let (low, _) = bands.lowest()?.extremes()?;
                let (_, high) = bands.highest()?.extremes()?;
                Some((low, high))
            }
            Kind::Strip(_) => None,
        }
    }

    /// Tells whether each point is a number that was counted, which may be zero: a
    /// failure is none, and nothing is known of the time between two.
    pub(crate) fn has_zeros(&self) -> bool {
        self.layout != RowLayout::Failures
    }

    /// Returns how the numbers are written.
    pub(crate) fn scale(&self) -> Scale {
        let (low, high) = self.extremes().unwrap_or_default();
        self.unit.scale(low.abs().max(high.abs()))
    }

    /// Returns what is shown, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = self.count();
        let plural = |count: u64, one: &str, many: &str| {
            format!("{count} {}", if count == 1 { one } else { many })
        };
        if let Kind::Strip(strip) = &self.kind {
            let traces = plural(count, "trace", "traces");
            let paths = strip.paths().len() as u64;
            let paths = plural(paths, "path", "paths");
            let changes = plural(strip.changes(), "change", "changes");
            return format!("{traces}, {paths}, {changes}");
        }
        let Some((low, high)) = self.extremes() else {
            return "no data".to_owned();
        };
        if self.layout == RowLayout::Failures {
            return plural(count, "failure", "failures");
        }
        let scale = self.scale();
        let values = plural(count, "value", "values");
        let range = if low == high {
            scale.told(low)
        } else {
            format!("{} to {}", scale.number(low, DIGITS), scale.told(high))
        };
        let gaps = self.gaps();
        let told = if gaps == 0 {
            String::new()
        } else {
            format!(", {}", plural(gaps, "gap", "gaps"))
        };
        format!("{values}, {range}{told}")
    }

    fn gaps(&self) -> u64 {
        let line = match &self.kind {
            Kind::Line(line) => Some(line),
            Kind::Bars(line) => self.has_zeros().then_some(line),
            Kind::Bands(bands) => bands.lowest(),
            Kind::Strip(_) => None,
        };
        line.map_or(0, |line| line.runs().len().saturating_sub(1) as u64)
    }
}

impl Chart {
    /// Returns begin and end of the axis, the end later than the begin.
    pub(crate) fn span(&self) -> (i64, i64) {
        (self.from, self.to.max(self.from.saturating_add(1)))
    }

    /// Has the axis of time show where there are points and little more, if they
    /// cover less than a twentieth of it; tells whether it did.
    pub fn zoom_in(&mut self) -> bool {
        let times = self.panels.iter().filter_map(Panel::times);
        let joined = times.reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)));
        let Some((first, last)) = joined else {
            return false;
        };
        let (from, to) = self.span();
        let length = last.saturating_sub(first).max(LEAST);
        if to.saturating_sub(from) / 20 <= length {
            return false;
        }
        let margin = if first == last {
            LEAST / 2
        } else {
            length / 20
        };
        self.from = first.saturating_sub(margin);
        self.to = last.saturating_add(margin);
        true
    }

    /// Returns the span of time in words, such as `2026-11-23 14:00 to 2026-11-24 14:00 UTC`.
    #[must_use]
    pub fn span_told(&self) -> String {
        let (from, to) = self.span();
        let told = |ts| moment(ts, Moment::Minute);
        format!("{} to {} UTC", told(from), told(to))
    }

    /// Returns what the chart shows, in words: for who cannot see it.
    #[must_use]
    pub fn described(&self) -> String {
        let panels = self.panels.iter().map(|panel| {
            let label = match panel.label.as_str() {
                "" => panel.quantity.clone(),
                label => format!("{}, {label}", panel.quantity),
            };
            format!("{label}: {}", panel.summary())
        });
        let panels: Vec<String> = panels.collect();
        format!("{}. {}.", self.span_told(), panels.join(". "))
    }
}

/// Faults are rare: each of them is to be seen.
fn counts_faults(event_type: &str) -> bool {
    Unit::of(event_type) == Unit::Count("packets") && event_type != "packet-count-sent"
}

fn percentiles(counts: &[(f64, u64)]) -> Option<[f64; 4]> {
    Some([
        counts.first()?.0,
        quantile::of_counts(counts, 0.5)?,
        quantile::of_counts(counts, 0.95)?,
        counts.last()?.0,
    ])
}
