//! Metadata searches.
//!
//! Each condition is a set of record ids that an index gives.

use esmond_ps_model::SummaryType;
use esmond_ps_store::search::SeriesSearch;
use esmond_ps_store::{Page, Record, Result, Search};
use rusqlite::types::Value as Column;
use rusqlite::{Connection, params_from_iter};

use crate::backend;
use crate::record::{self, Head, PARAMETER, READING, SUBJECT};

/// Returns how many records match.
pub(crate) fn count(connection: &Connection, search: &Search) -> Result<u64> {
    let conditions = Conditions::of(search);
    let sql = format!("SELECT count(*) FROM record WHERE {}", conditions.sql());
    let count: i64 = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement.query_row(params_from_iter(conditions.columns), |row| row.get(0))
        })
        .map_err(backend(READING))?;
    Ok(count.unsigned_abs())
}

/// Returns the records that match, in ascending order of their key.
pub(crate) fn search(
    connection: &Connection,
    search: &Search,
    after: Option<String>,
    page: Page,
) -> Result<Vec<Record>> {
    let mut conditions = Conditions::of(search);
    if let Some(after) = after {
        conditions.add("key > ?", [Column::Text(after)]);
    }
    let sql = conditions.select();
    let mut columns = conditions.columns;
    columns.extend([page.limit, page.offset].map(|number| Column::Integer(saturated(number))));
    let heads = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            let rows = statement.query_map(params_from_iter(columns), Head::read)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(backend(READING))?;
    heads
        .into_iter()
        .map(|head| record::complete(connection, head))
        .collect()
}

/// Returns a limit or offset as SQLite takes it.
pub(crate) fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Conditions on a row of `record`, and the values of their placeholders.
#[derive(Default)]
struct Conditions {
    terms: Vec<String>,
    columns: Vec<Column>,
}

impl Conditions {
    fn of(search: &Search) -> Self {
        let mut conditions = Self::default();
        if let Some(key) = &search.key {
            conditions.add("key = ?", [Column::Text(key.clone())]);
        }
        if let Some(subject_type) = &search.subject_type {
            conditions.add("subject_type = ?", [Column::Text(subject_type.clone())]);
        }
        for condition in &search.subject {
            conditions.add_property(SUBJECT, &condition.fields, &condition.values);
        }
        for (name, value) in &search.parameters {
            let [name, value] = [name, value].map(std::slice::from_ref);
            conditions.add_property(PARAMETER, name, value);
        }
        if !search.series.is_empty() {
            conditions.add_series(&search.series);
        }
        conditions
    }

    fn sql(&self) -> String {
        if self.terms.is_empty() {
            "TRUE".to_owned()
        } else {
            self.terms.join(" AND ")
        }
    }

    /// Selects a page of the heads of records; limit and offset come last.
    fn select(&self) -> String {
        format!(
            "SELECT {} FROM record WHERE {} ORDER BY key LIMIT ? OFFSET ?",
            Head::COLUMNS,
            self.sql()
        )
    }

    fn add(&mut self, term: impl Into<String>, columns: impl IntoIterator<Item = Column>) {
        self.terms.push(term.into());
        self.columns.extend(columns);
    }

    fn add_property(&mut self, kind: i64, names: &[String], values: &[String]) {
        // DIFFERENCE: the original finds a parameter by the spelling under which
        // it was posted only, although it shows another one.
        let places = |count| vec!["?"; count].join(", ");
        let (names_in, values_in) = (places(names.len()), places(values.len()));
        self.add(
            format!(
                "id IN (SELECT record FROM property WHERE kind = {kind} \
                 AND replace(name, '_', '-') IN ({names_in}) AND value IN ({values_in}))"
            ),
            names
                .iter()
                .map(|name| name.replace('_', "-"))
                .chain(values.iter().cloned())
                .map(Column::Text),
        );
    }

    /// Adds the conditions that one series must meet: the base series of an
    /// event type, or one of its summaries.
    fn add_series(&mut self, series: &SeriesSearch) {
        let mut terms = vec!["TRUE".to_owned()];
        let mut columns = Vec::new();
        if let Some(name) = &series.event_type {
            terms.push("name = ?".to_owned());
            columns.push(Column::Text(name.clone()));
        }
        if let Some(updated) = series.updated {
            terms.push("time_updated BETWEEN ? AND ?".to_owned());
            columns.push(Column::Integer(updated.begin));
            columns.push(Column::Integer(updated.end.unwrap_or(i64::MAX)));
        }
        let base_fits = matches!(series.summary_type, None | Some(SummaryType::Base))
            && matches!(series.window, None | Some(0));
        // Every event type has a base series, so that one asks no more.
        if !base_fits {
            let mut summary = vec!["TRUE"];
            if let Some(window) = series.window {
                summary.push("window_seconds = ?");
                columns.push(Column::Integer(window));
            }
            if let Some(summary_type) = series.summary_type {
                summary.push("summary_type = ?");
                columns.push(Column::Text(summary_type.name().to_owned()));
            }
            terms.push(format!(
                "id IN (SELECT event_type FROM summary WHERE {})",
                summary.join(" AND ")
            ));
        }
        self.add(
            format!(
                "id IN (SELECT record FROM event_type WHERE {})",
                terms.join(" AND ")
            ),
            columns,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{database, plan};
    use esmond_ps_model::TimeRange;
    use esmond_ps_store::search::SubjectSearch;

    #[test]
    fn selective_searches_are_answered_by_indexes() {
        let (_dir, connection) = database();
        let text = str::to_owned;
        let searches = [
            Search {
                key: Some(text("k")),
                ..Search::default()
            },
            Search {
                subject_type: Some(text("point-to-point")),
                ..Search::default()
            },
            Search {
                subject: vec![SubjectSearch {
                    fields: vec![text("source")],
                    values: vec![text("a"), text("b")],
                }],
                ..Search::default()
            },
            Search {
                subject: vec![SubjectSearch {
                    fields: vec![text("source"), text("car-home")],
                    values: vec![text("a"), text("b")],
                }],
                ..Search::default()
            },
            Search {
                parameters: vec![(text("time-duration"), text("30"))],
                ..Search::default()
            },
            Search {
                series: SeriesSearch {
                    event_type: Some(text("throughput")),
                    ..SeriesSearch::default()
                },
                ..Search::default()
            },
            Search {
                series: SeriesSearch {
                    updated: Some(TimeRange {
                        begin: 1,
                        end: None,
                    }),
                    ..SeriesSearch::default()
                },
                ..Search::default()
            },
            Search {
                series: SeriesSearch {
                    summary_type: Some(SummaryType::Average),
                    window: Some(3600),
                    ..SeriesSearch::default()
                },
                ..Search::default()
            },
        ];
        for search in searches {
            let sql = Conditions::of(&search).select();
            let plan = plan(&connection, &sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
        }
    }
}
