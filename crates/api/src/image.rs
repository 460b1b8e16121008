//! `image.toolkit.fluxcd.io/v1`: what tags there are, which one is wanted, and writing it to Git.

mod policy;
mod repository;
mod update;

use serde::{Deserialize, Serialize};

use crate::is_default;

pub use policy::{
    ImagePolicy, ImagePolicyChoice, ImagePolicySpec, ImagePolicyStatus, OrderPolicy, ReflectionPolicy,
    SemVerPolicy, TagFilter,
};
pub use repository::{ImageRepository, ImageRepositorySpec, ImageRepositoryStatus, ScanResult};
pub use update::{
    CommitSpec, CommitUser, GitCheckoutSpec, GitSpec, ImageUpdateAutomation, ImageUpdateAutomationSpec,
    ImageUpdateAutomationStatus, PushSpec, SigningKey, UpdateStrategy,
};

/// The group of all three.
pub const GROUP: &str = "image.toolkit.fluxcd.io";
/// Its served version.
pub const VERSION: &str = "v1";

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageRef {
    /// Its name without tag.
    pub name: String,
    /// Its tag.
    pub tag: String,
    /// Its digest.
    #[serde(skip_serializing_if = "is_default")]
    pub digest: String,
}
