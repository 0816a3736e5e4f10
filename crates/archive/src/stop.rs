//! Signals that ask the program to stop.
//!
//! A command that only looks needs none of this: the signal ends it. One that
//! changes something is told at the first signal and ends after the step under
//! way; it is left where it is at the second.

use std::future::pending;
use std::pin::Pin;

use anyhow::{Context, Result};
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::commands::note;

/// Completes when the program is asked to stop.
pub(crate) type Asked = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A signal that asks to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) number: u8,
}

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over: from now on they end nothing by themselves.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot handle SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot handle SIGINT")?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Told {
        select! {
            _ = self.terminate.recv() => Told { name: "SIGTERM", number: 15 },
            _ = self.interrupt.recv() => Told { name: "SIGINT", number: 2 },
        }
    }
}

/// How work ended.
#[derive(Debug)]
pub(crate) enum Ended<T> {
    /// By itself; it may have been told to stop meanwhile.
    With(T, Option<Told>),
    /// It goes on: it was told to stop twice.
    Left(Told),
}

/// Does work that can be told to stop.
pub(crate) async fn interruptible<T, F>(work: impl FnOnce(Asked) -> F) -> Result<Ended<T>>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut signals = Signals::listen()?;
    let (ask, asked) = oneshot::channel();
    let mut work = tokio::spawn(work(Box::pin(async move {
        if asked.await.is_err() {
            pending::<()>().await;
        }
    })));
    const PANICKED: &str = "the work ended before its end";
    let told = select! {
        done = &mut work => return Ok(Ended::With(done.context(PANICKED)?, None)),
        told = signals.next() => told,
    };
    note(format_args!(
        "stopping at {}; a second signal ends it at once",
        told.name
    ));
    // It may have ended just now.
    let _ = ask.send(());
    select! {
        done = &mut work => Ok(Ended::With(done.context(PANICKED)?, Some(told))),
        told = signals.next() => Ok(Ended::Left(told)),
    }
}
