//! What works and what does not between this machine and the points of an archive,
//! step by step: the name of the host, its addresses, its certificate, whether it is
//! an archive and of which kind, credentials, clocks, the newest points, and how much
//! a plain request brings.
//!
//! Nothing is written to the archive. The steps up to the kind of archive are asked
//! without credentials and without verifying the certificate, since they are to tell
//! what is wrong with it; everything else goes the way of all programs.

mod archive;
mod certificate;
mod credentials;
mod network;
mod probe;
mod series;

use std::io::{self, Write};

use esmond_ps_cli_common::args::ConnectionArgs;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::{Output, told};
use esmond_ps_client::Archive;
use serde_json::json;

use crate::doctor::probe::Probe;
use crate::options::DoctorJob;
use crate::print;

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    fn status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warn => 1,
            Self::Fail => 2,
        }
    }
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Which step.
    check: &'static str,
    level: Level,
    message: String,
    /// What to do about it; empty where nothing is to be done.
    next: String,
}

/// The findings, printed as they come.
pub(crate) struct Report<'a> {
    lines: Vec<Line>,
    out: &'a mut dyn Write,
    is_json: bool,
}

impl Report<'_> {
    /// Tells that something is well.
    pub(crate) fn ok(&mut self, check: &'static str, message: impl AsRef<str>) -> io::Result<()> {
        self.add(check, Level::Ok, message.as_ref(), "")
    }

    /// Tells that something is not as it should be.
    pub(crate) fn warn(
        &mut self,
        check: &'static str,
        message: impl AsRef<str>,
        next: impl AsRef<str>,
    ) -> io::Result<()> {
        self.add(check, Level::Warn, message.as_ref(), next.as_ref())
    }

    /// Tells that something does not work.
    pub(crate) fn fail(
        &mut self,
        check: &'static str,
        message: impl AsRef<str>,
        next: impl AsRef<str>,
    ) -> io::Result<()> {
        self.add(check, Level::Fail, message.as_ref(), next.as_ref())
    }

    fn add(
        &mut self,
        check: &'static str,
        level: Level,
        message: &str,
        next: &str,
    ) -> io::Result<()> {
        let line = Line {
            check,
            level,
            message: told(message),
            next: told(next),
        };
        if !self.is_json {
            let name = level.name();
            let Line { message, next, .. } = &line;
            let arrow = if next.is_empty() { "" } else { " -> " };
            writeln!(self.out, "{name:<5} {check}: {message}{arrow}{next}")?;
            // The next step may take its time.
            self.out.flush()?;
        }
        self.lines.push(line);
        Ok(())
    }

    fn level(&self) -> Level {
        let levels = self.lines.iter().map(|line| line.level);
        levels.max().unwrap_or(Level::Ok)
    }

    fn finish(self) -> io::Result<u8> {
        let level = self.level();
        if self.is_json {
            let lines: Vec<_> = self
                .lines
                .iter()
                .map(|line| {
                    json!({
                        "check": line.check,
                        "state": line.level.name(),
                        "message": line.message,
                        "next": line.next,
                    })
                })
                .collect();
            let document = json!({"state": level.name(), "checks": lines});
            print::line_of(&document, self.out)?;
        }
        Ok(level.status())
    }
}

/// Goes through all steps; returns the exit status.
pub(crate) async fn run(
    job: &DoctorJob,
    archive: &Archive,
    connection: &ConnectionArgs,
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<u8> {
    let mut report = Report {
        lines: Vec::new(),
        out: &mut output.out,
        is_json: format == Format::Json,
    };
    steps(job, archive, connection, &mut report).await?;
    Ok(report.finish()?)
}

/// Each step needs the one before; the first that fails is the last.
async fn steps(
    job: &DoctorJob,
    archive: &Archive,
    connection: &ConnectionArgs,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let root = archive.address().url();
    report.ok("address", root.as_str())?;
    let probe = Probe::new(job.timeout)?;
    if !network::examine(root, job.timeout, report).await? {
        return Ok(());
    }
    let answer = match probe.list(root, None).await {
        Ok(answer) => answer,
        Err(error) => {
            let (message, next) = probe::explain(root, &error);
            report.fail("http", message, next)?;
            return Ok(());
        }
    };
    let certificate = certificate::examine(&answer, report)?;
    archive::clock(&answer, job.now, report)?;
    let Some(kind) = archive::examine(
        job,
        archive,
        connection,
        &probe,
        &answer,
        certificate,
        report,
    )
    .await?
    else {
        return Ok(());
    };
    credentials::examine(connection, archive, &probe, &answer, kind, report).await?;
    series::examine(job, archive, report).await
}
