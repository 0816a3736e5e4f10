//! From lines to tests.

use super::Found;
use super::command::CommandLine;
use super::statement::{End, Statement, statement};
use crate::lines::{LIMIT, Line};

/// Finds the tests in the lines that it is given.
#[derive(Debug, Default)]
pub struct Scanner {
    /// What bwctl said about its session, and about the endpoint that works now.
    known: Found,
    /// The lines that said so: of the session, of the endpoint.
    lines: [String; 2],
    /// The test whose tool runs.
    running: Option<Found>,
    /// Whether the session's lines are those of the test before.
    told: bool,
    found: u64,
}

impl Scanner {
    /// Takes the next line; returns a test that ends with it.
    pub fn line(&mut self, line: &Line) -> Option<Found> {
        let text = line.text.as_str();
        let Some(said) = statement(text) else {
            if let Some(test) = &mut self.running {
                output(test, line);
            }
            return None;
        };
        match said {
            Statement::Using(..) | Statement::Tool(_) => self.session(&said, text),
            Statement::StartEndpoint => {
                let cut = self.take();
                self.endpoint_begins();
                self.lines[1] = with_end(text);
                return cut;
            }
            Statement::Runs(..) | Statement::CommandLine(_) => {
                // Some versions say so only when the tool runs.
                let test = self.running.as_mut().unwrap_or(&mut self.known);
                match said {
                    Statement::Runs(End::Sender, host) => test.sender = Some(host.to_owned()),
                    Statement::Runs(End::Receiver, host) => test.receiver = Some(host.to_owned()),
                    Statement::CommandLine(words) => test.command = CommandLine::parse(words),
                    _ => {}
                }
                match &mut self.running {
                    Some(test) => test.raw.push_str(&with_end(text)),
                    None => remember(&mut self.lines[1], text),
                }
            }
            Statement::StartTool(start) => {
                let cut = self.take();
                let mut test = self.known.clone();
                test.start = start;
                test.raw = format!("{}{}{}", self.lines[0], self.lines[1], with_end(text));
                self.running = Some(test);
                self.endpoint_begins();
                self.told = true;
                return cut;
            }
            Statement::StopTool => {
                if let Some(test) = &mut self.running {
                    test.raw.push_str(&with_end(text));
                }
                return self.take();
            }
            Statement::Other => {}
        }
        None
    }

    /// Ends the output; returns a test that was not ended.
    pub fn end(&mut self) -> Option<Found> {
        self.take()
    }

    /// Lists what is missing, in the words of the log, when there was no test at all.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        if self.found > 0 {
            return Vec::new();
        }
        let mut all = vec![
            "did not find bwctl: start_tool token to extract JSON from output".to_owned(),
            "bwctl must be run with the --verbose flag".to_owned(),
        ];
        let known = &self.known;
        all.extend(missing([
            known.tool_name(),
            known.source_name(),
            known.destination_name(),
        ]));
        all.push("could not load json_block: ".to_owned());
        all
    }

    fn session(&mut self, said: &Statement<'_>, line: &str) {
        if std::mem::take(&mut self.told) {
            // The first such line after a test: another session begins.
            self.known.session += 1;
            self.known.tool = None;
            self.known.input_source = None;
            self.known.input_destination = None;
            self.lines[0].clear();
        }
        match said {
            Statement::Tool(name) => self.known.tool = Some((*name).to_owned()),
            Statement::Using(End::Sender, host) => {
                self.known.input_source = Some((*host).to_owned());
            }
            Statement::Using(End::Receiver, host) => {
                self.known.input_destination = Some((*host).to_owned());
            }
            _ => {}
        }
        remember(&mut self.lines[0], line);
    }

    fn endpoint_begins(&mut self) {
        self.known.sender = None;
        self.known.receiver = None;
        self.known.command = CommandLine::default();
        self.lines[1].clear();
    }

    fn take(&mut self) -> Option<Found> {
        let test = self.running.take()?;
        self.found += 1;
        Some(test)
    }
}

/// Lists what is not known of tool, sender and receiver, in the words of the log.
#[must_use]
pub fn missing(known: [Option<&str>; 3]) -> Vec<String> {
    ["tool_name", "input_source", "input_destination"]
        .into_iter()
        .zip(known)
        .filter(|(_, value)| value.is_none_or(str::is_empty))
        .map(|(name, _)| format!("could not extract {name}"))
        .collect()
}

fn output(test: &mut Found, line: &Line) {
    if line.cut || test.raw.len() + line.text.len() > LIMIT {
        test.too_long = true;
    } else if !test.too_long {
        let line = with_end(&line.text);
        test.output.push_str(&line);
        test.raw.push_str(&line);
    }
}

/// Keeps a line that says something about a test. Few are enough to tell; a stream of
/// nothing else is not kept.
fn remember(lines: &mut String, line: &str) {
    if lines.len() + line.len() < 1 << 16 {
        lines.push_str(&with_end(line));
    }
}

fn with_end(line: &str) -> String {
    format!("{line}\n")
}
