//! The list of tests, and a single one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::filter::Filter;
use super::holdings::{Holdings, Run, Test};
use super::range::Page;
use super::{ROOT, error, found, registry};
use crate::http::{Asked, Reply};

/// The archive's own idea of where it is. It is wrong here, as behind a second
/// proxy: a client that follows such a link fails.
const ELSEWHERE: &str = "https://toolkit.example.org";

/// Answers the list: the test that ran last comes first.
pub(crate) fn answer(holdings: &Holdings, asked: &Asked) -> Reply {
    match page(holdings, asked) {
        Ok(page) => found(&page),
        Err(refusal) => refusal,
    }
}

fn page(holdings: &Holdings, asked: &Asked) -> Result<Value, Reply> {
    let filter = Filter::of(asked, &holdings.names)?;
    let page = Page::of_list(asked)?;
    let matching = holdings.tests.iter().filter(|test| filter.takes(test));
    let newest = matching.filter_map(|test| {
        let runs = test.runs.iter().filter(|run| filter.takes_run(test, run));
        Some((test, runs.max_by_key(|run| run.ts)?))
    });
    let mut newest: Vec<(&Test, &Run)> = newest.collect();
    newest.sort_by_key(|(test, run)| (Reverse(run.ts), &test.key));
    let total = newest.len();
    let part = newest.into_iter().skip(page.offset).take(page.limit);
    let shown = part.filter(|(test, _)| !test.is_dropped);
    let mut elements: Vec<_> = shown
        .map(|(test, run)| element(test, run, &asked.query))
        .collect();
    if let Some(first) = elements.first_mut() {
        let next = page.offset + page.limit;
        let next = (next < total).then(|| link(asked, page.limit.min(total - next), next));
        let previous = (page.offset > 0).then(|| {
            let limit = page.limit.min(page.offset);
            link(asked, limit, page.offset - limit)
        });
        for (name, value) in [
            ("metadata-count-total", json!(total)),
            ("metadata-next-page", json!(next)),
            ("metadata-previous-page", json!(previous)),
        ] {
            first.insert(name.to_owned(), value);
        }
    }
    Ok(json!(elements))
}

/// Answers a single test.
pub(crate) fn one(holdings: &Holdings, asked: &Asked, key: &str) -> Reply {
    let test = holdings.tests.iter().find(|test| test.key == key);
    let run = test.and_then(|test| test.runs.iter().max_by_key(|run| run.ts));
    match (test, run) {
        (Some(test), Some(run)) => found(&json!(element(test, run, &asked.query))),
        _ => error(404, &format!("Unable to find metadata with key {key}")),
    }
}

fn element(test: &Test, newest: &Run, query: &str) -> BTreeMap<String, Value> {
    let mut element: BTreeMap<String, Value> = test.fields.clone().into_iter().collect();
    let uri = format!("{ROOT}{}", test.key);
    let event_types = test.event_types.iter().map(|event_type| {
        let listed = registry::summaries(event_type);
        let (name, windows) = listed.unwrap_or_default();
        let summaries = windows.iter().map(|window| {
            let plural = registry::plural(name);
            json!({
                "event-type": event_type,
                "summary-type": name,
                "summary-window": window,
                "uri": format!("{uri}/{event_type}/{plural}/{window}"),
            })
        });
        json!({
            "base-uri": format!("{uri}/{event_type}/base/0"),
            "event-type": event_type,
            "summaries": summaries.collect::<Vec<_>>(),
            "time-updated": test.added,
        })
    });
    element.insert("event-types".to_owned(), event_types.collect());
    element.insert("metadata-key".to_owned(), json!(test.key));
    if let Some(agent) = &newest.agent {
        element.insert("measurement-agent".to_owned(), json!(agent));
        // A test without a source in its specification shows the agent's.
        if !test.spec.contains_key("input-source") {
            element.insert("input-source".to_owned(), json!(agent));
            element.insert("source".to_owned(), json!(agent));
        }
    }
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    // The path twice, as in the real one with its default configuration.
    let url = format!("{ELSEWHERE}{}{uri}{query}", ROOT.trim_end_matches('/'));
    element.insert("url".to_owned(), json!(url));
    element.insert("uri".to_owned(), json!(uri));
    element
}

fn link(asked: &Asked, limit: usize, offset: usize) -> String {
    let mut query = Serializer::new(String::new());
    let (mut limit, mut offset) = (Some(limit), Some(offset));
    for (name, value) in asked.parameters() {
        match name.as_str() {
            "limit" => limit
                .take()
                .map(|limit| query.append_pair("limit", &limit.to_string())),
            "offset" => offset
                .take()
                .map(|offset| query.append_pair("offset", &offset.to_string())),
            _ if value.is_empty() => None,
            _ => Some(query.append_pair(&name, &value)),
        };
    }
    for (name, number) in [("limit", limit), ("offset", offset)] {
        number.map(|number| query.append_pair(name, &number.to_string()));
    }
    format!("{ELSEWHERE}{ROOT}?{}", query.finish())
}
