//! What a run tells: log lines, and progress on a terminal.

use esmond_ps_cli_common::loader::log::{self, Log};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::transfer::Style;

/// After how many records the log says so.
const RECORDS_PER_LINE: u64 = 100;

/// How progress is shown.
#[derive(Debug, Clone)]
pub enum Shown {
    /// Not at all.
    Nothing,
    /// As log lines.
    Lines,
    /// As a bar on the terminal.
    Bar(ProgressBar),
}

impl Shown {
    /// Makes a bar on stderr, which steps aside for the lines of the log.
    #[must_use]
    pub fn bar(log: &Log) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let aside = bar.clone();
        log.write_inside(move |write| aside.suspend(write));
        Self::Bar(bar)
    }
}

/// Writes the log of a run.
#[derive(Debug, Clone)]
pub struct Journal {
    style: Style,
    shown: Shown,
}

impl Journal {
    /// Makes one for this kind of log.
    #[must_use]
    pub fn new(style: Style, shown: Shown) -> Self {
        Self { style, shown }
    }

    /// How the run starts.
    pub fn start(&self, text: &str) {
        log::line("main.start", text);
    }

    /// What is read now.
    pub fn process(&self, text: &str) {
        log::line("main.process", text);
    }

    /// Something odd about the run.
    pub fn main_warn(&self, text: &str) {
        log::line("main.warn", text);
    }

    /// Something about the records.
    pub fn info(&self, text: &str) {
        log::line(&self.event("info"), text);
    }

    /// Something about a record that is stored less well than it should be.
    pub fn warning(&self, text: &str) {
        log::line(&self.event("warning"), text);
    }

    /// Something that was not loaded.
    pub fn error(&self, text: &str) {
        log::line(&self.event("error"), text);
    }

    /// The end.
    pub fn end(&self, text: &str) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        log::line(&self.event("end"), text);
    }

    /// A log of this length, as far as known, is read now.
    pub fn enter(&self, length: Option<u64>) {
        let Shown::Bar(bar) = &self.shown else {
            return;
        };
        let template = match length {
            Some(length) => {
                bar.set_length(length);
                "{wide_bar} {percent:>3}%  {msg}"
            }
            None => {
                bar.unset_length();
                "{spinner} {msg}"
            }
        };
        // The templates are well-formed.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    }

    /// That many records are done, up to this offset of the log.
    pub fn progress(&self, records: u64, offset: u64) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Lines => {
                if records.is_multiple_of(RECORDS_PER_LINE) {
                    self.info(&format!("{records} records processed"));
                }
            }
            Shown::Bar(bar) => {
                bar.set_message(format!("{records} records"));
                bar.set_position(offset);
            }
        }
    }

    /// DIFFERENCE: the original mixes the names of the two kinds up.
    fn event(&self, what: &str) -> String {
        let kind = match self.style {
            Style::Netlogger => "netlogger",
            Style::Json => "json",
        };
        format!("scan_and_load_{kind}.{what}")
    }
}
