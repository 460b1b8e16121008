//! Alert: which events go to a Provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CrossNamespaceObjectReference, GROUP};
use crate::is_default;
use crate::kind::{NoStatus, Resource, Spec};
use crate::meta::LocalObjectReference;

/// Which events go to a Provider.
pub type Alert = Resource<AlertSpec>;

/// Which events go where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertSpec {
    /// Where they go.
    pub provider_ref: LocalObjectReference,
    /// `info` or `error`; the latter leaves out what is no failure.
    #[serde(skip_serializing_if = "is_default")]
    pub event_severity: String,
    /// Objects whose events are meant.
    pub event_sources: Vec<CrossNamespaceObjectReference>,
    /// Regular expressions of which one must match the message.
    #[serde(skip_serializing_if = "is_default")]
    pub inclusion_list: Vec<String>,
    /// Metadata added to every event.
    #[serde(skip_serializing_if = "is_default")]
    pub event_metadata: BTreeMap<String, String>,
    /// Regular expressions of which none may match the message.
    #[serde(skip_serializing_if = "is_default")]
    pub exclusion_list: Vec<String>,
    /// A text added to every event; `eventMetadata` can say it too.
    #[serde(skip_serializing_if = "is_default")]
    pub summary: String,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
}

impl Spec for AlertSpec {
    type Status = NoStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = "v1beta3";
    const KIND: &'static str = "Alert";
    const PLURAL: &'static str = "alerts";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}
