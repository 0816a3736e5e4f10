//! The transfer log of the Globus GridFTP server.
//!
//! ```text
//! DATE=<end> HOST=<server> PROG=<program> NL.EVNT=FTP_INFO START=<start> USER=<user> FILE=<path>
//! BUFFER=<n> BLOCK=<n> NBYTES=<n> VOLUME=<path> STREAMS=<n> STRIPES=<n> DEST=[<address>] TYPE=<command>
//! CODE=<code>[ TASKID=<id>][ retrans=<n>,<n>...]
//! ```
//!
//! on one line. Nothing is quoted or escaped, so USER, FILE and VOLUME may hold
//! blanks, `=` and what looks like further fields. The fields come in this order in
//! all versions of the server, and that is what tells them apart: each value runs to
//! the next key, FILE as far as the rest of the record still fits. The record may
//! follow the prefix of another log (`Transfer stats: `, syslog), and the beginning of
//! a record that the server cut at 4096 bytes: the last record on the line counts.
//!
//! Nearly all lines hold no look-alike of anything: these are read the plain way, and
//! the others with all the care.
//!
//! DIFFERENCE: the original ends at a line that it cannot read, and posts a record
//! without CODE as the failure `None None`.

use std::borrow::Cow;
use std::iter;

use serde_json::Map;

use crate::transfer::{Direction, Figure, Line, Style, Transfer};
use crate::{clock, plain};

/// How many look-alikes of a record, or of the end of a path, are tried. A file name
/// could hold any number of them.
const ATTEMPTS: usize = 16;

/// Reads one line, without its newline.
#[must_use]
pub fn parse(line: &str) -> Line<'_> {
    plain::parse(line).unwrap_or_else(|| careful(line))
}

/// Reads a line that may hold anything.
fn careful(line: &str) -> Line<'_> {
    if line.contains("globus-gridftp-server.transfer.end") && line.contains(" remoteIP=") {
        return Line::broken("an event of the stdio_ng or syslog_ng log has no start time");
    }
    if line.starts_with('{') && line.contains("Transfer-End") {
        return Line::broken("this is a record of a JSON log: -J reads these");
    }
    let mut reason = None;
    for (at, _) in line.rmatch_indices("DATE=").take(ATTEMPTS) {
        match record(&line[at..]).and_then(Record::understood) {
            Ok(line) => return line,
            Err(why) => reason = Some(why),
        }
    }
    match reason {
        Some(why) => Line::Broken(why),
        None if looks_like_a_part(line) => Line::broken("a part of a record"),
        None => Line::Other,
    }
}

/// What is left of a record when its beginning is lost.
fn looks_like_a_part(line: &str) -> bool {
    [
        "NL.EVNT=",
        " NBYTES=",
        " STREAMS=",
        " DEST=[",
        " CODE=",
        " TASKID=",
        " retrans=",
    ]
    .iter()
    .any(|key| line.contains(key))
}

/// The fields of a record.
pub(crate) struct Record<'a> {
    pub(crate) end: &'a str,
    pub(crate) host: &'a str,
    pub(crate) program: &'a str,
    pub(crate) start: &'a str,
    pub(crate) user: &'a str,
    pub(crate) file: &'a str,
    pub(crate) tail: Tail<'a>,
}

/// Those that follow the path.
pub(crate) struct Tail<'a> {
    pub(crate) buffer: u64,
    pub(crate) block: u64,
    pub(crate) bytes: u64,
    pub(crate) volume: &'a str,
    pub(crate) streams: u64,
    pub(crate) stripes: u64,
    pub(crate) dest: &'a str,
    pub(crate) command: &'a str,
    pub(crate) code: &'a str,
    pub(crate) retransmits: Vec<Figure>,
}

impl<'a> Record<'a> {
    /// Makes a transfer of it, if it is one.
    #[inline]
    pub(crate) fn understood(self) -> Result<Line<'a>, String> {
        let tail = self.tail;
        let Some(direction) = Direction::of_command(tail.command) else {
            return Ok(Line::Other);
        };
        let time = |name: &str, text: &str| {
            clock::parse_stamp(text).ok_or_else(|| format!("{name} {text} is no time"))
        };
        let start_us = time("START", self.start)?;
        let end_us = time("DATE", self.end)?;
        // Memory first, so that nothing is written twice.
        let transfer = Box::write(
            Box::new_uninit(),
            Transfer {
                style: Style::Netlogger,
                direction,
                host: Cow::Borrowed(self.host),
                peer: Cow::Borrowed(without_brackets(tail.dest)),
                start_us,
                end_us: Some(end_us),
                code: Cow::Borrowed(tail.code),
                bytes: Some(tail.bytes.into()),
                streams: Some(tail.streams.into()),
                stripes: Some(tail.stripes.into()),
                block_size: Some(tail.block.into()),
                window_size: Some(tail.buffer.into()),
                program: Some(Cow::Borrowed(self.program)),
                file: Some(Cow::Borrowed(unquoted(self.file))),
                user: Some(Cow::Borrowed(without_share(self.user))),
                volume: Some(Cow::Borrowed(tail.volume)),
                retransmits: tail.retransmits,
                details: Map::new(),
            },
        );
        Ok(Line::Transfer(transfer))
    }
}

/// Reads a record that starts with `text`, which ends with the line.
fn record(text: &str) -> Result<Record<'_>, String> {
    let mut rest = text;
    let end = field(&mut rest, "DATE=")?;
    let host = field(&mut rest, "HOST=")?;
    let program = field(&mut rest, "PROG=")?;
    let event = field(&mut rest, "NL.EVNT=")?;
    if event != "FTP_INFO" {
        return Err(format!("NL.EVNT is {event}, not FTP_INFO"));
    }
    let start = field(&mut rest, "START=")?;
    let (user, after) = after_key(rest, "USER=")
        .and_then(|rest| rest.split_once(" FILE="))
        .ok_or("USER or FILE is missing")?;
    let (file, tail) = split_file(after)?;
    Ok(Record {
        end,
        host,
        program,
        start,
        user,
        file,
        tail,
    })
}

/// Splits behind `FILE=`: the path ends at the last ` BUFFER=` that a whole rest of a
/// record follows.
fn split_file(text: &str) -> Result<(&str, Tail<'_>), String> {
    let mut reason = String::from("BUFFER is missing");
    for (at, _) in text.rmatch_indices(" BUFFER=").take(ATTEMPTS) {
        match tail(&text[at..]) {
            Ok(tail) => return Ok((&text[..at], tail)),
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

fn tail(text: &str) -> Result<Tail<'_>, String> {
    let mut rest = text;
    let buffer = count(&mut rest, "BUFFER=")?;
    let block = count(&mut rest, "BLOCK=")?;
    let bytes = count(&mut rest, "NBYTES=")?;
    let (volume, after) = after_key(rest, "VOLUME=")
        .and_then(|rest| Some(rest.split_at(rest.find(" STREAMS=")?)))
        .ok_or("VOLUME or STREAMS is missing")?;
    rest = after;
    let streams = count(&mut rest, "STREAMS=")?;
    let stripes = count(&mut rest, "STRIPES=")?;
    let dest = field(&mut rest, "DEST=")?;
    let command = field(&mut rest, "TYPE=")?;
    let code = field(&mut rest, "CODE=")?;
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("CODE {code} is no number"));
    }
    let mut retransmits = Vec::new();
    for word in rest.split_whitespace() {
        match word.split_once('=') {
            Some((key, list)) if key.eq_ignore_ascii_case("retrans") => {
                let numbers: Option<_> = numbers(list).map(|n| n.map(Figure::Whole)).collect();
                retransmits = numbers.ok_or_else(|| format!("{word} is no list"))?;
            }
            // Also what servers to come may add.
            Some(_) => {}
            None => return Err(format!("{word} follows the record")),
        }
    }
    Ok(Tail {
        buffer,
        block,
        bytes,
        volume,
        streams,
        stripes,
        dest,
        command,
        code,
        retransmits,
    })
}

/// Takes `KEY=value` from the front; the value ends at white space.
fn field<'a>(rest: &mut &'a str, key: &str) -> Result<&'a str, String> {
    let missing = || format!("{} is missing", name(key));
    let value = after_key(rest, key).ok_or_else(missing)?;
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    let (value, after) = value.split_at(end);
    *rest = after;
    Ok(value)
}

/// Returns what follows `KEY=`, which any number of blanks may stand before.
fn after_key<'a>(rest: &'a str, key: &str) -> Option<&'a str> {
    rest.trim_start_matches(' ').strip_prefix(key)
}

fn name(key: &str) -> &str {
    key.trim_end_matches('=')
}

/// Takes a number as [`field`] does.
fn count(rest: &mut &str, key: &str) -> Result<u64, String> {
    let text = field(rest, key)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| format!("{} {text} is no number", name(key)))
}

/// Reads `1,2,3`; the empty text is the empty list. None stands for what is no number.
#[inline]
pub(crate) fn numbers(list: &str) -> impl Iterator<Item = Option<i64>> {
    let mut rest = (!list.is_empty()).then_some(list);
    iter::from_fn(move || {
        let list = rest?;
        let end = list.bytes().position(|byte| byte == b',');
        rest = end.and_then(|at| list.get(at + 1..));
        let number = end.map_or(list, |at| &list[..at]);
        Some(match number.as_bytes() {
            [digit @ b'0'..=b'9'] => Some(i64::from(digit - b'0')),
            _ => number.parse().ok(),
        })
    })
}

/// Takes `[address]` apart; wu-ftpd wrote `1[address]`.
pub(crate) fn without_brackets(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text)
}

/// Takes off the quotes that a third-party logger puts around paths.
fn unquoted(file: &str) -> &str {
    file.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(file)
}

/// Takes off the fields that the same logger puts between USER and FILE.
fn without_share(user: &str) -> &str {
    if !user.as_bytes().contains(&b'=') {
        return user;
    }
    let Some((name, fields)) = user.rsplit_once(" SHARE=") else {
        return user;
    };
    let mut words = fields.split(' ');
    let share = words.next().is_some();
    let sharee = words.next().is_some_and(|word| word.starts_with("SHAREE="));
    if share && sharee && words.next().is_none() {
        name
    } else {
        user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "DATE=20180601100001.000000 HOST=a.example PROG=globus-gridftp-server \
        NL.EVNT=FTP_INFO START=20180601100000.000000 USER=dave FILE=/x BUFFER=1 BLOCK=2 NBYTES=3 \
        VOLUME=/ STREAMS=4 STRIPES=5 DEST=[203.0.113.81] TYPE=RETR CODE=226 TASKID=none retrans=0,-1";

    fn transfer(line: &str) -> Transfer<'_> {
        match parse(line) {
            Line::Transfer(transfer) => *transfer,
            other => panic!("{other:?} for {line}"),
        }
    }

    fn broken(line: &str) -> String {
        match parse(line) {
            Line::Broken(why) => why,
            other => panic!("{other:?} for {line}"),
        }
    }

    #[test]
    fn all_endings_that_servers_write_are_read() {
        let stem = RECORD.split(" TASKID").next().unwrap();
        for (end, expected) in [
            ("", vec![]),
            (" ", vec![]),
            ("\r", vec![]),
            (" retrans=1,2", vec![1, 2]),
            (" TASKID=none", vec![]),
            (" TASKID=a-b retrans=7", vec![7]),
            (" TASKID=a-b retrans=", vec![]),
            (" TASKID=a-b NEW=1 retrans=7", vec![7]),
        ] {
            let line = format!("{stem}{end}");
            let expected: Vec<_> = expected.into_iter().map(Figure::Whole).collect();
            assert_eq!(transfer(&line).retransmits, expected, "{end:?}");
        }
    }

    #[test]
    fn a_path_may_hold_what_looks_like_fields() {
        for path in [
            "",
            "/a b",
            "/a=b",
            "/a BUFFER=1 BLOCK=2 NBYTES=3 TYPE=STOR CODE=550 .dat",
            "/a DATE=2018 HOST=b",
            "/a VOLUME=/ STREAMS=1",
        ] {
            let line = RECORD.replace("FILE=/x", &format!("FILE={path}"));
            let read = transfer(&line);
            assert_eq!(read.file.as_deref(), Some(path));
            assert_eq!(read.bytes, Some(Figure::Whole(3)), "{path}");
        }
        let line = RECORD.replace("=dave", "=bob = smith");
        assert_eq!(transfer(&line).user.as_deref(), Some("bob = smith"));
        let line = RECORD.replace("=dave", "=a SHARE=0 SHAREE=none");
        assert_eq!(transfer(&line).user.as_deref(), Some("a"));
        let line = RECORD.replace("=dave", "=a SHARE=0 b");
        assert_eq!(transfer(&line).user.as_deref(), Some("a SHARE=0 b"));
    }

    #[test]
    fn prefixes_and_cut_records_in_front_are_passed_over() {
        for prefix in [
            "  ",
            "[1] Fri Jun  1 06:08:01 2018 :: Transfer stats: ",
            "<13>1 2018-06-01T06:08:01Z h globus-gridftp-server 1 - - Transfer stats: ",
            &RECORD[..100],
            &RECORD[..250],
            &RECORD[..30],
        ] {
            assert_eq!(
                transfer(&format!("{prefix}{RECORD}")),
                transfer(RECORD),
                "{prefix}"
            );
        }
    }

    #[test]
    fn a_line_that_is_read_once_is_read_as_with_all_care() {
        assert!(plain::parse(RECORD).is_some());
        for piece in [
            "=",
            " ",
            "\t",
            "\u{a0}",
            "é",
            "{",
            "DATE=",
            " BUFFER=1",
            " FILE=/y",
            " x=1",
            "7",
            RECORD,
            " remoteIP=globus-gridftp-server.transfer.end",
        ] {
            for at in 0..=RECORD.len() {
                let (before, after) = RECORD.split_at(at);
                for line in [
                    format!("{before}{piece}{after}"),
                    format!("{before}{piece}"),
                ] {
                    if let Some(read) = plain::parse(&line) {
                        assert_eq!(read, careful(&line), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn brackets_are_optional() {
        for dest in ["203.0.113.81", "1[203.0.113.81]", "[203.0.113.81]"] {
            let line = RECORD.replace("[203.0.113.81]", dest);
            assert_eq!(transfer(&line).peer, "203.0.113.81");
        }
    }

    #[test]
    fn listings_and_messages_are_no_transfers() {
        for line in [
            "",
            "Configuration read from /etc/gridftp.conf.",
            "[1] Fri Jun  1 06:08:01 2018 :: Starting to transfer \"/x\".",
            &RECORD.replace("RETR", "MLSD"),
            &RECORD.replace("RETR", "ERET"),
        ] {
            assert_eq!(parse(line), Line::Other, "{line}");
        }
    }

    #[test]
    fn what_is_broken_is_named() {
        // DIFFERENCE: the original ends there.
        for (from, to, why) in [
            ("NBYTES=3", "NBYTES=abc", "NBYTES abc is no number"),
            ("NBYTES=3", "NBYTES=-3", "NBYTES -3 is no number"),
            (" DEST=[203.0.113.81]", "", "DEST is missing"),
            ("retrans=0,-1", "retrans=0,x", "retrans=0,x is no list"),
            (
                "20180601100000.0",
                "20181301100000.0",
                "START 20181301100000.000000 is no time",
            ),
            ("CODE=226", "CODE=x", "CODE x is no number"),
            (" CODE=226", "", "CODE is missing"),
            ("FTP_INFO", "X", "NL.EVNT is X, not FTP_INFO"),
        ] {
            assert_eq!(broken(&RECORD.replace(from, to)), why);
        }
        assert_eq!(broken(&RECORD[200..]), "a part of a record");
        assert_eq!(broken(&RECORD[..120]), "USER or FILE is missing");
        let event = "event=globus-gridftp-server.transfer.end remoteIP=203.0.113.81 status=0";
        assert!(broken(&format!("ts=1 {event}")).contains("no start time"));
        assert!(broken(r#"{"event_type": "Transfer-End"}"#).contains("-J"));
    }
}
