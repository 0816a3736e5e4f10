//! Ending early, with nothing half-written left behind.

use anyhow::Context as _;
use esmond_ps_cli_common::report::Outcome;
use tokio::signal::unix::{SignalKind, signal};

/// Does the work until it is done, or SIGINT or SIGTERM comes; then it is dropped where
/// it is, with the files that it has not completed.
pub(crate) async fn interruptible(
    work: impl Future<Output = anyhow::Result<Outcome>>,
) -> anyhow::Result<Outcome> {
    let listen = |kind| signal(kind).context("listening for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! {
        result = work => result,
        Some(()) = interrupt.recv() => Ok(Outcome::Interrupted(2)),
        Some(()) = terminate.recv() => Ok(Outcome::Interrupted(15)),
    }
}
