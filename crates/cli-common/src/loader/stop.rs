//! Ending early, at a record.
//!
//! DIFFERENCE: the original does so at SIGINT alone.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells whether the user or the system asked the program to end. Clones ask the
/// same.
#[derive(Debug, Clone)]
pub struct Stop {
    signals: watch::Receiver<Seen>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    first: Option<u8>,
    /// Whether there was a further one.
    again: bool,
}

impl Stop {
    /// Listens for SIGINT and SIGTERM on the current runtime, from now on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let (sender, signals) = watch::channel(Seen::default());
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    Some(()) = interrupt.recv() => 2,
                    Some(()) = terminate.recv() => 15,
                    else => return,
                };
                sender.send_modify(|seen| match seen.first {
                    None => seen.first = Some(number),
                    Some(_) => seen.again = true,
                });
            }
        });
        Ok(Self { signals })
    }

    /// Makes one that never is asked for.
    #[must_use]
    pub fn never() -> Self {
        let (_, signals) = watch::channel(Seen::default());
        Self { signals }
    }

    /// Returns the number of the signal that came, 2 (SIGINT) or 15 (SIGTERM).
    /// A program that computes for long without waiting for anything should
    /// [yield](tokio::task::yield_now) now and then, or none is seen.
    #[must_use]
    pub fn requested(&self) -> Option<u8> {
        self.signals.borrow().first
    }

    /// Waits for a signal and returns its number.
    pub async fn wait(&self) -> u8 {
        self.wait_for(|seen| seen.first.is_some()).await
    }

    /// Waits for a second signal: somebody is in a hurry.
    pub(crate) async fn wait_again(&self) -> u8 {
        self.wait_for(|seen| seen.again).await
    }

    async fn wait_for(&self, condition: impl Fn(&Seen) -> bool) -> u8 {
        let mut signals = self.signals.clone();
        let seen = match signals.wait_for(condition).await {
            Ok(seen) => *seen,
            // Nobody listens any more.
            Err(_) => return std::future::pending().await,
        };
        seen.first.unwrap_or_default()
    }
}
