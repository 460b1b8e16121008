//! How a run ends: well, or with a failure that says what people see and when to try again.

use std::error::Error;
use std::time::Duration;

/// A run that did what it was for.
#[derive(Debug, Clone)]
pub struct Done {
    /// The reason of Ready=True.
    pub reason: &'static str,
    /// The message of Ready=True.
    pub message: String,
    /// When to run again; none where nothing but a change starts it.
    pub again: Option<Duration>,
}

impl Done {
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), again: None }
    }

    /// Runs again after `interval`, give or take the jitter that the flags allow.
    pub fn every(mut self, interval: Duration) -> Self {
        self.again = Some(interval);
        self
    }
}

/// When a failed run is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// After a delay that grows with each failure.
    Backoff,
    /// After this long.
    Retry(Duration),
    /// It waits for something: after this long, or sooner when that changes.
    After(Duration),
    /// Not before the object or the process changes.
    Stalled,
}

/// What is told about a failure in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A warning with the text of Ready.
    Warning,
    /// A warning with a text of its own.
    WarningOf(String),
    /// News, with a text of its own.
    News(String),
    /// Nothing.
    Nothing,
}

/// A run that did not do what it was for.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The reason of Ready=False.
    pub reason: &'static str,
    /// The message of Ready=False; secrets are already gone from it.
    pub message: String,
    pub next: Next,
    pub told: Told,
    /// Ready stays as it is: the run was cut short by the end of the process or by a newer state of the object.
    pub is_interrupted: bool,
}

impl Failure {
    pub fn new(reason: &'static str, message: impl Into<String>, next: Next) -> Self {
        Self { reason, message: message.into(), next, told: Told::Warning, is_interrupted: false }
    }

    /// The run ends without a verdict and is started again at once.
    pub fn interrupted(message: impl Into<String>) -> Self {
        let next = Next::After(Duration::ZERO);
        Self { reason: "", message: message.into(), next, told: Told::Nothing, is_interrupted: true }
    }

    pub fn telling(mut self, told: Told) -> Self {
        self.told = told;
        self
    }
}

/// Turns a stage's error into a failure at the stage's edge.
pub trait OrFail<T> {
    /// The error's whole chain becomes the message.
    fn or_fail(self, reason: &'static str, next: Next) -> Result<T, Failure>;
}

impl<T, E: Error> OrFail<T> for Result<T, E> {
    fn or_fail(self, reason: &'static str, next: Next) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(reason, chain(&error), next))
    }
}

/// An error and its sources, joined once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
