//! ExternalArtifact: an artifact that somebody else stores and announces.

use serde::{Deserialize, Serialize};

use super::{GROUP, VERSION};
use crate::is_default;
use crate::kind::{Resource, Spec, Status};
use crate::meta::{Artifact, Condition, NamespacedObjectKindReference};

/// An artifact that somebody else stores and announces.
pub type ExternalArtifact = Resource<ExternalArtifactSpec>;

/// Who made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactSpec {
    /// The object it was made for; nothing acts upon it.
    #[serde(skip_serializing_if = "is_default")]
    pub source_ref: Option<NamespacedObjectKindReference>,
}

/// What its maker says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactStatus {
    /// What is stored.
    #[serde(skip_serializing_if = "is_default")]
    pub artifact: Option<Artifact>,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
}

impl Spec for ExternalArtifactSpec {
    type Status = ExternalArtifactStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "ExternalArtifact";
    const PLURAL: &'static str = "externalartifacts";
}

/// No controller of ours reconciles this kind: it records neither generation nor request.
impl Status for ExternalArtifactStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
    fn conditions_mut(&mut self) -> &mut Vec<Condition> {
        &mut self.conditions
    }
    fn observed_generation(&self) -> i64 {
        0
    }
    fn set_observed_generation(&mut self, _: i64) {}
    fn last_handled_reconcile_at(&self) -> &str {
        Default::default()
    }
    fn set_last_handled_reconcile_at(&mut self, _: String) {}
    fn artifact(&self) -> Option<&Artifact> {
        self.artifact.as_ref()
    }
}
