//! Event types, data types and subject types that an operator adds: the file
//! `types.toml`.
//!
//! The file is read when an archive starts, and adds to the standard types; it
//! cannot change those. Everything that is wrong with it is found at once,
//! each with its place. `docs/extending.md` describes it for operators.
//!
//! DIFFERENCE: the original is extended by edits to tables of its program.

mod document;
mod read;

use std::fmt;
use std::path::Path;

use esmond_ps_model::Registry;

use document::Problems;

/// Why the types could not be read; the text says everything.
#[derive(Debug)]
pub enum TypesError {
    /// The file could not be read.
    File {
        /// Name of the file, as given.
        file: String,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// What is wrong in the file, in its order; never empty.
    Problems(Vec<Problem>),
}

/// Something wrong in the file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file, as given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            reason,
        } = self;
        write!(f, "{file}:{line}:{column}: {reason}")
    }
}

impl fmt::Display for TypesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, cause } => write!(f, "{file}: {cause}"),
            Self::Problems(problems) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

// No sources: the text has them, so that all problems read alike.
impl std::error::Error for TypesError {}

/// Reads the file, and returns the standard types with those that it adds.
///
/// # Errors
///
/// A file that cannot be read, or everything that is wrong in it.
pub fn load(path: &Path) -> Result<Registry, TypesError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, &file),
        Err(cause) => Err(TypesError::File { file, cause }),
    }
}

/// Returns the standard types with those that a text adds. `file` names the
/// text in errors.
///
/// # Errors
///
/// Everything that is wrong in the text.
pub fn parse(text: &str, file: &str) -> Result<Registry, TypesError> {
    let mut problems = Problems::new(text, file);
    let registry = read::registry(text, &mut problems);
    match problems.into_list() {
        list if list.is_empty() => Ok(registry),
        list => Err(TypesError::Problems(list)),
    }
}

#[cfg(test)]
mod tests;
