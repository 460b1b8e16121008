//! ImagePolicy: which tag is wanted.

use serde::{Deserialize, Serialize};

use super::{GROUP, ImageRef, VERSION};
use crate::is_default;
use crate::kind::{Resource, Spec, conditions_status};
use crate::meta::{Condition, Duration, NamespacedObjectReference};

/// Which tag of an image is wanted.
pub type ImagePolicy = Resource<ImagePolicySpec>;

/// How to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicySpec {
    /// The tags to choose from.
    pub image_repository_ref: NamespacedObjectReference,
    /// By what order.
    pub policy: ImagePolicyChoice,
    /// Which tags are looked at.
    #[serde(skip_serializing_if = "is_default")]
    pub filter_tags: Option<TagFilter>,
    /// When to look the digest up; absent means Never.
    #[serde(skip_serializing_if = "is_default")]
    pub digest_reflection_policy: Option<ReflectionPolicy>,
    /// How often to look the digest up.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: Option<Duration>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
}

/// By what order: one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImagePolicyChoice {
    /// By version.
    #[serde(skip_serializing_if = "is_default")]
    pub semver: Option<SemVerPolicy>,
    /// By letters.
    #[serde(skip_serializing_if = "is_default")]
    pub alphabetical: Option<OrderPolicy>,
    /// By number.
    #[serde(skip_serializing_if = "is_default")]
    pub numerical: Option<OrderPolicy>,
}

/// By version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SemVerPolicy {
    /// The range in which it must be.
    pub range: String,
}

/// In which direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderPolicy {
    /// `asc` or `desc`; the last one is taken.
    #[serde(skip_serializing_if = "is_default")]
    pub order: String,
}

/// Which tags are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagFilter {
    /// A regular expression that a tag must match.
    #[serde(skip_serializing_if = "is_default")]
    pub pattern: String,
    /// What of it the order looks at.
    #[serde(skip_serializing_if = "is_default")]
    pub extract: String,
}

/// When the digest is looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReflectionPolicy {
    /// Never.
    #[default]
    Never,
    /// When the tag changes.
    IfNotPresent,
    /// At every interval.
    Always,
    /// One that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicyStatus {
    /// The image.
    #[serde(skip_serializing_if = "is_default")]
    pub latest_ref: Option<ImageRef>,
    /// The one before.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_previous_ref: Option<ImageRef>,
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

impl Spec for ImagePolicySpec {
    type Status = ImagePolicyStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "ImagePolicy";
    const PLURAL: &'static str = "imagepolicies";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

conditions_status!(ImagePolicyStatus);
