//! ImageRepository: the tags of an image.

use serde::{Deserialize, Serialize};

use super::{GROUP, VERSION};
use crate::is_default;
use crate::kind::{Resource, Spec, conditions_status};
use crate::meta::{Condition, Duration, LocalObjectReference, Time};
use crate::source::helm_repository::AccessFrom;

/// The tags of an image, read from its registry.
pub type ImageRepository = Resource<ImageRepositorySpec>;

/// Which image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRepositorySpec {
    /// Its name without tag.
    pub image: String,
    /// How often to look.
    pub interval: Duration,
    /// How long a remote operation may take; absent means the interval.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// The Secret with credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The Secret with a proxy's address.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// The service account whose pull secrets or cloud identity are used.
    #[serde(skip_serializing_if = "is_default")]
    pub service_account_name: String,
    /// The Secret with certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// Namespaces that may refer to it.
    #[serde(skip_serializing_if = "is_default")]
    pub access_from: Option<AccessFrom>,
    /// Regular expressions of tags to leave out.
    #[serde(skip_serializing_if = "is_default")]
    pub exclusion_list: Vec<String>,
    /// `generic`, `aws`, `azure` or `gcp`.
    #[serde(skip_serializing_if = "is_default")]
    pub provider: String,
    /// Whether plain HTTP will do.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRepositoryStatus {
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// The image's full name.
    #[serde(skip_serializing_if = "is_default")]
    pub canonical_image_name: String,
    /// The last look.
    #[serde(skip_serializing_if = "is_default")]
    pub last_scan_result: Option<ScanResult>,
    /// `spec.exclusionList` at the last look.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_exclusion_list: Vec<String>,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

/// What a look at the registry gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanResult {
    /// A digest over all tags.
    #[serde(skip_serializing_if = "is_default")]
    pub revision: String,
    /// How many tags there are.
    pub tag_count: i64,
    /// When it was.
    #[serde(skip_serializing_if = "is_default")]
    pub scan_time: Option<Time>,
    /// Some of the tags.
    #[serde(skip_serializing_if = "is_default")]
    pub latest_tags: Vec<String>,
}

impl Spec for ImageRepositorySpec {
    type Status = ImageRepositoryStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "ImageRepository";
    const PLURAL: &'static str = "imagerepositories";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

conditions_status!(ImageRepositoryStatus);
