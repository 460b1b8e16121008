//! Bucket: the objects of a bucket in an object store.

use serde::{Deserialize, Serialize};

use super::{GROUP, VERSION, source_status};
use crate::is_default;
use crate::kind::{Resource, Spec};
use crate::meta::{Artifact, Condition, Duration, LocalObjectReference};

/// The objects of a bucket in an object store, as an artifact.
pub type Bucket = Resource<BucketSpec>;

/// What to download.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketSpec {
    /// `generic`, `aws`, `gcp` or `azure`.
    #[serde(skip_serializing_if = "is_default")]
    pub provider: String,
    /// The bucket's name.
    pub bucket_name: String,
    /// `host[:port]`, for Azure the account's URL.
    pub endpoint: String,
    /// Where temporary credentials come from.
    #[serde(skip_serializing_if = "is_default")]
    pub sts: Option<BucketSTSSpec>,
    /// Whether plain HTTP will do.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// The region.
    #[serde(skip_serializing_if = "is_default")]
    pub region: String,
    /// Only keys that begin so.
    #[serde(skip_serializing_if = "is_default")]
    pub prefix: String,
    /// The Secret with credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The service account whose cloud identity reads.
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
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
}

/// Where temporary credentials come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketSTSSpec {
    /// `aws` or `ldap`.
    pub provider: String,
    /// `http://` or `https://`.
    pub endpoint: String,
    /// The Secret with username and password.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The Secret with certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub cert_secret_ref: Option<LocalObjectReference>,
}

/// What was downloaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketStatus {
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
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

impl Spec for BucketSpec {
    type Status = BucketStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "Bucket";
    const PLURAL: &'static str = "buckets";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

source_status!(BucketStatus);
