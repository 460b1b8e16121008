//! What a source has stored, and where it can be fetched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::is_default;

/// `status.artifact` of every source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Artifact {
    /// `algorithm:hex` of the served bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub digest: String,
    /// Below the storage root: `<kind>/<namespace>/<name>/<file>`.
    pub path: String,
    /// Where to fetch it.
    pub url: String,
    /// What upstream calls this state, such as `main@sha1:…`.
    pub revision: String,
    /// When it was stored.
    pub last_update_time: Time,
    /// Bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub size: Option<i64>,
    /// What upstream says about it, such as annotations of an OCI manifest.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: BTreeMap<String, String>,
}

impl Artifact {
    /// Whether this is the artifact of `revision`.
    pub fn has_revision(&self, revision: &str) -> bool {
        self.revision == revision
    }
    /// Whether the served bytes have `digest`.
    pub fn has_digest(&self, digest: &str) -> bool {
        self.digest == digest
    }
    /// The revision in the project's own repository, where the producer recorded it.
    pub fn origin_revision(&self) -> Option<&str> {
        self.metadata.get(super::labels::ORIGIN_REVISION).map(String::as_str)
    }
}
