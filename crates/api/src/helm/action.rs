//! How each of Helm's actions is done.

use serde::{Deserialize, Serialize};

use crate::is_default;
use crate::meta::Duration;

/// How to install.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Install {
    /// How long it may take; absent means the HelmRelease's timeout.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// What to do after a failure.
    #[serde(skip_serializing_if = "is_default")]
    pub strategy: Option<InstallStrategy>,
    /// How often to try again.
    #[serde(skip_serializing_if = "is_default")]
    pub remediation: Option<InstallRemediation>,
    /// Whether existing objects of others are refused.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_take_ownership: bool,
    /// Whether not to wait for objects.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_wait: bool,
    /// Whether not to wait for Jobs.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_wait_for_jobs: bool,
    /// Whether to leave hooks out.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_hooks: bool,
    /// Whether not to check against the server's schema.
    #[serde(rename = "disableOpenAPIValidation", skip_serializing_if = "is_default")]
    pub disable_open_api_validation: bool,
    /// Whether not to check values against the chart's schema.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_schema_validation: bool,
    /// Whether the name of a deleted release may be used again.
    #[serde(skip_serializing_if = "is_default")]
    pub replace: bool,
    /// Without effect; `crds` says it.
    #[serde(rename = "skipCRDs", skip_serializing_if = "is_default")]
    pub skip_crds: bool,
    /// What to do with the chart's CRDs; absent means Create.
    #[serde(skip_serializing_if = "is_default")]
    pub crds: Option<CrdsPolicy>,
    /// Whether to make the target namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub create_namespace: bool,
    /// Whether the server merges; absent means yes.
    #[serde(skip_serializing_if = "is_default")]
    pub server_side_apply: Option<bool>,
}

/// What to do after a failed install.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallStrategy {
    /// Which.
    pub name: StrategyName,
    /// How long to wait before trying again; absent means five minutes.
    #[serde(skip_serializing_if = "is_default")]
    pub retry_interval: Option<Duration>,
}

/// What to do after a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrategyName {
    /// Undo and try again.
    #[default]
    RemediateOnFailure,
    /// Try again upon what is there.
    RetryOnFailure,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// How often to try a failed install again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallRemediation {
    /// How often to try again; negative means without end.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: i64,
    /// Whether failed tests count as success; absent means as `test.ignoreFailures` says.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_test_failures: Option<bool>,
    /// Whether the last failure is undone too.
    #[serde(skip_serializing_if = "is_default")]
    pub remediate_last_failure: Option<bool>,
}

/// How to upgrade.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Upgrade {
    /// How long it may take; absent means the HelmRelease's timeout.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// What to do after a failure.
    #[serde(skip_serializing_if = "is_default")]
    pub strategy: Option<UpgradeStrategy>,
    /// How often to try again, and how to undo.
    #[serde(skip_serializing_if = "is_default")]
    pub remediation: Option<UpgradeRemediation>,
    /// Whether existing objects of others are refused.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_take_ownership: bool,
    /// Whether not to wait for objects.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_wait: bool,
    /// Whether not to wait for Jobs.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_wait_for_jobs: bool,
    /// Whether to leave hooks out.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_hooks: bool,
    /// Whether not to check against the server's schema.
    #[serde(rename = "disableOpenAPIValidation", skip_serializing_if = "is_default")]
    pub disable_open_api_validation: bool,
    /// Whether not to check values against the chart's schema.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_schema_validation: bool,
    /// Whether objects are replaced.
    #[serde(skip_serializing_if = "is_default")]
    pub force: bool,
    /// Whether the values of the last revision are kept.
    #[serde(skip_serializing_if = "is_default")]
    pub preserve_values: bool,
    /// Whether new objects go after a failure.
    #[serde(skip_serializing_if = "is_default")]
    pub cleanup_on_fail: bool,
    /// What to do with the chart's CRDs; absent means Create.
    #[serde(skip_serializing_if = "is_default")]
    pub crds: Option<CrdsPolicy>,
    /// Whether the server merges; absent means auto.
    #[serde(skip_serializing_if = "is_default")]
    pub server_side_apply: Option<ServerSideApply>,
    /// What to do when the chart's name changes; absent means Reinstall.
    #[serde(skip_serializing_if = "is_default")]
    pub chart_name_change_strategy: Option<ChartNameChangeStrategy>,
}

/// What to do after a failed upgrade.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpgradeStrategy {
    /// Which.
    pub name: StrategyName,
    /// How long to wait before trying again; absent means five minutes.
    #[serde(skip_serializing_if = "is_default")]
    pub retry_interval: Option<Duration>,
}

/// How often to try a failed upgrade again, and how to undo it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpgradeRemediation {
    /// How often to try again; negative means without end.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: i64,
    /// Whether failed tests count as success; absent means as `test.ignoreFailures` says.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_test_failures: Option<bool>,
    /// Whether the last failure is undone too.
    #[serde(skip_serializing_if = "is_default")]
    pub remediate_last_failure: Option<bool>,
    /// How to undo it; absent means rollback.
    #[serde(skip_serializing_if = "is_default")]
    pub strategy: Option<RemediationStrategy>,
}

/// How a failed upgrade is undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RemediationStrategy {
    /// Back to the last good revision.
    #[default]
    #[serde(rename = "rollback")]
    Rollback,
    /// By uninstalling.
    #[serde(rename = "uninstall")]
    Uninstall,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// What to do with the chart's CRDs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrdsPolicy {
    /// Make those that are missing.
    #[default]
    Create,
    /// Nothing.
    Skip,
    /// Make those that are missing and replace the others.
    CreateReplace,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// Whether the server merges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerSideApply {
    /// As the last revision did.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// It does.
    #[serde(rename = "enabled")]
    Enabled,
    /// It does not.
    #[serde(rename = "disabled")]
    Disabled,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// What to do when the chart's name changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChartNameChangeStrategy {
    /// Uninstall, then install.
    #[default]
    Reinstall,
    /// Upgrade.
    InPlaceUpdate,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// Whether and how to test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Test {
    /// Whether to test after an install or upgrade.
    #[serde(skip_serializing_if = "is_default")]
    pub enable: bool,
    /// How long it may take; absent means the HelmRelease's timeout.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// Whether failed tests count as success.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_failures: bool,
    /// Which tests to run; none means all.
    #[serde(skip_serializing_if = "is_default")]
    pub filters: Option<Vec<TestFilter>>,
}

/// A choice of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestFilter {
    /// Its name.
    pub name: String,
    /// Whether to leave it out.
    #[serde(skip_serializing_if = "is_default")]
    pub exclude: bool,
}

/// How to roll back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollback {
    /// How long it may take; absent means the HelmRelease's timeout.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// Whether not to wait for objects.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_wait: bool,
    /// Whether not to wait for Jobs.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_wait_for_jobs: bool,
    /// Whether to leave hooks out.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_hooks: bool,
    /// Without effect.
    #[serde(skip_serializing_if = "is_default")]
    pub recreate: bool,
    /// Whether objects are replaced.
    #[serde(skip_serializing_if = "is_default")]
    pub force: bool,
    /// Whether new objects go after a failure.
    #[serde(skip_serializing_if = "is_default")]
    pub cleanup_on_fail: bool,
    /// Whether the server merges; absent means auto.
    #[serde(skip_serializing_if = "is_default")]
    pub server_side_apply: Option<ServerSideApply>,
}

/// How to uninstall.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Uninstall {
    /// How long it may take; absent means the HelmRelease's timeout.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// Whether to leave hooks out.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_hooks: bool,
    /// Whether Helm's records stay.
    #[serde(skip_serializing_if = "is_default")]
    pub keep_history: bool,
    /// Whether not to wait until objects are gone.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_wait: bool,
    /// What happens to what the objects own; absent means background.
    #[serde(skip_serializing_if = "is_default")]
    pub deletion_propagation: Option<DeletionPropagation>,
}

/// What happens to what deleted objects own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPropagation {
    /// It is deleted afterwards.
    #[default]
    #[serde(rename = "background")]
    Background,
    /// It is deleted before.
    #[serde(rename = "foreground")]
    Foreground,
    /// It stays.
    #[serde(rename = "orphan")]
    Orphan,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}
