//! The event that controllers post to notification-controller, as its JSON body.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::is_default;
use crate::meta::Time;

/// The prefix of annotations that are copied into metadata, and of metadata without a group of its own.
pub const GROUP: &str = "event.toolkit.fluxcd.io";

/// Metadata: the revision that the event is about.
pub const REVISION: &str = "revision";
/// Metadata: the same in the project's own repository.
pub const ORIGIN_REVISION: &str = "originRevision";
/// Metadata: the checksum; an older name of [`DIGEST`].
pub const CHECKSUM: &str = "checksum";
/// Metadata: the artifact's digest.
pub const DIGEST: &str = "digest";
/// Metadata: what makes two events different that are otherwise the same.
pub const TOKEN: &str = "token";
/// Metadata: the commit.
pub const COMMIT: &str = "commit";
/// Metadata: whether a commit status is to be written.
pub const COMMIT_STATUS: &str = "commit_status";
/// The value of [`COMMIT_STATUS`] of an event that only updates one.
pub const COMMIT_STATUS_UPDATE: &str = "update";
/// Metadata: the pull request.
pub const CHANGE_REQUEST: &str = "change_request";

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Never posted.
    Trace,
    /// News.
    #[default]
    Info,
    /// A failure.
    Error,
}

impl Severity {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Trace => "trace",
            Severity::Info => "info",
            Severity::Error => "error",
        }
    }
}

/// A reference to the object that an event is about, as `core/v1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Its kind.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// Its name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Its uid.
    #[serde(skip_serializing_if = "is_default")]
    pub uid: String,
    /// `group/version`.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// Its state.
    #[serde(skip_serializing_if = "is_default")]
    pub resource_version: String,
    /// The part that it is about.
    #[serde(skip_serializing_if = "is_default")]
    pub field_path: String,
}

/// An event. Fields are written in this order, which signatures over the body depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// What it is about.
    pub involved_object: ObjectReference,
    /// How bad it is.
    pub severity: Severity,
    /// When it happened.
    pub timestamp: Time,
    /// Text for people.
    pub message: String,
    /// One word for programs.
    pub reason: String,
    /// More facts; keys begin with the group of the object's kind.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: BTreeMap<String, String>,
    /// Which controller says so.
    pub reporting_controller: String,
    /// On which host.
    #[serde(skip_serializing_if = "is_default")]
    pub reporting_instance: String,
}
