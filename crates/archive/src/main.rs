//! The binary `esmond-ps-archive`.

mod access;
mod check;
mod cli;
mod commands;
mod filters;
mod home;
mod logging;
mod progress;
mod retention;
mod settings;
mod stop;
mod table;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use esmond_ps_cli_common::generate::{self, Page};
use esmond_ps_cli_common::report::{UsageError, chain, status, told};
use esmond_ps_server::types::TypesError;

use cli::Command;
use commands::{
    Misconfigured, Outcome, backup, check as check_command, export, import, mirror, prune, serve,
};
use commands::{stats, user};
use home::Home;
use logging::Logging;
use settings::{Refused, Settings};

/// The rest of the manual page.
const PAGE: Page<'_> = Page {
    environment: &[(
        "XDG_DATA_HOME",
        "Directory of the user's data, in place of ~/.local/share.",
    )],
    files: &[
        (
            "/etc/esmond-ps/archive.toml",
            "Configuration, unless --config names another file.",
        ),
        (
            "~/.local/share/esmond-ps-archive",
            "The archive, unless --data names another directory.",
        ),
    ],
    see_also: &[
        "esmond-ps-get(1)",
        "esmond-ps-load-gridftp(1)",
        "esmond-ps-pipe(1)",
        "systemd(1)",
    ],
};

fn main() -> ExitCode {
    if let Some(code) = generate::requested(&cli::described(), &PAGE) {
        return code;
    }
    let settings = match Settings::read(std::env::args_os()) {
        Ok(settings) => settings,
        Err(Refused::Usage(error)) => {
            // Help and version are no errors; a closed pipe does not matter.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(status::USAGE));
        }
        Err(Refused::File(error)) => {
            report(&error);
            return ExitCode::from(status::USAGE);
        }
    };
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match built.context("cannot start") {
        Ok(runtime) => runtime,
        Err(error) => return exit_code(&Err(error)),
    };
    let ended = runtime.block_on(run(&settings));
    if matches!(ended, Ok(Outcome::Left(_))) {
        // Dropping would wait for what is left.
        runtime.shutdown_background();
    }
    exit_code(&ended)
}

/// Returns the exit status, and reports an error. A closed pipe is none:
/// whoever reads the output has seen enough.
fn exit_code(ended: &Result<Outcome>) -> ExitCode {
    ExitCode::from(match ended {
        Ok(Outcome::Done) => status::DONE,
        Ok(Outcome::Failed) => status::FAILED,
        Ok(Outcome::Partly) => status::PARTLY,
        // As shells report a process that the signal ended.
        Ok(Outcome::Stopped(signal) | Outcome::Left(signal)) => 128_u8.saturating_add(*signal),
        Err(error) if is_closed_pipe(error) => status::DONE,
        Err(error) => {
            report(error);
            if error.is::<UsageError>() || error.is::<Misconfigured>() {
                status::USAGE
            } else {
                status::FAILED
            }
        }
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &(dyn Error + 'static)| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    };
    error.chain().any(broken)
}

fn report(error: &anyhow::Error) {
    let lines = match error.downcast_ref::<TypesError>() {
        // Each mistake has a line of its own.
        Some(TypesError::Problems(problems)) => problems
            .iter()
            .map(|problem| told(&problem.to_string()))
            .collect(),
        _ => vec![chain(error.as_ref())],
    };
    let mut stderr = io::stderr().lock();
    for line in lines {
        let _ = writeln!(stderr, "esmond-ps-archive: {line}");
    }
}

async fn run(settings: &Settings) -> Result<Outcome> {
    let cli = &settings.cli;
    match &cli.command {
        Command::Serve(options) if options.show_config => {
            io::stdout()
                .write_all(settings.show().as_bytes())
                .context("the settings could not be shown")?;
            return Ok(Outcome::Done);
        }
        Command::Prune(options) if options.print_policy => return prune::print_policy(),
        _ => {}
    }
    let logging = Logging::start(&cli.log, cli.log_format)?;
    let home = Home::find(cli)?;
    match &cli.command {
        Command::Serve(options) => serve::run(options, &home, settings, &logging).await,
        Command::User(command) => user::run(command, &home).await,
        Command::Prune(options) => prune::run(options, &home).await,
        Command::Export(options) => export::run(options, &home).await,
        Command::Import(options) => import::run(options, &home).await,
        Command::Mirror(options) => mirror::run(options, &home).await,
        Command::Backup(options) => backup::run(options, &home).await,
        Command::Check(options) => check_command::run(options, &home).await,
        Command::Stats(options) => stats::run(options, &home).await,
    }
}
