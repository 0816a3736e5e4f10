//! Where the values of a run go: printed as rows, or drawn and counted.

use std::io;

use anyhow::Context as _;
use esmond_ps_cli_common::app::Session;
use esmond_ps_cli_common::emit::Emitter;
use esmond_ps_cli_common::layout::{Layout, RowContext, RowMaker};
use esmond_ps_cli_common::names::Resolver;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::UsageError;
use esmond_ps_cli_common::rows::Row;
use esmond_ps_client::Test;
use esmond_ps_model::{RowLayout, SummaryType};
use serde_json::Value;

use crate::options::GetArgs;
use crate::picture::Picture;
use crate::statistics::{COLUMNS, Collector, StatisticsError, Style};

/// Why a value could not be taken.
pub(crate) enum Refused {
    /// The output failed: the run ends.
    Output(io::Error),
    /// The series cannot be delivered; others can.
    Series(String),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// How much the rows of one value may weigh that wait for names, in bytes. A packet trace weighs some
/// thousands; what an archive may make up is bounded by its answers alone, and
/// each of the rows repeats what is known of the test.
const HEAVIEST: usize = 256 << 20;

/// Takes the values of the series of a run, one series after the other.
pub(crate) enum Sink<'a> {
    /// Prints them.
    Rows {
        // It is large.
        emitter: Box<Emitter<'a>>,
        layout: Layout,
        format: Format,
        maker: Option<Box<RowMaker>>,
        /// Whether the rows of the series begun last have no names to wait for.
        is_settled: bool,
    },
    /// Draws them, counts them, or both.
    Study(Box<Study<'a>>),
}

pub(crate) struct Study<'a> {
    session: &'a Session,
    picture: Option<Picture>,
    /// Whether the series begun last is in the picture.
    is_drawn: bool,
    /// Whether statistics are asked for.
    counts: bool,
    /// Those of the series begun last.
    current: Option<(Collector, RowContext)>,
    /// The statistics so far: a row for each series.
    rows: Vec<Row>,
    out: &'a mut (dyn io::Write + 'a),
    taken: u64,
}

impl<'a> Sink<'a> {
    /// Returns what the options ask for.
    ///
    /// # Errors
    ///
    /// What the event type's values are not fit for.
    pub(crate) fn new(
        session: &'a Session,
        options: &GetArgs,
        layout: Layout,
        out: &'a mut (dyn io::Write + 'a),
    ) -> anyhow::Result<Self> {
        if options.stats {
            check_numbers(session)?;
        }
        let picture = Picture::new(session, options)?;
        if picture.is_none() && !options.stats {
            return Ok(Self::Rows {
                emitter: Box::new(session.emitter(layout.columns(), out)),
                layout,
                format: session.plan.format,
                maker: None,
                is_settled: false,
            });
        }
        Ok(Self::Study(Box::new(Study {
            session,
            picture,
            is_drawn: false,
            counts: options.stats,
            current: None,
            rows: Vec::new(),
            out,
            taken: 0,
        })))
    }

    /// Begins the series of a test, and tells whether its values are wanted.
    pub(crate) fn begin(&mut self, test: &Test, context: RowContext) -> bool {
        match self {
            Self::Rows {
                emitter,
                layout,
                format,
                maker,
                is_settled,
            } => {
                *maker = Some(Box::new(RowMaker::new(*layout, &context, *format)));
                *is_settled = !emitter.looks_up();
                true
            }
            Self::Study(study) => study.begin(test, context),
        }
    }

    /// Settles the series begun last, of which there is more than a page: its rows no
    /// longer wait for names.
    pub(crate) async fn more(&mut self) -> Result<(), Refused> {
        if let Self::Rows {
            emitter,
            maker: Some(maker),
            is_settled,
            ..
        } = self
            && !*is_settled
        {
            *is_settled = emitter.settle(maker).await?;
        }
        Ok(())
    }

    /// Takes a value of the series begun last, given its time in Unix seconds.
    pub(crate) async fn take(&mut self, ts: i64, value: Value) -> Result<(), Refused> {
        match self {
            Self::Rows {
                emitter,
                maker: Some(maker),
                is_settled,
                ..
            } => {
                if *is_settled {
                    maker.each(ts, value, |row| emitter.print(row))?;
                } else {
                    emitter.emit(rows(maker, ts, value)?).await?;
                }
                Ok(())
            }
            Self::Rows { maker: None, .. } => Ok(()),
            Self::Study(study) => study.take(ts, &value),
        }
    }

    /// Ends the series begun last; `is_complete` when all of it was read.
    pub(crate) fn end(&mut self, is_complete: bool) -> Result<(), Refused> {
        match self {
            Self::Rows { .. } => Ok(()),
            Self::Study(study) => study.end(is_complete),
        }
    }

    /// Returns how many values or rows were taken.
    pub(crate) fn taken(&self) -> u64 {
        match self {
            Self::Rows { emitter, .. } => emitter.emitted(),
            Self::Study(study) => study.taken,
        }
    }

    /// Settles what is made of the values, and returns what to tell the user about it.
    pub(crate) fn settle(&mut self) -> Vec<String> {
        match self {
            Self::Study(study) => study.picture.as_mut().map(Picture::settle),
            Self::Rows { .. } => None,
        }
        .unwrap_or_default()
    }

    /// Prints what is not printed yet.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Rows { emitter, .. } => emitter.finish().await.context("writing the results"),
            Self::Study(study) => study.finish().await,
        }
    }
}

impl Study<'_> {
    fn begin(&mut self, test: &Test, context: RowContext) -> bool {
        let session = self.session;
        let picture = self.picture.as_mut();
        self.is_drawn = picture.is_some_and(|picture| picture.begin(session, test));
        if self.counts {
            let collector = Collector::new(&context.event_type, session.row_layout);
            self.current = Some((collector, context));
        }
        self.is_drawn || self.counts
    }

    fn take(&mut self, ts: i64, value: &Value) -> Result<(), Refused> {
        self.taken += 1;
        if let Some(picture) = self.picture.as_mut().filter(|_| self.is_drawn) {
            picture.add(ts, value);
        }
        if let Some((collector, _)) = &mut self.current {
            collector.add(ts, value)?;
        }
        Ok(())
    }

    fn end(&mut self, is_complete: bool) -> Result<(), Refused> {
        let current = self.current.take();
        if !is_complete {
            // Statistics of a part would be taken for those of the whole.
            if let Some(picture) = self.picture.as_mut().filter(|_| self.is_drawn) {
                picture.broke_off();
            }
            return Ok(());
        }
        if let Some((collector, context)) = current {
            let style = match self.session.plan.format {
                Format::Human => Style::Readable,
                _ => Style::Exact,
            };
            self.rows.extend(collector.row(&context, style)?);
        }
        Ok(())
    }

    async fn finish(self) -> anyhow::Result<()> {
        let out = self.out;
        if let Some(picture) = self.picture {
            let tells_nothing = self.counts;
            picture.finish(out, tells_nothing)?;
        }
        if !self.counts {
            return Ok(());
        }
        let format = match self.session.plan.format {
            // A line for each number would be hard to read.
            Format::Human => Format::Table,
            format => format,
        };
        let resolver = (!self.session.args.ip).then(Resolver::default);
        let mut emitter = Emitter::new(format, &COLUMNS, resolver, out);
        let printed = async {
            emitter.emit(self.rows).await?;
            emitter.finish().await
        };
        printed.await.context("writing the statistics")
    }
}

impl From<StatisticsError> for Refused {
    fn from(error: StatisticsError) -> Self {
        Self::Series(esmond_ps_cli_common::report::chain(&error))
    }
}

/// Statistics are of numbers, each of which was measured.
fn check_numbers(session: &Session) -> Result<(), UsageError> {
    let plan = &session.plan;
    let event_type = plan.event_type.as_deref().unwrap_or_default();
    if plan
        .summary
        .is_some_and(|(summary, _)| summary == SummaryType::Statistics)
    {
        return Err(UsageError::new(
            "--stats can not be used with --summary-type statistics: it computes them of the values \
             themselves",
        ));
    }
    let what = match session.row_layout {
        RowLayout::PacketTrace => "paths",
        RowLayout::Failures => "messages",
        RowLayout::Value => "documents",
        _ => return Ok(()),
    };
    let message = format!("--stats needs numbers: the values of {event_type} are {what}");
    Err(UsageError::new(message))
}

fn rows(maker: &mut RowMaker, ts: i64, value: Value) -> Result<Vec<Row>, Refused> {
    let mut rows = Vec::new();
    let mut weight = 0;
    maker.each(ts, value, |row| {
        weight += row.weight();
        if weight > HEAVIEST {
            let what = format!("the value of {ts} makes more rows than can be held");
            return Err(Refused::Series(what));
        }
        rows.push(row.clone());
        Ok(())
    })?;
    Ok(rows)
}
