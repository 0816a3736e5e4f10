//! Whether everybody may read, and whether a key is good. Nothing is written: an
//! archive that refuses a key that nobody has, and takes ours, knows ours.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use esmond_ps_cli_common::args::ConnectionArgs;
use esmond_ps_client::{Archive, Dialect};

use crate::doctor::Report;
use crate::doctor::probe::{Answer, Probe};

/// A key that no archive has given to anybody.
const NOBODY: &str = "Token 0000000000000000000000000000000000000000";

/// Tells whether all users can read a file, and get to it. A group may be meant to.
fn is_open_to_all(path: &Path) -> bool {
    let allows = |path: &Path, bit| {
        fs::metadata(path).is_ok_and(|entry| entry.permissions().mode() & bit != 0)
    };
    let Ok(path) = fs::canonicalize(path) else {
        return false;
    };
    allows(&path, 0o004) && path.ancestors().skip(1).all(|above| allows(above, 0o001))
}

/// Tells about credentials, after a read with ours has succeeded.
pub(crate) async fn examine(
    connection: &ConnectionArgs,
    archive: &Archive,
    probe: &Probe,
    answer: &Answer,
    kind: Dialect,
    report: &mut Report<'_>,
) -> io::Result<()> {
    let is_open = answer.status == 200;
    let readers = if is_open {
        "everybody may read"
    } else {
        "reading needs credentials"
    };
    if let Some(path) = connection
        .key_file
        .as_deref()
        .filter(|path| is_open_to_all(path))
    {
        let path = path.display();
        let message = format!("every user of this machine can read {path}");
        report.warn("key file", message, format!("chmod o-r {path}"))?;
    }
    if connection.key.is_none() && connection.key_file.is_none() {
        return report.ok("credentials", format!("{readers}; none were given"));
    }
    if kind == Dialect::PerfSonar5 {
        let message = format!("{readers}; perfSONAR 5 archives do not look at keys");
        return report.ok("credentials", message);
    }
    if !is_open {
        return report.ok("credentials", format!("{readers}; the key is accepted"));
    }
    let refusal = probe.list(archive.address().url(), Some(NOBODY)).await;
    if refusal.is_ok_and(|refusal| refusal.status == 401) {
        return report.ok("credentials", format!("{readers}; the key is accepted"));
    }
    let message = format!("{readers}; whether the key is good does not show when reading");
    report.warn("credentials", message, "only a write would tell")
}
