//! The frame of the query programs: from the command line to a [`Session`],
//! and from its end to the exit status.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::Utc;
use clap::{Args, Command, FromArgMatches};
use esmond_ps_client::{Archive, ArchiveBuilder, Dialect, EventType, Gap, GapKind};
use esmond_ps_model::{Metadata, MetadataFilters, Registry, RowLayout};
use futures_util::TryStreamExt as _;

use crate::args::{ORIGINAL_OPTIONS, QueryArgs};
use crate::emit::Emitter;
use crate::names::Resolver;
use crate::plan::{self, Needs, Plan};
use crate::problem::{self, Level, Problem, Stderr};
use crate::report::{self, Outcome, Output, UsageError};
use crate::rows::Row;
use crate::{command_line, connection, generate, help, hosts, offer, runtime};

/// What sets a query program apart from its sisters.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Name, such as `esmond-ps-get`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Examples, for the end of the help.
    pub examples: &'static str,
    /// What it asks of its options.
    pub needs: Needs,
}

/// Options of one program, beside those that all query programs share.
pub trait Options: Args {
    /// Checks what can be checked without asking anybody. This comes right
    /// after the check that an address is given, before hosts are looked up.
    ///
    /// # Errors
    ///
    /// What is wrong with an option.
    fn check(&self, query: &QueryArgs) -> Result<(), UsageError>;

    /// Adjusts how the archive is asked. The observer of requests is the one of
    /// `--verbose`; a program that sets its own keeps that promise itself.
    fn tune(&self, query: &QueryArgs, archive: ArchiveBuilder) -> ArchiveBuilder;
}

/// No options beside the shared ones.
#[derive(Debug, Clone, Args)]
struct NoOptions {}

impl Options for NoOptions {
    fn check(&self, _: &QueryArgs) -> Result<(), UsageError> {
        Ok(())
    }

    fn tune(&self, _: &QueryArgs, archive: ArchiveBuilder) -> ArchiveBuilder {
        archive
    }
}

/// Bytes that are written to stdout at a time.
const BUFFER: usize = 1 << 16;

/// Exit statuses, for the end of every help.
const EXIT_STATUS: &str = "\
Exit status:
  0  done, also when there is no data
  1  failed
  2  usage error, or a mistake in a configuration file
  3  partly done, with what failed named on stderr";

/// A run of a query program: what was asked, and the archive to ask.
#[derive(Debug)]
pub struct Session {
    /// Options as typed.
    pub args: QueryArgs,
    /// What they come to.
    pub plan: Plan,
    /// The archive.
    pub archive: Archive,
    /// How rows of the event type asked for are laid out.
    pub row_layout: RowLayout,
}

impl Session {
    /// Returns an emitter of rows with these columns, in the format asked for.
    pub fn emitter<'a, W: io::Write + 'a>(
        &self,
        columns: &'static [&'static str],
        out: W,
    ) -> Emitter<'a> {
        let resolver = (!self.args.ip).then(Resolver::default);
        Emitter::new(self.plan.format, columns, resolver, out)
    }

    /// Learns what the event type asked for is like. One that the programs do
    /// not know must exist on the archive, which may be an extended one.
    async fn learn_event_type(&mut self) -> anyhow::Result<()> {
        let Some(name) = &self.plan.event_type else {
            return Ok(());
        };
        if let Some(known) = Registry::standard().event_type(name) {
            self.row_layout = known.layout;
            return Ok(());
        }
        let filters = MetadataFilters::new().event_type(name);
        // Cheap on perfSONAR 5 archives, which may take too long for all tests
        // that there ever were; nobody can extend them, either.
        let recent = filters.clone().time_start(self.plan.window.start);
        let mut found = self.find_event_type(name, &recent).await?;
        if found.is_none() && self.archive.dialect() != Some(Dialect::PerfSonar5) {
            found = self.find_event_type(name, &filters).await?;
        }
        let Some(found) = found else {
            return Err(plan::unknown_event_type(name).into());
        };
        self.row_layout = found.row_layout();
        Ok(())
    }

    /// Returns what no test of this kind of archive has, if it was asked for:
    /// a summary of an event type.
    fn gap(&self) -> Option<Gap> {
        let (summary_type, _) = self.plan.summary?;
        let event_type = self.plan.event_type.as_deref()?;
        let gap = self
            .archive
            .dialect()?
            .gap(event_type, summary_type, None)?;
        (gap.kind == GapKind::NotListed).then_some(gap)
    }

    async fn find_event_type(
        &self,
        name: &str,
        filters: &MetadataFilters,
    ) -> anyhow::Result<Option<EventType>> {
        let mut tests = Box::pin(self.archive.metadata(filters));
        let asking = || format!("asking the archive for the event type {name}");
        while let Some(test) = tests.try_next().await.with_context(asking)? {
            if let Some(found) = test.event_type(name) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Runs a query program: `run` gets a session and writes its results.
pub fn main<F>(program: &Program, run: F) -> ExitCode
where
    F: AsyncFnOnce(&Session, &mut Output<'_>) -> anyhow::Result<Outcome>,
{
    main_with(
        program,
        async |session: &Session, _: &NoOptions, output: &mut Output<'_>| {
            run(session, output).await
        },
    )
}

/// Runs a query program that has options of its own.
pub fn main_with<X, F>(program: &Program, run: F) -> ExitCode
where
    X: Options,
    F: AsyncFnOnce(&Session, &X, &mut Output<'_>) -> anyhow::Result<Outcome>,
{
    let mut output = Output {
        out: Box::new(BufWriter::with_capacity(BUFFER, io::stdout().lock())),
        err: Box::new(Stderr::of(program.name, &command_line::words())),
    };
    let mut command = command::<X>(program);
    if let Some(code) = generate::requested(&command, &help::PAGE) {
        return code;
    }
    let result = start(program, &command, run, &mut output);
    let result = result.and_then(|outcome| {
        io::Write::flush(&mut output.out)?;
        Ok(outcome)
    });
    let help = command.render_help().to_string();
    report::finish(program.name, &help, result, &mut output.err)
}

fn command<X: Options>(program: &Program) -> Command {
    // The options come first: their documentation must not become the program's.
    let command = X::augment_args(QueryArgs::augment_args(Command::new(program.name)));
    help::options(&command, Some('V'))
        .about(program.about)
        .long_about(None)
        .version(env!("CARGO_PKG_VERSION"))
        .no_binary_name(true)
        .args_override_self(true)
        .mut_arg("output_format", |option| {
            let formats = program.needs.formats().iter();
            offer::values(option, formats.map(|format| format.name()))
        })
        .override_usage(format!("{} --url URL [options]", program.name))
        .after_help(format!("{}\n\n{EXIT_STATUS}", program.examples))
}

fn start<X, F>(
    program: &Program,
    command: &Command,
    run: F,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome>
where
    X: Options,
    F: AsyncFnOnce(&Session, &X, &mut Output<'_>) -> anyhow::Result<Outcome>,
{
    let Some((args, options)) = parse::<X>(command, output)? else {
        return Ok(Outcome::Done);
    };
    if args.json_errors {
        problem::as_json(program.name);
    }
    if args.list_events {
        write!(output.out, "{}", plan::event_type_list())?;
        return Ok(Outcome::Done);
    }
    let work = async {
        let mut session = open(program, args, &options, output).await?;
        session.learn_event_type().await?;
        run(&session, &options, output).await
    };
    runtime::run(work).context("starting")?
}

/// Reads the command line; nothing is left to do when it asked for help.
fn parse<X: Options>(
    command: &Command,
    output: &mut Output<'_>,
) -> anyhow::Result<Option<(QueryArgs, X)>> {
    let matches = command_line::read(command, &ORIGINAL_OPTIONS, &command_line::words(), output)?;
    let Some(matches) = matches else {
        return Ok(None);
    };
    let shared = QueryArgs::from_arg_matches(&matches)?;
    Ok(Some((shared, X::from_arg_matches(&matches)?)))
}

async fn open<X: Options>(
    program: &Program,
    args: QueryArgs,
    options: &X,
    output: &mut Output<'_>,
) -> anyhow::Result<Session> {
    plan::require(&args, program.needs)?;
    options.check(&args)?;
    let named = [
        ("src", &args.src),
        ("dest", &args.dest),
        ("agent", &args.agent),
    ];
    for (option, host) in named {
        if let Some(host) = host.as_deref().filter(|host| !host.is_empty())
            && !hosts::exists(host).await
        {
            let message = format!("--{option} arg had invalid hostname: {host}");
            return Err(UsageError::new(message).into());
        }
    }
    let plan = Plan::new(&args, program.needs, Utc::now())?;
    for note in &plan.notes {
        output.note(note);
    }
    let tune = |archive| options.tune(&args, archive);
    let archive = connection::archive(&args.connection, &plan.url, args.verbose, tune, output)?;
    problem::about(&archive.address().to_string());
    Ok(Session {
        args,
        plan,
        archive,
        row_layout: RowLayout::Value,
    })
}

/// Prints one row for each test that matches: the whole of the programs that
/// list tests.
///
/// # Errors
///
/// Those of the archive and of the output. When rows were printed before the
/// list broke off, the error is named on stderr and the run ends as
/// [`Outcome::Partly`].
pub async fn list_tests(
    session: &Session,
    output: &mut Output<'_>,
    columns: &'static [&'static str],
    row: impl Fn(&Metadata) -> Row,
) -> anyhow::Result<Outcome> {
    let Output { out, err } = output;
    let mut emitter = session.emitter(columns, out);
    let mut tests = Box::pin(session.archive.metadata(&session.plan.filters));
    let mut outcome = Outcome::Done;
    loop {
        match tests.try_next().await {
            Ok(Some(test)) => emitter.emit([row(&test)]).await?,
            Ok(None) => break,
            Err(error) if emitter.emitted() == 0 => return Err(error.into()),
            Err(error) => {
                let problem = Problem::new(Level::Error, "the list of tests is incomplete");
                writeln!(err, "{}", problem.because(&error)).ok();
                outcome = Outcome::Partly;
                break;
            }
        }
    }
    if let Some(gap) = session.gap() {
        writeln!(err, "this perfSONAR 5 archive does not hold {gap}").ok();
    }
    emitter.finish().await.context("writing the results")?;
    Ok(outcome)
}
