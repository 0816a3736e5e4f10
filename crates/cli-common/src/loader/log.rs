//! The log of the loaders, in the documented form:
//!
//! ```text
//! ts=2015-04-07 15:08:45,123 event=main.start id=1428419325 no last record found
//! ```
//!
//! `ts` is local time, `id` the same moment as a Unix time. An event is one
//! line, whatever its text holds: much of it comes from logs and archives.
//!
//! Lines go through [`tracing`], under [`TARGET`]; what other crates trace is
//! not part of this log.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Local};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use crate::problem::{self, Level, Problem};
use crate::pytext;

/// Target of the lines among everything that is traced.
pub const TARGET: &str = "loader";

/// Writes a line to the log; `event` is a documented name such as
/// `main.start`.
pub fn line(event: &str, text: impl fmt::Display) {
    tracing::info!(target: TARGET, event, "{text}");
}

/// Calls a function that writes a line, with something done around it.
type Around = dyn Fn(&mut dyn FnMut()) + Send + Sync;

/// Where the lines go. Clones share it.
#[derive(Clone)]
pub struct Log {
    sink: Arc<Mutex<dyn Write + Send>>,
    around: Arc<Mutex<Option<Arc<Around>>>>,
    is_json: bool,
}

impl Log {
    /// Makes a log of something that can be written to. Each line is written in
    /// one go.
    #[must_use]
    pub fn new(sink: impl Write + Send + 'static) -> Self {
        Self {
            sink: Arc::new(Mutex::new(sink)),
            around: Arc::default(),
            is_json: false,
        }
    }

    /// Has lines written as the objects of `--json-errors`, if so asked.
    #[must_use]
    pub fn as_json(mut self, is_json: bool) -> Self {
        self.is_json = is_json;
        self
    }

    /// Has every line written inside `around`, which calls what it is given: a
    /// progress display steps aside meanwhile.
    pub fn write_inside(&self, around: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) {
        *self.around.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(around));
    }

    /// Returns a subscriber that writes this log.
    #[must_use]
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + 'static {
        tracing_subscriber::registry().with(Lines(self.clone()))
    }

    /// Makes this the log of the process; the first one stays.
    pub(crate) fn install(&self) {
        tracing::subscriber::set_global_default(self.subscriber()).ok();
    }

    fn write(&self, line: &str) {
        let mut write = || {
            let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
            // A log that cannot be written is no reason to stop.
            let written = sink.write_all(line.as_bytes());
            written.and_then(|()| sink.flush()).ok();
        };
        // Not locked while it is called: it may want to log, too.
        let around = {
            let around = self.around.lock().unwrap_or_else(PoisonError::into_inner);
            around.clone()
        };
        match around {
            Some(around) => around(&mut write),
            None => write(),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

/// Writes to stderr without holding it.
#[derive(Debug)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        problem::Stderr::default().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

struct Lines(Log);

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == TARGET
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let line = if self.0.is_json {
            format!("{}\n", problem(&parts))
        } else {
            format_line(Local::now(), &parts)
        };
        self.0.write(&line);
    }
}

#[derive(Default)]
struct Parts {
    event: String,
    text: String,
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "event" {
            self.event.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{value:?}");
        }
    }
}

/// Returns what a line tells, as bad as the name of its event says.
fn problem(Parts { event, text }: &Parts) -> Problem {
    let level = match event.rsplit_once('.').map_or("", |(_, kind)| kind) {
        "error" | "fatal" => Level::Error,
        "warn" | "warning" => Level::Warning,
        "debug" => Level::Debug,
        _ => Level::Note,
    };
    Problem::new(level, text).event(event)
}

/// DIFFERENCE: the originals write line breaks and control characters as they
/// come, so that a line of a transfer log can pass for one of theirs.
fn format_line(now: DateTime<Local>, Parts { event, text }: &Parts) -> String {
    let ts = now.format("%Y-%m-%d %H:%M:%S,%3f");
    let id = now.timestamp();
    let text = pytext::one_line(text);
    format!("ts={ts} event={event} id={id} {text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    /// A sink whose content can be looked at.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<u8>>>);

    impl Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seen {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_line_has_the_documented_form() {
        let now = Local.with_ymd_and_hms(2015, 4, 7, 15, 8, 5).unwrap()
            + chrono::Duration::milliseconds(7);
        let parts = Parts {
            event: "main.start".to_owned(),
            text: "no last record found".to_owned(),
        };
        let id = now.timestamp();
        assert_eq!(
            format_line(now, &parts),
            format!("ts=2015-04-07 15:08:05,007 event=main.start id={id} no last record found\n")
        );
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        // DIFFERENCE: control characters are made visible.
        let seen = Seen::default();
        let log = Log::new(seen.clone());
        tracing::subscriber::with_default(log.subscriber(), || {
            line("x.error", "a\nts=forged\r\x1b[2J\tb \u{e9}");
            tracing::error!("of another crate");
        });
        let text = seen.text();
        assert!(
            text.ends_with(" a\\nts=forged\\x0d\\x1b[2J\\tb \u{e9}\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_progress_display_steps_aside() {
        let seen = Seen::default();
        let log = Log::new(seen.clone());
        let around = seen.clone();
        log.write_inside(move |write| {
            around.clone().write_all(b"[").unwrap();
            write();
            around.clone().write_all(b"]").unwrap();
        });
        tracing::subscriber::with_default(log.subscriber(), || line("x", "y"));
        let text = seen.text();
        assert!(text.starts_with("[ts=") && text.ends_with("y\n]"), "{text}");
    }
}
