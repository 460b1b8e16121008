//! What a person sees when a command fails: one type, printed in one place.

use std::process::ExitCode;

use crate::ui::Ui;

/// What kind of failure it is decides the exit status and the symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command could not do what was asked.
    Failed,
    /// A comparison found changes: not a failure, but the exit status says so.
    Changes,
    /// A comparison could not be made.
    NotCompared,
    /// The command could not do what was asked, told without a symbol, as kustomize does.
    Plain,
    /// Whoever read our output has gone.
    BrokenPipe,
}

#[derive(Debug)]
pub struct CliError {
    pub kind: ErrorKind,
    pub error: String,
    /// Printed below the error, one a line.
    pub hints: Vec<String>,
}

pub type CliResult<T = ()> = Result<T, CliError>;

impl CliError {
    pub fn new(error: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, error: error.into(), hints: Vec::new() }
    }

    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The time that `--timeout` gives has passed.
    pub fn deadline() -> Self {
        Self::new("context deadline exceeded")
    }
}

/// Joins an error and its sources, each once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let part = inner.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        source = inner.source();
    }
    text
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => ErrorKind::BrokenPipe,
            _ => ErrorKind::Failed,
        };
        Self::new(error.to_string()).with_kind(kind)
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<crate::cluster::ClusterError> for CliError {
    fn from(error: crate::cluster::ClusterError) -> Self {
        Self::new(chain(&error))
    }
}

/// Prints how the command ended and says with which status to exit.
pub fn exit(ui: &Ui, result: CliResult) -> ExitCode {
    let Err(CliError { kind, error, hints }) = result else {
        return ExitCode::SUCCESS;
    };
    match kind {
        ErrorKind::Changes => ui.warning(&error),
        ErrorKind::Failed | ErrorKind::NotCompared => ui.failure(&error),
        ErrorKind::Plain => ui.note(&format!("Error: {error}")),
        ErrorKind::BrokenPipe => {}
    }
    for hint in hints {
        ui.note(&hint);
    }
    match kind {
        ErrorKind::Failed | ErrorKind::Plain | ErrorKind::Changes => ExitCode::from(1),
        ErrorKind::NotCompared => ExitCode::from(2),
        ErrorKind::BrokenPipe => ExitCode::from(3),
    }
}
