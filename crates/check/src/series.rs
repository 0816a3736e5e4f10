//! Which series of a test holds the values of an event type.

use esmond_ps_cli_common::plan;
use esmond_ps_cli_common::report::told;
use esmond_ps_client::{EventType, GapKind, Series, Test};
use esmond_ps_model::{Registry, SummaryType};

/// Returns the series asked for: the summary, or else the points as posted.
///
/// Some archives have the statistics of an event type and nothing of what they were
/// made from; these are taken instead.
///
/// DIFFERENCE: the other programs print a summary only where it was asked for.
pub(crate) fn of(event_type: &EventType, summary: Option<(SummaryType, i64)>) -> Option<Series> {
    if let Some((summary_type, window)) = summary {
        return event_type.summary(summary_type, window);
    }
    let is_missing = event_type.gap(SummaryType::Base).is_some_and(|gap| {
        matches!(
            gap.kind,
            GapKind::NoPoints | GapKind::Refused | GapKind::EmptyValues
        )
    });
    is_missing
        .then(|| event_type.summary(SummaryType::Statistics, 0))
        .flatten()
        .or_else(|| Some(event_type.base()))
}

/// Names a test for a message.
pub(crate) fn describe(test: &Test) -> String {
    let tool = test.tool_name().unwrap_or_else(|| "-".to_owned());
    told(&format!("test {} by {tool}", test.metadata_key()))
}

/// Says what may be wrong with the name of an event type that no test has: nothing, if
/// it is one of the standard ones.
pub(crate) fn doubt(name: &str) -> Option<String> {
    if Registry::standard().event_type(name).is_some() {
        return None;
    }
    let known = plan::unknown_event_type(name).message;
    let nearest = known.lines().find(|line| line.starts_with("hint"));
    Some(match nearest {
        Some(nearest) => nearest.to_owned(),
        None => format!("{name} is none of the known event types (--list-events)"),
    })
}
