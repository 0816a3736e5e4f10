//! The binary `esmond-ps-archive`.

mod cli;
mod users;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use esmond_ps_server::{Config, router, serve};
use esmond_ps_store_sqlite::SqliteStore;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command, Serve};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; a closed pipe does not matter.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "esmond-ps-archive: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let directory = cli.data.or_else(default_directory).ok_or_else(|| {
        anyhow!("no home directory to keep the archive in; name one with --data DIR")
    })?;
    let store = SqliteStore::open(&directory).await.with_context(|| {
        format!(
            "cannot use the data directory {} (it must be writable; choose another with --data DIR)",
            directory.display()
        )
    })?;
    match cli.command {
        Command::User(command) => users::run_here(&command, &store).await,
        Command::Serve(options) => serve_until_told(options, store, &directory).await,
    }
}

async fn serve_until_told(options: Serve, store: SqliteStore, directory: &Path) -> Result<()> {
    let listen = options.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "cannot listen on {listen} (is another archive running? choose another address with --listen ADDR:PORT)"
        )
    })?;
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    let config = Config {
        script_alias: options.script_alias,
        trusted_proxies: options.trusted_proxies,
        body_limit: usize::from(options.body_limit) << 20,
        ..Config::default()
    };
    let alias = match config.script_alias.trim_matches('/') {
        "" => String::new(),
        alias => format!("/{alias}"),
    };
    let stop = told_to_stop()?;
    if let Some(file) = &options.port_file {
        write_whole(file, &format!("{}\n", address.port()))
            .with_context(|| format!("cannot write the port to {}", file.display()))?;
    }
    tracing::info!("data directory {}", directory.display());
    tracing::info!("listening on http://{address}{alias}/perfsonar/archive/");
    let served = serve(listener, router(Arc::new(store), config), stop).await;
    served.context("serving failed")?;
    tracing::info!("stopped");
    Ok(())
}

/// Returns what completes at SIGTERM or SIGINT.
fn told_to_stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!("stopping at {name}");
    })
}

fn default_directory() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("esmond-ps-archive"))
}

/// Writes a file so that a reader sees all of it or nothing.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".tmp");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}
