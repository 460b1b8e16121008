//! `kustomize.toolkit.fluxcd.io/v1`: Kustomization, manifests of a source applied to a cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::is_default;
use crate::kind::{Resource, Spec, conditions_status};
use crate::meta::{
    Condition, CrossNamespaceSourceReference, CustomHealthCheck, DependencyReference, Duration, IgnoreRule,
    Image, Inventory, KubeConfigReference, LocalObjectReference, NamespacedObjectKindReference, Patch,
    SharedMetadata, Snapshot,
};

/// The group of Kustomization.
pub const GROUP: &str = "kustomize.toolkit.fluxcd.io";
/// Its served version.
pub const VERSION: &str = "v1";
/// No timeout is shorter.
pub const MIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Manifests of a source, applied to a cluster.
pub type Kustomization = Resource<KustomizationSpec>;

/// What to apply, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationSpec {
    /// Put on every object.
    #[serde(skip_serializing_if = "is_default")]
    pub common_metadata: Option<SharedMetadata>,
    /// Kustomizations that must be ready before.
    #[serde(skip_serializing_if = "is_default")]
    pub depends_on: Vec<DependencyReference>,
    /// How encrypted files are read.
    #[serde(skip_serializing_if = "is_default")]
    pub decryption: Option<Decryption>,
    /// How often to set the cluster right.
    pub interval: Duration,
    /// How long to wait after a failure; absent means the interval.
    #[serde(skip_serializing_if = "is_default")]
    pub retry_interval: Option<Duration>,
    /// Another cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub kube_config: Option<KubeConfigReference>,
    /// The folder in the source; empty means its root.
    #[serde(skip_serializing_if = "is_default")]
    pub path: String,
    /// Variables to replace after the build.
    #[serde(skip_serializing_if = "is_default")]
    pub post_build: Option<PostBuild>,
    /// Whether stale objects are deleted.
    pub prune: bool,
    /// What happens to the objects when the Kustomization is deleted; absent means MirrorPrune.
    #[serde(skip_serializing_if = "is_default")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Objects that must be healthy.
    #[serde(skip_serializing_if = "is_default")]
    pub health_checks: Vec<NamespacedObjectKindReference>,
    /// Put before every name.
    #[serde(skip_serializing_if = "is_default")]
    pub name_prefix: String,
    /// Put after every name.
    #[serde(skip_serializing_if = "is_default")]
    pub name_suffix: String,
    /// Patches after those of the files.
    #[serde(skip_serializing_if = "is_default")]
    pub patches: Vec<Patch>,
    /// Images to replace.
    #[serde(skip_serializing_if = "is_default")]
    pub images: Vec<Image>,
    /// Whose rights are used.
    #[serde(skip_serializing_if = "is_default")]
    pub service_account_name: String,
    /// Where the manifests come from.
    pub source_ref: CrossNamespaceSourceReference,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// The namespace of every object.
    #[serde(skip_serializing_if = "is_default")]
    pub target_namespace: String,
    /// How long objects may take to become healthy; absent means half a minute less than the interval.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// Whether objects are recreated when an immutable field changes.
    #[serde(skip_serializing_if = "is_default")]
    pub force: bool,
    /// Whether every applied object must be healthy.
    #[serde(skip_serializing_if = "is_default")]
    pub wait: bool,
    /// `originAnnotations`, `transformerAnnotations`.
    #[serde(skip_serializing_if = "is_default")]
    pub build_metadata: Vec<String>,
    /// Kustomize components to add.
    #[serde(skip_serializing_if = "is_default")]
    pub components: Vec<String>,
    /// Whether such components may be missing.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_missing_components: bool,
    /// What healthy means for some kinds.
    #[serde(skip_serializing_if = "is_default")]
    pub health_check_exprs: Vec<CustomHealthCheck>,
    /// Fields that others may change.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore: Vec<IgnoreRule>,
}

/// How encrypted files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Decryption {
    /// `sops`.
    pub provider: String,
    /// The service account whose cloud identity decrypts.
    #[serde(skip_serializing_if = "is_default")]
    pub service_account_name: String,
    /// The Secret with keys.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// Variables to replace after the build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PostBuild {
    /// Whether to replace when there are no variables; absent means WithVariables.
    #[serde(skip_serializing_if = "is_default")]
    pub substitute_strategy: Option<SubstituteStrategy>,
    /// Variables; they win over those of `substitute_from`.
    #[serde(skip_serializing_if = "is_default")]
    pub substitute: BTreeMap<String, String>,
    /// Where more variables are; later ones win.
    #[serde(skip_serializing_if = "is_default")]
    pub substitute_from: Vec<SubstituteReference>,
}

/// A ConfigMap or Secret with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubstituteReference {
    /// `ConfigMap` or `Secret`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "is_default")]
    pub optional: bool,
}

/// When variables are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubstituteStrategy {
    /// When there are variables.
    #[default]
    WithVariables,
    /// Also when there are none.
    Always,
    /// A strategy that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// What happens to the objects when the Kustomization is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// They are deleted if `spec.prune` says so.
    #[default]
    MirrorPrune,
    /// They are deleted.
    Delete,
    /// They are deleted, and the Kustomization stays until they are gone.
    WaitForTermination,
    /// They stay.
    Orphan,
    /// A policy that we do not know.
    #[serde(untagged)]
    Other(String),
}

impl KustomizationSpec {
    /// How long objects may take to become healthy.
    pub fn timeout(&self) -> Duration {
        let asked = self.timeout.unwrap_or_else(|| {
            Duration::from_nanos(self.interval.as_nanos().saturating_sub(MIN_TIMEOUT.as_nanos()))
        });
        asked.max(MIN_TIMEOUT)
    }
    /// How long to wait after a failure.
    pub fn retry_interval(&self) -> Duration {
        self.retry_interval.unwrap_or(self.interval)
    }
    /// What happens to the objects when the Kustomization is deleted.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.clone().unwrap_or_default()
    }
    /// When variables are replaced.
    pub fn substitute_strategy(&self) -> SubstituteStrategy {
        self.post_build.as_ref().and_then(|post| post.substitute_strategy.clone()).unwrap_or_default()
    }
}

/// What was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationStatus {
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The revision that is applied and healthy.
    #[serde(skip_serializing_if = "is_default")]
    pub last_applied_revision: String,
    /// The same in the project's own repository.
    #[serde(skip_serializing_if = "is_default")]
    pub last_applied_origin_revision: String,
    /// The revision last downloaded.
    #[serde(skip_serializing_if = "is_default")]
    pub last_attempted_revision: String,
    /// What is ours in the cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub inventory: Option<Inventory>,
    /// The last builds, newest first.
    #[serde(skip_serializing_if = "is_default")]
    pub history: Vec<Snapshot>,
}

impl Spec for KustomizationSpec {
    type Status = KustomizationStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "Kustomization";
    const PLURAL: &'static str = "kustomizations";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

conditions_status!(KustomizationStatus);
