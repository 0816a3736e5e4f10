//! The command line: what every run asks of its options, and what they come to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;
use esmond_ps_cli_common::args::QueryArgs;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::plan::{Needs, Plan};
use esmond_ps_cli_common::report::UsageError;

use crate::duration;
use crate::judge::Thresholds;
use crate::range::Range;
use crate::stat::Stat;
use crate::state::State;

/// Options beside those that all query programs share.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Check")]
pub(crate) struct CheckArgs {
    /// Values outside of this range are a warning: 10, 10:, ~:10, 10:20, @10:20
    ///
    /// Ranges are those of Nagios plugins. With --grid, EVENT=RANGE; may be repeated.
    #[arg(
        short = 'w',
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        action = clap::ArgAction::Append
    )]
    warning: Vec<String>,

    /// Values outside of this range are critical
    #[arg(
        short = 'c',
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        action = clap::ArgAction::Append
    )]
    critical: Vec<String>,

    /// A newest point older than this is a warning: 90 (seconds), 15m, 2h, 7d
    #[arg(long, value_name = "TIME")]
    warning_age: Option<String>,

    /// A newest point older than this is critical (with --grid: stale; there 24h)
    #[arg(long, value_name = "TIME", visible_alias = "max-age")]
    critical_age: Option<String>,

    /// State when there are no points: ok, warning, critical or unknown
    #[arg(
        long,
        value_name = "STATE",
        default_value = "unknown",
        ignore_case = true,
        hide_possible_values = true
    )]
    no_data: State,

    /// Which number of the window is judged
    #[arg(long, value_name = "STAT", default_value = "mean", ignore_case = true)]
    stat: Stat,

    /// Multiply values by this before they are judged, such as 1e-9 for Gb/s
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 1.0,
        allow_hyphen_values = true
    )]
    scale: f64,

    /// Judge the way back, too, and report the worse of the two
    #[arg(short = 'b', long)]
    both_directions: bool,

    /// Look at this much time before now (default: 24h; --grid, --doctor: 7d)
    #[arg(short = 'r', long, value_name = "TIME")]
    time_range: Option<String>,

    /// End a check after this long in any case, as UNKNOWN
    ///
    /// Monitoring systems kill plugins that take long, mostly after 60 seconds, and
    /// then nobody learns why.
    #[arg(long, value_name = "TIME", default_value = "55s")]
    deadline: String,

    /// Say what works and what does not, from the name of the host to its newest points
    #[arg(long, help_heading = "Doctor")]
    doctor: bool,

    /// Show the newest points of all pairs of hosts; -e selects event types
    #[arg(long, help_heading = "Grid")]
    grid: bool,

    /// Write the grid as one HTML page, with a plot for each pair
    #[arg(long, value_name = "FILE", help_heading = "Grid")]
    grid_file: Option<PathBuf>,

    /// Draw at most this many plots on the page
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 200,
        help_heading = "Grid"
    )]
    plots: usize,

    /// Read this many series at a time
    #[arg(long, value_name = "COUNT", default_value_t = 8, help_heading = "Grid")]
    jobs: usize,
}

/// The output formats.
pub(crate) const FORMATS: [Format; 2] = [Format::Human, Format::Json];

/// What a run does.
#[derive(Debug)]
pub(crate) enum Job {
    /// Judges one event type of one pair.
    Check(CheckJob),
    /// Looks for what is wrong.
    Doctor(DoctorJob),
    /// Shows all pairs.
    Grid(GridJob),
}

/// A check.
#[derive(Debug)]
pub(crate) struct CheckJob {
    /// One for each direction.
    pub(crate) plans: Vec<Plan>,
    /// From and to, as typed, one for each direction.
    pub(crate) ends: Vec<(Option<String>, Option<String>)>,
    pub(crate) event_type: String,
    pub(crate) stat: Stat,
    pub(crate) scale: f64,
    pub(crate) thresholds: Thresholds,
    /// How long it may take, in seconds.
    pub(crate) deadline: u64,
    pub(crate) now: i64,
}

/// A diagnosis.
#[derive(Debug)]
pub(crate) struct DoctorJob {
    pub(crate) plan: Plan,
    pub(crate) script_alias: String,
    /// Age from which a newest point is told as old, in seconds.
    pub(crate) old: i64,
    pub(crate) timeout: u64,
    pub(crate) jobs: usize,
    pub(crate) now: i64,
}

/// A grid.
#[derive(Debug)]
pub(crate) struct GridJob {
    pub(crate) plan: Plan,
    /// Event types, in order, with what is good enough.
    pub(crate) measures: Vec<(String, Thresholds)>,
    pub(crate) scale: f64,
    /// Whether the grid is printed.
    pub(crate) is_printed: bool,
    pub(crate) file: Option<PathBuf>,
    pub(crate) plots: usize,
    pub(crate) jobs: usize,
    pub(crate) has_names: bool,
    pub(crate) now: i64,
}

/// The event types of a grid when none is named.
const MEASURES: [&str; 6] = [
    "throughput",
    "packet-loss-rate",
    "packet-loss-rate-bidir",
    "histogram-owdelay",
    "histogram-rtt",
    "packet-trace",
];

/// Age from which a cell of a grid is stale when nothing else is said.
const STALE: i64 = 86_400;

/// How far a grid and a diagnosis look back when nothing else is said.
const LONG: &str = "7d";

impl Job {
    /// Checks and settles the options; `event_types` are all that were named.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn new(
        query: &QueryArgs,
        own: &CheckArgs,
        event_types: &[String],
        now: DateTime<Utc>,
    ) -> Result<Self, UsageError> {
        let is_grid = own.grid || own.grid_file.is_some();
        if is_grid && own.doctor {
            return Err(UsageError::new(
                "--doctor and --grid are two different runs",
            ));
        }
        let mut query = query.clone();
        query.start_time = start(&query, own, is_grid || own.doctor, now)?;
        let jobs = own.jobs.clamp(1, 64);
        if is_grid {
            return Self::grid(query, own, event_types, jobs, now);
        }
        if own.doctor {
            let plan = plan(&query, Needs::Query, now)?;
            return Ok(Self::Doctor(DoctorJob {
                plan,
                script_alias: query.connection.script_alias.clone(),
                old: age("--critical-age", own.critical_age.as_deref())?.unwrap_or(STALE),
                timeout: u64::try_from(query.connection.timeout).unwrap_or(1).max(1),
                jobs,
                now: now.timestamp(),
            }));
        }
        Self::check(query, own, event_types, now)
    }

    fn check(
        query: QueryArgs,
        own: &CheckArgs,
        event_types: &[String],
        now: DateTime<Utc>,
    ) -> Result<Self, UsageError> {
        if event_types.len() > 1 {
            return Err(UsageError::new("a check is of one --event-type"));
        }
        let first = plan(&query, Needs::Series, now)?;
        let event_type = first.event_type.clone().unwrap_or_default();
        let thresholds = thresholds(own, &[&event_type])?;
        let mut job = CheckJob {
            plans: vec![first],
            ends: vec![(query.src.clone(), query.dest.clone())],
            thresholds: thresholds.into_values().next().unwrap_or_default(),
            event_type,
            stat: own.stat,
            scale: scale(own)?,
            deadline: deadline(own)?,
            now: now.timestamp(),
        };
        if own.both_directions {
            let is_given =
                |host: &Option<String>| host.as_ref().is_some_and(|host| !host.is_empty());
            if !is_given(&query.src) || !is_given(&query.dest) {
                return Err(UsageError::new("--both-directions needs --src and --dest"));
            }
            let mut back = query;
            std::mem::swap(&mut back.src, &mut back.dest);
            job.plans.push(plan(&back, Needs::Series, now)?);
            job.ends.push((back.src, back.dest));
        }
        Ok(Self::Check(job))
    }

    fn grid(
        mut query: QueryArgs,
        own: &CheckArgs,
        event_types: &[String],
        jobs: usize,
        now: DateTime<Utc>,
    ) -> Result<Self, UsageError> {
        let mut names: Vec<&str> = Vec::new();
        for name in event_types {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names = MEASURES.to_vec();
        }
        // One name narrows the search; of several the tests are looked at.
        query.event_type = match names[..] {
            [name] => Some(name.to_owned()),
            _ => None,
        };
        let mut thresholds = thresholds(own, &names)?;
        let measures = names.iter().map(|name| {
            let mut of_it = thresholds.remove(*name).unwrap_or_default();
            of_it.critical_age.get_or_insert(STALE);
            ((*name).to_owned(), of_it)
        });
        let measures = measures.collect();
        Ok(Self::Grid(GridJob {
            plan: plan(&query, Needs::Query, now)?,
            measures,
            scale: scale(own)?,
            is_printed: own.grid,
            file: own.grid_file.clone(),
            plots: own.plots,
            jobs,
            has_names: !query.ip,
            now: now.timestamp(),
        }))
    }

    /// Returns what to tell the user before the run.
    pub(crate) fn notes(&self) -> &[String] {
        match self {
            Self::Check(job) => job.plans.first().map_or(&[], |plan| &plan.notes),
            Self::Doctor(job) => &job.plan.notes,
            Self::Grid(job) => &job.plan.notes,
        }
    }

    /// Returns the address of the archive.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Check(job) => job.plans.first().map_or("", |plan| &plan.url),
            Self::Doctor(job) => &job.plan.url,
            Self::Grid(job) => &job.plan.url,
        }
    }
}

/// Settles a query.
fn plan(query: &QueryArgs, needs: Needs, now: DateTime<Utc>) -> Result<Plan, UsageError> {
    check_format(&query.output_format)?;
    Plan::new(query, needs, now)
}

/// The formats are fewer than those of the query programs.
fn check_format(text: &str) -> Result<(), UsageError> {
    if FORMATS.iter().any(|format| format.name() == text) {
        return Ok(());
    }
    let names = FORMATS.map(|format| format!("'{format}'")).join(", ");
    Err(UsageError::new(format!(
        "{text} is not a valid --output-format arg (one of: [{names}])"
    )))
}

/// Returns where the query starts, as a text for `--start-time`.
fn start(
    query: &QueryArgs,
    own: &CheckArgs,
    is_long: bool,
    now: DateTime<Utc>,
) -> Result<Option<String>, UsageError> {
    let range = match (&own.time_range, &query.start_time) {
        (Some(_), Some(_)) => {
            let message = "--start-time and --time-range say the same: one of them is enough";
            return Err(UsageError::new(message));
        }
        (Some(range), None) => Some(range.as_str()),
        (None, None) if is_long && !query.filters.iter().any(|filter| is_about_time(filter)) => {
            Some(LONG)
        }
        (None, start) => return Ok(start.clone()),
    };
    let seconds = age("--time-range", range)?.unwrap_or_default();
    // Ten digits are read as seconds.
    let start = now.timestamp().saturating_sub(seconds).max(1_000_000_000);
    Ok(Some(start.to_string()))
}

fn is_about_time(filter: &str) -> bool {
    filter.starts_with("time")
}

fn age(option: &str, text: Option<&str>) -> Result<Option<i64>, UsageError> {
    let Some(text) = text else { return Ok(None) };
    let seconds = duration::parse(text).filter(|seconds| *seconds > 0);
    let refused = || {
        UsageError::new(format!(
            "{option} arg {text} is no length of time\nhint: forms that work: 90, 90s, 15m, 2h, 7d, 1w"
        ))
    };
    seconds.map(Some).ok_or_else(refused)
}

fn deadline(own: &CheckArgs) -> Result<u64, UsageError> {
    let seconds = age("--deadline", Some(&own.deadline))?;
    Ok(seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .unwrap_or(1))
}

fn scale(own: &CheckArgs) -> Result<f64, UsageError> {
    if own.scale.is_finite() && own.scale != 0.0 {
        return Ok(own.scale);
    }
    Err(UsageError::new("--scale should be a number other than 0"))
}

/// Reads the thresholds for these event types.
fn thresholds(
    own: &CheckArgs,
    event_types: &[&str],
) -> Result<BTreeMap<String, Thresholds>, UsageError> {
    let shared = Thresholds {
        warning_age: age("--warning-age", own.warning_age.as_deref())?,
        critical_age: age("--critical-age", own.critical_age.as_deref())?,
        no_data: own.no_data,
        ..Thresholds::default()
    };
    if let (Some(warning), Some(critical)) = (shared.warning_age, shared.critical_age)
        && warning > critical
    {
        let message = "--warning-age is longer than --critical-age: it would never be reached";
        return Err(UsageError::new(message));
    }
    let mut all: BTreeMap<String, Thresholds> = event_types
        .iter()
        .map(|name| ((*name).to_owned(), shared.clone()))
        .collect();
    let ranges = [("--warning", &own.warning), ("--critical", &own.critical)];
    for (option, texts) in ranges {
        for text in texts {
            let (name, range) = match (text.split_once('='), event_types) {
                (Some((name, range)), _) => (name, range),
                (None, [name]) => (*name, text.as_str()),
                (None, _) => {
                    return Err(UsageError::new(format!(
                        "{option} {text}: of which event type?\nhint: {option} throughput={text}, or one -e"
                    )));
                }
            };
            let Some(of_it) = all.get_mut(name) else {
                let message = format!("{option} {text}: {name} is not among the event types");
                return Err(UsageError::new(message));
            };
            // As in Nagios, an empty text is no threshold.
            let range = match range {
                "" => None,
                range => Some(
                    range
                        .parse::<Range>()
                        .map_err(|error| UsageError::new(format!("{option}: {error}")))?,
                ),
            };
            match option {
                "--warning" => of_it.warning = range,
                _ => of_it.critical = range,
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches as _;

    fn job(line: &str) -> Result<Job, String> {
        let matches = crate::command()
            .try_get_matches_from(line.split_whitespace())
            .map_err(|error| error.to_string())?;
        let query = QueryArgs::from_arg_matches(&matches).unwrap();
        let own = CheckArgs::from_arg_matches(&matches).unwrap();
        let now = DateTime::from_timestamp(1_764_000_000, 0).unwrap();
        let names = crate::event_types(&matches);
        Job::new(&query, &own, &names, now).map_err(|error| error.message)
    }

    #[test]
    fn a_check_has_one_event_type_of_one_pair() {
        let Job::Check(job) = job("-u h -s a -d b -e throughput -w 5: -c @1:2 -b -r 2h").unwrap()
        else {
            panic!()
        };
        assert_eq!(job.thresholds.warning.unwrap().to_string(), "5:");
        assert_eq!(job.thresholds.critical.unwrap().to_string(), "@1:2");
        assert_eq!(job.plans[0].window.start, 1_764_000_000 - 7_200);
        let back = &job.plans[1].filters;
        assert_eq!(
            (back.get("source"), back.get("destination")),
            (Some("b"), Some("a"))
        );
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (line, words) in [
            ("-u h -s a -d b", "--event-type"),
            ("-u h -e throughput", "--src and --dest"),
            (
                "-u h -s a -d b -e throughput -e failures",
                "one --event-type",
            ),
            ("-u h -s a -d b -e throughput -w 5:x", "a number is missing"),
            ("-u h -s a -d b -e throughput -r 5y", "no length of time"),
            ("-u h -s a -d b -e throughput -r 5m -S now", "one of them"),
            ("-u h -s a -d b -e throughput -o csv", "'human', 'json'"),
            ("-u h -s a -d b -e throughput --no-data fine", "--no-data"),
            ("-u h -s a -d b -e throughput --scale 0", "--scale"),
            ("-u h -s a -d b -e throughput --deadline 0", "--deadline"),
            (
                "-u h -s a -d b -e throughput --warning-age 2h --critical-age 1h",
                "never",
            ),
            ("-u h -s a -e ntp-delay -b", "needs --src and --dest"),
            ("-u h --grid --doctor", "two different runs"),
            ("-u h --grid -w 5:", "of which event type"),
            ("-u h --grid -w failures=5:", "not among"),
            ("-e throughput", "--url"),
        ] {
            let message = job(line).unwrap_err();
            assert!(message.contains(words), "{line}: {message}");
        }
    }

    #[test]
    fn a_grid_has_ranges_by_event_type() {
        let line = "-u h --grid -e throughput -e packet-loss-rate -w throughput=1e9: -c packet-loss-rate=5";
        let Job::Grid(job) = job(line).unwrap() else {
            panic!()
        };
        let [(_, throughput), (_, loss)] = &job.measures[..] else {
            panic!("{job:?}")
        };
        assert!(throughput.warning.is_some() && throughput.critical.is_none());
        assert!(loss.warning.is_none() && loss.critical.is_some());
        assert_eq!(loss.critical_age, Some(86_400));
        assert_eq!(job.plan.window.start, 1_764_000_000 - 604_800);
    }
}
