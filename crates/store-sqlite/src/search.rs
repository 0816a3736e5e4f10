//! Metadata searches.
//!
//! Each condition is a set of record ids that an index gives. Where one of them
//! gives few, the others are looked at for these records alone: then a search
//! costs what it finds, in an archive of whatever size.

use esmond_ps_model::SummaryType;
use esmond_ps_store::search::SeriesSearch;
use esmond_ps_store::{Page, Record, Result, Search};
use rusqlite::types::Value as Column;
use rusqlite::{Connection, params_from_iter};

use crate::backend;
use crate::record::{self, Head, PARAMETER, READING, SUBJECT};

/// Records that are few enough to look at one by one.
const FEW: i64 = 1000;

/// Returns how many records match.
pub(crate) fn count(connection: &Connection, search: &Search) -> Result<u64> {
    let conditions = Conditions::of(search);
    let count = || -> rusqlite::Result<i64> {
        let first = conditions.narrowest(connection)?;
        let sql = format!(
            "SELECT count(*) FROM record WHERE {}",
            conditions.sql(first)
        );
        connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(conditions.columns()), |row| row.get(0))
    };
    Ok(count().map_err(backend(READING))?.unsigned_abs())
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
        conditions.add_own("key > ?", after);
    }
    let heads = || -> rusqlite::Result<Vec<Head>> {
        let sql = conditions.select(conditions.narrowest(connection)?);
        let slice = [page.limit, page.offset].map(|number| Column::Integer(saturated(number)));
        let columns = conditions.columns().chain(&slice);
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(columns), Head::read)?;
        rows.collect()
    };
    heads()
        .map_err(backend(READING))?
        .into_iter()
        .map(|head| record::complete(connection, head))
        .collect()
}

/// Returns a limit or offset as SQLite takes it.
pub(crate) fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Conditions on a row of `record`.
#[derive(Default)]
struct Conditions {
    all: Vec<Condition>,
}

/// A condition, as SQL in two forms that have the same placeholders.
struct Condition {
    /// Finds the records.
    finds: String,
    /// Looks at one record. (In a scalar subquery, which SQLite makes no join
    /// of, and with `+` before a column, whose index it then lets be.)
    holds: String,
    /// Counts the records, or a part of the conditions on them; a [few](FEW) at
    /// most.
    sample: Option<Sample>,
    columns: Vec<Column>,
}

struct Sample {
    sql: String,
    /// The first placeholders, as many.
    columns: usize,
}

impl Conditions {
    fn of(search: &Search) -> Self {
        let mut conditions = Self::default();
        if let Some(key) = &search.key {
            conditions.add_own("key = ?", key.clone());
        }
        if let Some(subject_type) = &search.subject_type {
            conditions.add_own("subject_type = ?", subject_type.clone());
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

    /// Returns the condition that fewest records meet, if these are few.
    fn narrowest(&self, connection: &Connection) -> rusqlite::Result<Option<usize>> {
        let mut narrowest = None;
        let mut least = FEW;
        if self.all.len() < 2 {
            return Ok(None);
        }
        for (at, condition) in self.all.iter().enumerate() {
            let Some(sample) = &condition.sample else {
                continue;
            };
            let columns = condition.columns.iter().take(sample.columns);
            let count = connection
                .prepare_cached(&sample.sql)?
                .query_row(params_from_iter(columns), |row| row.get(0))?;
            if count < least {
                (narrowest, least) = (Some(at), count);
            }
        }
        Ok(narrowest)
    }

    /// Returns the values of the placeholders.
    fn columns(&self) -> impl Iterator<Item = &Column> {
        self.all.iter().flat_map(|condition| &condition.columns)
    }

    /// Returns the conditions; the `first` one finds what the others look at.
    fn sql(&self, first: Option<usize>) -> String {
        if self.all.is_empty() {
            return "TRUE".to_owned();
        }
        let terms = self.all.iter().enumerate().map(|(at, condition)| {
            if first.is_none_or(|first| first == at) {
                condition.finds.as_str()
            } else {
                condition.holds.as_str()
            }
        });
        terms.collect::<Vec<_>>().join(" AND ")
    }

    /// Selects a page of the heads of records; limit and offset come last.
    fn select(&self, first: Option<usize>) -> String {
        format!(
            "SELECT {} FROM record WHERE {} ORDER BY key LIMIT ? OFFSET ?",
            Head::COLUMNS,
            self.sql(first)
        )
    }

    /// Adds a condition on a column of the record itself.
    fn add_own(&mut self, term: &str, value: String) {
        let sample = term.starts_with("key =").then(|| Sample {
            sql: "SELECT count(*) FROM record WHERE key = ?".to_owned(),
            columns: 1,
        });
        self.all.push(Condition {
            finds: term.to_owned(),
            holds: format!("+{term}"),
            sample,
            columns: vec![Column::Text(value)],
        });
    }

    fn add_property(&mut self, kind: i64, names: &[String], values: &[String]) {
        // DIFFERENCE: the original finds a parameter by the spelling under which
        // it was posted only, although it shows another one.
        let places = |count| vec!["?"; count].join(", ");
        let (names_in, values_in) = (places(names.len()), places(values.len()));
        let from = format!(
            "FROM property WHERE kind = {kind} \
             AND replace(name, '_', '-') IN ({names_in}) AND value IN ({values_in})"
        );
        let names = names.iter().map(|name| name.replace('_', "-"));
        let columns: Vec<_> = names
            .chain(values.iter().cloned())
            .map(Column::Text)
            .collect();
        self.all.push(Condition {
            finds: format!("id IN (SELECT record {from})"),
            holds: format!("(SELECT 1 {from} AND record = record.id LIMIT 1) IS NOT NULL"),
            sample: Some(Sample {
                sql: format!("SELECT count(*) FROM (SELECT 1 {from} LIMIT {FEW})"),
                columns: columns.len(),
            }),
            columns,
        });
    }

    /// Adds the conditions that one series must meet: the base series of an
    /// event type, or one of its summaries.
    fn add_series(&mut self, series: &SeriesSearch) {
        let mut own = vec!["TRUE"];
        let mut columns = Vec::new();
        if let Some(name) = &series.event_type {
            own.push("name = ?");
            columns.push(Column::Text(name.clone()));
        }
        if let Some(updated) = series.updated {
            own.push("time_updated BETWEEN ? AND ?");
            columns.push(Column::Integer(updated.begin));
            columns.push(Column::Integer(updated.end.unwrap_or(i64::MAX)));
        }
        let own = own.join(" AND ");
        let sample = (!columns.is_empty()).then(|| Sample {
            sql: format!("SELECT count(*) FROM (SELECT 1 FROM event_type WHERE {own} LIMIT {FEW})"),
            columns: columns.len(),
        });

        let base_fits = matches!(series.summary_type, None | Some(SummaryType::Base))
            && matches!(series.window, None | Some(0));
        // Every event type has a base series, so that one asks no more.
        let (mut finds, mut holds) = (String::new(), String::new());
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
            let from = format!("FROM summary WHERE {}", summary.join(" AND "));
            finds = format!(" AND id IN (SELECT event_type {from})");
            holds = format!(
                " AND (SELECT 1 {from} AND summary.event_type = event_type.id LIMIT 1) IS NOT NULL"
            );
        }
        self.all.push(Condition {
            finds: format!("id IN (SELECT record FROM event_type WHERE {own}{finds})"),
            holds: format!(
                "(SELECT 1 FROM event_type WHERE record = record.id AND {own}{holds} LIMIT 1) \
                 IS NOT NULL"
            ),
            sample,
            columns,
        });
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
            let conditions = Conditions::of(&search);
            let samples = conditions.all.iter().filter_map(|one| one.sample.as_ref());
            let samples = samples.map(|sample| sample.sql.clone());
            for sql in samples.chain([conditions.select(None)]) {
                let plan = plan(&connection, &sql);
                let mut lines = plan
                    .lines()
                    .filter(|line| !line.starts_with("SCAN (subquery"));
                assert!(lines.all(|line| !line.contains("SCAN")), "{sql}\n{plan}");
            }
        }
    }

    /// A search with every kind of condition.
    fn full() -> Search {
        let text = str::to_owned;
        Search {
            key: None,
            subject_type: Some(text("point-to-point")),
            subject: vec![SubjectSearch {
                fields: vec![text("source")],
                values: vec![text("a")],
            }],
            parameters: vec![(text("time-duration"), text("30"))],
            series: SeriesSearch {
                event_type: Some(text("throughput")),
                updated: Some(TimeRange {
                    begin: 1,
                    end: None,
                }),
                summary_type: Some(SummaryType::Average),
                window: Some(3600),
            },
        }
    }

    #[test]
    fn the_narrowest_condition_finds_and_the_others_look_at_what_it_found() {
        let (_dir, connection) = database();
        let conditions = Conditions::of(&full());
        for (at, narrowest) in conditions.all.iter().enumerate() {
            if narrowest.sample.is_none() {
                continue;
            }
            let sql = conditions.select(Some(at));
            let plan = plan(&connection, &sql);
            assert!(
                plan.contains("SEARCH record USING INTEGER PRIMARY KEY (rowid=?)"),
                "{sql}\n{plan}"
            );
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            let of_record = ["property", "event_type", "summary"].map(|table| {
                let probes = plan.lines().filter(|line| {
                    line.contains(&format!("SEARCH {table} "))
                        && (line.contains("record=?") || line.contains("event_type=?"))
                });
                probes.count()
            });
            assert!(of_record.iter().sum::<usize>() >= 2, "{sql}\n{plan}");
        }
    }

    #[test]
    fn the_order_of_the_conditions_does_not_show() {
        let (_dir, connection) = database();
        let mut sql = String::new();
        // Every third has the source, every second the duration, every fifth the sum.
        for id in 1..=60 {
            let source = if id % 3 == 0 { "a" } else { "b" };
            let duration = if id % 2 == 0 { 30 } else { 10 };
            let window = if id % 5 == 0 { 3600 } else { 60 };
            sql += &format!(
                "INSERT INTO record VALUES ({id}, 'k{id:03}', x'{id:064}', 'point-to-point', 1); \
                 INSERT INTO property VALUES ({id}, 0, 'source', '{source}'), \
                 ({id}, 1, 'time_duration', '{duration}'); \
                 INSERT INTO event_type VALUES ({id}, {id}, 'throughput', {id}, NULL); \
                 INSERT INTO summary VALUES ({id}, 'average', {window});"
            );
        }
        connection.execute_batch(&sql).unwrap();
        let conditions = Conditions::of(&full());
        for first in [None, Some(1), Some(2), Some(3)] {
            let sql = format!("SELECT key FROM record WHERE {}", conditions.sql(first));
            let mut statement = connection.prepare(&sql).unwrap();
            let rows =
                statement.query_map(params_from_iter(conditions.columns()), |row| row.get(0));
            let keys: Vec<String> = rows.unwrap().collect::<rusqlite::Result<_>>().unwrap();
            assert_eq!(keys, ["k030", "k060"], "{first:?}");
        }
        assert_eq!(conditions.narrowest(&connection).unwrap(), Some(1));
        assert_eq!(count(&connection, &full()).unwrap(), 2);
        let page = Page {
            offset: 0,
            limit: 9,
        };
        let found = search(&connection, &full(), Some("k030".to_owned()), page).unwrap();
        assert_eq!(found.len(), 1);
    }
}
