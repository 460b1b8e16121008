//! Receiver: webhooks that start reconciliations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::GROUP;
use crate::is_default;
use crate::kind::{Resource, Spec, conditions_status};
use crate::meta::{Condition, Duration, LocalObjectReference};

/// A webhook that starts reconciliations.
pub type Receiver = Resource<ReceiverSpec>;

/// Who may call, and what is reconciled then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverSpec {
    /// Who calls, such as `github` or `generic-hmac`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How often to look after the object itself.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: Option<Duration>,
    /// Events that count; none means all.
    #[serde(skip_serializing_if = "is_default")]
    pub events: Vec<String>,
    /// What is reconciled.
    pub resources: Vec<ReceiverResource>,
    /// A CEL expression that chooses among the resources.
    #[serde(skip_serializing_if = "is_default")]
    pub resource_filter: String,
    /// The Secret with the token.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Whose identity tokens are taken.
    #[serde(rename = "oidcProviders", skip_serializing_if = "is_default")]
    pub oidc_providers: Vec<OIDCProvider>,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
}

/// Objects to reconcile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverResource {
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
    /// A CEL expression that chooses among them.
    #[serde(skip_serializing_if = "is_default")]
    pub filter: String,
}

/// An issuer of identity tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OIDCProvider {
    /// Its URL.
    #[serde(rename = "issuerURL")]
    pub issuer_url: String,
    /// For whom tokens must be.
    #[serde(skip_serializing_if = "is_default")]
    pub audience: String,
    /// Values that validations use.
    #[serde(skip_serializing_if = "is_default")]
    pub variables: Vec<OIDCVariable>,
    /// What must hold for a token.
    pub validations: Vec<OIDCValidation>,
}

/// A value that validations use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OIDCVariable {
    /// Its name.
    pub name: String,
    /// The CEL expression that makes it.
    pub expression: String,
}

/// What must hold for a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OIDCValidation {
    /// The CEL expression that says it.
    pub expression: String,
    /// What to say where it does not hold.
    pub message: String,
}

/// Where to call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverStatus {
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The path of the webhook.
    #[serde(skip_serializing_if = "is_default")]
    pub webhook_path: String,
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
}

impl Spec for ReceiverSpec {
    type Status = ReceiverStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "Receiver";
    const PLURAL: &'static str = "receivers";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

conditions_status!(ReceiverStatus);
