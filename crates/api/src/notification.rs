//! `notification.toolkit.fluxcd.io`: Provider and Alert (v1beta3) for events that go out, Receiver (v1) for those that come in.

mod alert;
mod provider;
mod receiver;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::is_default;

pub use alert::{Alert, AlertSpec};
pub use provider::{Provider, ProviderSpec};
pub use receiver::{
    OIDCProvider, OIDCValidation, OIDCVariable, Receiver, ReceiverResource, ReceiverSpec, ReceiverStatus,
};

/// The group of all three.
pub const GROUP: &str = "notification.toolkit.fluxcd.io";

/// Objects of a kind, by name or labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrossNamespaceObjectReference {
    /// `group/version`; may be empty.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name; `*` means all.
    pub name: String,
    /// Its namespace; empty means the referrer's.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// Labels that it must have, where the name is `*`.
    #[serde(skip_serializing_if = "is_default")]
    pub match_labels: BTreeMap<String, String>,
}
