//! Serving the archive.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{ArgAction, Args};
use esmond_ps_cli_common::report::UsageError;
use esmond_ps_model::Registry;
use esmond_ps_retention::{Policies, daily};
use esmond_ps_server::{Access, AccessLog, Config, Connections, Summaries, Tls, router, serve};
use esmond_ps_store::Store;
use ipnet::IpNet;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::{Misconfigured, Outcome, Types};
use crate::access::AccessFile;
use crate::cli::network;
use crate::home::Home;
use crate::logging::Logging;
use crate::retention;
use crate::settings::Settings;
use crate::stop::Signals;

/// Serve the archive until SIGTERM or SIGINT; requests under way are finished
///
/// SIGHUP opens the access log anew and reads the certificate and the
/// configuration file again, of which "log" takes effect at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  esmond-ps-archive serve
  esmond-ps-archive serve --listen [::]:443 \\
      --tls-cert cert.pem --tls-key key.pem
  esmond-ps-archive serve --retention /etc/esmond-ps/retention.json
  esmond-ps-archive serve --show-config")]
pub(crate) struct Serve {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = place,
        env = "ESMOND_ARCHIVE_LISTEN"
    )]
    listen: SocketAddr,
    /// Path below which the archive is served (besides being served without
    /// it); "/" for none
    #[arg(
        long,
        value_name = "PATH",
        default_value = "esmond",
        env = "ESMOND_ARCHIVE_SCRIPT_ALIAS"
    )]
    script_alias: String,
    /// Network of a proxy whose X-Forwarded-For, -Host and -Proto headers
    /// count; can be given again
    #[arg(
        long,
        value_name = "NET",
        value_parser = network,
        value_delimiter = ',',
        env = "ESMOND_ARCHIVE_TRUSTED_PROXY"
    )]
    trusted_proxy: Vec<IpNet>,
    #[command(flatten)]
    types: Types,
    /// Remove, now and every day, what the policies in this file let go (JSON).
    /// Default: nothing is removed
    #[arg(long, value_name = "FILE", env = "ESMOND_ARCHIVE_RETENTION")]
    retention: Option<PathBuf>,
    /// Let only those read who may write
    #[arg(
        long,
        value_name = "true|false",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        hide_possible_values = true,
        env = "ESMOND_ARCHIVE_REQUIRE_AUTH_FOR_READS"
    )]
    require_auth_for_reads: bool,
    /// PEM file with the certificate for HTTPS, those of its issuers after it
    #[arg(long, value_name = "FILE", env = "ESMOND_ARCHIVE_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the key of the certificate
    #[arg(long, value_name = "FILE", env = "ESMOND_ARCHIVE_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Largest request body, in MiB
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 64,
        value_parser = clap::value_parser!(u16).range(1..),
        env = "ESMOND_ARCHIVE_BODY_LIMIT"
    )]
    body_limit: u16,
    /// Connections held at the same time; a further one gets the place of an
    /// idle one, or waits. Best more than max-writes and max-reads together
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 512,
        value_parser = clap::value_parser!(u16).range(1..),
        env = "ESMOND_ARCHIVE_MAX_CONNECTIONS"
    )]
    max_connections: u16,
    /// Writes under way at the same time; further ones are put off (503)
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 128,
        value_parser = clap::value_parser!(u16).range(1..),
        env = "ESMOND_ARCHIVE_MAX_WRITES"
    )]
    max_writes: u16,
    /// Other requests under way at the same time; further ones are put off (503)
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 256,
        value_parser = clap::value_parser!(u16).range(1..),
        env = "ESMOND_ARCHIVE_MAX_READS"
    )]
    max_reads: u16,
    /// Seconds after which a connection without a (whole) request is closed,
    /// and one whose client does not take its answer
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u16).range(1..),
        env = "ESMOND_ARCHIVE_IDLE_TIMEOUT"
    )]
    idle_timeout: u16,
    /// Seconds after which a request is cut off whose answer is not sent whole
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(1..),
        env = "ESMOND_ARCHIVE_REQUEST_TIMEOUT"
    )]
    request_timeout: u32,
    /// File to log every request to; "-" for stdout, "off" for no log
    #[arg(
        long,
        value_name = "FILE",
        default_value = "off",
        env = "ESMOND_ARCHIVE_ACCESS_LOG"
    )]
    access_log: PathBuf,
    /// File to write the port to once connections are taken
    #[arg(long, value_name = "FILE", env = "ESMOND_ARCHIVE_PORT_FILE")]
    port_file: Option<PathBuf>,
    /// Show all settings as a configuration file, with where each comes from,
    /// and end
    #[arg(long)]
    pub(crate) show_config: bool,
}

/// Reads where to listen.
fn place(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an address, not a name, and a port, such as 127.0.0.1:8080 or [::]:8080"
            .to_owned()
    })
}

impl Serve {
    /// Reads the certificate, if there is to be one.
    fn tls(&self) -> Result<Option<Arc<Tls>>> {
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Arc::new(Tls::load(certificate, key)?))),
            (Some(_), None) => Err(UsageError::new(
                "--tls-cert needs the key of the certificate: --tls-key FILE",
            ))?,
            (None, Some(_)) => Err(UsageError::new(
                "--tls-key needs the certificate: --tls-cert FILE",
            ))?,
        }
    }
}

/// Returns the types of the archive, and the summaries that results of
/// pScheduler get.
fn extensions(options: &Serve, settings: &Settings) -> Result<(Registry, Summaries)> {
    let registry = options.types.registry()?;
    let summaries = match &settings.summaries {
        Some((summaries, place)) => {
            let checked = summaries.check(&registry);
            checked
                .with_context(|| format!("{place}: these summaries cannot be made"))
                .context(Misconfigured)?;
            summaries.clone()
        }
        None => Summaries::default(),
    };
    Ok((registry, summaries))
}

/// Serves the archive.
pub(crate) async fn run(
    options: &Serve,
    home: &Home,
    settings: &Settings,
    logging: &Logging,
) -> Result<Outcome> {
    // The store comes last: what does not start must not make an archive, nor
    // bring one up to date, which cannot be taken back.
    let (registry, summaries) = extensions(options, settings)?;
    let policies = policies(options, &registry)?;
    let tls = options.tls()?;
    let access = AccessFile::open(&options.access_log, settings.cli.log_format)?.map(Arc::new);
    let listen = options.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "cannot listen on {listen} (is another archive running? choose another address with --listen ADDR:PORT)"
        )
    })?;
    let store: Arc<dyn Store> = home.open_or_make().await?;
    tracing::info!("data directory {}", home.path().display());
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    let config = Config {
        script_alias: options.script_alias.clone(),
        trusted_proxies: options.trusted_proxy.clone(),
        registry,
        summaries,
        body_limit: usize::from(options.body_limit) << 20,
        most_writes: options.max_writes.into(),
        most_reads: options.max_reads.into(),
        require_auth_for_reads: options.require_auth_for_reads,
        access_log: access
            .clone()
            .map(|file| -> AccessLog { Arc::new(move |access: &Access| file.write(access)) }),
        ..Config::default()
    };
    let connections = Connections {
        tls: tls.clone(),
        most: options.max_connections.into(),
        idle: Duration::from_secs(options.idle_timeout.into()),
        longest: Duration::from_secs(options.request_timeout.into()),
    };
    let alias = match config.script_alias.trim_matches('/') {
        "" => String::new(),
        alias => format!("/{alias}"),
    };
    let (stop, stopping) = told_to_stop()?;
    let hangups = signal(SignalKind::hangup()).context("cannot handle SIGHUP")?;
    if let Some(file) = &options.port_file {
        write_whole(file, &format!("{}\n", address.port()))
            .with_context(|| format!("cannot write the port to {}", file.display()))?;
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!("listening on {scheme}://{address}{alias}/perfsonar/archive/");
    tell_manager(&[NotifyState::Ready]);
    let clock = Arc::clone(&config.clock);
    let router = router(Arc::clone(&store), config);
    let retention = async {
        if let Some(policies) = &policies {
            daily(store.as_ref(), policies, move || clock(), stopping).await;
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(serve(listener, router, connections, stop), retention) } => {}
        () = refresh(hangups, settings, logging, access.as_deref(), tls.as_deref()) => {}
    }
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

/// Returns the policies, if old data are to be removed.
fn policies(options: &Serve, registry: &Registry) -> Result<Option<Policies>> {
    let Some(file) = &options.retention else {
        return Ok(None);
    };
    let policies = retention::policies(Some(file), registry)?;
    for note in policies.notes() {
        tracing::warn!("{}: {note}", file.display());
    }
    Ok(Some(policies))
}

/// Opens and reads again, at every SIGHUP, what may have changed. Never ends:
/// something that is wrong is logged, and what was there before stays.
async fn refresh(
    mut hangups: Signal,
    settings: &Settings,
    logging: &Logging,
    access: Option<&AccessFile>,
    tls: Option<&Tls>,
) {
    while hangups.recv().await.is_some() {
        if let Some(Err(error)) = access.map(AccessFile::reopen) {
            tracing::error!("{error:#}; the one that was open stays in use");
        }
        if let Some(Err(error)) = tls.map(Tls::reload) {
            let error = anyhow::Error::from(error);
            tracing::error!("{error:#}; the certificate that was read before stays in use");
        }
        match settings.reread() {
            Ok(new) => match logging.set(&new.cli.log) {
                Ok(()) => tell_differences(settings, &new),
                Err(error) => tracing::error!("the level of the log cannot be changed: {error:#}"),
            },
            Err(error) => {
                let error = anyhow::Error::from(error);
                tracing::error!("{error:#}; the settings stay as they are");
            }
        }
    }
    std::future::pending::<()>().await;
}

/// Logs what SIGHUP did to the settings.
fn tell_differences(old: &Settings, new: &Settings) {
    let mut waiting = new.differences(old);
    waiting.retain(|key| *key != "log");
    tracing::info!("read again at SIGHUP; logging {}", new.cli.log);
    if !waiting.is_empty() {
        let keys = waiting.join(", ");
        tracing::warn!("changed settings that take effect at the next start only: {keys}");
    }
}

/// Returns two futures that complete at SIGTERM or SIGINT. The second one
/// follows the first, which must be waited for.
fn told_to_stop() -> Result<(
    impl Future<Output = ()> + Send + 'static,
    impl Future<Output = ()> + Send + 'static,
)> {
    let mut signals = Signals::listen()?;
    let (tell, told) = oneshot::channel();
    let first = async move {
        let signal = signals.next().await;
        tracing::info!("stopping at {}", signal.name);
        tell_manager(&[NotifyState::Stopping]);
        // Without retention nobody listens.
        let _ = tell.send(());
    };
    let second = async move {
        // The sender goes when serving ends, which is as good.
        let _ = told.await;
    };
    Ok((first, second))
}

/// Tells systemd, if it asked to be told.
fn tell_manager(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("cannot tell the service manager: {error}");
    }
}

/// Writes a file so that a reader sees all of it or nothing. A device or a pipe
/// stays what it is.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    if file.metadata().is_ok_and(|there| !there.is_file()) {
        return std::fs::write(file, text);
    }
    let mut beside = file.as_os_str().to_owned();
    beside.push(".tmp");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}
