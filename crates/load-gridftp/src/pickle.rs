//! Reading the state files of the original program: Python pickles.
//!
//! A pickle is a program for a small machine. The states of the original are
//! dictionaries of texts and numbers, so the machine here knows only the instructions
//! that make such values, of protocols 0 to 5; whatever would import or call anything
//! is an error. Integers beyond 64 bits are errors too.

use serde_json::{Map, Value};

/// Why a pickle cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It ends too early.
    #[error("the pickle is incomplete")]
    Incomplete,
    /// An instruction that plain values do not need.
    #[error("the pickle holds more than plain values (instruction 0x{0:02x})")]
    Instruction(u8),
    /// An instruction does not fit what is there.
    #[error("the pickle is damaged: {0}")]
    Damaged(&'static str),
}

/// How deep values may be nested.
const DEEPEST: usize = 32;

/// Reads the value that a pickle holds; tuples become lists, bytes text.
///
/// # Errors
///
/// When the pickle is incomplete, damaged, or more than plain values.
pub fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut machine = Machine {
        rest: bytes,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
    };
    loop {
        let instruction = machine.take(1)?[0];
        if instruction == b'.' {
            return machine.pop().map(|item| item.value);
        }
        machine.step(instruction)?;
    }
}

#[derive(Debug, Clone)]
struct Item {
    value: Value,
    depth: usize,
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Item>,
    marks: Vec<usize>,
    memo: Vec<(u64, Item)>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, instruction: u8) -> Result<(), Error> {
        match instruction {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let item = self.top()?.clone();
                self.stack.push(item);
            }
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'N' => self.push(Value::Null),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'I' | b'L' => {
                let value = integer_line(self.line()?)?;
                self.push(value);
            }
            b'K' | b'M' => {
                let number = self.length(if instruction == b'K' { 1 } else { 2 })?;
                self.push(number.into());
            }
            b'J' => {
                let number = i32::from_le_bytes(self.array()?);
                self.push(number.into());
            }
            0x8a => {
                let length = self.length(1)?;
                let value = long(self.take(length)?)?;
                self.push(value);
            }
            b'F' => {
                let number = text(self.line()?).parse::<f64>().ok().map(Value::from);
                self.push(number.ok_or(Error::Damaged("no number"))?);
            }
            b'G' => {
                let number = f64::from_be_bytes(self.array()?);
                self.push(number.into());
            }
            b'S' => {
                let value = quoted(self.line()?)?;
                self.push(Value::String(value));
            }
            b'V' => {
                // Latin-1, the rest in escapes.
                let latin: String = self.line()?.iter().map(|byte| char::from(*byte)).collect();
                let value = unescaped(latin.as_bytes())?;
                self.push(Value::String(value));
            }
            b'U' | b'C' | 0x8c => self.counted_text(1)?,
            b'T' | b'B' | b'X' => self.counted_text(4)?,
            0x8d | 0x8e => self.counted_text(8)?,
            b'}' => self.push(Value::Object(Map::new())),
            b']' | b')' => self.push(Value::Array(Vec::new())),
            b'd' => {
                let pairs = self.pop_to_mark()?;
                self.push(Value::Object(Map::new()));
                self.set(pairs)?;
            }
            b'l' | b't' => {
                let elements = self.pop_to_mark()?;
                self.push(Value::Array(Vec::new()));
                self.append(elements)?;
            }
            0x85..=0x87 => {
                let count = usize::from(instruction - 0x84);
                let from = self.stack.len().checked_sub(count);
                let elements = self.split_off(from.ok_or(Error::Damaged("nothing there"))?)?;
                self.push(Value::Array(Vec::new()));
                self.append(elements)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(vec![key, value])?;
            }
            b'u' => {
                let pairs = self.pop_to_mark()?;
                self.set(pairs)?;
            }
            b'a' => {
                let element = self.pop()?;
                self.append(vec![element])?;
            }
            b'e' => {
                let elements = self.pop_to_mark()?;
                self.append(elements)?;
            }
            b'p' | b'g' => {
                let index = text(self.line()?).parse().ok();
                let index = index.ok_or(Error::Damaged("no number"))?;
                self.remember_or_recall(instruction == b'p', index)?;
            }
            b'q' | b'h' => {
                let index = self.length(1)? as u64;
                self.remember_or_recall(instruction == b'q', index)?;
            }
            b'r' | b'j' => {
                let index = self.length(4)? as u64;
                self.remember_or_recall(instruction == b'r', index)?;
            }
            0x94 => {
                let index = self.memo.len() as u64;
                self.remember_or_recall(true, index)?;
            }
            other => return Err(Error::Instruction(other)),
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Error::Incomplete)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| Error::Incomplete)
    }

    /// Reads an unsigned number of that many bytes, lowest first.
    fn length(&mut self, bytes: usize) -> Result<usize, Error> {
        let digits = self.take(bytes)?.iter().rev();
        let number = digits.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).map_err(|_| Error::Incomplete)
    }

    fn line(&mut self) -> Result<&'a [u8], Error> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.ok_or(Error::Incomplete)? + 1)?;
        Ok(line[..line.len() - 1].trim_ascii_end())
    }

    fn counted_text(&mut self, bytes: usize) -> Result<(), Error> {
        let length = self.length(bytes)?;
        let value = text(self.take(length)?).into_owned();
        self.push(Value::String(value));
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(Item { value, depth: 0 });
    }

    fn pop(&mut self) -> Result<Item, Error> {
        let mut items = self.split_off(self.stack.len().saturating_sub(1))?;
        items.pop().ok_or(Error::Damaged("nothing there"))
    }

    fn top(&mut self) -> Result<&mut Item, Error> {
        self.stack.last_mut().ok_or(Error::Damaged("nothing there"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Item>, Error> {
        let mark = self.marks.pop().ok_or(Error::Damaged("no mark"))?;
        self.split_off(mark)
    }

    fn split_off(&mut self, from: usize) -> Result<Vec<Item>, Error> {
        let beyond_mark = self.marks.last().is_some_and(|mark| from < *mark);
        if beyond_mark || from > self.stack.len() {
            return Err(Error::Damaged("nothing there"));
        }
        Ok(self.stack.split_off(from))
    }

    fn set(&mut self, pairs: Vec<Item>) -> Result<(), Error> {
        let target = self.top()?;
        let Value::Object(object) = &mut target.value else {
            return Err(Error::Damaged("no dictionary"));
        };
        let mut pairs = pairs.into_iter();
        while let Some(key) = pairs.next() {
            let value = pairs.next().ok_or(Error::Damaged("a key without value"))?;
            let key = match key.value {
                Value::String(key) => key,
                Value::Number(key) => key.to_string(),
                _ => return Err(Error::Damaged("a key that is no text")),
            };
            target.depth = nested(target.depth, value.depth)?;
            object.insert(key, value.value);
        }
        Ok(())
    }

    fn append(&mut self, elements: Vec<Item>) -> Result<(), Error> {
        let target = self.top()?;
        let Value::Array(list) = &mut target.value else {
            return Err(Error::Damaged("no list"));
        };
        for element in elements {
            target.depth = nested(target.depth, element.depth)?;
            list.push(element.value);
        }
        Ok(())
    }

    /// Only simple values are recalled: a list or dictionary might have changed since
    /// it was remembered, and plain states do not share them.
    fn remember_or_recall(&mut self, remember: bool, index: u64) -> Result<(), Error> {
        if remember {
            let simple = !matches!(self.top()?.value, Value::Array(_) | Value::Object(_));
            let value = if simple {
                self.top()?.value.clone()
            } else {
                Value::Array(Vec::new())
            };
            let depth = if simple { 0 } else { DEEPEST };
            self.memo.push((index, Item { value, depth }));
            return Ok(());
        }
        let found = self.memo.iter().rev().find(|(known, _)| *known == index);
        let (_, item) = found.ok_or(Error::Damaged("a value that was never made"))?;
        if item.depth > 0 {
            return Err(Error::Damaged("a list or dictionary is used twice"));
        }
        let item = item.clone();
        self.stack.push(item);
        Ok(())
    }
}

fn nested(outer: usize, inner: usize) -> Result<usize, Error> {
    let depth = outer.max(inner + 1);
    if depth > DEEPEST {
        return Err(Error::Damaged("nested too deep"));
    }
    Ok(depth)
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn integer_line(line: &[u8]) -> Result<Value, Error> {
    let digits = text(line);
    match &*digits {
        "00" => return Ok(Value::Bool(false)),
        "01" => return Ok(Value::Bool(true)),
        _ => {}
    }
    let number = digits.trim_end_matches('L').parse::<i64>();
    number
        .map(Value::from)
        .map_err(|_| Error::Damaged("no number"))
}

/// Reads an integer in two's complement, lowest byte first.
fn long(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.len() > 8 {
        return Err(Error::Damaged("an integer beyond 64 bits"));
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = [if negative { 0xff } else { 0 }; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    Ok(i64::from_le_bytes(all).into())
}

/// Reads a text in quotes, as Python prints it.
fn quoted(line: &[u8]) -> Result<String, Error> {
    let (first, last) = (line.first(), line.last());
    if line.len() < 2 || first != last || !matches!(first, Some(b'\'' | b'"')) {
        return Err(Error::Damaged("a text without quotes"));
    }
    unescaped(&line[1..line.len() - 1])
}

/// Undoes backslashes.
fn unescaped(bytes: &[u8]) -> Result<String, Error> {
    const BAD: Error = Error::Damaged("a bad escape");
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let (kind, after) = rest.split_first().ok_or(BAD)?;
        rest = after;
        let digits = match kind {
            b'n' => b"\n",
            b't' => b"\t",
            b'r' => b"\r",
            b'\\' => b"\\",
            b'\'' => b"'",
            b'"' => b"\"",
            b'x' | b'u' | b'U' => {
                let count = [2, 4, 8][usize::from(*kind == b'u') + 2 * usize::from(*kind == b'U')];
                let (digits, after) = rest.split_at_checked(count).ok_or(BAD)?;
                rest = after;
                let code = u32::from_str_radix(&text(digits), 16).map_err(|_| BAD)?;
                if *kind == b'x' {
                    // A byte of a text in whatever encoding.
                    plain.push(u8::try_from(code).map_err(|_| BAD)?);
                } else {
                    let character = char::from_u32(code).ok_or(BAD)?;
                    plain.extend(character.to_string().bytes());
                }
                continue;
            }
            _ => return Err(BAD),
        };
        plain.extend_from_slice(digits);
    }
    Ok(text(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_imports_or_calls_is_refused() {
        let evil = b"cos\nsystem\n(S'true'\ntR.";
        assert_eq!(read(evil), Err(Error::Instruction(b'c')));
        let newer = b"\x80\x04\x8c\x02os\x8c\x06system\x93.";
        assert_eq!(read(newer), Err(Error::Instruction(0x93)));
    }

    #[test]
    fn damage_is_an_error() {
        for bytes in [
            &b""[..],
            b"(dp0\nS'a'\n",
            b".",
            b"s.",
            b"u.",
            b"(d",
            b"}S'a'\ns.",
            b"(S'a'\nd.",
            b"S'a\n.",
            b"Ixyz\n.",
            b"X\xff\xff\xff\xffabc.",
            b"g7\n.",
            b"}}}s.",
            b"(}0.",
            b"\x8a\xff\x01.",
            b"S'\\q'\n.",
            b")",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let deep = [&b")"[..], &b"\x85".repeat(100_000), b"."].concat();
        assert_eq!(read(&deep), Err(Error::Damaged("nested too deep")));
    }

    #[test]
    fn texts_are_read_in_all_their_spellings() {
        for (bytes, expected) in [
            (&b"S'a\\'b\\n\\xc3\\xa9'\n."[..], json!("a'b\n\u{e9}")),
            (b"Va\\u00e9\n.", json!("a\u{e9}")),
            (b"(lp0\nI5\naL7L\naI01\naF1.5\na.", json!([5, 7, true, 1.5])),
            (
                b"\x80\x02]q\x00(K\x05M\x01\x02J\xff\xff\xff\xff\x8a\x02\x00\xffe.",
                json!([5, 513, -1, -256]),
            ),
        ] {
            assert_eq!(read(bytes).unwrap(), expected);
        }
    }
}
