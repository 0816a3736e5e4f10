//! Takes a file out of `{"configurationFile": "base64"}` while that is being read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::error::BoxedError;
use crate::scan::{Scan, is_space};

#[derive(Debug)]
enum State {
    Start,
    /// Before the name of a member.
    Member,
    Name {
        text: Vec<u8>,
        scan: Scan,
    },
    /// After the name of a member; tells whether it is the right one.
    Colon(bool),
    Value(bool),
    File,
    /// After a backslash inside the file.
    Escape,
    /// The four digits after `\u`.
    Code(String),
    /// Inside another member.
    Skip(Scan),
    AfterMember,
    End,
}

/// Decodes the file part by part.
#[derive(Debug)]
pub(crate) struct Extractor {
    state: State,
    /// Letters that do not make up whole bytes yet.
    letters: Vec<u8>,
    has_file: bool,
}

impl Extractor {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start,
            letters: Vec::new(),
            has_file: false,
        }
    }

    /// Takes a part of the answer, and returns the part of the file that is in it.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, BoxedError> {
        for byte in bytes {
            self.take(*byte)?;
        }
        let complete = self.letters.len() / 4 * 4;
        let rest = self.letters.split_off(complete);
        let letters = std::mem::replace(&mut self.letters, rest);
        // Only the end of a file is padded.
        let goes_on = matches!(self.state, State::File | State::Escape | State::Code(_));
        if goes_on && letters.ends_with(b"=") && !self.letters.is_empty() {
            return Err("the base64 goes on after its end".into());
        }
        Ok(BASE64.decode(letters)?)
    }

    /// Tells whether the whole file has come.
    pub(crate) fn is_complete(&self) -> bool {
        self.has_file && self.letters.is_empty() && matches!(self.state, State::End)
    }

    fn take(&mut self, byte: u8) -> Result<(), BoxedError> {
        let state = std::mem::replace(&mut self.state, State::End);
        self.state = match (state, byte) {
            (State::File, b'"') => {
                self.has_file = true;
                State::AfterMember
            }
            (State::File, b'\\') => State::Escape,
            (State::File, letter) => self.letter(letter),
            (State::Escape, b'u') => State::Code(String::new()),
            (State::Escape, letter) => self.letter(letter),
            (State::Code(mut digits), digit) => {
                digits.push(char::from(digit));
                if digits.len() < 4 {
                    State::Code(digits)
                } else {
                    let code = u32::from_str_radix(&digits, 16)?;
                    self.letter(u8::try_from(code)?)
                }
            }
            (State::Name { mut text, mut scan }, byte) => {
                text.push(byte);
                if scan.ends_with(byte) {
                    let name: String = serde_json::from_slice(&text)?;
                    State::Colon(name == "configurationFile")
                } else {
                    State::Name { text, scan }
                }
            }
            (State::Skip(scan), b',' | b'}') if scan.is_outside() => {
                self.state = State::AfterMember;
                return self.take(byte);
            }
            (State::Skip(mut scan), byte) => {
                scan.ends_with(byte);
                State::Skip(scan)
            }
            (state, space) if is_space(space) => state,
            (State::Start, b'{') | (State::AfterMember, b',') => State::Member,
            (State::Member, b'"') => {
                let mut scan = Scan::default();
                scan.ends_with(byte);
                let text = vec![byte];
                State::Name { text, scan }
            }
            (State::Member, b'}') | (State::AfterMember, b'}') => State::End,
            (State::Colon(is_file), b':') => State::Value(is_file),
            (State::Value(true), b'"') if !self.has_file => State::File,
            (State::Value(false), byte) => {
                let mut scan = Scan::default();
                scan.ends_with(byte);
                State::Skip(scan)
            }
            (_, byte) => {
                let found = char::from(byte).escape_default();
                return Err(format!("`{found}` where it should not be").into());
            }
        };
        Ok(())
    }

    fn letter(&mut self, letter: u8) -> State {
        self.letters.push(letter);
        State::File
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extract(parts: &[&[u8]]) -> Result<(Vec<u8>, bool), BoxedError> {
        let mut extractor = Extractor::new();
        let mut file = Vec::new();
        for part in parts {
            file.extend(extractor.feed(part)?);
        }
        Ok((file, extractor.is_complete()))
    }

    #[test]
    fn a_file_is_found_among_other_members_and_however_it_is_escaped() {
        for text in [
            r#"{"configurationFile":"PD8/"}"#,
            r#" { "a" : {"b":["}\"",1]} , "configurationFile" : "PD8\/" , "z":null } "#,
            r#"{"configurationFile":"\u0050D8/","errorMessage":"\",{"}"#,
        ] {
            let (file, is_complete) = extract(&[text.as_bytes()]).unwrap();
            assert_eq!(
                (file.as_slice(), is_complete),
                (&b"<??"[..], true),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_cut_off_is_not_complete() {
        let text = br#"{"configurationFile":"PD8/PD8/"}"#;
        for end in 0..text.len() {
            let (_, is_complete) = extract(&[&text[..end]]).unwrap();
            assert!(!is_complete, "{end}");
        }
        let (_, is_complete) = extract(&[br#"{"configurationFile":"PD8"}"#]).unwrap();
        assert!(!is_complete, "letters are missing");
    }

    #[test]
    fn what_is_no_such_answer_is_refused() {
        for text in [
            "[]",
            r#"{"configurationFile":null}"#,
            r#"{"configurationFile":"a*b="}"#,
            r#"{"configurationFile":"PA==PD8/"}"#,
            r#"{"configurationFile":""}x"#,
        ] {
            assert!(extract(&[text.as_bytes()]).is_err(), "{text}");
        }
        assert!(!extract(&[b"{}"]).unwrap().1);
    }

    proptest! {
        #[test]
        fn parts_of_any_size_make_the_same_file(
            file in proptest::collection::vec(any::<u8>(), 0..200),
            size in 1_usize..40,
        ) {
            let text = format!(r#"{{"configurationFile":"{}"}}"#, BASE64.encode(&file));
            let parts: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(extract(&parts).unwrap(), (file, true));
        }
    }
}
