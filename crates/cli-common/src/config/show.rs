//! What `--show-config` prints.

use clap::parser::ValueSource;
use serde_json::{Map, Value, json};

use super::Settled;
use crate::report::told;

/// What stands in the place of a key.
const HIDDEN: &str = "set (hidden)";

/// The settings in the order in which they are shown: name and option.
const SHOWN: [(&str, &str); 11] = [
    ("archive", "archive"),
    ("url", "url"),
    ("script-alias", "script_alias"),
    ("user", "user"),
    ("key", "key"),
    ("key-file", "key_file"),
    ("cacert", "cacert"),
    ("insecure", "insecure"),
    ("timeout", "timeout"),
    ("retries", "retries"),
    ("jobs", "jobs"),
];

/// A setting, as shown.
struct Line {
    name: &'static str,
    /// `None`: not set.
    text: Option<String>,
    place: String,
}

impl Settled {
    /// Returns what holds as text or, if asked for, as JSON. `address` is where a
    /// program looks when no address is given.
    pub(crate) fn show(&self, address: Option<&str>, as_json: bool) -> String {
        let options = SHOWN
            .into_iter()
            .filter(|(_, id)| self.matches.try_contains_id(id).is_ok());
        let lines: Vec<Line> = options
            .map(|(name, id)| self.line(name, id, address))
            .collect();
        if as_json {
            self.json(&lines)
        } else {
            self.text(&lines)
        }
    }

    fn text(&self, lines: &[Line]) -> String {
        let mut text = String::new();
        for (path, is_there) in &self.files {
            let note = if *is_there { "" } else { "  (not there)" };
            let path = told(&path.to_string_lossy());
            text.push_str(&format!("configuration file: {path}{note}\n"));
        }
        text.push('\n');
        let shown = |line: &Line| line.text.clone().unwrap_or_else(|| "-".to_owned());
        let widest = lines.iter().map(|line| shown(line).chars().count()).max();
        // One long address need not push everything else out of sight.
        let width = widest.unwrap_or(0).min(40);
        for line in lines {
            let (name, value, place) = (line.name, shown(line), &line.place);
            text.push_str(&format!("{name:<12}  {value:<width$}  {place}\n"));
        }
        text
    }

    fn json(&self, lines: &[Line]) -> String {
        let files = self.files.iter();
        let files: Vec<Value> = files
            .map(|(path, is_there)| json!({"path": path.to_string_lossy(), "read": is_there}))
            .collect();
        let settings: Map<String, Value> = lines
            .iter()
            .map(|line| {
                let value: Value = match (line.name, &line.text) {
                    ("insecure" | "timeout" | "retries" | "jobs", Some(text)) => {
                        text.parse().unwrap_or_else(|_| text.clone().into())
                    }
                    (_, text) => text.clone().into(),
                };
                let setting = json!({"value": value, "from": line.place});
                (line.name.to_owned(), setting)
            })
            .collect();
        format!("{}\n", json!({"files": files, "settings": settings}))
    }

    fn line(&self, name: &'static str, id: &str, address: Option<&str>) -> Line {
        let text = self.matches.get_raw(id).and_then(Iterator::last);
        let text = text.map(|text| told(&text.to_string_lossy()));
        let text = text.filter(|text| !text.is_empty());
        let is_typed = self.matches.value_source(id) == Some(ValueSource::CommandLine);
        let place = match self.values.iter().find(|value| value.id == id) {
            _ if is_typed => format!("--{name}"),
            Some(value) => told(&value.place),
            None if text.is_some() => "default".to_owned(),
            None => "not set".to_owned(),
        };
        let (text, place) = match (id, text, &self.archive) {
            ("archive", _, Some((archive, place))) => (Some(told(archive)), told(place)),
            ("archive", _, None) => (None, "not set".to_owned()),
            ("url", None, _) if address.is_some() => {
                (address.map(ToOwned::to_owned), "default".to_owned())
            }
            ("url", Some(text), _) => (Some(without_user(&text)), place),
            ("key", Some(_), _) => (Some(HIDDEN.to_owned()), place),
            (_, text, _) => (text, place),
        };
        Line { name, text, place }
    }
}

/// Returns an address without the user and the password that it may hold: whatever it
/// is, what stands before an @ is not shown.
pub(super) fn without_user(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    match rest.rsplit_once('@') {
        Some((before, host)) if !before.is_empty() => format!("{scheme}...@{host}"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        for (address, expected) in [
            ("https://u:s3cret@h:1/x", "https://...@h:1/x"),
            ("https://u:s3/cret@h", "https://...@h"),
            ("https://h/x", "https://h/x"),
            ("u:s3cret@h", "...@h"),
            ("@name", "@name"),
        ] {
            let shown = without_user(address);
            assert_eq!(shown, expected);
        }
    }
}
