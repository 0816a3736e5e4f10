//! The conditions of a search, as SQL.

use esmond_ps_model::SummaryType;
use esmond_ps_store::Search;
use esmond_ps_store::search::SeriesSearch;
use rusqlite::types::Value as Column;
use rusqlite::{Connection, params_from_iter};

use crate::record::{Head, PARAMETER, SUBJECT};

/// Records that are few enough to look at one by one.
pub(crate) const FEW: i64 = 1000;

/// What it costs to look whether a condition holds for a record, in records that
/// an index gives.
pub(crate) const PROBE: i64 = 2;

/// Conditions on a row of `record`.
#[derive(Default)]
pub(crate) struct Conditions {
    all: Vec<Condition>,
}

/// A condition, as SQL in two forms that have the same placeholders.
struct Condition {
    /// Finds the records.
    finds: String,
    /// Looks at one record. (In a scalar subquery, which SQLite makes no join
    /// of, and with `+` before a column, whose index it then lets be.)
    holds: String,
    /// Selects the ids of the records, each once; none for a condition on the
    /// record's own row.
    ids: Option<String>,
    /// Counts the records, or a part of the conditions on them, up to a limit,
    /// the last placeholder.
    sample: Option<Sample>,
    columns: Vec<Column>,
}

struct Sample {
    sql: String,
    /// The first placeholders, as many.
    columns: usize,
}

impl Conditions {
    pub(crate) fn of(search: &Search) -> Self {
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

    /// Leaves the records whose keys are greater.
    pub(crate) fn add_after(&mut self, key: String) {
        self.add_own("key > ?", key);
    }

    /// Tells whether the records' own rows decide.
    pub(crate) fn are_own(&self) -> bool {
        self.all.iter().all(|condition| condition.ids.is_none())
    }

    /// Returns the condition that fewest records meet, if these are few.
    pub(crate) fn narrowest(&self, connection: &Connection) -> rusqlite::Result<Option<usize>> {
        let sizes = self.sizes(connection, FEW)?;
        let few = sizes.into_iter().filter(|(_, size)| *size < FEW);
        Ok(few.min_by_key(|(_, size)| *size).map(|(at, _)| at))
    }

    /// Returns the condition that fewest records meet, if it costs less to look
    /// at these for the others than to find all records of all conditions. This
    /// reads every condition's part of an index.
    pub(crate) fn narrower(&self, connection: &Connection) -> rusqlite::Result<Option<usize>> {
        if self.all.len() < 2 {
            return Ok(None);
        }
        let sizes = self.sizes(connection, i64::MAX)?;
        let all: i64 = sizes.iter().map(|(_, size)| size).sum();
        let others = i64::try_from(self.all.len() - 1).unwrap_or(i64::MAX);
        let least = sizes.into_iter().min_by_key(|(_, size)| *size);
        let least = least.filter(|(_, size)| {
            let probes = size.saturating_mul(PROBE).saturating_mul(others);
            size.saturating_add(probes) <= all
        });
        Ok(least.map(|(at, _)| at))
    }

    /// Returns how many records meet each condition, at most, up to a limit;
    /// without those of which indexes do not tell it.
    fn sizes(&self, connection: &Connection, limit: i64) -> rusqlite::Result<Vec<(usize, i64)>> {
        let mut sizes = Vec::new();
        let limit = Column::Integer(limit);
        for (at, condition) in self.all.iter().enumerate() {
            let Some(sample) = &condition.sample else {
                continue;
            };
            let columns = condition.columns.iter().take(sample.columns);
            let size = connection
                .prepare_cached(&sample.sql)?
                .query_row(params_from_iter(columns.chain([&limit])), |row| row.get(0))?;
            sizes.push((at, size));
        }
        Ok(sizes)
    }

    /// Returns the values of the placeholders.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.all.iter().flat_map(|condition| &condition.columns)
    }

    /// Returns the conditions; the `first` one finds what the others look at.
    fn sql(&self, first: Option<usize>) -> String {
        let terms = self.all.iter().enumerate().map(|(at, condition)| {
            if first.is_none_or(|first| first == at) {
                condition.finds.as_str()
            } else {
                condition.holds.as_str()
            }
        });
        and(terms)
    }

    /// Selects a page of the heads of records; limit and offset come last.
    pub(crate) fn select(&self, first: Option<usize>) -> String {
        format!(
            "SELECT {} FROM record WHERE {} ORDER BY key LIMIT ? OFFSET ?",
            Head::COLUMNS,
            self.sql(first)
        )
    }

    /// Counts the records, with the values of its placeholders. Without a
    /// condition on it, the record itself is not looked at.
    pub(crate) fn count(&self, first: Option<usize>) -> (String, Vec<&Column>) {
        let first_ids = match (first, self.all.as_slice()) {
            (Some(first), all) if all.iter().all(|condition| condition.ids.is_some()) => {
                all.get(first).map(|condition| (first, condition))
            }
            (None, [condition]) => Some((0, condition)),
            _ => None,
        };
        let Some((first, condition, ids)) =
            first_ids.and_then(|(at, condition)| Some((at, condition, condition.ids.as_deref()?)))
        else {
            let sql = format!("SELECT count(*) FROM record WHERE {}", self.sql(first));
            return (sql, self.columns().collect());
        };
        let others = || {
            let others = self.all.iter().enumerate();
            let others = others.filter(|(at, _)| *at != first);
            others.map(|(_, condition)| condition)
        };
        let holds = and(others().map(|condition| condition.holds.as_str()));
        let sql = format!("SELECT count(*) FROM ({ids}) AS record WHERE {holds}");
        let columns = others().flat_map(|condition| &condition.columns);
        (sql, condition.columns.iter().chain(columns).collect())
    }

    /// Selects the ids of all records that meet the conditions on their own
    /// rows, in ascending order of their key, and whether each of the other
    /// conditions holds; with the values of its placeholders.
    pub(crate) fn walk(&self) -> (String, Vec<&Column>) {
        let (own, others): (Vec<_>, Vec<_>) = self
            .all
            .iter()
            .partition(|condition| condition.ids.is_none());
        let holds = others
            .iter()
            .map(|condition| format!(", {}", condition.holds));
        let sql = format!(
            "SELECT id{} FROM record WHERE {} ORDER BY key",
            holds.collect::<String>(),
            and(own.iter().map(|condition| condition.finds.as_str()))
        );
        let columns = others.into_iter().chain(own);
        (
            sql,
            columns.flat_map(|condition| &condition.columns).collect(),
        )
    }

    /// Returns a text that no other conditions have.
    pub(crate) fn text(&self) -> String {
        let columns: Vec<_> = self.columns().collect();
        format!("{} {columns:?}", self.sql(None))
    }

    /// Tells whether the answer changes with every write of a point.
    pub(crate) fn change_with_writes(search: &Search) -> bool {
        search.series.updated.is_some()
    }

    /// Adds a condition on a column of the record itself.
    fn add_own(&mut self, term: &str, value: String) {
        let sample = term.starts_with("key =").then(|| Sample {
            sql: "SELECT count(*) FROM (SELECT 1 FROM record WHERE key = ? LIMIT ?)".to_owned(),
            columns: 1,
        });
        self.all.push(Condition {
            finds: term.to_owned(),
            holds: format!("+{term}"),
            ids: None,
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
            ids: Some(format!("SELECT DISTINCT record AS id {from}")),
            sample: Some(Sample {
                sql: format!("SELECT count(*) FROM (SELECT 1 {from} LIMIT ?)"),
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
            sql: format!("SELECT count(*) FROM (SELECT 1 FROM event_type WHERE {own} LIMIT ?)"),
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
            finds = format!(
                " AND id IN (SELECT event_type FROM summary WHERE {})",
                summary.join(" AND ")
            );
            holds = format!(
                " AND (SELECT 1 FROM summary WHERE summary.event_type = event_type.id AND +{} LIMIT 1) \
                 IS NOT NULL",
                summary.join(" AND +")
            );
        }
        let from = format!("FROM event_type WHERE {own}{finds}");
        // A record has an event type once.
        let distinct = if series.event_type.is_some() {
            ""
        } else {
            "DISTINCT "
        };
        self.all.push(Condition {
            finds: format!("id IN (SELECT record {from})"),
            holds: format!(
                "(SELECT 1 FROM event_type WHERE record = record.id AND {own}{holds} LIMIT 1) \
                 IS NOT NULL"
            ),
            ids: Some(format!("SELECT {distinct}record AS id {from}")),
            sample,
            columns,
        });
    }
}

/// Joins terms of which all must hold.
fn and<'a>(terms: impl Iterator<Item = &'a str>) -> String {
    let terms: Vec<_> = terms.collect();
    if terms.is_empty() {
        return "TRUE".to_owned();
    }
    terms.join(" AND ")
}

#[cfg(test)]
pub(crate) mod tests {
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
            let counts = [None, Some(0)].map(|first| conditions.count(first).0);
            for sql in samples.chain([conditions.select(None)]).chain(counts) {
                let plan = plan(&connection, &sql);
                let mut lines = plan
                    .lines()
                    .filter(|line| !line.starts_with("SCAN (subquery"))
                    // Of the ids, not of the table.
                    .filter(|line| *line != "SCAN record" || !plan.contains("CO-ROUTINE record"));
                assert!(lines.all(|line| !line.contains("SCAN")), "{sql}\n{plan}");
            }
        }
    }

    /// A search with every kind of condition.
    pub(crate) fn full() -> Search {
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
}
