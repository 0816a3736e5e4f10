//! JSON objects in a text.
//!
//! Objects may follow each other in any way: one a line, over many lines, back to back,
//! in one list, behind record separators (RFC 7464). Lines of other text between them
//! are what a tool said beside its result.

use crate::lines::LIMIT;

/// A part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// One whole object, as far as its brackets tell.
    Object(String),
    /// The beginning of an object that was cut off.
    Cut(String),
    /// A line that is no part of an object.
    Text(String),
}

/// Finds the objects in the lines that it is given.
#[derive(Debug, Default)]
pub struct Documents {
    text: String,
    /// The open brackets, innermost last.
    open: Vec<u8>,
    /// The last byte that was not space.
    last: u8,
    string: Option<StringState>,
    /// Whether no line of the object is indented, its first one being a bare bracket.
    flat: bool,
    too_long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StringState {
    Plain,
    Escaped,
}

const RECORD_SEPARATOR: char = '\u{1e}';

/// Tells whether a line can be the beginning of JSON documents.
#[must_use]
pub fn begins(line: &str) -> bool {
    line.trim_start_matches(separates).starts_with('{')
}

/// What may stand between objects.
fn separates(letter: char) -> bool {
    letter.is_ascii_whitespace() || matches!(letter, RECORD_SEPARATOR | '[' | ']' | ',')
}

impl Documents {
    /// Takes the next line, without its end.
    pub fn line(&mut self, line: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut rest = line;
        if !self.open.is_empty() {
            self.flat &= !line.starts_with(char::is_whitespace);
            if line.starts_with('{') && !self.flat {
                // Nobody writes a part of an object that way: the one before was cut off.
                parts.push(self.finish(Part::Cut));
            }
        }
        loop {
            if self.open.is_empty() {
                rest = rest.trim_start_matches(separates);
                if rest.is_empty() {
                    return parts;
                }
                if !rest.starts_with('{') {
                    parts.push(Part::Text(rest.to_owned()));
                    return parts;
                }
                self.begin(rest);
            }
            let (taken, end) = self.scan(rest);
            self.keep(&rest[..taken]);
            rest = &rest[taken..];
            match end {
                End::Line => break,
                End::Object => parts.push(self.finish(Part::Object)),
                End::Broken => parts.push(self.finish(Part::Cut)),
            }
        }
        if self.string.is_some() {
            // No string goes on in the next line.
            parts.push(self.finish(Part::Cut));
        } else {
            self.keep("\n");
        }
        parts
    }

    /// Ends the text.
    pub fn end(&mut self) -> Option<Part> {
        (!self.open.is_empty()).then(|| self.finish(Part::Cut))
    }

    fn begin(&mut self, line: &str) {
        *self = Self {
            flat: line.trim_end() == "{",
            ..Self::default()
        };
    }

    fn keep(&mut self, text: &str) {
        if self.text.len() + text.len() > LIMIT {
            self.too_long = true;
        } else if !self.too_long {
            self.text.push_str(text);
        }
    }

    fn finish(&mut self, part: fn(String) -> Part) -> Part {
        self.open.clear();
        self.string = None;
        let text = std::mem::take(&mut self.text);
        if self.too_long {
            Part::Cut(text)
        } else {
            part(text)
        }
    }

    /// Goes on until the object ends, or cannot go on; returns how many bytes belong
    /// to it.
    fn scan(&mut self, text: &str) -> (usize, End) {
        for (at, byte) in text.bytes().enumerate() {
            if let Some(state) = self.string {
                self.string = match (state, byte) {
                    (StringState::Escaped, _) => Some(StringState::Plain),
                    (StringState::Plain, b'\\') => Some(StringState::Escaped),
                    (StringState::Plain, b'"') => None,
                    (StringState::Plain, _) => Some(StringState::Plain),
                };
                continue;
            }
            match byte {
                b'"' => self.string = Some(StringState::Plain),
                // An object where no value can stand: the one before was cut off.
                b'{' if !self.expects_value() => return (at, End::Broken),
                b'{' | b'[' => self.open.push(byte),
                b'}' | b']' => {
                    self.open.pop();
                    if self.open.is_empty() {
                        return (at + 1, End::Object);
                    }
                }
                0x1e => return (at, End::Broken),
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                self.last = byte;
            }
        }
        (text.len(), End::Line)
    }

    fn expects_value(&self) -> bool {
        match self.open.last() {
            None => true,
            Some(b'[') => matches!(self.last, b'[' | b','),
            Some(_) => self.last == b':',
        }
    }
}

enum End {
    Line,
    Object,
    Broken,
}

#[cfg(test)]
mod tests {
    use super::{Documents, Part};
    use proptest::prelude::*;

    fn parts(text: &str) -> Vec<String> {
        let mut documents = Documents::default();
        let mut all: Vec<Part> = text.lines().flat_map(|line| documents.line(line)).collect();
        all.extend(documents.end());
        all.into_iter()
            .map(|part| match part {
                Part::Object(text) => text.replace('\n', "/"),
                Part::Cut(text) => format!("CUT {}", text.replace('\n', "/")),
                Part::Text(text) => format!("TEXT {text}"),
            })
            .collect()
    }

    #[test]
    fn objects_are_found_however_they_follow_each_other() {
        assert_eq!(parts("{\"a\":{}}{}"), ["{\"a\":{}}", "{}"]);
        assert_eq!(parts("{}\n{}\n"), ["{}", "{}"]);
        assert_eq!(parts("[{},\n {}]\n"), ["{}", "{}"]);
        assert_eq!(parts("\u{1e}{}\n\u{1e}{}\n"), ["{}", "{}"]);
        assert_eq!(
            parts("{\n\"a\": [\n{}, {}\n]\n}\n"),
            ["{/\"a\": [/{}, {}/]/}"]
        );
        assert_eq!(parts(r#"{"a": "}\"{"}"#), [r#"{"a": "}\"{"}"#]);
    }

    #[test]
    fn other_text_is_kept_apart() {
        assert_eq!(
            parts("warning: {-f}\n{}\niperf3: error - x\n{} tail {}\n"),
            [
                "TEXT warning: {-f}",
                "{}",
                "TEXT iperf3: error - x",
                "{}",
                "TEXT tail {}"
            ]
        );
    }

    #[test]
    fn a_cut_object_does_not_take_the_next_one_with_it() {
        assert_eq!(
            parts("{\"a\": {\"b\": 1,\n{}\n"),
            ["CUT {\"a\": {\"b\": 1,/", "{}"]
        );
        assert_eq!(
            parts("{\"a\": \"Sun, 22\n{}\n"),
            ["CUT {\"a\": \"Sun, 22", "{}"]
        );
        assert_eq!(parts("{\"a\": [\n\u{1e}{}\n"), ["CUT {\"a\": [/", "{}"]);
        assert_eq!(parts("{\"a\": {}\n"), ["CUT {\"a\": {}/"]);
        assert_eq!(parts("{\"a\": [\n{}\n"), ["CUT {\"a\": [/", "{}"]);
        assert_eq!(parts("{\n\t\"a\": [\n{\n}\n"), ["CUT {/\t\"a\": [/", "{/}"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "([{}\\[\\]\",:\\\\a\\n\u{1e} ]|\"a\")*") {
            let found = parts(&format!("{text}\"\n\u{1e}{{\"last\": 1}}"));
            prop_assert_eq!(found.last().map(String::as_str), Some("{\"last\": 1}"));
        }
    }
}
