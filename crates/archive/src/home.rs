//! The directory of the archive.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use esmond_ps_store_sqlite::SqliteStore;

use crate::cli::Cli;

/// Name of the file that makes a directory that of an archive.
const DATABASE: &str = "archive.sqlite";

/// The directory of the archive.
#[derive(Debug)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Returns the directory that is set.
    pub(crate) fn find(cli: &Cli) -> Result<Self> {
        let directory = cli.data.clone().ok_or_else(|| {
            anyhow!("no home directory to keep the archive in; name one with --data DIR")
        })?;
        Ok(Self(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Opens the archive; makes an empty one where there is none.
    pub(crate) async fn open_or_make(&self) -> Result<Arc<SqliteStore>> {
        let opened = SqliteStore::open(&self.0).await.map_err(|error| {
            let error = anyhow::Error::from(error);
            let hint = if is_denied(&error) {
                " (it must be writable; choose another with --data DIR)"
            } else {
                ""
            };
            error.context(format!(
                "cannot use the data directory {}{hint}",
                self.0.display()
            ))
        });
        Ok(Arc::new(opened?))
    }

    /// Opens the archive, which must be there: a command that reads should not
    /// find an empty archive because the directory is misspelt.
    pub(crate) async fn open(&self) -> Result<Arc<SqliteStore>> {
        self.require()?;
        self.open_or_make().await
    }

    /// Fails when there is no archive.
    pub(crate) fn require(&self) -> Result<()> {
        if !self.0.join(DATABASE).exists() {
            bail!(
                "there is no archive in {} (choose its directory with --data DIR)",
                self.0.display()
            );
        }
        Ok(())
    }
}

/// Tells whether another directory, or other permissions, would help.
fn is_denied(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(
            kind,
            Some(
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::AlreadyExists
            )
        )
    })
}
