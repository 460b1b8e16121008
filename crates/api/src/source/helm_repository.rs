//! HelmRepository: the index of a chart repository, or the address of an OCI registry with charts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{GROUP, VERSION, source_status};
use crate::is_default;
use crate::kind::{Resource, Spec};
use crate::meta::{Artifact, Condition, Duration, LocalObjectReference};

/// The index of a chart repository, or the address of an OCI registry with charts.
pub type HelmRepository = Resource<HelmRepositorySpec>;

/// Where charts are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmRepositorySpec {
    /// `http://`, `https://` or `oci://`.
    pub url: String,
    /// The Secret with credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The Secret with certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Whether hosts that the index names get the credentials too.
    #[serde(skip_serializing_if = "is_default")]
    pub pass_credentials: bool,
    /// How often to look; zero means a minute.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: Duration,
    /// Whether plain HTTP will do; OCI only.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// How long a remote operation may take; absent means a minute.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// Namespaces that may refer to it.
    #[serde(skip_serializing_if = "is_default")]
    pub access_from: Option<AccessFrom>,
    /// `default` or `oci`; empty means `default`.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub kind: String,
    /// `generic`, `aws`, `azure` or `gcp`; OCI only.
    #[serde(skip_serializing_if = "is_default")]
    pub provider: String,
}

/// Namespaces that may refer to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessFrom {
    /// One must match.
    pub namespace_selectors: Vec<NamespaceSelector>,
}

/// A choice of namespaces by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceSelector {
    /// All must be there; none matches every namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub match_labels: BTreeMap<String, String>,
}

impl HelmRepositorySpec {
    /// Whether it is the address of an OCI registry, which nothing reconciles.
    pub fn is_oci(&self) -> bool {
        self.kind == "oci"
    }
    /// How often to look.
    pub fn interval(&self) -> Duration {
        if self.interval.is_zero() { Duration::from_secs(60) } else { self.interval }
    }
    /// How long a remote operation may take.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(60))
    }
}

/// The index that was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmRepositoryStatus {
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The stable link to the artifact.
    #[serde(skip_serializing_if = "is_default")]
    pub url: String,
    /// What is stored.
    #[serde(skip_serializing_if = "is_default")]
    pub artifact: Option<Artifact>,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

impl Spec for HelmRepositorySpec {
    type Status = HelmRepositoryStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "HelmRepository";
    const PLURAL: &'static str = "helmrepositories";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

source_status!(HelmRepositoryStatus);
