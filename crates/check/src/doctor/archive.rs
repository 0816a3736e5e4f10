//! Whether an archive answers, of which kind it is, and whether its clock is right.

use std::io;

use esmond_ps_cli_common::args::ConnectionArgs;
use esmond_ps_cli_common::report::chain;
use esmond_ps_client::request::ArchiveAddress;
use esmond_ps_client::{Archive, Dialect, Error};
use esmond_ps_model::MetadataFilters;
use futures_util::TryStreamExt as _;
use url::Url;

use crate::doctor::Report;
use crate::doctor::certificate::Certificate;
use crate::doctor::probe::{Answer, Probe};
use crate::duration;
use crate::options::DoctorJob;

/// Difference of clocks, in seconds, that a warning is worth.
const SKEW: i64 = 5;

/// Difference of clocks, in seconds, with which windows of time are wrong.
const BAD_SKEW: i64 = 300;

/// Aliases below which archives are found.
const USUAL_ALIASES: [&str; 4] = ["esmond", "", "archive", "ma"];

/// What an archive calls itself in its description, when it is one of ours.
const OWN_TITLE: &str = "perfSONAR measurement archive";

/// Compares the clocks.
pub(crate) fn clock(answer: &Answer, now: i64, report: &mut Report<'_>) -> io::Result<()> {
    // The run began at `now`, a little before the answer.
    let here = chrono::Utc::now().timestamp();
    let Some(there) = answer.date else {
        return report.ok("clock", "the archive does not tell its time");
    };
    let skew = if there < now {
        now - there
    } else {
        (there - here).max(0)
    };
    let side = if there < now { "behind" } else { "ahead of" };
    if skew <= SKEW {
        return report.ok("clock", format!("within {SKEW} s of this machine's"));
    }
    let message = format!(
        "the archive is {} {side} this machine",
        duration::words(skew)
    );
    let next = "have both set by NTP; windows of time are off by as much until then";
    if skew > BAD_SKEW {
        report.fail("clock", message, next)
    } else {
        report.warn("clock", message, next)
    }
}

/// Tells whether this is an archive; returns its kind, or nothing when there is no
/// sense in going on. An archive without tests is of the classic kind.
pub(crate) async fn examine(
    job: &DoctorJob,
    archive: &Archive,
    connection: &ConnectionArgs,
    probe: &Probe,
    answer: &Answer,
    certificate: Option<Certificate>,
    report: &mut Report<'_>,
) -> io::Result<Option<Dialect>> {
    let root = archive.address().url();
    if connection.insecure && root.scheme() == "https" {
        let next = "leave --insecure out, and trust the certificate with --cacert FILE";
        report.warn(
            "trust",
            "the certificate is not verified (--insecure)",
            next,
        )?;
    }
    let few = MetadataFilters::new().parameter("limit", "1");
    match archive.metadata(&few).try_next().await {
        Ok(found) => {
            if root.scheme() == "https" && !connection.insecure {
                report.ok("trust", "the certificate is trusted")?;
            }
            let kind = found
                .as_ref()
                .map(|_| archive.dialect().unwrap_or(Dialect::Classic));
            report.ok("archive", kind_words(kind, probe, root).await)?;
            Ok(Some(kind.unwrap_or(Dialect::Classic)))
        }
        Err(error) if error.is_certificate() => {
            let text = chain(&error);
            report.fail("trust", &text, trust(&text, certificate, root))?;
            Ok(None)
        }
        Err(error) if error.is_unauthorized() => {
            refused(&error, answer, connection, root, report)?;
            Ok(None)
        }
        Err(error) => {
            let next = elsewhere(job, probe, answer, root).await;
            report.fail("archive", chain(&error), next)?;
            Ok(None)
        }
    }
}

/// Says what to do about a certificate that is not trusted.
fn trust(text: &str, certificate: Option<Certificate>, root: &Url) -> String {
    if text.contains("expired") {
        return "have it renewed; until then --insecure reads without protection".to_owned();
    }
    if text.contains("not valid for name") {
        return "use the name that the certificate is made for in --url".to_owned();
    }
    if certificate.is_some_and(|certificate| certificate.is_self_signed) {
        let host = root.host_str().unwrap_or_default();
        let port = root.port_or_known_default().unwrap_or(443);
        return format!(
            "it is self-signed: fetch it once with `openssl s_client -connect {host}:{port} \
             </dev/null | openssl x509 -out archive.pem`, compare it with the operator's, and use \
             --cacert archive.pem"
        );
    }
    "trust its authority with --cacert FILE (a PEM file)".to_owned()
}

/// Tells about an archive that does not let us in.
fn refused(
    error: &Error,
    answer: &Answer,
    connection: &ConnectionArgs,
    root: &Url,
    report: &mut Report<'_>,
) -> io::Result<()> {
    let text = chain(error);
    let has_key = connection.key.is_some() || connection.key_file.is_some();
    if answer.status == 403 && root.scheme() == "http" {
        let next = "archives of perfSONAR 5 answer over https alone: try https:// in --url";
        return report.fail("archive", text, next);
    }
    if !has_key {
        let next = "reading needs credentials there: --user NAME --key-file FILE";
        return report.fail("credentials", text, next);
    }
    let next = if answer.status == 200 {
        "the key is wrong, and everybody may read: leave it out, or get a new one"
    } else {
        "check --user and the key; the operator of the archive can make a new one"
    };
    report.fail("credentials", text, next)
}

/// Names the kind of archive, with the version where it tells one.
async fn kind_words(kind: Option<Dialect>, probe: &Probe, root: &Url) -> String {
    let version = match kind {
        Some(Dialect::PerfSonar5) => None,
        _ => own_version(probe, root).await,
    };
    let name = match (kind, version) {
        (_, Some(version)) => format!("esmond-ps-archive {version}"),
        (Some(kind), None) => kind.to_string(),
        (None, None) => "an archive".to_owned(),
    };
    match kind {
        Some(_) => name,
        None => format!("{name}, without any test"),
    }
}

/// Asks for the description that our archive gives of itself.
async fn own_version(probe: &Probe, root: &Url) -> Option<String> {
    let url = root.join("/openapi.json").ok()?;
    let description = probe.get(url, None).await.ok()?.json?;
    let info = description.get("info")?;
    (info.get("title")?.as_str()? == OWN_TITLE)
        .then(|| info.get("version")?.as_str().map(str::to_owned))
        .flatten()
}

/// Looks for the archive at other places of the host, and says what to do.
async fn elsewhere(job: &DoctorJob, probe: &Probe, answer: &Answer, root: &Url) -> String {
    if let Some(location) = &answer.location {
        return format!("it redirects to {location}: try that in --url");
    }
    let origin = root.origin().ascii_serialization();
    for alias in USUAL_ALIASES {
        let Ok(address) = ArchiveAddress::parse(&origin, alias) else {
            continue;
        };
        if address.url() == root {
            continue;
        }
        let found = probe.list(address.url(), None).await;
        if found.is_ok_and(|found| found.is_archive()) {
            let alias = if alias.is_empty() { "/" } else { alias };
            return format!(
                "an archive is at {address}: use --url {origin} --script-alias {alias}"
            );
        }
    }
    let alias = &job.script_alias;
    format!(
        "no archive was found below the usual paths either: check --url and --script-alias (now {alias})"
    )
}
