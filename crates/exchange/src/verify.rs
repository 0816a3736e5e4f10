//! Checking a file without storing anything.

use std::io::Read;
use std::pin::pin;

use crate::parts::Parts;
use crate::stop::Stop;
use crate::{Error, Header, Limits, Result, Totals};

/// What is in a file that is complete and undamaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The first line.
    pub header: Header,
    /// How much there is.
    pub totals: Totals,
}

/// Reads a file to its end and checks everything that an import would: that
/// each line can be understood, each value fits its kind, and all counts and
/// digests are right. `on_progress` gets what was read until then.
///
/// # Errors
///
/// Those of a file, naming the line; [`Error::Stopped`] when `stop` completes.
pub async fn verify<R: Read + Send>(
    stream: R,
    limits: Limits,
    mut on_progress: impl FnMut(&Totals) + Send,
    stop: impl Future<Output = ()> + Send,
) -> Result<Verified> {
    let mut stop = pin!(stop);
    let mut stop = Stop::new(stop.as_mut());
    let mut parts = Parts::new(stream, limits)?;
    while parts.next()?.is_some() {
        on_progress(&parts.totals());
        if stop.told_after_others().await {
            return Err(Error::Stopped);
        }
    }
    Ok(Verified {
        header: parts.header().clone(),
        totals: parts.totals(),
    })
}
