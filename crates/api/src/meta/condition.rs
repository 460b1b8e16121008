//! Conditions: what a status says, one line a subject.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::is_default;

/// The longest message that the API admits.
pub const MESSAGE_LIMIT: usize = 32_768;

/// The types of conditions, spelled as in the API.
pub mod condition_type {
    /// The summary.
    pub const READY: &str = "Ready";
    /// A terminal error: nothing is tried until something changes.
    pub const STALLED: &str = "Stalled";
    /// Work is under way.
    pub const RECONCILING: &str = "Reconciling";
    /// The last health check of a Kustomization.
    pub const HEALTHY: &str = "Healthy";
    /// A source's artifact is stored.
    pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
    /// A newer revision than the stored one is known.
    pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
    /// The signature of a source's revision.
    pub const SOURCE_VERIFIED: &str = "SourceVerified";
    /// The remote cannot be read.
    pub const FETCH_FAILED: &str = "FetchFailed";
    /// A chart cannot be made.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// The storage cannot be read or written.
    pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
    /// A repository that a GitRepository includes is missing.
    pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
    /// The last install or upgrade of a HelmRelease.
    pub const RELEASED: &str = "Released";
    /// The last test of a HelmRelease.
    pub const TEST_SUCCESS: &str = "TestSuccess";
    /// The last remediation of a HelmRelease.
    pub const REMEDIATED: &str = "Remediated";
    /// Whether the cluster differs from the release.
    pub const DRIFTED: &str = "Drifted";
}

/// True, False or Unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody can say.
    #[default]
    Unknown,
}

impl ConditionStatus {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        }
    }
}

impl std::fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// What it is about, such as `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: ConditionStatus,
    /// The generation of the object that it was set for.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// When status, reason or message last changed.
    pub last_transition_time: Time,
    /// One word for programs.
    pub reason: String,
    /// Text for people.
    pub message: String,
}

impl Condition {
    /// A condition without a time; [`set_condition`] gives it one.
    pub fn new(kind: &str, status: ConditionStatus, reason: &str, message: impl Into<String>) -> Self {
        Condition {
            kind: kind.into(),
            status,
            reason: reason.into(),
            message: message.into(),
            ..Default::default()
        }
    }
    /// Whether it holds.
    pub fn is_true(&self) -> bool {
        self.status == ConditionStatus::True
    }
    /// Whether it is known not to hold.
    pub fn is_false(&self) -> bool {
        self.status == ConditionStatus::False
    }
    fn says_the_same(&self, other: &Condition) -> bool {
        self.kind == other.kind
            && self.status == other.status
            && self.reason == other.reason
            && self.message == other.message
    }
}

/// The condition of a type.
pub fn find_condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// Takes the condition of a type away; says whether there was one.
pub fn remove_condition(conditions: &mut Vec<Condition>, kind: &str) -> bool {
    let before = conditions.len();
    conditions.retain(|condition| condition.kind != kind);
    conditions.len() != before
}

/// Puts a condition in its place, as of `generation` and `now`: its time changes only when status, reason or
/// message do, its message is cut at [`MESSAGE_LIMIT`], and the list stays in the order in which it is stored.
pub fn set_condition(conditions: &mut Vec<Condition>, mut condition: Condition, generation: i64, now: Time) {
    condition.observed_generation = generation;
    cut_message(&mut condition.message);
    match conditions.iter_mut().find(|existing| existing.kind == condition.kind) {
        Some(existing) => {
            condition.last_transition_time =
                if existing.says_the_same(&condition) { existing.last_transition_time } else { now };
            *existing = condition;
        }
        None => {
            condition.last_transition_time = now;
            conditions.push(condition);
        }
    }
    // Stalled, Reconciling, Ready; then the latest generation first, then by type.
    conditions.sort_by(|a, b| {
        let (left, right) = (rank(&a.kind), rank(&b.kind));
        left.cmp(&right).then_with(|| match left {
            OTHERS => b.observed_generation.cmp(&a.observed_generation).then_with(|| a.kind.cmp(&b.kind)),
            _ => std::cmp::Ordering::Equal,
        })
    });
}

const OTHERS: u8 = 3;

fn rank(kind: &str) -> u8 {
    match kind {
        condition_type::STALLED => 0,
        condition_type::RECONCILING => 1,
        condition_type::READY => 2,
        _ => OTHERS,
    }
}

fn cut_message(message: &mut String) {
    if message.len() <= MESSAGE_LIMIT {
        return;
    }
    let mut end = MESSAGE_LIMIT - 3;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.truncate(end);
    message.push_str("...");
}
