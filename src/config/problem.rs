//! What is wrong with a configuration, in words a person can act on.
//!
//! A problem names the place (file, line, key path) and says what to do. All problems of a file are reported at once.
//! A problem never contains a secret: the readers decide what may be quoted, not this module.

use std::fmt;

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Line in the file, from 1; `None` when the finding has no place of its own.
    pub line: Option<usize>,
    /// Key path such as `endpoints[0].url`; empty for the file as a whole.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// A finding about a key whose line is not known here.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line: None, path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// All findings about one file, in the order of its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problems {
    /// The file, as it is shown to the person.
    pub file: String,
    /// The findings.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Findings about `file`, sorted by line; those without a line come last.
    pub(super) fn new(file: String, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|p| p.line.unwrap_or(usize::MAX));
        Self { file, list }
    }

    /// True when there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// One finding a line: `config.yaml:12: retry.max_attempts: must be at least 1 (got 0)`.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.list.iter().enumerate() {
            let newline = if n == 0 { "" } else { "\n" };
            match problem.line {
                Some(line) => write!(f, "{newline}{}:{line}: {problem}", self.file)?,
                None => write!(f, "{newline}{}: {problem}", self.file)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
