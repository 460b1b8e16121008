//! What a build fails with. The texts are kustomize's own, built by prefixing as it does, so that a search finds them.

use std::fmt;

use sluice_budget::Exceeded;

/// What later steps ask about a failure; the text alone says the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Anything that has no kind of its own.
    Other,
    /// Text that is no YAML.
    MalformedYaml,
    /// A web address that answered with an error.
    Http,
    /// A folder without a kustomization file.
    MissingKustomization,
    /// The caller must answer first (`Need`); never shown.
    Ask,
    /// The run was ended by its budget.
    Stopped(Exceeded),
    /// Refused for safety: outside of the root, external plugin.
    Refused,
}

/// A failed build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    text: String,
}

impl Error {
    pub fn new(text: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Other, text: text.into() }
    }

    pub fn of(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The same failure with `prefix: ` before its text.
    #[must_use]
    pub fn within(mut self, prefix: impl fmt::Display) -> Self {
        if !self.is_stop() {
            self.text = format!("{prefix}: {}", self.text);
        }
        self
    }

    /// The same failure told with another text.
    #[must_use]
    pub fn told(mut self, text: impl FnOnce(&str) -> String) -> Self {
        if !self.is_stop() {
            self.text = text(&self.text);
        }
        self
    }

    /// True for what no step on the way out may turn into something else.
    pub fn is_stop(&self) -> bool {
        matches!(self.kind, ErrorKind::Ask | ErrorKind::Stopped(_))
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Self {
        Self { kind: ErrorKind::Stopped(exceeded), text: exceeded.to_string() }
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// `Err` with a formatted text.
macro_rules! fail {
    ($($arg:tt)*) => { return Err($crate::error::Error::new(format!($($arg)*))) };
}
pub(crate) use fail;
