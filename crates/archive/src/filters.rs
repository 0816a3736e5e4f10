//! Filters of the command line: `KEY:VALUE`.
//!
//! They are those of a metadata search of the API, read by the server.

use esmond_ps_cli_common::report::UsageError;
use esmond_ps_model::filter::STANDARD_FILTERS;
use esmond_ps_model::{MetadataFilters, Registry};
use esmond_ps_server::{Resolver, conditions};
use esmond_ps_store::Search;

/// A filter as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Reads a filter; dashes and underscores in the names of standard ones are the
/// same.
pub(crate) fn filter(text: &str) -> Result<Filter, String> {
    let Some((key, value)) = text.split_once(':').filter(|(key, _)| !key.is_empty()) else {
        return Err("expected KEY:VALUE, such as event-type:throughput".to_owned());
    };
    let dashed = key.replace('_', "-");
    if ["limit", "offset", "format"].contains(&dashed.as_str()) {
        return Err(format!("{key} selects nothing"));
    }
    let standard = STANDARD_FILTERS.contains(&dashed.as_str());
    Ok(Filter {
        key: if standard { dashed } else { key.to_owned() },
        value: value.to_owned(),
    })
}

/// Returns the filters as they are asked of another archive.
pub(crate) fn for_archive(filters: &[Filter]) -> Result<MetadataFilters, UsageError> {
    let mut asked = MetadataFilters::new();
    for (key, value) in each_once(filters)? {
        asked.set(key.to_owned(), value.to_owned());
    }
    Ok(asked)
}

/// Returns the filters as conditions of a store.
pub(crate) async fn for_store(
    filters: &[Filter],
    registry: &Registry,
    resolver: &dyn Resolver,
    now: i64,
) -> Result<Search, UsageError> {
    let wrong = |problem: &str| UsageError::new(format!("--filter: {problem}"));
    conditions(&each_once(filters)?, registry, resolver, now)
        .await
        .map_err(|error| wrong(&error.detail()))?
        .ok_or_else(|| wrong("no record can match"))
}

/// Refuses what an archive would read as the last of its values alone: it may be
/// meant as one or the other.
///
/// DIFFERENCE: the archive reads the last value.
fn each_once(filters: &[Filter]) -> Result<Vec<(&str, &str)>, UsageError> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for Filter { key, value } in filters {
        if pairs.iter().any(|(known, _)| known == key) {
            let message = format!("--filter {key} is given twice; all filters must match");
            return Err(UsageError::new(message));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use esmond_ps_model::TimeRange;
    use esmond_ps_server::config::SystemResolver;

    use super::*;

    async fn search(texts: &[&str]) -> Result<Search, UsageError> {
        let filters: Vec<Filter> = texts.iter().map(|text| filter(text).unwrap()).collect();
        // No name is looked up here.
        for_store(&filters, &Registry::standard(), &SystemResolver, 1000).await
    }

    #[test]
    fn filters_are_split_at_the_first_colon() {
        let read = |text| filter(text).map(|filter| (filter.key, filter.value));
        let pair = |key: &str, value: &str| Ok((key.to_owned(), value.to_owned()));
        assert_eq!(read("source:2001:db8::1"), pair("source", "2001:db8::1"));
        assert_eq!(read("event_type:x"), pair("event-type", "x"));
        assert_eq!(read("my_key:"), pair("my_key", ""));
        for text in ["throughput", ":x", "limit:3", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn filters_are_the_conditions_of_a_search_of_the_api() {
        let found = search(&[
            "source:2001:0DB8::1",
            "event-type:throughput",
            "summary-window:3600",
            "ip-transport-protocol:tcp",
            "time-range:100",
        ]);
        let found = found.await.unwrap();
        assert_eq!(found.subject[0].values, ["2001:db8::1"]);
        assert!(found.subject[0].fields.contains(&"source".to_owned()));
        assert_eq!(found.series.event_type.as_deref(), Some("throughput"));
        assert_eq!(found.series.window, Some(3600));
        assert_eq!(
            found.series.updated,
            Some(TimeRange {
                begin: 900,
                end: None
            })
        );
        assert_eq!(
            found.parameters,
            [("ip-transport-protocol".to_owned(), "tcp".to_owned())]
        );
        for text in ["summary-window:x", "summary-type:median", "time:x"] {
            assert!(search(&[text]).await.is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_filter_that_is_given_twice_is_refused_and_not_half_followed() {
        // DIFFERENCE: the archive reads the last value.
        let twice = ["event_type:throughput", "event-type:failures"];
        let error = search(&twice).await.unwrap_err();
        assert!(error.message.contains("event-type is given twice"));
        let filters = twice.map(|text| filter(text).unwrap());
        assert!(for_archive(&filters).is_err());
    }
}
