//! The options of the program, beside those of all query programs.

use std::path::PathBuf;

use clap::Args;
use esmond_ps_cli_common::app::Options;
use esmond_ps_cli_common::args::{QueryArgs, heading};
use esmond_ps_cli_common::report::UsageError;
use esmond_ps_client::ArchiveBuilder;

/// Options as typed.
#[derive(Debug, Clone, Args)]
pub(crate) struct GetArgs {
    /// Draw the results on the terminal, instead of printing them
    #[arg(long, help_heading = heading::OUTPUT)]
    pub(crate) plot: bool,

    /// Draw the results as a picture, FILE.svg or FILE.png
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub(crate) plot_file: Option<PathBuf>,

    /// Print statistics of each series: count, mean, median, ...
    #[arg(long, help_heading = heading::OUTPUT)]
    pub(crate) stats: bool,
}

/// Kinds of picture files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureKind {
    /// Shapes.
    Svg,
    /// Pixels.
    #[cfg(feature = "png")]
    Png,
}

/// Formats of statistics.
const STATS_FORMATS: [&str; 5] = ["human", "table", "json", "jsonl", "csv"];

impl GetArgs {
    /// Returns the kind of picture that is asked for, by its name.
    ///
    /// # Errors
    ///
    /// A name that says no kind.
    pub(crate) fn picture_kind(&self) -> Result<Option<PictureKind>, UsageError> {
        let Some(path) = &self.plot_file else {
            return Ok(None);
        };
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("svg") => Ok(Some(PictureKind::Svg)),
            #[cfg(feature = "png")]
            Some("png") => Ok(Some(PictureKind::Png)),
            #[cfg(not(feature = "png"))]
            Some("png") => Err(UsageError::new(
                "this program was built without PNG pictures: --plot-file takes a name that ends in .svg",
            )),
            _ => Err(UsageError::new(format!(
                "--plot-file takes a name that ends in .svg or .png, not {}",
                path.display()
            ))),
        }
    }
}

impl Options for GetArgs {
    fn check(&self, query: &QueryArgs) -> Result<(), UsageError> {
        self.picture_kind()?;
        let format = query.output_format.as_str();
        if self.plot && format != "human" {
            return Err(UsageError::new(format!(
                "--plot draws on the terminal and can not be used with --output-format {format}; \
                 --plot-file can"
            )));
        }
        if self.stats && format == "influx" {
            return Err(UsageError::new(format!(
                "--stats can not be used with --output-format influx (one of: {})",
                STATS_FORMATS.join(", ")
            )));
        }
        Ok(())
    }

    fn tune(&self, _: &QueryArgs, archive: ArchiveBuilder) -> ArchiveBuilder {
        archive
    }
}
