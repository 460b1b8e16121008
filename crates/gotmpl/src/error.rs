//! Errors of parsing and executing, with Go's texts and Go's chains.

use std::fmt;

/// One level of an error: what it says, and the error inside, whose text follows its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    says: String,
    inner: Option<Box<Error>>,
    /// The run was ended from outside its own logic: budget, stop.
    limit: bool,
}

impl Error {
    pub fn new(says: impl Into<String>) -> Self {
        Self { says: says.into(), inner: None, limit: false }
    }

    /// An error that says `says` and then what `inner` says.
    #[must_use]
    pub fn wrap(says: impl Into<String>, inner: Error) -> Self {
        let limit = inner.limit;
        Self { says: says.into(), inner: Some(Box::new(inner)), limit }
    }

    /// Whether a limit ended the run, not the template.
    pub fn is_limit(&self) -> bool {
        self.limit
    }

    /// The error inside, as Go's errors.Unwrap would give it.
    pub fn inner(&self) -> Option<&Error> {
        self.inner.as_deref()
    }

    /// The errors of the chain, the outermost first. The text of each holds those within.
    pub fn levels(&self) -> impl Iterator<Item = &Error> {
        std::iter::successors(Some(self), |error| error.inner())
    }

    /// What this error says before the one inside.
    pub fn says(&self) -> &str {
        &self.says
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        let mut next = self.inner();
        while let Some(error) = next {
            f.write_str(&error.says)?;
            next = error.inner();
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// A chain may be as long as templates nest, so it is taken apart without recursion.
impl Drop for Error {
    fn drop(&mut self) {
        let mut next = self.inner.take();
        while let Some(mut error) = next {
            next = error.inner.take();
        }
    }
}

impl From<sluice_budget::Exceeded> for Error {
    fn from(exceeded: sluice_budget::Exceeded) -> Self {
        Self { says: exceeded.to_string(), inner: None, limit: true }
    }
}
