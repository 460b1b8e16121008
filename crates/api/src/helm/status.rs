//! What was installed, and how it went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::is_default;
use crate::kind::conditions_status;
use crate::meta::{Condition, Duration, Inventory, Time};

/// What was installed, and how it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmReleaseStatus {
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// The digest of the post renderers of the last release.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_post_renderers_digest: String,
    /// The digest of the common metadata of the last release.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_common_metadata_digest: String,
    /// The generation of the last run that had chart and values.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_generation: i64,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// `namespace/name` of the HelmChart made for it.
    #[serde(skip_serializing_if = "is_default")]
    pub helm_chart: String,
    /// Where Helm keeps its records now.
    #[serde(skip_serializing_if = "is_default")]
    pub storage_namespace: String,
    /// The last revisions, newest first.
    #[serde(skip_serializing_if = "is_default")]
    pub history: Vec<ReleaseSnapshot>,
    /// What is ours in the cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub inventory: Option<Inventory>,
    /// The last install or upgrade.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_release_action: Option<ReleaseAction>,
    /// How long it took.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_release_action_duration: Option<Duration>,
    /// How many actions have failed since the last change.
    #[serde(skip_serializing_if = "is_default")]
    pub failures: i64,
    /// How many installs have failed since the last change.
    #[serde(skip_serializing_if = "is_default")]
    pub install_failures: i64,
    /// How many upgrades have failed since the last change.
    #[serde(skip_serializing_if = "is_default")]
    pub upgrade_failures: i64,
    /// The chart version last tried.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_revision: String,
    /// The digest of that chart, where it came from an OCIRepository.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_revision_digest: String,
    /// An older name of `lastAttemptedConfigDigest`.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_values_checksum: String,
    /// An older way to say the last revision.
    #[serde(skip_serializing_if = "is_default")]
    pub last_release_revision: i64,
    /// The digest of the values last tried.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_config_digest: String,
    /// The last handled request to start counting anew.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reset_at: String,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
    /// The last handled request to force an action.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_force_at: String,
}

/// An action that makes a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReleaseAction {
    /// The first one.
    #[default]
    #[serde(rename = "install")]
    Install,
    /// A later one.
    #[serde(rename = "upgrade")]
    Upgrade,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// One revision of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReleaseSnapshot {
    /// How the digest is made.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// A digest of Helm's record.
    pub digest: String,
    /// The release's name.
    pub name: String,
    /// The release's namespace.
    pub namespace: String,
    /// The revision.
    pub version: i64,
    /// Helm's word for how it is.
    pub status: String,
    /// What made or last changed it.
    #[serde(skip_serializing_if = "is_default")]
    pub action: String,
    /// The chart's name.
    pub chart_name: String,
    /// The chart's version.
    pub chart_version: String,
    /// The version of what the chart installs.
    #[serde(skip_serializing_if = "is_default")]
    pub app_version: String,
    /// The digest of its values.
    pub config_digest: String,
    /// When the release was first installed.
    pub first_deployed: Time,
    /// When this revision was.
    pub last_deployed: Time,
    /// When it was uninstalled.
    #[serde(skip_serializing_if = "is_default")]
    pub deleted: Option<Time>,
    /// Its tests, by name.
    #[serde(skip_serializing_if = "is_default")]
    pub test_hooks: Option<BTreeMap<String, Option<TestHookStatus>>>,
    /// The digest of the chart, where it came from an OCIRepository.
    #[serde(skip_serializing_if = "is_default")]
    pub oci_digest: String,
}

/// How a test went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestHookStatus {
    /// When it began.
    #[serde(skip_serializing_if = "is_default")]
    pub last_started: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "is_default")]
    pub last_completed: Option<Time>,
    /// How it ended.
    #[serde(skip_serializing_if = "is_default")]
    pub phase: String,
}

conditions_status!(HelmReleaseStatus);
