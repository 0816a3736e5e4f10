//! What a line of bwctl says.

/// Seconds between 1900, from where bwctl counts, and 1970.
const NTP_TO_UNIX: i64 = 2_208_988_800;

/// Which end of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The sender.
    Sender,
    /// The receiver.
    Receiver,
}

/// What a line of bwctl says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement<'a> {
    /// Whom it asks, as it was called.
    Using(End, &'a str),
    /// Which tool it uses.
    Tool(&'a str),
    /// An endpoint begins to work.
    StartEndpoint,
    /// The address of an end.
    Runs(End, &'a str),
    /// How the tool is called.
    CommandLine(&'a str),
    /// The tool starts: Unix time in seconds, when it can be read.
    StartTool(Option<i64>),
    /// The tool has ended.
    StopTool,
    /// Anything else.
    Other,
}

/// Reads a line; `None` when it is not one of bwctl.
#[must_use]
pub fn statement(line: &str) -> Option<Statement<'_>> {
    let said = said(line.trim())?;
    let after = |start: &str| said.strip_prefix(start).map(str::trim);
    if let Some(tool) = after("Using tool:") {
        return Some(Statement::Tool(first_word(tool)));
    }
    if let Some(rest) = after("Using ") {
        return Some(using(rest).unwrap_or(Statement::Other));
    }
    for start in ["run_endpoint:", "run_tool:"] {
        if let Some(rest) = after(start) {
            return Some(runs(rest).unwrap_or(Statement::Other));
        }
    }
    Some(if let Some(time) = after("start_tool:") {
        Statement::StartTool(unix_time(time))
    } else if let Some(words) = after("exec_line:") {
        Statement::CommandLine(words)
    } else if after("stop_tool:").is_some() {
        Statement::StopTool
    } else if after("start_endpoint:").is_some() {
        Statement::StartEndpoint
    } else {
        Statement::Other
    })
}

/// Tells whether a line is one that bwctl prints before or between its own.
#[must_use]
pub fn is_frame(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("Messages being sent to syslog")
        || [
            "SENDER START",
            "RECEIVER START",
            "SENDER END",
            "RECEIVER END",
        ]
        .contains(&line)
}

/// Takes away what stands in front of bwctl's words.
fn said(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("bwctl")?;
    let rest = match rest.strip_prefix('[') {
        Some(rest) => {
            let (process, rest) = rest.split_once(']')?;
            process
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then_some(rest)?
        }
        None => rest,
    };
    let mut words = rest.strip_prefix(':')?.trim_start();
    for name in ["FILE=", "LINE="] {
        if let Some((_, rest)) = words
            .strip_prefix(name)
            .and_then(|rest| rest.split_once(", "))
        {
            words = rest.trim_start();
        }
    }
    Some(words)
}

fn using(rest: &str) -> Option<Statement<'_>> {
    let (host, rest) = rest.split_once(" as the address for ")?;
    let mut words = rest.split_whitespace();
    let place = words.next()?;
    let end = end(words.next()?)?;
    (["local", "remote"].contains(&place) && words.next().is_none())
        .then(|| Statement::Using(end, host.trim()))
}

fn runs(rest: &str) -> Option<Statement<'_>> {
    let (name, host) = rest.split_once(':')?;
    let host = first_word(host.trim());
    (!host.is_empty()).then_some(Statement::Runs(end(name)?, host))
}

fn end(name: &str) -> Option<End> {
    match name {
        "sender" => Some(End::Sender),
        "receiver" => Some(End::Receiver),
        _ => None,
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

fn unix_time(ntp: &str) -> Option<i64> {
    let seconds: i64 = first_word(ntp).split('.').next()?.parse().ok()?;
    seconds.checked_sub(NTP_TO_UNIX).filter(|unix| *unix >= 0)
}

#[cfg(test)]
mod tests {
    use super::{End, Statement, statement};

    #[test]
    fn lines_of_bwctl_are_understood_with_and_without_their_debug_words() {
        for (line, expected) in [
            ("bwctl: Using tool: iperf3", Statement::Tool("iperf3")),
            (
                "bwctl[42]: FILE=bwctl.c, LINE=3070, Using tool: iperf3",
                Statement::Tool("iperf3"),
            ),
            (
                "bwctl: Using [2001:db8::1]:4823 as the address for local sender ",
                Statement::Using(End::Sender, "[2001:db8::1]:4823"),
            ),
            (
                "bwctl: Using ps2.example.org as the address for remote receiver",
                Statement::Using(End::Receiver, "ps2.example.org"),
            ),
            (
                "bwctl: run_tool: sender: ::1",
                Statement::Runs(End::Sender, "::1"),
            ),
            ("bwctl: run_tool: tester: iperf3", Statement::Other),
            (
                "bwctl: start_tool: 4004300240.012000",
                Statement::StartTool(Some(1_795_311_440)),
            ),
            ("bwctl: start_tool: now", Statement::StartTool(None)),
            ("bwctl: stop_tool: 4004300240.0", Statement::StopTool),
            (
                "bwctl: exec_line: iperf3 -c x",
                Statement::CommandLine("iperf3 -c x"),
            ),
            (
                "bwctl: 8 seconds until test results available",
                Statement::Other,
            ),
            (
                "bwctl: Using 10.0.0.1 as the address for both",
                Statement::Other,
            ),
        ] {
            assert_eq!(statement(line), Some(expected), "{line}");
        }
        for line in [
            "",
            "bwctl",
            "bwctld: x",
            "bwctl[x]: y",
            "iperf3: error - x",
            "\"bwctl: \"",
        ] {
            assert_eq!(statement(line), None, "{line}");
        }
    }
}
