//! Writing an archive to one file.
//!
//! DIFFERENCE: the original has no such command.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use clap::Args;
use esmond_ps_exchange::{Export as What, Totals, export};
use esmond_ps_server::config::SystemResolver;
use tempfile::{Builder, NamedTempFile};

use super::{Outcome, Types, note};
use crate::filters::{self, Filter, filter};
use crate::home::Home;
use crate::progress::Progress;
use crate::stop::{Ended, interruptible};

/// Write metadata, points and summaries to one compressed file
///
/// Works while the archive is served. Users are not part of the file ("backup"
/// has them). The file appears when it is complete.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  esmond-ps-archive export archive.jsonl.gz
  esmond-ps-archive export throughput.jsonl.gz \\
      --filter event-type:throughput
  esmond-ps-archive export - | ssh other esmond-ps-archive import -")]
pub(crate) struct Export {
    /// File to write, or to replace; - for stdout
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Only records that match, KEY:VALUE; can be given again with another key
    ///
    /// The filters of a metadata search: source, destination, measurement-agent,
    /// tool-name, event-type, time-start (of the last update), ...; every other
    /// key selects by a metadata parameter. Records are written with all their
    /// event types.
    #[arg(short = 'F', long = "filter", value_name = "KEY:VALUE", value_parser = filter)]
    filters: Vec<Filter>,
    #[command(flatten)]
    types: Types,
}

/// Where the file goes.
enum Target {
    Stdout,
    /// A device or a pipe, which must stay what it is.
    Stream(File),
    File(NamedTempFile, PathBuf),
}

impl Target {
    fn open(file: &Path) -> Result<Self> {
        if file == Path::new("-") {
            if io::stdout().is_terminal() {
                bail!("an export is compressed: give a FILE, or send stdout somewhere");
            }
            return Ok(Self::Stdout);
        }
        let cannot = || format!("cannot write {}", file.display());
        if file.metadata().is_ok_and(|there| !there.is_file()) {
            let opened = OpenOptions::new().write(true).open(file);
            return opened.map(Self::Stream).with_context(cannot);
        }
        // What a link leads to is replaced, not the link.
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let directory = file
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        // As for any new file, the umask decides who can read it.
        let made = Builder::new()
            .prefix(".export-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory.unwrap_or(Path::new(".")));
        Ok(Self::File(made.with_context(cannot)?, file))
    }

    fn stream(&self) -> Result<Box<dyn Write + Send>> {
        Ok(match self {
            Self::Stdout => Box::new(BufWriter::new(io::stdout())),
            Self::Stream(stream) => Box::new(BufWriter::new(stream.try_clone()?)),
            Self::File(file, _) => Box::new(BufWriter::new(file.reopen()?)),
        })
    }

    /// Makes the file appear.
    fn finish(self) -> Result<()> {
        if let Self::File(temporary, file) = self {
            temporary.as_file().sync_all()?;
            temporary.persist(file)?;
        }
        Ok(())
    }
}

/// Runs the command.
pub(crate) async fn run(options: &Export, home: &Home) -> Result<Outcome> {
    let registry = options.types.registry()?;
    let now = Utc::now().timestamp();
    let search = filters::for_store(&options.filters, &registry, &SystemResolver, now).await?;
    let store = home.open().await?;
    let what = What {
        search,
        ..What::everything(
            concat!("esmond-ps-archive ", env!("CARGO_PKG_VERSION")),
            now,
        )
    };
    let target = Target::open(&options.file)?;
    let stream = target.stream()?;
    let ended = interruptible(|stop| async move {
        let progress = Progress::start();
        let shown = |totals: &Totals| progress.show(totals);
        export(store.as_ref(), &what, stream, shown, stop).await
    });
    let totals = match ended.await? {
        Ended::With(Ok(totals), _) => totals,
        Ended::With(Err(esmond_ps_exchange::Error::Stopped), Some(told)) => {
            note(format_args!(
                "stopped by {}: the export is not complete",
                told.name
            ));
            return Ok(Outcome::Stopped(told.number));
        }
        Ended::With(Err(error), _) => {
            // Said here: also a pipe that was closed is a failure of an export.
            let error = anyhow::Error::new(error).context("the export is not complete");
            note(format_args!(
                "esmond-ps-archive: {}",
                esmond_ps_cli_common::report::chain(error.as_ref())
            ));
            return Ok(Outcome::Failed);
        }
        Ended::Left(told) => return Ok(Outcome::Left(told.number)),
    };
    target
        .finish()
        .with_context(|| format!("cannot write {}", options.file.display()))?;
    note(totals);
    Ok(Outcome::Done)
}
