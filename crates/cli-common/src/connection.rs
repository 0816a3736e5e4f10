//! From connection options to an [`Archive`].

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use esmond_ps_client::{Archive, ArchiveBuilder, Credentials, RequestEvent};

use crate::args::ConnectionArgs;
use crate::report::{Output, UsageError, chain};

/// Makes the client that the options describe, with what `tune` changes.
/// Nothing is sent yet.
///
/// # Errors
///
/// What is wrong with an option, or a file that cannot be read.
pub fn archive(
    args: &ConnectionArgs,
    url: &str,
    verbose: bool,
    tune: impl FnOnce(ArchiveBuilder) -> ArchiveBuilder,
    output: &mut Output<'_>,
) -> anyhow::Result<Archive> {
    let mut builder = builder(args, url, output)?;
    if verbose {
        builder = builder.on_request(|event| {
            if let Some(line) = log_line(event) {
                // A log that cannot be written is no reason to stop.
                writeln!(crate::problem::Stderr::default(), "{line}").ok();
            }
        });
    }
    tune(builder).build().map_err(|error| unusable(&error))
}

/// Starts the client that the options describe.
///
/// # Errors
///
/// As [`archive`].
pub(crate) fn builder(
    args: &ConnectionArgs,
    url: &str,
    output: &mut Output<'_>,
) -> anyhow::Result<ArchiveBuilder> {
    // DIFFERENCE: without `--timeout` the originals wait for ever; with 0 nothing
    // can be read.
    let timeout = u64::try_from(args.timeout)
        .ok()
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| UsageError::new("--timeout should be at least 1 second"))?;
    let retries = u32::try_from(args.retries)
        .map_err(|_| UsageError::new("--retries should be 0 or more"))?;
    require_scheme(url)?;
    let mut builder = Archive::builder(url)
        .script_alias(&args.script_alias)
        .timeout(Duration::from_secs(timeout))
        .retries(retries);
    if let Some(credentials) = credentials(args)? {
        builder = builder.credentials(credentials);
    }
    if let Some(path) = &args.cacert {
        let pem = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        builder = builder.ca_certificate(pem);
    }
    if args.insecure {
        output.note("warning: --insecure: the archive's certificate is not verified");
        builder = builder.danger_accept_invalid_certs(true);
    }
    Ok(builder)
}

/// What the builder refuses was an option.
pub(crate) fn unusable(error: &esmond_ps_client::Error) -> anyhow::Error {
    UsageError::new(chain(error)).into()
}

fn require_scheme(url: &str) -> Result<(), UsageError> {
    if url.contains("://") {
        return Ok(());
    }
    // Credentials may stand before the host; they are not shown.
    let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
    Err(UsageError::new(format!(
        "--url arg {host} has no scheme\nhint: try https://{host} or http://{host}"
    )))
}

fn credentials(args: &ConnectionArgs) -> anyhow::Result<Option<Credentials>> {
    // An empty option or variable says nothing.
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let key = match (given(&args.key), &args.key_file) {
        (Some(key), _) => Some(key),
        (None, Some(path)) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("reading --key-file {}", path.display()))?;
            let key = text.lines().next().unwrap_or_default().trim().to_owned();
            if key.is_empty() {
                anyhow::bail!("--key-file {} has no key on its first line", path.display());
            }
            Some(key)
        }
        (None, None) => None,
    };
    match (given(&args.user), key) {
        (_, None) => Ok(None),
        (Some(user), Some(key)) => Ok(Some(Credentials::token(user, key))),
        (None, Some(_)) => {
            Err(UsageError::new("--user is needed beside --key (or ESMOND_KEY, --key-file)").into())
        }
    }
}

/// Returns the line of `--verbose` about an event, in the words of the original
/// programs where they have one; some events have none.
#[must_use]
pub fn log_line(event: &RequestEvent<'_>) -> Option<String> {
    match event {
        RequestEvent::Sending { url, .. } => Some(format!("[url: {url}]")),
        RequestEvent::Retrying { pause, error, .. } => {
            let seconds = pause.as_secs_f64();
            Some(format!("[again in {seconds:.1} s: {}]", chain(*error)))
        }
        // DIFFERENCE: the originals do not tell the kind of the archive.
        RequestEvent::Recognised { dialect } => Some(format!("[archive: {dialect}]")),
        RequestEvent::Page { results, .. } => Some(format!("  ** got {results} results")),
        _ => None,
    }
}
