//! The newest points of all pairs of hosts in an archive: as text, as JSON, and as one
//! page of HTML.
//!
//! [`read`] asks for them, a bounded number at a time; [`model`] is what is known of
//! each pair; [`text`], [`json`] and [`html`] show it.

mod html;
mod json;
mod model;
mod read;
mod text;

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use esmond_ps_cli_common::output::Format;
use esmond_ps_cli_common::report::Output;
use esmond_ps_client::Archive;

use crate::options::GridJob;

/// Reads, judges and shows all pairs; returns the exit status, which is that of the
/// worst cell.
pub(crate) async fn run(
    job: &GridJob,
    archive: &Archive,
    format: Format,
    output: &mut Output<'_>,
) -> anyhow::Result<u8> {
    // What cannot be written should show before the work.
    let page = job.file.as_deref().map(Page::create).transpose()?;
    let grid = read::grid(job, archive).await?;
    for note in &grid.notes {
        output.note(note);
    }
    if let Some(mut page) = page {
        html::write(&grid, &mut page.out).with_context(|| page.failure())?;
        page.finish()?;
    }
    match format {
        Format::Json => json::write(&grid, &mut output.out)?,
        _ => text::write(&grid, job.is_printed, &mut output.out)?,
    }
    Ok(grid.state().status())
}

/// A page that is being written: under another name until it is complete.
struct Page {
    out: BufWriter<File>,
    path: PathBuf,
    temporary: PathBuf,
    is_complete: bool,
}

impl Page {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary);
        let file = file.with_context(|| format!("writing --grid-file {}", path.display()))?;
        Ok(Self {
            out: BufWriter::new(file),
            path: path.to_owned(),
            temporary,
            is_complete: false,
        })
    }

    fn failure(&self) -> String {
        format!("writing --grid-file {}", self.path.display())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let failure = self.failure();
        self.out.flush().with_context(|| failure.clone())?;
        fs::rename(&self.temporary, &self.path).context(failure)?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if !self.is_complete {
            // Half a page is of no use to anybody.
            fs::remove_file(&self.temporary).ok();
        }
    }
}
