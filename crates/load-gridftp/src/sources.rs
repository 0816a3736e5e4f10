//! What is left to read: from which files, from where.
//!
//! DIFFERENCE: the original reads the whole log to find where it was.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::input::{Identity, Input};
use crate::lines::Lines;
use crate::original;
use crate::position::Position;
use crate::rotation::{self, Place};
use crate::state::{Saved, State};
use crate::transfer::Style;

/// A file to read, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The log that was rotated last and read to its end; servers that had it open
    /// may have written more.
    Previous {
        /// The file.
        path: PathBuf,
        /// Where its end was.
        from: Position,
    },
    /// A log, rotated or not.
    Log {
        /// The file.
        path: PathBuf,
        /// Where to go on; none for its start.
        from: Option<Position>,
    },
    /// Standard input.
    Stdin,
}

/// An open [`Source`].
#[derive(Debug)]
pub struct Opened {
    /// Its lines.
    pub lines: Lines<Input>,
    /// Which file it is.
    pub identity: Identity,
    /// Whether more may be appended to it.
    pub may_grow: bool,
    /// Offset of its end, where that is known.
    pub length: Option<u64>,
}

impl Source {
    /// The name for messages.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Previous { path, .. } | Self::Log { path, .. } => path.display().to_string(),
            Self::Stdin => String::from("standard input"),
        }
    }

    /// Opens it where reading goes on.
    ///
    /// # Errors
    ///
    /// Those of opening and reading, also when the file was replaced since it was
    /// looked at.
    pub fn open(&self) -> io::Result<Opened> {
        let (path, from) = match self {
            Self::Previous { path, from } => (path, Some(from)),
            Self::Log { path, from } => (path, from.as_ref()),
            Self::Stdin => {
                let identity = Identity {
                    device: 0,
                    inode: 0,
                };
                return Ok(opened(Input::stdin(), identity));
            }
        };
        let Some(position) = from else {
            let (input, identity) = Input::open(path)?;
            return Ok(opened(input, identity));
        };
        let found = position.open(path)?;
        let (input, head, identity) =
            found.ok_or_else(|| io::Error::other("the file was replaced meanwhile: run again"))?;
        Ok(Opened {
            may_grow: input.may_grow(),
            length: input.length(),
            lines: Lines::new(input, head, position.offset, position.line),
            identity,
        })
    }
}

fn opened(input: Input, identity: Identity) -> Opened {
    Opened {
        may_grow: input.may_grow(),
        length: input.length(),
        lines: Lines::new(input, Vec::new(), 0, 0),
        identity,
    }
}

/// What the state file and the files on disk come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What to read, in this order.
    pub sources: Vec<Source>,
    /// How that was found out.
    pub finding: Finding,
}

/// How a [`Plan`] came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// There is no state: everything is new.
    First,
    /// The log goes on where the last run stopped.
    Continues,
    /// The log was rotated meanwhile, and what is left of the old one is found.
    Rotated,
    /// The place is nowhere to be found: everything is loaded.
    Lost,
}

/// Finds out what of `log` is left to read.
///
/// # Errors
///
/// Those of reading the log.
pub fn plan(log: &Path, saved: &Saved, style: Style) -> io::Result<Plan> {
    let whole = Source::Log {
        path: log.to_owned(),
        from: None,
    };
    match saved {
        Saved::Nothing => Ok(Plan {
            sources: vec![whole],
            finding: Finding::First,
        }),
        Saved::State(state) => continued(log, state),
        Saved::Original(fields) => after_original(log, fields, style),
    }
}

fn continued(log: &Path, state: &State) -> io::Result<Plan> {
    let place = rotation::find(log, &state.current)?;
    if let (Place::Lost, Some(previous)) = (&place, &state.previous)
        && let Place::Rotated { path, younger } = rotation::find_rotated(log, previous)
    {
        // The log behind the previous one is gone, but what is younger may be there.
        return Ok(rotated(log, path, previous.clone(), younger));
    }
    let mut plan = match place {
        Place::InLog => {
            let from = Some(state.current.clone());
            Plan {
                sources: vec![Source::Log {
                    path: log.to_owned(),
                    from,
                }],
                finding: Finding::Continues,
            }
        }
        Place::Rotated { path, younger } => rotated(log, path, state.current.clone(), younger),
        Place::Lost => whole_or_behind_record(log, state)?,
    };
    if let Some(from) = &state.previous
        && let Place::Rotated { path, .. } = rotation::find_rotated(log, from)
    {
        let from = from.clone();
        plan.sources.insert(0, Source::Previous { path, from });
    }
    Ok(plan)
}

/// Somebody may have cut old lines off the log: then the last record is still in it.
fn whole_or_behind_record(log: &Path, state: &State) -> io::Result<Plan> {
    let from = match &state.last_record {
        Some(record) => behind(log, |line| line.trim() == record)?,
        None => None,
    };
    let finding = match from {
        Some(_) => Finding::Continues,
        None => Finding::Lost,
    };
    let path = log.to_owned();
    Ok(Plan {
        sources: vec![Source::Log { path, from }],
        finding,
    })
}

fn rotated(log: &Path, path: PathBuf, from: Position, younger: Vec<PathBuf>) -> Plan {
    let mut sources = vec![Source::Log {
        path,
        from: Some(from),
    }];
    let rest = younger.into_iter().chain([log.to_owned()]);
    sources.extend(rest.map(|path| Source::Log { path, from: None }));
    Plan {
        sources,
        finding: Finding::Rotated,
    }
}

/// Finds the last record of the original program, in the log or in the one that was
/// rotated last.
fn after_original(log: &Path, fields: &Map<String, Value>, style: Style) -> io::Result<Plan> {
    let is_record = |line: &str| original::is_record(line, fields, style);
    if let Some(from) = behind(log, is_record)? {
        return Ok(Plan {
            sources: vec![Source::Log {
                path: log.to_owned(),
                from: Some(from),
            }],
            finding: Finding::Continues,
        });
    }
    if let Some(path) = rotation::youngest(log)
        && let Some(from) = behind(&path, is_record)?
    {
        return Ok(rotated(log, path, from, Vec::new()));
    }
    Ok(Plan {
        sources: vec![Source::Log {
            path: log.to_owned(),
            from: None,
        }],
        finding: Finding::Lost,
    })
}

/// Returns the place behind the first line that is the record looked for. Lines like it
/// may follow: what is loaded twice is stored once.
fn behind(path: &Path, is_record: impl Fn(&str) -> bool) -> io::Result<Option<Position>> {
    let (input, identity) = Input::open(path)?;
    let mut lines = Lines::new(input, Vec::new(), 0, 0);
    while let Ok(line) = lines.next_line()? {
        if is_record(&line.text()) {
            let line = line.into_owned();
            return Ok(Some(Position::behind(&line, identity, lines.head())));
        }
    }
    Ok(None)
}
