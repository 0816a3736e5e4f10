//! Which resource a path names.
//!
//! Served are the classic forms and those of perfSONAR 5, each with and
//! without one trailing slash, below the script alias and without it. The
//! addresses in an answer start as the request's path did.
//!
//! DIFFERENCE: the original redirects the list, a record and the root to the
//! form with a slash (301, which breaks writers); ours serves them. It also
//! serves any path that merely contains `perfsonar/archive/`, and `KEY.json`
//! with broken addresses in the answer; ours does not.

use percent_encoding::percent_decode_str;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// The root of the perfSONAR services, which tells where the archive is.
    Root,
    /// The list of metadata records.
    List,
    /// A metadata record.
    Record {
        /// Key of the record.
        key: String,
    },
    /// An event type of a record.
    EventType {
        /// Key of the record.
        key: String,
        /// Name of the event type, as asked for.
        event_type: String,
    },
    /// The summaries of one type that an event type has.
    Summaries {
        /// Key of the record.
        key: String,
        /// Name of the event type, as asked for.
        event_type: String,
        /// URL form of the summary type, as asked for; not `base`.
        summary_type: String,
    },
    /// Points as posted, or the values of a summary.
    Series {
        /// Key of the record.
        key: String,
        /// Name of the event type, as asked for.
        event_type: String,
        /// URL form of the summary type, as asked for.
        summary_type: String,
        /// Window as asked for; `0` for `base` alone.
        window: String,
    },
}

/// A resource, and the prefix by which it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The script alias with a slash before it, or empty.
    pub prefix: String,
    /// The resource.
    pub resource: Resource,
}

impl Resource {
    /// Returns the methods that the resource takes, as the `Allow` header lists
    /// them.
    ///
    /// DIFFERENCE: the original lists PATCH for records, which crashes it, and
    /// POST for event types, which it accepts and ignores.
    #[must_use]
    pub const fn allow(&self) -> &'static str {
        match self {
            Self::Root | Self::EventType { .. } => "GET, HEAD, OPTIONS",
            Self::List | Self::Summaries { .. } | Self::Series { .. } => "GET, POST, HEAD, OPTIONS",
            Self::Record { .. } => "GET, PUT, HEAD, OPTIONS",
        }
    }
}

impl Resource {
    /// Returns the kind of the resource in a word, for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::List => "list",
            Self::Record { .. } => "record",
            Self::EventType { .. } => "event-type",
            Self::Summaries { .. } => "summaries",
            Self::Series { summary_type, .. } if summary_type == "base" => "base",
            Self::Series { .. } => "summary",
        }
    }
}

/// Resolves the path of a request, percent-encoded as it came. `alias` is the
/// script alias without slashes at its ends; empty for none. `None` when the
/// path names nothing.
#[must_use]
pub fn resolve(path: &str, alias: &str) -> Option<Target> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let path = path.strip_prefix('/')?;
    // Old loaders told `--script_alias /esmond/` ask for `/esmond//perfsonar/`.
    let below_alias = path
        .strip_prefix(alias)
        .filter(|rest| !alias.is_empty() && rest.starts_with('/'))
        .map(|rest| rest.trim_start_matches('/'));
    if let Some(resource) = below_alias.and_then(resource) {
        let prefix = format!("/{alias}");
        return Some(Target { prefix, resource });
    }
    resource(path).map(|resource| Target {
        prefix: String::new(),
        resource,
    })
}

fn resource(path: &str) -> Option<Resource> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    let owned = |text: &&str| (*text).to_owned();
    let resource = match segments.as_slice() {
        ["perfsonar"] => Resource::Root,
        ["perfsonar", "archive"] => Resource::List,
        ["perfsonar", "archive", key] if is_key(key) => Resource::Record { key: owned(key) },
        ["perfsonar", "archive", names @ ..] if names.iter().all(|name| is_name(name)) => {
            match names {
                [key, event_type] if !event_type.contains('@') => Resource::EventType {
                    key: owned(key),
                    event_type: owned(event_type),
                },
                [key, event_type, summary_type] if *summary_type != "base" => Resource::Summaries {
                    key: owned(key),
                    event_type: owned(event_type),
                    summary_type: owned(summary_type),
                },
                [key, event_type, base] => Resource::Series {
                    key: owned(key),
                    event_type: owned(event_type),
                    summary_type: owned(base),
                    window: "0".to_owned(),
                },
                [key, event_type, summary_type, window] => Resource::Series {
                    key: owned(key),
                    event_type: owned(event_type),
                    summary_type: owned(summary_type),
                    window: owned(window),
                },
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(resource)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.contains('.')
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str, alias: &str) -> String {
        let Some(Target { prefix, resource }) = resolve(path, alias) else {
            return "nothing".to_owned();
        };
        let resource = match resource {
            Resource::Root => "root".to_owned(),
            Resource::List => "list".to_owned(),
            Resource::Record { key } => format!("record {key}"),
            Resource::EventType { key, event_type } => format!("type {key} {event_type}"),
            Resource::Summaries {
                key,
                event_type,
                summary_type,
            } => format!("summaries {key} {event_type} {summary_type}"),
            Resource::Series {
                key,
                event_type,
                summary_type,
                window,
            } => format!("series {key} {event_type} {summary_type} {window}"),
        };
        format!("[{prefix}] {resource}")
    }

    #[test]
    fn classic_and_perfsonar_5_forms_are_served_with_and_without_slash() {
        for (path, expected) in [
            ("", "root"),
            ("/archive", "list"),
            ("/archive/ab12", "record ab12"),
            ("/archive/a%20b", "record a b"),
            ("/archive/ab12/throughput", "type ab12 throughput"),
            (
                "/archive/ab12/throughput/base",
                "series ab12 throughput base 0",
            ),
            (
                "/archive/ab12/throughput/base/0",
                "series ab12 throughput base 0",
            ),
            (
                "/archive/ab12/throughput/base/300",
                "series ab12 throughput base 300",
            ),
            (
                "/archive/ab12/throughput/averages",
                "summaries ab12 throughput averages",
            ),
            (
                "/archive/ab12/throughput/averages/86400",
                "series ab12 throughput averages 86400",
            ),
            (
                "/archive/ab12/throughput/averages/@3600",
                "series ab12 throughput averages @3600",
            ),
            ("/%61rchive/ab12", "record ab12"),
        ] {
            for slash in ["", "/"] {
                let under = format!("/esmond/perfsonar{path}{slash}");
                assert_eq!(shown(&under, "esmond"), format!("[/esmond] {expected}"));
                let bare = format!("/perfsonar{path}{slash}");
                assert_eq!(shown(&bare, "esmond"), format!("[] {expected}"));
                assert_eq!(shown(&bare, ""), format!("[] {expected}"));
            }
        }
    }

    #[test]
    fn other_paths_name_nothing() {
        // DIFFERENCE: the original serves some of them.
        for path in [
            "",
            "/",
            "/esmond",
            "/esmond/",
            "/esmond/v2/",
            "/esmond/perfsonar/Archive/",
            "/esmond/perfsonar//archive/",
            "/esmond/perfsonar/archive//",
            "/esmond/perfsonar/archive/ab12//",
            "/esmond/perfsonar/archive/ab12/throughput//",
            "/esmond/perfsonar/archive/ab12.json",
            "/esmond/perfsonar/archive.json",
            "/esmond/perfsonar/archive/ab12/through%20put/",
            "/esmond/perfsonar/archive/ab12/throughput/base/0/1",
            "/x/perfsonar/archive/",
            "/esmond/x/perfsonar/archive/",
            "/perfsonar/archive/%FF/",
        ] {
            assert_eq!(shown(path, "esmond"), "nothing", "{path}");
        }
        assert_eq!(shown("/esmond/perfsonar/archive/", ""), "nothing");
    }

    #[test]
    fn slashes_may_repeat_after_the_alias() {
        let path = "/esmond//perfsonar/archive/";
        assert_eq!(shown(path, "esmond"), "[/esmond] list");
        assert_eq!(shown("/esmond/perfsonar//archive/", "esmond"), "nothing");
        assert_eq!(shown("/esmondperfsonar/archive/", "esmond"), "nothing");
    }

    #[test]
    fn an_alias_may_have_several_segments_or_the_name_of_the_root() {
        assert_eq!(shown("/a/b/perfsonar/archive/", "a/b"), "[/a/b] list");
        assert_eq!(shown("/perfsonar/archive/", "perfsonar"), "[] list");
        assert_eq!(
            shown("/perfsonar/perfsonar/archive/", "perfsonar"),
            "[/perfsonar] list"
        );
    }
}
