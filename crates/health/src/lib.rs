//! How an object of the cluster is: as wanted, on its way, failed, or going.
//!
//! The rules and messages are kstatus', as Flux uses it; a Job is as wanted only when it is complete.
//! Invariant: the answer depends on the object and the time passed in, and on nothing else.

mod checks;
mod conditions;
mod field;
mod generic;
mod kind;
mod owner;

use std::fmt;

use jiff::Timestamp;
use sluice_object::Object;

pub use checks::{Check, Checks};
pub use owner::{Child, child_kind, selector, with_children};
pub use sluice_expression::Expression;

/// How an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// As wanted.
    Current,
    /// On its way.
    InProgress,
    /// It will not get there by itself.
    Failed,
    /// Its deletion was asked for.
    Terminating,
    /// It is not there.
    NotFound,
    /// It cannot be told; the message says why.
    Unknown,
}

impl Status {
    /// As messages have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Current => "Current",
            Status::InProgress => "InProgress",
            Status::Failed => "Failed",
            Status::Terminating => "Terminating",
            Status::NotFound => "NotFound",
            Status::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an object is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// How it is.
    pub status: Status,
    /// Why; for [`Status::Unknown`] the error.
    pub message: String,
    /// When the answer may change although the object does not.
    pub revisit_at: Option<Timestamp>,
}

impl Health {
    fn new(status: Status, message: impl Into<String>) -> Self {
        Health { status, message: message.into(), revisit_at: None }
    }
    fn current(message: impl Into<String>) -> Self {
        Health::new(Status::Current, message)
    }
    fn in_progress(message: impl Into<String>) -> Self {
        Health::new(Status::InProgress, message)
    }
    fn failed(message: impl Into<String>) -> Self {
        Health::new(Status::Failed, message)
    }
    /// Of an object that is not there.
    pub fn not_found() -> Self {
        Health::new(Status::NotFound, "Resource not found")
    }
}

/// How an object is at the time `now`.
pub fn health(object: &Object, now: Timestamp) -> Health {
    compute(object, now).unwrap_or_else(|error| Health::new(Status::Unknown, error))
}

type Computed = Result<Health, String>;

fn compute(object: &Object, now: Timestamp) -> Computed {
    let (group, kind) = (object.group(), object.kind());
    if (group, kind) == ("batch", "Job") {
        return kind::job(object);
    }
    if let Some(health) = generic::before(object)? {
        return Ok(health);
    }
    match (group, kind) {
        ("", "Service") => Ok(kind::service(object)),
        ("", "Pod") => kind::pod(object, now),
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => {
            Ok(Health::current("Resource is always ready"))
        }
        ("", "PersistentVolumeClaim") => Ok(kind::persistent_volume_claim(object)),
        ("apps", "StatefulSet") => Ok(kind::stateful_set(object)),
        ("apps" | "extensions", "DaemonSet") => kind::daemon_set(object),
        ("apps" | "extensions", "Deployment") => kind::deployment(object),
        ("apps" | "extensions", "ReplicaSet") => kind::replica_set(object),
        ("policy", "PodDisruptionBudget") => Ok(Health::current("AllowedDisruptions has been computed.")),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => kind::custom_resource_definition(object),
        _ => generic::ready(object),
    }
}
