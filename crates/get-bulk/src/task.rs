//! A series that is to be fetched.

use std::sync::Arc;

use esmond_ps_cli_common::layout::{Layout, RowContext};
use esmond_ps_cli_common::names::Resolver;
use esmond_ps_cli_common::plan::Plan;
use esmond_ps_client::{EventType, Series, Test};
use serde_json::Value;

use crate::naming::{BASE, Parts, stem};
use crate::progress::Meter;
use crate::slice::Slice;
use crate::store::Entry;

/// What all series of a test have in common.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    source: Value,
    destination: Value,
    tool: Value,
    bucket_width: Value,
    agent: Value,
    /// Counts the test as done when the last of its series is.
    _done: Arc<Done>,
}

/// Counts a test when dropped.
#[derive(Debug)]
struct Done(Arc<Meter>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.test_done();
    }
}

/// A series, and all that its file needs beside its points.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) series: Series,
    pub(crate) layout: Layout,
    pub(crate) context: RowContext,
    subject: Subject,
}

impl Subject {
    /// Takes ends and tool of a test, with names for addresses if there is a
    /// resolver.
    pub(crate) async fn new(test: &Test, resolver: Option<&Resolver>, meter: &Arc<Meter>) -> Self {
        let property = |name: &str| test.properties.get(name).cloned().unwrap_or_default();
        let host = async |name: &str| match (property(name), resolver) {
            (Value::String(text), Some(resolver)) => resolver.resolve(&text).await.into(),
            (value, _) => value,
        };
        Self {
            source: host("source").await,
            destination: host("destination").await,
            tool: property("tool-name"),
            bucket_width: property("sample-bucket-width"),
            agent: host("measurement-agent").await,
            _done: Arc::new(Done(Arc::clone(meter))),
        }
    }

    /// Names the test for a message.
    pub(crate) fn describe(&self, key: &str) -> String {
        let shown = |value: &Value| text(value).unwrap_or_else(|| "-".to_owned());
        format!(
            "test {key} from {} to {} by {}",
            shown(&self.source),
            shown(&self.destination),
            shown(&self.tool)
        )
    }
}

/// Returns the event types of a test that a plan asks for, each once.
pub(crate) fn wanted(plan: &Plan, test: &Test) -> Vec<EventType> {
    let mut wanted: Vec<EventType> = Vec::new();
    for event_type in test.all_event_types() {
        let is_asked_for = plan
            .event_type
            .as_deref()
            .is_none_or(|name| name == event_type.name());
        if is_asked_for && wanted.iter().all(|known| known.name() != event_type.name()) {
            wanted.push(event_type);
        }
    }
    wanted
}

/// Returns the series of an event type that a plan asks for, if it is there.
pub(crate) fn series(plan: &Plan, event_type: &EventType) -> Option<Series> {
    match plan.summary {
        None => Some(event_type.base()),
        Some((summary_type, window)) => event_type.summary(summary_type, window),
    }
}

impl Task {
    pub(crate) fn new(plan: &Plan, subject: &Subject, series: Series) -> Self {
        let name = series.event_type().name();
        let summary_type = plan.summary.map(|(summary_type, _)| summary_type);
        Self {
            layout: Layout::of(series.event_type().row_layout(), summary_type),
            context: RowContext {
                source: subject.source.clone(),
                destination: subject.destination.clone(),
                event_type: name.to_owned(),
                tool: subject.tool.clone(),
                summary_type: series.summary_name().to_owned(),
                // DIFFERENCE: the originals label base data with the window
                // asked for.
                summary_window: series.window(),
                bucket_width: subject.bucket_width.clone(),
                measurement_agent: subject.agent.clone(),
                metadata_key: series.event_type().test().metadata_key().to_owned(),
            },
            subject: subject.clone(),
            series,
        }
    }

    /// Returns what is told about the series before anything was read.
    pub(crate) fn entry(&self, slice: &Slice) -> Entry {
        let test = self.series.event_type().test();
        let summary = match self.series.window() {
            0 if self.series.summary_name() == BASE => BASE.to_owned(),
            window => format!("{}-{window}", self.series.summary_name()),
        };
        let (source, destination) = (text(&self.subject.source), text(&self.subject.destination));
        Entry {
            key: test.metadata_key().to_owned(),
            event_type: self.context.event_type.clone(),
            summary,
            uri: self.series.uri().to_owned(),
            start: slice.start,
            end: slice.end,
            stem: stem(Parts {
                source: source.as_deref(),
                destination: destination.as_deref(),
                event_type: &self.context.event_type,
                start: &slice.labels.0,
                end: &slice.labels.1,
            }),
            source,
            destination,
            tool: text(&self.subject.tool),
            ..Entry::default()
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
