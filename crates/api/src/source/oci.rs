//! OCIRepository: an artifact of an OCI registry.

use serde::{Deserialize, Serialize};

use super::{GROUP, OCIVerification, VERSION, source_status};
use crate::is_default;
use crate::kind::{Resource, Spec};
use crate::meta::{Artifact, Condition, Duration, LocalObjectReference};

/// An artifact of an OCI registry.
pub type OCIRepository = Resource<OCIRepositorySpec>;

/// What to pull.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIRepositorySpec {
    /// `oci://…` without tag and digest.
    pub url: String,
    /// Which artifact; none means the tag `latest`.
    #[serde(rename = "ref", skip_serializing_if = "is_default")]
    pub reference: Option<OCIRepositoryRef>,
    /// Which layer, and whether it is unpacked.
    #[serde(skip_serializing_if = "is_default")]
    pub layer_selector: Option<OCILayerSelector>,
    /// `generic`, `aws`, `azure` or `gcp`.
    #[serde(skip_serializing_if = "is_default")]
    pub provider: String,
    /// The Secret with credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Whose signature is asked for.
    #[serde(skip_serializing_if = "is_default")]
    pub verify: Option<OCIVerification>,
    /// The service account whose pull secrets or cloud identity are used.
    #[serde(skip_serializing_if = "is_default")]
    pub service_account_name: String,
    /// The Secret with certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// The Secret with a proxy's address.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// How often to look.
    pub interval: Duration,
    /// How long a remote operation may take.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// Ignore rules, as in `.sourceignore`.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore: Option<String>,
    /// Whether plain HTTP will do.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
}

/// Which artifact: digest beats semver, semver beats tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIRepositoryRef {
    /// `sha256:…`.
    #[serde(skip_serializing_if = "is_default")]
    pub digest: String,
    /// The newest tag in this range.
    #[serde(skip_serializing_if = "is_default")]
    pub semver: String,
    /// A regular expression that tags must match before the range is looked at.
    #[serde(skip_serializing_if = "is_default")]
    pub semver_filter: String,
    /// A tag.
    #[serde(skip_serializing_if = "is_default")]
    pub tag: String,
}

/// Which layer, and what to do with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCILayerSelector {
    /// The first layer of this media type; empty means the first.
    #[serde(skip_serializing_if = "is_default")]
    pub media_type: String,
    /// `extract` or `copy`; empty means `extract`.
    #[serde(skip_serializing_if = "is_default")]
    pub operation: String,
}

/// What was pulled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIRepositoryStatus {
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
    /// `spec.ignore` when it was stored.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_ignore: Option<String>,
    /// `spec.layerSelector` when it was stored.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_layer_selector: Option<OCILayerSelector>,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

impl Spec for OCIRepositorySpec {
    type Status = OCIRepositoryStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "OCIRepository";
    const PLURAL: &'static str = "ocirepositories";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

source_status!(OCIRepositoryStatus);
