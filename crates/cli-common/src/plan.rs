//! From what was typed to what a run will do.
//!
//! [`Plan::new`] is pure: it checks the options in the order of the original
//! programs and settles times and filters, without asking the network for
//! anything.

use chrono::{DateTime, Utc};
use esmond_ps_model::filter::STANDARD_FILTERS;
use esmond_ps_model::registry::listed_event_types;
use esmond_ps_model::{MetadataFilters, Registry, SummaryType, integer};

use crate::args::QueryArgs;
use crate::dates::{self, TimeWindow};
use crate::output::Format;
use crate::report::UsageError;

/// What a program asks of its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Any query will do.
    Query,
    /// A source, a destination (unless the event type is of one host) and an
    /// event type. One that an archive has added to the standard ones can be
    /// of tests without either.
    Series,
    /// Any query will do; series go to files, which a program reads.
    Files,
}

impl Needs {
    /// Returns the formats that a program of this kind has.
    #[must_use]
    pub const fn formats(self) -> &'static [Format] {
        use Format::{Csv, Human, Influx, Json, Jsonl, Parquet, Table};
        match self {
            Needs::Query => &[Human, Json, Jsonl, Csv, Table],
            Needs::Series => &[Human, Json, Jsonl, Csv, Table, Influx],
            Needs::Files => &[Json, Jsonl, Csv, Influx, Parquet],
        }
    }
}

/// Everything that a run will ask for and print.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Address of the archive, as typed but for blanks around.
    pub url: String,
    /// Filters of the metadata search. The end of the window is not among
    /// them: it would hide tests that are still running.
    pub filters: MetadataFilters,
    /// Data to print, Unix seconds, both ends inclusive.
    pub window: TimeWindow,
    /// Event type asked for.
    pub event_type: Option<String>,
    /// Summary asked for, instead of base data.
    pub summary: Option<(SummaryType, i64)>,
    /// Output format.
    pub format: Format,
    /// What to tell the user before the run; nothing that stops it.
    pub notes: Vec<String>,
}

impl Plan {
    /// Checks and settles the options. Hosts are only checked to be given; see
    /// [`hosts`](crate::hosts).
    ///
    /// # Errors
    ///
    /// What is wrong, in the words of the original programs.
    pub fn new(args: &QueryArgs, needs: Needs, now: DateTime<Utc>) -> Result<Self, UsageError> {
        let url = require(args, needs)?;
        let event_type = args.event_type.clone().filter(|name| !name.is_empty());
        let event_type = match (event_type, needs) {
            (None, Needs::Series) => {
                let message = "The --event-type arg is required. Use -L to see a list.";
                return Err(UsageError::new(message).with_help());
            }
            (event_type, _) => event_type,
        };
        let summary_type = args.summary_type.as_deref().map(summary_type).transpose()?;
        let format = output_format(args, needs)?;
        let mut notes = Vec::new();
        let window = dates::window(args.start_time.as_deref(), args.end_time.as_deref(), now)
            .map_err(|error| UsageError::new(error.to_string()))?;
        for text in [&args.start_time, &args.end_time].into_iter().flatten() {
            if let Some(zone) = dates::ignored_zone(text, now) {
                notes.push(format!(
                    "the time zone {zone} in `{text}` is not known and was ignored: the time is taken as UTC; \
                     write an offset such as -0500 instead"
                ));
            }
        }
        let (filters, window) = filters(args, summary_type, window, now, &mut notes)?;
        Ok(Self {
            url: url.to_owned(),
            filters,
            window,
            event_type,
            summary: summary_type.map(|summary_type| (summary_type, args.summary_window)),
            format,
            notes,
        })
    }
}

/// Checks that what every run needs is given, and returns the address of the
/// archive. The original programs complain about this before anything else.
///
/// # Errors
///
/// What is missing.
pub fn require(args: &QueryArgs, needs: Needs) -> Result<&str, UsageError> {
    let url = args.url.as_deref().unwrap_or_default().trim();
    if url.is_empty() {
        return Err(UsageError::new("--url is a required arg").with_help());
    }
    if needs == Needs::Series {
        require_pair(args)?;
    }
    Ok(url)
}

impl Plan {
    /// Returns the filters of a search for series to be printed: without the
    /// summary that was asked for. A window without a summary type, and what
    /// `--filter` says, still select.
    ///
    /// DIFFERENCE: in the originals the summary selects too; then a test without
    /// it could not be told from no test at all.
    #[must_use]
    pub fn filters_without_summary(&self) -> MetadataFilters {
        let Some((summary_type, window)) = self.summary else {
            return self.filters.clone();
        };
        let window = window.to_string();
        let mut filters = MetadataFilters::new();
        for (name, value) in self.filters.to_query() {
            let is_summary = match name.as_str() {
                "summary-type" => value == summary_type.name(),
                "summary-window" => *value == window,
                _ => false,
            };
            if !is_summary {
                filters.set(name.clone(), value.clone());
            }
        }
        filters
    }
}

fn require_pair(args: &QueryArgs) -> Result<(), UsageError> {
    let event_type = args.event_type.as_deref();
    let event_type = event_type.filter(|name| !name.is_empty());
    let of_one_host = event_type.is_some_and(|name| name.starts_with("ntp-"));
    // DIFFERENCE: the originals know no added event types.
    let is_added = event_type.is_some_and(|name| Registry::standard().event_type(name).is_none());
    let given = |host: &Option<String>| host.as_deref().is_some_and(|host| !host.is_empty());
    if is_added || (given(&args.src) && (given(&args.dest) || of_one_host)) {
        return Ok(());
    }
    let message = "--src and --dest args are both required (ntp-* event types only require --src).";
    Err(UsageError::new(message).with_help())
}

fn summary_type(text: &str) -> Result<SummaryType, UsageError> {
    SummaryType::DERIVED
        .into_iter()
        .find(|kind| kind.name() == text)
        .ok_or_else(|| {
            let known = SummaryType::DERIVED
                .map(|kind| format!("'{kind}'"))
                .join(", ");
            UsageError::new(format!(
                "{text} is not a valid --summary-type arg (one of: [{known}])"
            ))
        })
}

fn output_format(args: &QueryArgs, needs: Needs) -> Result<Format, UsageError> {
    let text = &args.output_format;
    let known = needs.formats();
    let Some(format) = known.iter().copied().find(|known| known.name() == text) else {
        // DIFFERENCE: the list has more formats.
        let names: Vec<String> = known.iter().map(|known| format!("'{known}'")).collect();
        let names = names.join(", ");
        let mut message = format!("{text} is not a valid --output-format arg (one of: [{names}])");
        if let Some(hint) = who_has(text) {
            message.push_str("\nhint: ");
            message.push_str(hint);
        }
        return Err(UsageError::new(message));
    };
    if format.has_fixed_columns() && args.metadata_extended {
        let message = format!("--output-format {format} can not be used with --metadata-extended");
        return Err(UsageError::new(message));
    }
    Ok(format)
}

/// Says which programs have a format that not all have.
fn who_has(format: &str) -> Option<&'static str> {
    match format.parse().ok()? {
        Format::Human | Format::Table => {
            Some("esmond-ps-get, esmond-ps-get-metadata and esmond-ps-get-endpoints have it")
        }
        Format::Influx => Some("esmond-ps-get and esmond-ps-get-bulk have it, for data"),
        Format::Parquet => Some("esmond-ps-get-bulk has it, for files of data"),
        Format::Json | Format::Jsonl | Format::Csv => None,
    }
}

/// Parameters with a meaning of their own that a filter must not set: they
/// would break the paging or the answer's format.
const NO_FILTERS: [&str; 3] = ["limit", "offset", "format"];

fn filters(
    args: &QueryArgs,
    summary_type: Option<SummaryType>,
    mut window: TimeWindow,
    now: DateTime<Utc>,
    notes: &mut Vec<String>,
) -> Result<(MetadataFilters, TimeWindow), UsageError> {
    let mut filters = MetadataFilters::new();
    let options = [
        ("source", &args.src),
        ("destination", &args.dest),
        ("measurement-agent", &args.agent),
        ("event-type", &args.event_type),
        ("tool-name", &args.tool),
    ];
    for (name, value) in options {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            filters.set(name.to_owned(), value.clone());
        }
    }
    if let Some(summary_type) = summary_type {
        filters = filters.summary_type(summary_type);
    }
    if args.summary_window != 0 {
        filters = filters.summary_window(args.summary_window);
    }
    for filter in &args.filters {
        let Some((key, value)) = filter.split_once(':') else {
            notes.push(format!(
                "--filter arg {filter} should be of the format key:value"
            ));
            continue;
        };
        let dashed = key.replace('_', "-");
        match dashed.as_str() {
            "time" => {
                window.start = seconds(filter, value)?;
                window.end = window.start;
            }
            "time-start" => window.start = seconds(filter, value)?,
            "time-end" => window.end = seconds(filter, value)?,
            "time-range" if args.start_time.is_none() && args.end_time.is_none() => {
                window.start = now.timestamp().saturating_sub(seconds(filter, value)?);
            }
            "time-range" => notes.push(format!(
                "--filter arg {filter} is ignored: --start-time or --end-time is given"
            )),
            reserved if NO_FILTERS.contains(&reserved) => {
                notes.push(format!(
                    "--filter arg {reserved} is not a valid filtering value"
                ));
            }
            standard if STANDARD_FILTERS.contains(&standard) => {
                filters.set(standard.to_owned(), value.to_owned());
            }
            // DIFFERENCE: a key that is none of the standard ones selects by a
            // free-form metadata parameter; the originals refused it.
            _ => filters.set(key.to_owned(), value.to_owned()),
        }
    }
    if window.start > window.end {
        let TimeWindow { start, end } = window;
        let message =
            format!("the filters put the start of the query ({start}) after its end ({end})");
        return Err(UsageError::new(message));
    }
    // DIFFERENCE: the originals also sent the end, which selects by the last
    // update and so hides tests that are still running.
    filters = filters.time_start(window.start);
    Ok((filters, window))
}

fn seconds(filter: &str, value: &str) -> Result<i64, UsageError> {
    integer::parse(value).ok_or_else(|| {
        UsageError::new(format!(
            "--filter arg {filter} should have whole seconds (a Unix time) as value"
        ))
    })
}

/// Returns what to tell somebody who gives a summary window without a summary
/// type to a program that prints data.
#[must_use]
pub fn lone_window(args: &QueryArgs) -> Option<&'static str> {
    (args.summary_type.is_none() && args.summary_window != 0).then_some(
        "--summary-window without --summary-type only selects tests that have such a summary: \
         base data has no window",
    )
}

/// Returns the text of `--list-events`.
///
/// DIFFERENCE: the originals know and list 33 event types; ours lists them
/// first, in the same order, and then the 16 others.
#[must_use]
pub fn event_type_list() -> String {
    let mut text = "\nValid event types:\n".to_owned();
    for name in listed_event_types() {
        text.push_str("    ");
        text.push_str(name);
        text.push('\n');
    }
    text
}

/// Returns the complaint about an event type that neither the programs nor the
/// archive know.
#[must_use]
pub fn unknown_event_type(name: &str) -> UsageError {
    let nearest = nearest_event_types(name);
    let mut message = format!("{name} is not a valid event type");
    if !nearest.is_empty() {
        message.push_str("\nhint: did you mean ");
        message.push_str(&nearest.join(" or "));
        message.push('?');
    }
    message.push('\n');
    message.push_str(event_type_list().trim_end());
    UsageError::new(message)
}

/// Known event types that are spelled like `name`, nearest first, at most 3.
fn nearest_event_types(name: &str) -> Vec<&'static str> {
    let mut near: Vec<(usize, &str)> = listed_event_types()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| {
            *distance <= 1 + known.len() / 4 || (name.len() > 2 && known.contains(name))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ORIGINAL_OPTIONS;
    use crate::optparse;
    use clap::{Args as _, Command, FromArgMatches as _};

    const NOW: i64 = 1_416_672_000; // 2014-11-22T16:00:00Z

    fn plan(needs: Needs, line: &str) -> Result<Plan, String> {
        let words: Vec<String> = line.split('|').map(|word| word.trim().to_owned()).collect();
        let command = QueryArgs::augment_args(Command::new("x").no_binary_name(true));
        let words = optparse::normalise(&words, &command, &ORIGINAL_OPTIONS)?;
        let matches = command
            .try_get_matches_from(words)
            .map_err(|error| error.to_string())?;
        let args = QueryArgs::from_arg_matches(&matches).map_err(|error| error.to_string())?;
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        Plan::new(&args, needs, now).map_err(|error| error.message)
    }

    fn query(line: &str) -> String {
        let plan = plan(Needs::Query, line).unwrap();
        let pairs: Vec<String> = plan
            .filters
            .to_query()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    }

    #[test]
    fn options_become_filters_in_the_order_of_the_originals() {
        assert_eq!(
            query(
                "-u|http://h|-t|t|-e|throughput|-a|3.3.3.3|-d|2.2.2.2|-s|1.1.1.1|-T|average|-W|300|-S|1000000000"
            ),
            "source=1.1.1.1&destination=2.2.2.2&measurement-agent=3.3.3.3&event-type=throughput\
             &tool-name=t&summary-type=average&summary-window=300&time-start=1000000000"
        );
    }

    #[test]
    fn a_summary_to_be_printed_does_not_select_but_a_window_alone_and_filters_do() {
        // DIFFERENCE: in the originals a summary selects, too.
        let series = |line: &str| {
            let line = format!("-u|h|-s|a|-d|b|-e|throughput|-S|1000000000|{line}");
            let plan = plan(Needs::Series, &line).unwrap();
            let filters = plan.filters_without_summary();
            let pairs = filters.to_query().iter().skip(3);
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            pairs.join("&")
        };
        assert_eq!(series("-T|average|-W|300"), "time-start=1000000000");
        assert_eq!(series("-W|300"), "summary-window=300&time-start=1000000000");
        assert_eq!(
            series("-T|average|-F|summary_window:60"),
            "summary-window=60&time-start=1000000000"
        );
    }

    #[test]
    fn the_default_is_the_last_day_and_the_end_is_not_sent() {
        // DIFFERENCE: the originals send the end.
        let plan = plan(Needs::Query, "-u|http://h").unwrap();
        assert_eq!((plan.window.start, plan.window.end), (NOW - 86_400, NOW));
        assert_eq!(query("-u|http://h"), format!("time-start={}", NOW - 86_400));
    }

    #[test]
    fn filters_split_at_the_first_colon_and_override_options() {
        // DIFFERENCE: the originals crash at a second colon, and refuse a key with
        // a dash.
        assert_eq!(
            query(
                "-u|http://h|-S|1000000000|-s|1.1.1.1|-F|source:2001:db8::1|-F|tool-name:a|-F|tool_name:b|-F|ip_tos:32|-F|a-b:c"
            ),
            "source=2001:db8::1&tool-name=b&ip_tos=32&a-b=c&time-start=1000000000"
        );
    }

    #[test]
    fn time_filters_move_the_window() {
        let window = |line: &str| {
            let TimeWindow { start, end } = plan(Needs::Query, line).unwrap().window;
            (start, end)
        };
        assert_eq!(window("-u|h|-F|time_start:5"), (5, NOW));
        assert_eq!(window("-u|h|-F|time:7"), (7, 7));
        assert_eq!(window("-u|h|-F|time-range:60"), (NOW - 60, NOW));
        let both = plan(Needs::Query, "-u|h|-S|1000000000|-F|time-range:60").unwrap();
        assert_eq!(both.window.start, 1_000_000_000);
        assert_eq!(both.notes.len(), 1);
        assert!(plan(Needs::Query, "-u|h|-F|time_start:x").is_err());
        assert!(plan(Needs::Query, "-u|h|-F|time_end:5").is_err());
    }

    #[test]
    fn a_filter_that_cannot_be_used_is_noted_and_ignored() {
        let plan = plan(Needs::Query, "-u|h|-F|foo|-F|limit:5").unwrap();
        assert_eq!(
            plan.notes,
            [
                "--filter arg foo should be of the format key:value",
                "--filter arg limit is not a valid filtering value"
            ]
        );
        assert_eq!(plan.filters.get("limit"), None);
    }

    #[test]
    fn checks_come_in_the_order_of_the_originals() {
        let series = |line| plan(Needs::Series, line).unwrap_err();
        assert_eq!(series("-T|x"), "--url is a required arg");
        assert!(series("-u|h|-d|b|-T|x").starts_with("--src and --dest args are both required"));
        assert!(series("-u|h|-s|a|-e|throughput").starts_with("--src and --dest"));
        assert!(series("-u|h|-s|a|-d|b|-T|x").starts_with("The --event-type arg is required."));
        assert_eq!(
            series("-u|h|-s|a|-e|ntp-delay|-T|base|-o|x"),
            "base is not a valid --summary-type arg (one of: ['aggregation', 'average', 'statistics'])"
        );
        assert_eq!(
            series("-u|h|-s|a|-e|ntp-delay|-o|JSON|-S|x"),
            "JSON is not a valid --output-format arg \
             (one of: ['human', 'json', 'jsonl', 'csv', 'table', 'influx'])"
        );
        let listing = |line| plan(Needs::Query, line).unwrap_err();
        assert_eq!(
            listing("-u|h|-o|parquet"),
            "parquet is not a valid --output-format arg \
             (one of: ['human', 'json', 'jsonl', 'csv', 'table'])\n\
             hint: esmond-ps-get-bulk has it, for files of data"
        );
        assert_eq!(
            listing("-u|h|-o|table|-M"),
            "--output-format table can not be used with --metadata-extended"
        );
        assert_eq!(
            series("-u|h|-s|a|-e|ntp-delay|-o|csv|-M"),
            "--output-format csv can not be used with --metadata-extended"
        );
        assert!(
            series("-u|h|-s|a|-e|ntp-delay|-S|notadate")
                .starts_with("could not parse --start-time arg: notadate")
        );
    }

    #[test]
    fn an_event_type_that_an_archive_added_may_be_of_any_subject() {
        // DIFFERENCE: the originals know no added event types.
        let plan = plan(Needs::Series, "-u|h|-e|process-count|-F|car-vin:V1").unwrap();
        assert_eq!(plan.filters.get("car-vin"), Some("V1"));
        assert_eq!(plan.filters.get("source"), None);
    }

    #[test]
    fn a_misspelt_event_type_is_answered_with_the_nearest_names() {
        assert_eq!(nearest_event_types("troughput"), ["throughput"]);
        assert!(nearest_event_types("owdelay").contains(&"histogram-owdelay"));
        assert!(nearest_event_types("bogus").is_empty());
        let message = unknown_event_type("bogus").message;
        assert!(
            message.starts_with(
                "bogus is not a valid event type\n\nValid event types:\n    failures\n"
            ),
            "{message}"
        );
    }
}
