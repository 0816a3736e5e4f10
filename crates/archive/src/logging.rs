//! The program's own log, on stderr.
//!
//! What is logged can be changed while the archive runs. Texts that came from
//! clients cannot forge lines or talk to terminals: control characters are
//! written as escapes.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use crate::cli::LogFormat;

/// The log that was started.
#[derive(Debug)]
pub(crate) struct Logging(reload::Handle<Targets, Registry>);

impl Logging {
    /// Starts logging.
    pub(crate) fn start(filter: &str, format: LogFormat) -> Result<Self> {
        let (filter, handle) = reload::Layer::new(parsed(filter)?);
        let ansi = format == LogFormat::Text && io::stderr().is_terminal();
        let layer = fmt::layer()
            .with_ansi(ansi)
            .with_writer(move || Escaped { ansi });
        let layer = match format {
            LogFormat::Text => layer.boxed(),
            LogFormat::Json => layer.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry()
            .with(filter)
            .with(layer)
            .init();
        Ok(Self(handle))
    }

    /// Changes what is logged.
    pub(crate) fn set(&self, filter: &str) -> Result<()> {
        self.0.reload(parsed(filter)?).context("the log has ended")
    }
}

fn parsed(filter: &str) -> Result<Targets> {
    filter.parse().context("not a filter")
}

/// Writes to stderr without control characters.
struct Escaped {
    /// The log colours its lines; what it logs it escapes by itself then.
    ansi: bool,
}

impl Write for Escaped {
    /// Writes one event, which is a line.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let escaped = escaped(line, |c| self.ansi && c == '\u{1b}');
        writeln!(io::stderr().lock(), "{escaped}")?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Returns a text with its control characters as escapes, in the spelling of
/// JSON, apart from those that may stay.
pub(crate) fn escaped(text: &str, may_stay: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !may_stay(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn control_characters_become_escapes() {
        let text = "a\r\n2026-01-01 ERROR forged\u{1b}[31m\u{9b}2J\u{7f} é";
        assert_eq!(
            escaped(text, |_| false),
            "a\\u000d\\u000a2026-01-01 ERROR forged\\u001b[31m\\u009b2J\\u007f é"
        );
        assert_eq!(
            escaped("\u{1b}[2m\n", |c| c == '\u{1b}'),
            "\u{1b}[2m\\u000a"
        );
    }
}
