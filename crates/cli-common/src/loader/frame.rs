//! The frame of the loaders: from the command line to a [`Session`], and from
//! its end to the exit status.

use std::fs::OpenOptions;
use std::io::{self, BufWriter};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Command, FromArgMatches as _};
use esmond_ps_client::RequestEvent;

use crate::loader::log::{self, Log, Stderr};
use crate::loader::{LoaderArgs, Poster, Stop, Target};
use crate::problem::{self, Level, Problem};
use crate::report::{self, Outcome, Output, UsageError, status};
use crate::{command_line, connection, generate, help, runtime};

/// Exit statuses, for the end of every help.
const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  failed, or something could not be stored
  2  usage error, or a mistake in a configuration file";

/// What sets a loader apart from its sisters.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Name, such as `esmond-ps-pipe`; also that of its file in `--log-dir`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// How it is called, behind its name.
    pub usage: &'static str,
    /// Examples, for the end of the help.
    pub examples: &'static str,
    /// Long options of the original program, with dashes: their abbreviations
    /// keep working beside new options.
    pub original_options: &'static [&'static str],
}

/// Options of one program, beside those that all loaders share.
pub trait Options: Args {
    /// Checks what can be checked without asking anybody. This comes right
    /// after the check of the log directory.
    ///
    /// # Errors
    ///
    /// What is wrong with an option.
    fn check(&self, shared: &LoaderArgs) -> Result<(), UsageError>;
}

/// A run of a loader.
#[derive(Debug)]
pub struct Session {
    /// Shared options, as typed.
    pub args: LoaderArgs,
    /// The way to the archive. Nothing has been sent yet.
    pub poster: Poster,
    /// Whether to end early, to be asked between two records. A second signal
    /// ends the program wherever it is.
    pub stop: Stop,
    /// The log; [`log::line`] writes to it.
    pub log: Log,
}

/// How a run ended that did not break off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything was stored, or will be by the next run: also after a signal,
    /// as in the originals.
    Done,
    // DIFFERENCE: the originals end with 0, or with 255.
    /// Something could not be stored, and was named in the log.
    Failed,
}

/// Runs a loader: `run` gets a session and its own options; results such as
/// those of a dry run go to the output. An error that it returns is logged as
/// `main.fatal`.
///
/// `run` may block the thread only for short; reading stdin goes through
/// [`tokio::task::spawn_blocking`] or [`tokio::io`], so that signals are seen.
pub fn main<X, F>(program: &Program, run: F) -> ExitCode
where
    X: Options,
    F: AsyncFnOnce(&Session, &X, &mut Output<'_>) -> anyhow::Result<Ending>,
{
    let mut output = Output {
        out: Box::new(BufWriter::new(io::stdout().lock())),
        err: Box::new(problem::Stderr::of(program.name, &command_line::words())),
    };
    let mut command = command::<X>(program);
    if let Some(code) = generate::requested(&command, &help::PAGE) {
        return code;
    }
    let result = start(program, &command, &command_line::words(), run, &mut output);
    let result = result.and_then(|outcome| {
        io::Write::flush(&mut output.out)?;
        Ok(outcome)
    });
    if matches!(result, Ok(Outcome::Partly)) {
        if problem::is_json() {
            let text = "not everything could be stored; what failed is named above or in the log";
            output.tell(&Problem::new(Level::Error, text).exit(status::FAILED));
        }
        return ExitCode::from(status::FAILED);
    }
    let help = command.render_help().to_string();
    report::finish(program.name, &help, result, &mut output.err)
}

fn command<X: Options>(program: &Program) -> Command {
    // The options come first: their documentation must not become the program's.
    let command = X::augment_args(LoaderArgs::augment(Command::new(program.name)));
    // The letter of --version belongs to an option of an original.
    help::options(&command, None)
        .about(program.about)
        .long_about(None)
        .version(env!("CARGO_PKG_VERSION"))
        .no_binary_name(true)
        .args_override_self(true)
        .override_usage(format!("{} {}", program.name, program.usage))
        .after_help(format!("{}\n\n{EXIT_STATUS}", program.examples))
}

fn start<X, F>(
    program: &Program,
    command: &Command,
    words: &[String],
    run: F,
    output: &mut Output<'_>,
) -> anyhow::Result<Outcome>
where
    X: Options,
    F: AsyncFnOnce(&Session, &X, &mut Output<'_>) -> anyhow::Result<Ending>,
{
    let original = program.original_options;
    let matches = command_line::read_for(command, original, words, output, LoaderArgs::fallback)?;
    let Some(matches) = matches else {
        return Ok(Outcome::Done);
    };
    let args = LoaderArgs::from_arg_matches(&matches)?;
    let options = X::from_arg_matches(&matches)?;
    if args.json_errors {
        problem::as_json(program.name);
    }
    if let Some(directory) = &args.log_dir
        && !directory.is_dir()
    {
        let text = format!("{} log path does not exist.", directory.display());
        return Err(UsageError::new(text).into());
    }
    options.check(&args)?;
    args.address()?;
    let log = open_log(program, &args)?;
    log.install();
    let to_stderr = args.log_dir.is_none();
    let work = async {
        let session = open(args, log)?;
        let stop = session.stop.clone();
        tokio::select! {
            ending = run(&session, &options, output) => ending.map(|ending| match ending {
                Ending::Done => Outcome::Done,
                Ending::Failed => Outcome::Partly,
            }),
            signal = stop.wait_again() => Ok(Outcome::Interrupted(signal)),
        }
    };
    match runtime::run(work).context("starting")? {
        Err(error) if !report::is_usage(&error) && !report::is_closed_pipe(error.as_ref()) => {
            log::line("main.fatal", report::chain(error.as_ref()));
            if to_stderr {
                // Once is enough.
                return Ok(Outcome::Partly);
            }
            Err(error)
        }
        result => result,
    }
}

fn open_log(program: &Program, args: &LoaderArgs) -> anyhow::Result<Log> {
    let Some(directory) = &args.log_dir else {
        return Ok(Log::new(Stderr).as_json(args.json_errors));
    };
    let path = directory.join(format!("{}.log", program.name));
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    Ok(Log::new(file))
}

fn open(args: LoaderArgs, log: Log) -> anyhow::Result<Session> {
    let verbose = args.verbose > 0;
    let mut notes = Vec::new();
    let mut output = Output {
        out: Box::new(io::sink()),
        err: Box::new(&mut notes),
    };
    let builder = connection::builder(&args.connection, args.address()?, &mut output)?
        .on_request(move |event| log_request(event, verbose));
    let poster = match args.to {
        Target::Esmond => builder.build().map(Poster::new),
        Target::Logstash => builder.build_logstash().map(Poster::to_logstash),
    };
    let poster = poster.map_err(|error| connection::unusable(&error))?;
    drop(output);
    for note in String::from_utf8_lossy(&notes).lines() {
        log::line("main.warn", note);
    }
    Ok(Session {
        args,
        poster,
        stop: Stop::listen()?,
        log,
    })
}

/// A pause is always worth a line: nothing seems to happen meanwhile.
fn log_request(event: &RequestEvent<'_>, verbose: bool) {
    let Some(text) = connection::log_line(event) else {
        return;
    };
    if matches!(event, RequestEvent::Retrying { .. }) {
        log::line("request.warning", text);
    } else if verbose {
        log::line("request.debug", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "loader",
        about: "Loads.",
        usage: "-f FILE",
        examples: "Examples: none",
        original_options: &[
            "file",
            "log-dir",
            "url",
            "user",
            "key",
            "script-alias",
            "verbose",
        ],
    };

    #[derive(Debug, Args)]
    struct Own {
        #[arg(short, long)]
        file: Option<String>,
        #[arg(short = 'V', long)]
        volume_attr: bool,
    }

    impl Options for Own {
        fn check(&self, shared: &LoaderArgs) -> Result<(), UsageError> {
            if self.file.is_none() {
                return Err(UsageError::new("Filename is required."));
            }
            // The checks are all there is to see here.
            Err(UsageError::new(format!(
                "{} {} {:?} {} {} {}",
                shared.address()?,
                shared.connection.script_alias,
                shared.connection.user,
                shared.has_credentials(),
                shared.verbose,
                self.volume_attr,
            )))
        }
    }

    /// What a command line comes to: the complaint, or what is printed.
    fn complaint(line: &str) -> String {
        // The configuration of whoever runs the tests does not count.
        let words = line.split_whitespace().chain(["--config", "/dev/null"]);
        let words: Vec<String> = words.map(ToOwned::to_owned).collect();
        let mut printed = Vec::new();
        let mut output = Output {
            out: Box::new(&mut printed),
            err: Box::new(io::sink()),
        };
        let run = async |_: &Session, _: &Own, _: &mut Output<'_>| Ok(Ending::Done);
        let result = start(
            &PROGRAM,
            &command::<Own>(&PROGRAM),
            &words,
            run,
            &mut output,
        );
        drop(output);
        match result {
            Ok(_) => String::from_utf8(printed).unwrap(),
            Err(error) => {
                assert!(report::is_usage(&error), "{error}");
                error.to_string()
            }
        }
    }

    #[test]
    fn the_log_directory_is_checked_before_anything_else() {
        assert_eq!(
            complaint("-l /no/such/dir"),
            "/no/such/dir log path does not exist."
        );
        assert_eq!(complaint(""), "Filename is required.");
        assert!(complaint("--bogus").ends_with("loader: error: no such option: --bogus"));
    }

    #[test]
    fn the_documented_spellings_of_options_are_understood() {
        // DIFFERENCE: the original programs do not take all that they document.
        // The environment of whoever runs the tests does not count.
        let user = "-u me --key k";
        for (line, expected) in [
            ("-U http://h -s /esmond/ -vv", "http://h /esmond/"),
            ("--url=http://h --script_alias esmond", "http://h esmond"),
            ("--ur http://h --script-al esmond", "http://h esmond"),
            ("-Uhttp://h --script-alias=/", "http://h /"),
            ("-Uhttp://h --to logstash", "http://h /"),
            ("--timeout 5 -Uhttp://h --to=esmond", "http://h /"),
        ] {
            let text = complaint(&format!("-f x {user} {line}"));
            assert!(
                text.starts_with(&format!("{expected} Some(\"me\") true")),
                "{text}"
            );
        }
        assert!(complaint("-f x -u me --key= -V -v").ends_with(" false 1 true"));
        let text = complaint("-f x -U http://h -u me -k k");
        assert!(
            text.starts_with("http://h / "),
            "the archive is at the root: {text}"
        );
    }

    #[test]
    fn help_tells_defaults_statuses_and_examples() {
        let help = complaint("--help");
        for part in [
            "[default: http://localhost:8080]",
            "--to <TARGET>",
            "[default: esmond]",
            "-s, --script-alias",
            "--insecure",
            "Examples: none",
            "Exit status:\n  0  done\n",
            "--version",
        ] {
            assert!(help.contains(part), "{part}: {help}");
        }
        assert!(!help.contains("ssl-verify"), "{help}");
    }
}
