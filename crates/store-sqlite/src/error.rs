//! What went wrong, in the words of the store.

use std::error::Error as StdError;
use std::io::ErrorKind;

use esmond_ps_store::Error;
use rusqlite::{ErrorCode, ffi};

/// Names what was being done when the backend failed.
pub(crate) fn backend<E>(doing: &'static str) -> impl Fn(E) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    move |cause| {
        let kind = kind(&cause);
        let source = Box::new(cause);
        match kind {
            Kind::Full => Error::Full { doing, source },
            Kind::ReadOnly => Error::ReadOnly { doing, source },
            Kind::Busy | Kind::Other => Error::Backend { doing, source },
        }
    }
}

/// What the causes of an error come down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There is no room on the disk, or no more is allowed.
    Full,
    /// Nothing can be written.
    ReadOnly,
    /// Another process holds the database.
    Busy,
    /// Anything else.
    Other,
}

/// Finds out what an error comes down to.
pub(crate) fn kind(error: &(dyn StdError + 'static)) -> Kind {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<ffi::Error>() {
            return match (error.code, error.extended_code) {
                // SQLite reports a disk that is too full for its shared memory
                // as an error of input and output.
                (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Kind::Full,
                (ErrorCode::ReadOnly, _) => Kind::ReadOnly,
                // The system does not let it write, and SQLite does not say why: the
                // disk has become read-only or fails, there is a quota or a limit.
                (
                    _,
                    ffi::SQLITE_IOERR_WRITE
                    | ffi::SQLITE_IOERR_FSYNC
                    | ffi::SQLITE_IOERR_DIR_FSYNC
                    | ffi::SQLITE_IOERR_TRUNCATE,
                ) => Kind::ReadOnly,
                (ErrorCode::DatabaseBusy, _) => Kind::Busy,
                _ => Kind::Other,
            };
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Kind::Full,
                ErrorKind::ReadOnlyFilesystem => Kind::ReadOnly,
                _ => Kind::Other,
            };
        }
        cause = error.source();
    }
    Kind::Other
}
