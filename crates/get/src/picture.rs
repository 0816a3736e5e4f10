//! Drawing the series of a run: on the terminal, and as a picture.
//!
//! DIFFERENCE: the original draws nothing.

use std::collections::HashMap;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use esmond_ps_cli_common::app::Session;
use esmond_ps_cli_common::report::UsageError;
use esmond_ps_client::Test;
use esmond_ps_model::SummaryType;
use esmond_ps_plot::{Chart, Panel};
use serde_json::Value;
use tempfile::Builder;

use crate::options::{GetArgs, PictureKind};
use crate::screen;

/// Most series in a picture.
pub(crate) const MOST_PANELS: usize = 12;

/// Width of a picture, in its own pixels.
const WIDTH: u32 = 1000;

/// How many pixels a PNG picture has for each of these, so that it is sharp on
/// today's screens and on paper.
#[cfg(feature = "png")]
const SHARPNESS: f32 = 2.0;

/// The series that are drawn.
#[derive(Debug)]
pub(crate) struct Picture {
    chart: Chart,
    /// Whose series each panel is.
    owners: Vec<Owner>,
    on_terminal: bool,
    file: Option<(PathBuf, PictureKind)>,
    /// Series that had no place.
    left_out: u64,
}

/// What tells the panels of a picture apart.
#[derive(Debug)]
struct Owner {
    tool: String,
    pair: String,
    key: String,
    is_incomplete: bool,
}

impl Picture {
    /// Returns a picture without series, when one is asked for.
    ///
    /// # Errors
    ///
    /// Values that cannot be drawn, or a directory that cannot be written to.
    pub(crate) fn new(session: &Session, options: &GetArgs) -> anyhow::Result<Option<Self>> {
        let kind = options.picture_kind()?;
        if !options.plot && kind.is_none() {
            return Ok(None);
        }
        let plan = &session.plan;
        let event_type = plan.event_type.as_deref().unwrap_or_default();
        if Panel::of("", event_type, session.row_layout, SummaryType::Base).is_none() {
            let message =
                format!("the values of {event_type} are documents, which cannot be drawn");
            return Err(UsageError::new(message).into());
        }
        let file = options.plot_file.clone().zip(kind);
        if let Some((path, _)) = &file {
            // Now rather than after hours of reading.
            tempfile::tempfile_in(directory(path))
                .with_context(|| format!("no picture can be written to {}", path.display()))?;
        }
        Ok(Some(Self {
            chart: Chart {
                title: title(session),
                from: plan.window.start,
                to: plan.window.end,
                panels: Vec::new(),
            },
            owners: Vec::new(),
            on_terminal: options.plot,
            file,
            left_out: 0,
        }))
    }

    /// Begins the series of a test, and tells whether it has a place.
    pub(crate) fn begin(&mut self, session: &Session, test: &Test) -> bool {
        let plan = &session.plan;
        let event_type = plan.event_type.as_deref().unwrap_or_default();
        let summary = plan
            .summary
            .map_or(SummaryType::Base, |(summary, _)| summary);
        self.drop_empty();
        if self.chart.panels.len() >= MOST_PANELS {
            self.left_out += 1;
            return false;
        }
        let property = |name| test.property(name).unwrap_or_else(|| "-".to_owned());
        self.chart
            .panels
            .extend(Panel::of("", event_type, session.row_layout, summary));
        self.owners.push(Owner {
            tool: property("tool-name"),
            pair: format!("{} to {}", property("source"), property("destination")),
            key: test.metadata_key.chars().take(8).collect(),
            is_incomplete: false,
        });
        true
    }

    /// Takes a value of the series begun last.
    pub(crate) fn add(&mut self, ts: i64, value: &Value) {
        if let Some(panel) = self.chart.panels.last_mut() {
            panel.add(ts, value);
        }
    }

    /// Takes that the series begun last could not be read to its end.
    pub(crate) fn broke_off(&mut self) {
        if let Some(owner) = self.owners.last_mut() {
            owner.is_incomplete = true;
        }
    }

    /// Settles how what was read is drawn, and returns what to tell the user about it.
    pub(crate) fn settle(&mut self) -> Vec<String> {
        self.drop_empty();
        self.label();
        let mut notes = Vec::new();
        if self.left_out > 0 {
            let series = if self.left_out == 1 {
                "series is"
            } else {
                "series are"
            };
            notes.push(format!(
                "{} more {series} not drawn: a plot has at most {MOST_PANELS}; \
                 choose with --tool, --agent or --filter",
                self.left_out
            ));
        }
        if self.chart.zoom_in() {
            let span = self.chart.span_told();
            notes.push(format!(
                "drawn is {span}; the rest of the time asked for holds nothing"
            ));
        }
        notes
    }

    /// Draws what there is. Where that is nothing, the terminal says so in words, and
    /// a picture is an empty one: an old one must not look like the answer.
    /// `is_quiet` leaves the words to somebody else.
    pub(crate) fn finish(mut self, out: &mut dyn io::Write, is_quiet: bool) -> anyhow::Result<()> {
        let is_empty = self.chart.panels.is_empty();
        if is_empty && !is_quiet {
            out.write_all(b"No data found.\n")?;
        }
        if !is_empty && self.on_terminal {
            let text = self.chart.terminal(screen::of_stdout());
            out.write_all(text.as_bytes())?;
        }
        let Some((path, kind)) = &self.file else {
            return Ok(());
        };
        if is_empty {
            self.chart.title.push_str(": no data found");
        }
        let height = self.chart.usual_height();
        let bytes = match kind {
            PictureKind::Svg => self.chart.svg(WIDTH, height).into_bytes(),
            #[cfg(feature = "png")]
            PictureKind::Png => self.chart.png(WIDTH, height, SHARPNESS)?,
        };
        write(path, &bytes).with_context(|| format!("writing {}", path.display()))
    }

    /// Drops the series begun last when nothing came of it.
    fn drop_empty(&mut self) {
        if self.chart.panels.last().is_some_and(Panel::is_empty) {
            self.chart.panels.pop();
            self.owners.pop();
        }
    }

    /// Names each panel by what sets it apart from the others.
    fn label(&mut self) {
        let same_pair = self.owners.windows(2).all(|two| two[0].pair == two[1].pair);
        let named = |owner: &Owner| {
            if same_pair {
                owner.tool.clone()
            } else {
                format!("{}, {}", owner.tool, owner.pair)
            }
        };
        let mut times: HashMap<String, u32> = HashMap::new();
        for owner in &self.owners {
            *times.entry(named(owner)).or_default() += 1;
        }
        for (panel, owner) in self.chart.panels.iter_mut().zip(&self.owners) {
            panel.label = named(owner);
            if times.get(&panel.label).is_some_and(|times| *times > 1) {
                panel.label.push_str(&format!(" ({})", owner.key));
            }
            if owner.is_incomplete {
                panel.label.push_str(" [incomplete]");
            }
        }
    }
}

fn title(session: &Session) -> String {
    let (args, plan) = (&session.args, &session.plan);
    let mut title = match plan.summary {
        None => String::new(),
        Some((summary, 0)) => format!("{summary} of "),
        Some((summary, window)) => format!("{summary} of {window} s of "),
    };
    title.push_str(plan.event_type.as_deref().unwrap_or_default());
    for (word, host) in [("from", &args.src), ("to", &args.dest)] {
        if let Some(host) = host.as_deref().filter(|host| !host.is_empty()) {
            title.push_str(&format!(" {word} {host}"));
        }
    }
    title
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Writes a file under a temporary name, and renames it once it is complete.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = Builder::new()
        .prefix(".esmond-ps-get-")
        .suffix(".part")
        // What the umask leaves of it, as for any other file.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
