//! What a Kustomization has applied lately.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Duration, Time};
use crate::is_default;

/// How many snapshots are kept.
pub const HISTORY_LIMIT: usize = 5;

/// One applied build and how its reconciliation ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Snapshot {
    /// `sha256:…` of the built YAML.
    pub digest: String,
    /// When this first happened.
    pub first_reconciled: Time,
    /// When this last happened.
    pub last_reconciled: Time,
    /// How long the last one took.
    pub last_reconciled_duration: Duration,
    /// The reason of Ready at its end.
    pub last_reconciled_status: String,
    /// How often it happened.
    pub total_reconciliations: i64,
    /// Revisions.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: BTreeMap<String, String>,
}

/// Records the end of a reconciliation: a snapshot of the same digest and status is counted up and moves to the
/// front, another one is put there; the oldest fall off.
pub fn upsert(
    history: &mut Vec<Snapshot>,
    digest: &str,
    at: Time,
    duration: Duration,
    status: &str,
    metadata: BTreeMap<String, String>,
) {
    let known = history.iter().position(|s| s.digest == digest && s.last_reconciled_status == status);
    let mut snapshot = match known {
        Some(index) => history.remove(index),
        None => Snapshot {
            digest: digest.into(),
            first_reconciled: at,
            last_reconciled_status: status.into(),
            ..Default::default()
        },
    };
    snapshot.last_reconciled = at;
    snapshot.last_reconciled_duration = duration;
    snapshot.total_reconciliations += 1;
    snapshot.metadata = metadata;
    history.insert(0, snapshot);
    history.truncate(HISTORY_LIMIT);
}
