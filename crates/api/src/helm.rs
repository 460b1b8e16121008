//! `helm.toolkit.fluxcd.io/v2`: HelmRelease, a chart installed and kept installed.

mod action;
mod status;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::is_default;
use crate::kind::{Resource, Spec};
use crate::meta::{
    CrossNamespaceSourceReference, CustomHealthCheck, DependencyReference, Duration, IgnoreRule, Image,
    KubeConfigReference, LocalObjectReference, Patch, SharedMetadata, ValuesReference,
};

pub use action::{
    ChartNameChangeStrategy, CrdsPolicy, DeletionPropagation, Install, InstallRemediation, InstallStrategy,
    RemediationStrategy, Rollback, ServerSideApply, StrategyName, Test, TestFilter, Uninstall, Upgrade,
    UpgradeRemediation, UpgradeStrategy,
};
pub use status::{HelmReleaseStatus, ReleaseAction, ReleaseSnapshot, TestHookStatus};

/// The group of HelmRelease.
pub const GROUP: &str = "helm.toolkit.fluxcd.io";
/// Its served version.
pub const VERSION: &str = "v2";

/// A chart installed and kept installed.
pub type HelmRelease = Resource<HelmReleaseSpec>;

/// Which chart to install with which values, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmReleaseSpec {
    /// The HelmChart to make for it; either this or `chartRef`.
    #[serde(skip_serializing_if = "is_default")]
    pub chart: Option<HelmChartTemplate>,
    /// A chart that is made elsewhere; either this or `chart`.
    #[serde(skip_serializing_if = "is_default")]
    pub chart_ref: Option<CrossNamespaceSourceReference>,
    /// How often to look.
    pub interval: Duration,
    /// Another cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub kube_config: Option<KubeConfigReference>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// The release's name; empty means one made of target namespace and name.
    #[serde(skip_serializing_if = "is_default")]
    pub release_name: String,
    /// Where the release lives; empty means the HelmRelease's namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub target_namespace: String,
    /// Where Helm keeps its records; empty means the HelmRelease's namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub storage_namespace: String,
    /// HelmReleases that must be ready before.
    #[serde(skip_serializing_if = "is_default")]
    pub depends_on: Vec<DependencyReference>,
    /// How long an action may take; absent means five minutes.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// How many revisions Helm keeps; absent means five, zero means all.
    #[serde(skip_serializing_if = "is_default")]
    pub max_history: Option<i64>,
    /// Whose rights are used.
    #[serde(skip_serializing_if = "is_default")]
    pub service_account_name: String,
    /// Whether one client serves the whole reconciliation; absent means yes.
    #[serde(skip_serializing_if = "is_default")]
    pub persistent_client: Option<bool>,
    /// What to do about changes that others make.
    #[serde(skip_serializing_if = "is_default")]
    pub drift_detection: Option<DriftDetection>,
    /// How to install.
    #[serde(skip_serializing_if = "is_default")]
    pub install: Option<Install>,
    /// How to upgrade.
    #[serde(skip_serializing_if = "is_default")]
    pub upgrade: Option<Upgrade>,
    /// Whether and how to test.
    #[serde(skip_serializing_if = "is_default")]
    pub test: Option<Test>,
    /// How to roll back.
    #[serde(skip_serializing_if = "is_default")]
    pub rollback: Option<Rollback>,
    /// How to uninstall.
    #[serde(skip_serializing_if = "is_default")]
    pub uninstall: Option<Uninstall>,
    /// Where values come from, in order.
    #[serde(skip_serializing_if = "is_default")]
    pub values_from: Vec<ValuesReference>,
    /// Values; they win over those of `valuesFrom`.
    #[serde(skip_serializing_if = "is_default")]
    pub values: Option<Value>,
    /// Put on every object.
    #[serde(skip_serializing_if = "is_default")]
    pub common_metadata: Option<SharedMetadata>,
    /// What changes the rendered manifests, in order.
    #[serde(skip_serializing_if = "is_default")]
    pub post_renderers: Vec<PostRenderer>,
    /// Whether hooks are changed too; absent means combined.
    #[serde(skip_serializing_if = "is_default")]
    pub post_render_strategy: Option<PostRenderStrategy>,
    /// How to wait for objects.
    #[serde(skip_serializing_if = "is_default")]
    pub wait_strategy: Option<WaitStrategy>,
    /// What healthy means for some kinds.
    #[serde(skip_serializing_if = "is_default")]
    pub health_check_exprs: Vec<CustomHealthCheck>,
}

/// The HelmChart to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelmChartTemplate {
    /// Its labels and annotations.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: Option<SharedMetadata>,
    /// Which chart.
    pub spec: HelmChartTemplateSpec,
}

/// Which chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplateSpec {
    /// Its name in a repository, or its path in a tree.
    pub chart: String,
    /// A version or a range.
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// Where it is.
    pub source_ref: CrossNamespaceSourceReference,
    /// How often to look; absent means the HelmRelease's interval.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: Option<Duration>,
    /// `ChartVersion` or `Revision`.
    #[serde(skip_serializing_if = "is_default")]
    pub reconcile_strategy: String,
    /// Files merged in this order to the chart's values.
    #[serde(skip_serializing_if = "is_default")]
    pub values_files: Vec<String>,
    /// Whether such files may be missing.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_missing_values_files: bool,
    /// Whose signature is asked for.
    #[serde(skip_serializing_if = "is_default")]
    pub verify: Option<HelmChartTemplateVerification>,
}

/// How the chart's signature is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplateVerification {
    /// `cosign` or `notation`.
    pub provider: String,
    /// The Secret with public keys; none means keyless.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// What to do about changes that others make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DriftDetection {
    /// Whether to correct them; absent means disabled.
    #[serde(skip_serializing_if = "is_default")]
    pub mode: Option<DriftDetectionMode>,
    /// Fields that others may change.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore: Vec<IgnoreRule>,
}

/// Whether changes that others make are corrected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriftDetectionMode {
    /// They are not looked for.
    #[default]
    #[serde(rename = "disabled")]
    Disabled,
    /// They are reported.
    #[serde(rename = "warn")]
    Warn,
    /// They are corrected.
    #[serde(rename = "enabled")]
    Enabled,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// One change of the rendered manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PostRenderer {
    /// By kustomize.
    #[serde(skip_serializing_if = "is_default")]
    pub kustomize: Option<Kustomize>,
}

/// Patches and images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kustomize {
    /// Patches.
    #[serde(skip_serializing_if = "is_default")]
    pub patches: Vec<Patch>,
    /// Images to replace.
    #[serde(skip_serializing_if = "is_default")]
    pub images: Vec<Image>,
}

/// Which manifests are changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostRenderStrategy {
    /// Manifests and hooks together.
    #[default]
    #[serde(rename = "combined")]
    Combined,
    /// Manifests without hooks.
    #[serde(rename = "nohooks")]
    NoHooks,
    /// Manifests and hooks, each for itself.
    #[serde(rename = "separate")]
    Separate,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// How to wait for objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitStrategy {
    /// By whose rules.
    pub name: WaitStrategyName,
}

/// By whose rules to wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitStrategyName {
    /// By kstatus' rules.
    #[default]
    #[serde(rename = "poller")]
    Poller,
    /// By those of Helm 3.
    #[serde(rename = "legacy")]
    Legacy,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

impl HelmReleaseSpec {
    /// How long an action may take.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(300))
    }
    /// How many revisions Helm keeps; zero means all.
    pub fn max_history(&self) -> i64 {
        self.max_history.unwrap_or(5)
    }
}

impl Spec for HelmReleaseSpec {
    type Status = HelmReleaseStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "HelmRelease";
    const PLURAL: &'static str = "helmreleases";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}
