//! Takes the objects out of a JSON array while that is being read.

use crate::scan::{Scan, is_space};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// After the opening bracket.
    First,
    /// After a comma.
    Next,
    Inside,
    /// After an object.
    After,
    End,
}

/// Splits an array into its objects. Holds no more than one of them, and the last
/// part that came.
#[derive(Debug)]
pub(crate) struct Splitter {
    state: State,
    scan: Scan,
    buffer: Vec<u8>,
    /// Where the object begins that is being scanned; all before is done with.
    start: usize,
    /// What has been scanned.
    position: usize,
}

impl Splitter {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start,
            scan: Scan::default(),
            buffer: Vec::new(),
            start: 0,
            position: 0,
        }
    }

    /// Adds a part of the array.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.position -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns how many bytes are held.
    pub(crate) fn held(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Returns the next whole object; `None` when more has to be fed.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, String> {
        while let Some(byte) = self.buffer.get(self.position).copied() {
            self.position += 1;
            if self.state == State::Inside {
                if self.scan.ends_with(byte) {
                    self.state = State::After;
                    let object = self.start..self.position;
                    self.start = self.position;
                    return Ok(Some(&self.buffer[object]));
                }
                continue;
            }
            self.state = match (self.state, byte) {
                (state, space) if is_space(space) => state,
                (State::Start, b'[') => State::First,
                (State::First | State::After, b']') => State::End,
                (State::After, b',') => State::Next,
                (State::First | State::Next, b'{') => {
                    self.start = self.position - 1;
                    self.scan = Scan::default();
                    self.scan.ends_with(byte);
                    State::Inside
                }
                (_, byte) => {
                    let found = char::from(byte).escape_default();
                    return Err(format!("`{found}` where it should not be"));
                }
            };
            if self.state != State::Inside {
                self.start = self.position;
            }
        }
        Ok(None)
    }

    /// Tells whether the array has been closed.
    pub(crate) fn is_complete(&self) -> bool {
        self.state == State::End
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(parts: &[&[u8]]) -> Result<(Vec<String>, bool), String> {
        let mut splitter = Splitter::new();
        let mut objects = Vec::new();
        for part in parts {
            splitter.feed(part);
            while let Some(object) = splitter.next()? {
                objects.push(String::from_utf8(object.to_vec()).unwrap());
            }
        }
        Ok((objects, splitter.is_complete()))
    }

    #[test]
    fn brackets_in_strings_and_objects_do_not_end_an_object() {
        let text = br#" [ {"a":"}]\"{\\","b":[{},[]]} ,{}]  "#;
        let expected = vec![r#"{"a":"}]\"{\\","b":[{},[]]}"#.to_owned(), "{}".to_owned()];
        assert_eq!(split(&[text]).unwrap(), (expected.clone(), true));
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&bytes).unwrap(), (expected, true));
    }

    #[test]
    fn what_is_cut_off_is_not_complete() {
        let text = b"[{\"a\":1},{}]";
        for end in 0..text.len() {
            assert!(!split(&[&text[..end]]).unwrap().1, "{end}");
        }
    }

    #[test]
    fn what_is_no_array_of_objects_is_refused() {
        for text in [
            "{}", "[1]", "[{}{}]", "[,{}]", "[{},]", "[]]", "[] x", "[\"{}\"]",
        ] {
            assert!(split(&[text.as_bytes()]).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_of_any_size_make_the_same_objects(
            texts in proptest::collection::vec(any::<String>(), 0..20),
            size in 1_usize..64,
        ) {
            let objects: Vec<String> = texts
                .iter()
                .map(|text| serde_json::json!({ "status": text }).to_string())
                .collect();
            let array = format!("[{}]", objects.join(" ,"));
            let parts: Vec<&[u8]> = array.as_bytes().chunks(size).collect();
            prop_assert_eq!(split(&parts).unwrap(), (objects, true));
        }
    }
}
