//! ArtifactGenerator: artifacts composed out of those of other sources.

use serde::{Deserialize, Serialize};

use crate::is_default;
use crate::kind::{Resource, Spec, Status};
use crate::meta::{Condition, SharedMetadata, labels};

/// Artifacts composed out of those of other sources.
pub type ArtifactGenerator = Resource<ArtifactGeneratorSpec>;

/// Out of what to compose which artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactGeneratorSpec {
    /// Put on the ExternalArtifacts.
    #[serde(skip_serializing_if = "is_default")]
    pub common_metadata: Option<SharedMetadata>,
    /// What goes in.
    pub sources: Vec<SourceReference>,
    /// Folders of a source, each of which makes one set of artifacts.
    #[serde(skip_serializing_if = "is_default")]
    pub path_pattern: String,
    /// What comes out.
    pub artifacts: Vec<OutputArtifact>,
}

/// A source that goes in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceReference {
    /// What copies call it.
    pub alias: String,
    /// Its name.
    pub name: String,
    /// Its namespace; empty means the generator's.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// Its kind.
    pub kind: String,
}

/// An artifact that comes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutputArtifact {
    /// The ExternalArtifact's name.
    pub name: String,
    /// `@alias` of the source whose revision it takes; empty means one made of its digest.
    #[serde(skip_serializing_if = "is_default")]
    pub revision: String,
    /// `@alias` of the source whose origin revision it records.
    #[serde(skip_serializing_if = "is_default")]
    pub origin_revision: String,
    /// What is copied, in this order.
    pub copy: Vec<CopyOperation>,
}

/// One copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyOperation {
    /// `@alias/pattern`.
    pub from: String,
    /// `@artifact/path`.
    pub to: String,
    /// Patterns of what is left out.
    #[serde(skip_serializing_if = "is_default")]
    pub exclude: Vec<String>,
    /// `Overwrite`, `Merge` or `Extract`; empty means `Overwrite`.
    #[serde(skip_serializing_if = "is_default")]
    pub strategy: String,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactGeneratorStatus {
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The ExternalArtifacts.
    #[serde(skip_serializing_if = "is_default")]
    pub inventory: Vec<ExternalArtifactReference>,
    /// A digest over all that went in.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_sources_digest: String,
}

/// An ExternalArtifact that came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExternalArtifactReference {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The digest of its bytes.
    pub digest: String,
    /// Its file.
    pub filename: String,
}

impl Spec for ArtifactGeneratorSpec {
    type Status = ArtifactGeneratorStatus;
    const GROUP: &'static str = "source.extensions.fluxcd.io";
    const VERSION: &'static str = "v1beta1";
    const KIND: &'static str = "ArtifactGenerator";
    const PLURAL: &'static str = "artifactgenerators";
    const FINALIZER: &'static str = labels::GENERATOR_FINALIZER;
}

/// This kind records no generation in its status.
impl Status for ArtifactGeneratorStatus {
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
        &self.last_handled_reconcile_at
    }
    fn set_last_handled_reconcile_at(&mut self, value: String) {
        self.last_handled_reconcile_at = value;
    }
}
