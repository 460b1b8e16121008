//! Provider: where events go.

use serde::{Deserialize, Serialize};

use super::GROUP;
use crate::is_default;
use crate::kind::{NoStatus, Resource, Spec};
use crate::meta::{Duration, LocalObjectReference};

/// Where events go.
pub type Provider = Resource<ProviderSpec>;

/// How to reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderSpec {
    /// What it is, such as `slack` or `github`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Without effect.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: Option<Duration>,
    /// The channel, room or topic.
    #[serde(skip_serializing_if = "is_default")]
    pub channel: String,
    /// As whom to post.
    #[serde(skip_serializing_if = "is_default")]
    pub username: String,
    /// Its URL.
    #[serde(skip_serializing_if = "is_default")]
    pub address: String,
    /// How long a post may take.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<Duration>,
    /// A proxy's URL; `proxySecretRef` is the better place.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy: String,
    /// The Secret with a proxy's address.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// The Secret with address and credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The service account whose cloud identity posts.
    #[serde(skip_serializing_if = "is_default")]
    pub service_account_name: String,
    /// The Secret with certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// A CEL expression that makes the id of commit statuses.
    #[serde(skip_serializing_if = "is_default")]
    pub commit_status_expr: String,
}

impl Spec for ProviderSpec {
    type Status = NoStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = "v1beta3";
    const KIND: &'static str = "Provider";
    const PLURAL: &'static str = "providers";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}
