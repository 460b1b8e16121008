//! GitRepository: one revision of a Git repository.

use serde::{Deserialize, Serialize};

use super::{GROUP, VERSION, source_status};
use crate::is_default;
use crate::kind::{Resource, Spec};
use crate::meta::{Artifact, Condition, Duration, LocalObjectReference};

/// A revision of a Git repository, as an artifact.
pub type GitRepository = Resource<GitRepositorySpec>;

/// What to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositorySpec {
    /// `http://`, `https://` or `ssh://`.
    pub url: String,
    /// The Secret with credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// `generic`, `aws`, `azure` or `github`; empty means `generic`.
    #[serde(skip_serializing_if = "is_default")]
    pub provider: String,
    /// The service account whose cloud identity reads.
    #[serde(skip_serializing_if = "is_default")]
    pub service_account_name: String,
    /// How often to look.
    pub interval: Duration,
    /// How long a remote operation may take.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// Which revision; none means the branch `master`.
    #[serde(rename = "ref", skip_serializing_if = "is_default")]
    pub reference: Option<GitRepositoryRef>,
    /// Whose signature the revision must carry.
    #[serde(rename = "verify", skip_serializing_if = "is_default")]
    pub verification: Option<GitRepositoryVerification>,
    /// The Secret with a proxy's address.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Ignore rules, as in `.sourceignore`.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore: Option<String>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// Whether to fetch submodules.
    #[serde(skip_serializing_if = "is_default")]
    pub recurse_submodules: bool,
    /// Other repositories to copy in.
    #[serde(skip_serializing_if = "is_default")]
    pub include: Vec<GitRepositoryInclude>,
    /// The folders to keep; none means all.
    #[serde(skip_serializing_if = "is_default")]
    pub sparse_checkout: Vec<String>,
}

/// Which revision: commit beats name, name beats tag, tag beats semver, semver beats branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitRepositoryRef {
    /// A branch.
    #[serde(skip_serializing_if = "is_default")]
    pub branch: String,
    /// A tag.
    #[serde(skip_serializing_if = "is_default")]
    pub tag: String,
    /// The newest tag in this range.
    #[serde(skip_serializing_if = "is_default")]
    pub semver: String,
    /// A full reference name, such as `refs/pull/420/head`.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// A commit.
    #[serde(skip_serializing_if = "is_default")]
    pub commit: String,
}

/// Another GitRepository whose artifact is copied in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryInclude {
    /// The other repository, in the same namespace.
    pub repository: LocalObjectReference,
    /// The folder to copy; empty means all.
    #[serde(skip_serializing_if = "is_default")]
    pub from_path: String,
    /// Where to put it; empty means the other repository's name.
    #[serde(skip_serializing_if = "is_default")]
    pub to_path: String,
}

impl GitRepositoryInclude {
    /// Where to put it.
    pub fn to_path(&self) -> &str {
        if self.to_path.is_empty() { &self.repository.name } else { &self.to_path }
    }
}

/// Whose signature is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryVerification {
    /// Which Git objects must be signed; absent means HEAD.
    #[serde(skip_serializing_if = "is_default")]
    pub mode: Option<GitVerificationMode>,
    /// The Secret with public keys.
    pub secret_ref: LocalObjectReference,
}

/// Which Git objects must be signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GitVerificationMode {
    /// The commit; an older spelling of [`GitVerificationMode::Head`].
    #[serde(rename = "head")]
    LegacyHead,
    /// The commit.
    #[default]
    #[serde(rename = "HEAD")]
    Head,
    /// The tag.
    Tag,
    /// Both.
    #[serde(rename = "TagAndHEAD")]
    TagAndHead,
    /// A mode that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// What was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryStatus {
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// What is stored.
    #[serde(skip_serializing_if = "is_default")]
    pub artifact: Option<Artifact>,
    /// The artifacts of the includes when it was stored.
    #[serde(skip_serializing_if = "is_default")]
    pub included_artifacts: Vec<Artifact>,
    /// `spec.ignore` when it was stored.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_ignore: Option<String>,
    /// `spec.recurseSubmodules` when it was stored.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_recurse_submodules: bool,
    /// `spec.include` when it was stored.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// `spec.sparseCheckout` when it was stored.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_sparse_checkout: Vec<String>,
    /// The mode of the last verification.
    #[serde(skip_serializing_if = "is_default")]
    pub source_verification_mode: Option<GitVerificationMode>,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

impl Spec for GitRepositorySpec {
    type Status = GitRepositoryStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "GitRepository";
    const PLURAL: &'static str = "gitrepositories";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

source_status!(GitRepositoryStatus);
