//! What is shown while a command goes on: a line on a terminal, nothing
//! elsewhere.

use std::fmt::Display;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on stderr that changes; gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn start() -> Self {
        // Hidden unless stderr is a terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())))
    }

    /// Says how far things are. The text must be free of control characters.
    pub(crate) fn show(&self, how_far: impl Display) {
        if !self.0.is_hidden() {
            self.0.set_message(how_far.to_string());
            self.0.tick();
        }
    }

    /// Does something while the line is away.
    pub(crate) fn hidden<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
