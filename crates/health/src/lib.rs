//! How healthy an object is, by kstatus' rules: judged from the object and a time that is given, nothing else.

mod kind;

use jiff::Timestamp;
use sluice_object::Object;

/// What kstatus calls the state of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Current,
    InProgress,
    Failed,
    Terminating,
    NotFound,
    Unknown,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status, why, and when it may change without any event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub status: Status,
    pub message: String,
    pub revisit_at: Option<Timestamp>,
}

impl Health {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), revisit_at: None }
    }
}

/// Judges an object as it is at `now`.
pub fn health(object: &Object, now: Timestamp) -> Health {
    if object.is_deleting() {
        return Health::new(Status::Terminating, "Resource scheduled for deletion");
    }
    kind::judge(object, now)
}
