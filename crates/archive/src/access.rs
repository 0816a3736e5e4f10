//! The access log: a line for every request.
//!
//! As text, a line is that of the web servers' "combined" format, with the
//! seconds that the request took at its end, and `cut` after them when the
//! answer did not go out whole. As JSON, it is one object.
//!
//! The file can be moved away and opened anew while the archive runs.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use esmond_ps_server::Access;
use serde_json::json;

use crate::cli::LogFormat;
use crate::logging::escaped;

/// An access log that is open.
#[derive(Debug)]
pub(crate) struct AccessFile {
    format: LogFormat,
    /// `None` for stdout.
    path: Option<PathBuf>,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: Option<File>,
    /// Whether the last line could not be written.
    failing: bool,
}

impl AccessFile {
    /// Opens a log. `-` is stdout, `off` none.
    pub(crate) fn open(target: &Path, format: LogFormat) -> Result<Option<Self>> {
        let path = match target.to_str() {
            Some("off") => return Ok(None),
            Some("-") => None,
            _ => Some(target.to_owned()),
        };
        let file = path.as_deref().map(append_to).transpose()?;
        Ok(Some(Self {
            format,
            path,
            open: Mutex::new(Open {
                file,
                failing: false,
            }),
        }))
    }

    /// Opens the file again, which may be another one of the same name.
    pub(crate) fn reopen(&self) -> Result<()> {
        if let Some(path) = &self.path {
            let file = append_to(path)?;
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.file = Some(file);
        }
        Ok(())
    }

    /// Writes a line. That a log fails is said once, until it works again.
    pub(crate) fn write(&self, access: &Access) {
        let mut line = match self.format {
            LogFormat::Text => text(access),
            LogFormat::Json => object(access),
        };
        line.push('\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut open.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => io::stdout().lock().write_all(line.as_bytes()),
        };
        match written {
            Ok(()) if open.failing => {
                tracing::info!("the access log is written again");
                open.failing = false;
            }
            Err(error) if !open.failing => {
                tracing::error!("cannot write the access log, lines are lost: {error}");
                open.failing = true;
            }
            Ok(()) | Err(_) => {}
        }
    }
}

fn append_to(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.with_context(|| format!("cannot open the access log {}", path.display()))
}

fn target(access: &Access) -> String {
    match access.query.as_str() {
        "" => access.path.clone(),
        query => format!("{}?{query}", access.path),
    }
}

fn text(access: &Access) -> String {
    let client = access
        .client
        .map_or("-".to_owned(), |client| client.to_string());
    let time = DateTime::<Utc>::from(access.time).format("%d/%b/%Y:%H:%M:%S %z");
    // A name with a space would shift the fields after it.
    let user = quoted(access.user.as_deref()).replace(' ', "\\u0020");
    let request = format!("{} {} {:?}", access.method, target(access), access.version);
    format!(
        "{client} - {user} [{time}] \"{}\" {} {} \"{}\" \"{}\" {:.3}{}",
        quoted(Some(&request)),
        access.status,
        access.bytes,
        quoted(access.referer.as_deref()),
        quoted(access.user_agent.as_deref()),
        access.duration.as_secs_f64(),
        if access.complete { "" } else { " cut" },
    )
}

/// Returns a text that can stand between quotes; `-` for none.
fn quoted(text: Option<&str>) -> String {
    let text = text.filter(|text| !text.is_empty()).unwrap_or("-");
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    escaped(&text, |_| false)
}

fn object(access: &Access) -> String {
    let time = DateTime::<Utc>::from(access.time).to_rfc3339_opts(SecondsFormat::Millis, true);
    let object = json!({
        "time": time,
        "client": access.client,
        "user": access.user,
        "method": access.method.as_str(),
        "path": access.path,
        "query": access.query,
        "version": format!("{:?}", access.version),
        "status": access.status,
        "bytes": access.bytes,
        "seconds": access.duration.as_secs_f64(),
        "complete": access.complete,
        "user-agent": access.user_agent,
        "referer": access.referer,
    });
    escaped(&object.to_string(), |_| false)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn access() -> Access {
        Access {
            time: UNIX_EPOCH + Duration::from_millis(1_750_000_000_250),
            duration: Duration::from_micros(4_200),
            client: "2001:db8::7".parse().ok(),
            user: Some("a \"b\"\n".to_owned()),
            method: "GET".parse().unwrap(),
            path: "/esmond/perfsonar/archive/".to_owned(),
            query: "source=a%20b".to_owned(),
            version: http::Version::HTTP_11,
            status: 200,
            bytes: 17,
            complete: true,
            user_agent: Some("curl\u{1b}[2J\u{9b}".to_owned()),
            referer: None,
        }
    }

    #[test]
    fn a_line_of_text_is_that_of_web_servers_with_the_seconds_after_it() {
        let mut access = access();
        assert_eq!(
            text(&access),
            "2001:db8::7 - a\\u0020\\\"b\\\"\\u000a [15/Jun/2025:15:06:40 +0000] \
             \"GET /esmond/perfsonar/archive/?source=a%20b HTTP/1.1\" 200 17 \
             \"-\" \"curl\\u001b[2J\\u009b\" 0.004"
        );
        access.client = None;
        access.user = None;
        access.user_agent = None;
        access.query.clear();
        access.complete = false;
        assert_eq!(
            text(&access),
            "- - - [15/Jun/2025:15:06:40 +0000] \
             \"GET /esmond/perfsonar/archive/ HTTP/1.1\" 200 17 \"-\" \"-\" 0.004 cut"
        );
    }

    #[test]
    fn a_line_of_json_gives_back_what_was_asked() {
        let line = object(&access());
        assert!(!line.contains(char::is_control), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["user"], "a \"b\"\n");
        assert_eq!(read["user-agent"], "curl\u{1b}[2J\u{9b}");
        assert_eq!(read["time"], "2025-06-15T15:06:40.250Z");
        assert_eq!(read["status"], 200);
        assert_eq!(read["client"], "2001:db8::7");
        assert_eq!(read["referer"], serde_json::Value::Null);
    }
}
