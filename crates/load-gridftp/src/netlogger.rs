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
//! A line with as many `=` as the record has keys holds no look-alike of anything, so
//! nearly all lines are read once from the front, and the others with all the care.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use serde_json::Map;

use crate::clock;
use crate::transfer::{Direction, Figure, Line, Style, Transfer};

/// How many look-alikes of a record, or of the end of a path, are tried. A file name
/// could hold any number of them.
const ATTEMPTS: usize = 16;

/// Reads one line, without its newline.
#[must_use]
pub fn parse(line: &str) -> Line<'_> {
    plain(line).unwrap_or_else(|| careful(line))
}

/// Reads a line that holds one record, whose first `=` is that of its `DATE`, and no
/// further `=`. None where there are others, or anything is wrong.
fn plain(line: &str) -> Option<Line<'_>> {
    let (before, _) = split_once(line, b'=')?;
    let prefix = before.strip_suffix("DATE")?;
    if prefix.starts_with('{') {
        return None;
    }
    let equals = memchr_iter(b'=', line.as_bytes()).count();
    let split_file = |text| {
        let (file, rest) = split_before(text, b" BUFFER")?;
        let tail = tail(rest).ok()?;
        (tail.keys.map(|keys| keys + KEYS) == Some(equals)).then_some((file, tail))
    };
    let (_, text) = line.split_at(prefix.len());
    record(text, |text| split_file(text).ok_or_else(String::new)).ok()
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
        match record(&line[at..], split_file) {
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

/// Splits before the first ` KEY=`, given with its blank and without its `=`: that is
/// what is looked for, as most values hold none.
fn split_before<'a, const N: usize>(text: &'a str, key: &[u8; N]) -> Option<(&'a str, &'a str)> {
    memchr_iter(b'=', text.as_bytes())
        .find(|at| text.as_bytes()[..*at].last_chunk() == Some(key))
        .map(|at| text.split_at(at - N))
}

/// As the method of texts, which is many times slower.
fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let at = memchr(at, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
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

/// Keys that every record has, `DATE` to `CODE`.
const KEYS: usize = 16;

/// Reads a record that starts with `text`, which ends with the line. `split_file` splits
/// what stands behind `FILE=`.
fn record<'a>(
    text: &'a str,
    split_file: impl FnOnce(&'a str) -> Result<(&'a str, Tail<'a>), String>,
) -> Result<Line<'a>, String> {
    let mut rest = text;
    let end = field(&mut rest, b" DATE=")?;
    let host = field(&mut rest, b" HOST=")?;
    let program = field(&mut rest, b" PROG=")?;
    let event = field(&mut rest, b" NL.EVNT=")?;
    if event != "FTP_INFO" {
        return Err(format!("NL.EVNT is {event}, not FTP_INFO"));
    }
    let start = field(&mut rest, b" START=")?;
    let (user, after) = after_key(rest, b" USER=")
        .and_then(|rest| split_before(rest, b" FILE"))
        .ok_or("USER or FILE is missing")?;
    let (file, tail) = split_file(&after[" FILE=".len()..])?;

    let Some(direction) = Direction::of_command(tail.command) else {
        return Ok(Line::Other);
    };
    let time = |name: &str, text: &str| {
        clock::parse_stamp(text).ok_or_else(|| format!("{name} {text} is no time"))
    };
    Ok(Line::Transfer(Box::new(Transfer {
        style: Style::Netlogger,
        direction,
        host: Cow::Borrowed(host),
        peer: Cow::Borrowed(without_brackets(tail.dest)),
        start_us: time("START", start)?,
        end_us: Some(time("DATE", end)?),
        code: Cow::Borrowed(tail.code),
        bytes: Some(tail.bytes.into()),
        streams: Some(tail.streams.into()),
        stripes: Some(tail.stripes.into()),
        block_size: Some(tail.block.into()),
        window_size: Some(tail.buffer.into()),
        program: Some(Cow::Borrowed(program)),
        file: Some(Cow::Borrowed(unquoted(file))),
        user: Some(Cow::Borrowed(without_share(user))),
        volume: Some(Cow::Borrowed(tail.volume)),
        retransmits: tail.retransmits,
        details: Map::new(),
    })))
}

/// What follows the path.
struct Tail<'a> {
    buffer: u64,
    block: u64,
    bytes: u64,
    volume: &'a str,
    streams: u64,
    stripes: u64,
    dest: &'a str,
    command: &'a str,
    code: &'a str,
    retransmits: Vec<Figure>,
    /// How many keys follow that of the code; none when there are unknown ones.
    keys: Option<usize>,
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
    let buffer = count(&mut rest, b" BUFFER=")?;
    let block = count(&mut rest, b" BLOCK=")?;
    let bytes = count(&mut rest, b" NBYTES=")?;
    let (volume, after) = after_key(rest, b" VOLUME=")
        .and_then(|rest| split_before(rest, b" STREAMS"))
        .ok_or("VOLUME or STREAMS is missing")?;
    rest = after;
    let streams = count(&mut rest, b" STREAMS=")?;
    let stripes = count(&mut rest, b" STRIPES=")?;
    let dest = field(&mut rest, b" DEST=")?;
    let command = field(&mut rest, b" TYPE=")?;
    let code = field(&mut rest, b" CODE=")?;
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("CODE {code} is no number"));
    }
    let mut retransmits = Vec::new();
    let mut keys = Some(0);
    for word in words(rest) {
        keys = keys.map(|keys| keys + 1);
        match split_once(word, b'=') {
            Some((key, list)) if key.eq_ignore_ascii_case("retrans") => {
                retransmits = numbers(list).ok_or_else(|| format!("{word} is no list"))?;
            }
            Some(("TASKID", _)) => {}
            // What servers to come may add.
            Some(_) => keys = None,
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
        keys,
    })
}

/// Takes `KEY=value` from the front; the value ends at a blank.
fn field<'a, const N: usize>(rest: &mut &'a str, key: &[u8; N]) -> Result<&'a str, String> {
    let value = after_key(rest, key).ok_or_else(|| missing(key))?;
    let (value, after) = value.split_at(end_of_word(value));
    *rest = after;
    Ok(value)
}

/// Returns what follows ` KEY=`. Keys have a length that the compiler knows: comparing
/// them is an instruction or two.
#[inline]
fn after_key<'a, const N: usize>(rest: &'a str, key: &[u8; N]) -> Option<&'a str> {
    if rest.as_bytes().first_chunk() == Some(key) {
        return rest.get(N..);
    }
    // Any number of blanks will do, at the start also none.
    let trimmed = rest.trim_start_matches(' ');
    let is_key = trimmed.as_bytes().starts_with(&key[1..]);
    is_key.then(|| &trimmed[N - 1..])
}

fn missing(key: &[u8]) -> String {
    format!("{} is missing", name(key))
}

fn name(key: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(key.trim_ascii().strip_suffix(b"=").unwrap_or(key))
}

/// Returns where the first white space is, or the end. Text beyond ASCII has white space
/// of its own, and is read slowly.
fn end_of_word(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    // Eight bytes at a time as long as all of them are visible ASCII.
    while let Some(eight) = bytes[end..].first_chunk() {
        let odd = not_graphic(u64::from_le_bytes(*eight));
        if odd != 0 {
            end += odd.trailing_zeros() as usize / 8;
            break;
        }
        end += 8;
    }
    let rest = bytes[end..].iter();
    end += rest.take_while(|byte| byte.is_ascii_graphic()).count();
    match bytes.get(end) {
        None | Some(b' ') => end,
        Some(_) => text.find(char::is_whitespace).unwrap_or(text.len()),
    }
}

/// Marks the bytes of a number that are no visible ASCII, by their highest bit. The
/// lowest mark is right; those above it may be wrong, for there may be carries.
fn not_graphic(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let up_to_blank = bytes.wrapping_sub(EACH * 0x21) & !bytes;
    let from_delete = bytes.wrapping_add(EACH) | bytes;
    (up_to_blank | from_delete) & (EACH * 0x80)
}

/// Returns the words between white space.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        let (word, after) = rest.split_at(end_of_word(rest));
        rest = after.trim_start();
        (!word.is_empty()).then_some(word)
    })
}

/// Takes a number as [`field`] does.
fn count<const N: usize>(rest: &mut &str, key: &[u8; N]) -> Result<u64, String> {
    let value = after_key(rest, key).ok_or_else(|| missing(key))?;
    let digits = value.bytes().take_while(u8::is_ascii_digit);
    let (number, length) = digits.fold((0_u64, 0), |(number, length), digit| {
        let number = number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit - b'0'));
        (number, length + 1)
    });
    // So many digits fit.
    if matches!(length, 1..=19) && matches!(value.as_bytes().get(length), None | Some(b' ')) {
        *rest = &value[length..];
        return Ok(number);
    }
    // Other white space ends a number, too.
    let text = field(rest, key)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| format!("{} {text} is no number", name(key)))
}

/// Reads `1,2,3`; the empty text is the empty list.
fn numbers(list: &str) -> Option<Vec<Figure>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    let mut numbers = Vec::new();
    let mut rest = list;
    while let Some((number, after)) = split_once(rest, b',') {
        numbers.push(Figure::Whole(number.parse().ok()?));
        rest = after;
    }
    numbers.push(Figure::Whole(rest.parse().ok()?));
    Some(numbers)
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
        assert!(plain(RECORD).is_some());
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
                    if let Some(read) = plain(&line) {
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
