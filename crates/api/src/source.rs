//! `source.toolkit.fluxcd.io/v1`, and the ArtifactGenerator of `source.extensions.fluxcd.io/v1beta1`.

pub mod bucket;
pub mod external_artifact;
pub mod generator;
pub mod git;
pub mod helm_chart;
pub mod helm_repository;
pub mod oci;

use serde::{Deserialize, Serialize};

use crate::is_default;
use crate::meta::LocalObjectReference;

pub use bucket::{Bucket, BucketSpec, BucketStatus};
pub use external_artifact::{ExternalArtifact, ExternalArtifactSpec, ExternalArtifactStatus};
pub use generator::{ArtifactGenerator, ArtifactGeneratorSpec, ArtifactGeneratorStatus};
pub use git::{GitRepository, GitRepositorySpec, GitRepositoryStatus};
pub use helm_chart::{HelmChart, HelmChartSpec, HelmChartStatus};
pub use helm_repository::{HelmRepository, HelmRepositorySpec, HelmRepositoryStatus};
pub use oci::{OCIRepository, OCIRepositorySpec, OCIRepositoryStatus};

/// The group of all sources.
pub const GROUP: &str = "source.toolkit.fluxcd.io";
/// Its served version.
pub const VERSION: &str = "v1";

/// How signatures of OCI artifacts are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIVerification {
    /// `cosign` or `notation`.
    pub provider: String,
    /// The Secret with public keys or trust policy; none means keyless.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Identities of which one must have signed.
    #[serde(rename = "matchOIDCIdentity", skip_serializing_if = "is_default")]
    pub match_oidc_identity: Vec<OIDCIdentityMatch>,
    /// The Secret with a trusted root of one's own.
    #[serde(skip_serializing_if = "is_default")]
    pub trusted_root_secret_ref: Option<LocalObjectReference>,
}

/// How signatures of charts are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartVerification {
    /// `cosign` or `notation`.
    pub provider: String,
    /// The Secret with public keys or trust policy; none means keyless.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Identities of which one must have signed.
    #[serde(rename = "matchOIDCIdentity", skip_serializing_if = "is_default")]
    pub match_oidc_identity: Vec<OIDCIdentityMatch>,
}

/// A keyless signer; both are regular expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OIDCIdentityMatch {
    /// Who vouched for the identity.
    pub issuer: String,
    /// The identity.
    pub subject: String,
}

/// Statuses of sources hold the same fields under the same names.
macro_rules! source_status {
    ($status:ty) => {
        $crate::kind::conditions_status!($status, {
            fn artifact(&self) -> Option<&$crate::meta::Artifact> {
                self.artifact.as_ref()
            }
        });
    };
}
pub(crate) use source_status;
