//! What went wrong with a text, in libyaml's words.

use std::borrow::Cow;
use std::fmt;

/// Why a text could not be read. Displays as Go's yaml packages print it: `yaml: line 4: did not find expected key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    line: u32,
    message: Cow<'static, str>,
    /// Messages of a whole list (`unmarshal errors:`), each with its own line in it.
    list: Vec<String>,
    /// Told without `yaml: ` before it.
    verbatim: bool,
}

impl Error {
    pub(crate) fn verbatim(message: String) -> Error {
        Error { line: 0, message: message.into(), list: Vec::new(), verbatim: true }
    }

    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> Error {
        Error { line: 0, message: message.into(), list: Vec::new(), verbatim: false }
    }

    pub(crate) fn at(line: u32, message: impl Into<Cow<'static, str>>) -> Error {
        Error { line, message: message.into(), list: Vec::new(), verbatim: false }
    }

    pub(crate) fn list(list: Vec<String>) -> Error {
        Error { line: 0, message: "unmarshal errors:".into(), list, verbatim: false }
    }

    /// The line as the message says it, which is not always the line of the mistake; 0 when it says none.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The message without `yaml: line N: `.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.verbatim {
            out.write_str("yaml: ")?;
        }
        if self.line != 0 {
            write!(out, "line {}: ", self.line)?;
        }
        out.write_str(&self.message)?;
        for item in &self.list {
            write!(out, "\n  {item}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// A failure inside the scanner or the event parser, before it is known how its line is to be told.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub scanner: bool,
    pub context_line: u32,
    pub problem_line: u32,
    pub problem: Cow<'static, str>,
}

impl Failure {
    /// The two Go packages pick the line differently, and count the event parser's lines from 0.
    pub fn into_error(self, dialect: Dialect) -> Error {
        let scanner = u32::from(self.scanner);
        let line = match dialect {
            Dialect::V3 => match (self.context_line, self.problem_line) {
                (0, 0) => 0,
                (0, problem) => problem + scanner,
                (context, _) => context + scanner,
            },
            Dialect::V2 => match (self.problem_line, self.context_line) {
                (0, context) => context,
                (problem, _) => problem + scanner,
            },
        };
        Error::at(line, self.problem)
    }
}

/// Whose habits: Go's yaml v2 (the JSON route) or v3 (kyaml).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V2,
    V3,
}
