//! References from one object to another, and the small types of kustomize that specs contain.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::is_default;

/// An object in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalObjectReference {
    /// Its name.
    pub name: String,
}

/// An object in this or another namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespacedObjectReference {
    /// Its name.
    pub name: String,
    /// Its namespace; empty means the referrer's.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
}

impl fmt::Display for NamespacedObjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// One of `spec.dependsOn`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DependencyReference {
    /// Its name.
    pub name: String,
    /// Its namespace; empty means the referrer's.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// A CEL expression that says when it is ready; empty means the built-in rule.
    #[serde(skip_serializing_if = "is_default")]
    pub ready_expr: String,
}

impl fmt::Display for DependencyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)?;
        if !self.ready_expr.is_empty() {
            write!(f, "@{}", self.ready_expr)?;
        }
        Ok(())
    }
}

/// An object of any kind in this or another namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespacedObjectKindReference {
    /// `group/version`; may be empty.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; empty means the referrer's.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
}

/// The source of a Kustomization: a reference that may cross namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrossNamespaceSourceReference {
    /// `group/version`; may be empty.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; empty means the referrer's.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
}

impl fmt::Display for CrossNamespaceSourceReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// A key of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretKeyReference {
    /// The name of the Secret.
    pub name: String,
    /// The key; empty means the user's default.
    #[serde(skip_serializing_if = "is_default")]
    pub key: String,
}

/// How to reach another cluster: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeConfigReference {
    /// A ConfigMap that says how a cloud's identity gets in.
    #[serde(skip_serializing_if = "is_default")]
    pub config_map_ref: Option<LocalObjectReference>,
    /// A Secret with a kubeconfig.
    #[serde(skip_serializing_if = "is_default")]
    pub secret_ref: Option<SecretKeyReference>,
}

/// One of `spec.valuesFrom` of a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValuesReference {
    /// `Secret` or `ConfigMap`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The key with the values; empty means `values.yaml`.
    #[serde(skip_serializing_if = "is_default")]
    pub values_key: String,
    /// Where a single value goes; empty means that the key holds a whole values file.
    #[serde(skip_serializing_if = "is_default")]
    pub target_path: String,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "is_default")]
    pub optional: bool,
    /// Whether a single value is taken as it stands.
    #[serde(skip_serializing_if = "is_default")]
    pub literal: bool,
}

impl ValuesReference {
    /// The key with the values.
    pub fn values_key(&self) -> &str {
        if self.values_key.is_empty() { "values.yaml" } else { &self.values_key }
    }
}

/// Labels and annotations put on every object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedMetadata {
    /// Annotations.
    #[serde(skip_serializing_if = "is_default")]
    pub annotations: BTreeMap<String, String>,
    /// Labels.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
}

/// Which objects a patch is for; empty fields match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// API group.
    #[serde(skip_serializing_if = "is_default")]
    pub group: String,
    /// API version.
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// Kind.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: String,
    /// Namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// Name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// A label selector over annotations.
    #[serde(skip_serializing_if = "is_default")]
    pub annotation_selector: String,
    /// A label selector.
    #[serde(skip_serializing_if = "is_default")]
    pub label_selector: String,
}

/// A strategic merge or JSON 6902 patch as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Patch {
    /// The patch.
    pub patch: String,
    /// Which objects it is for.
    #[serde(skip_serializing_if = "is_default")]
    pub target: Option<Selector>,
}

/// A replacement of an image's name, tag or digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// The name as manifests have it.
    pub name: String,
    /// What to call it instead.
    #[serde(skip_serializing_if = "is_default")]
    pub new_name: String,
    /// The tag to use.
    #[serde(skip_serializing_if = "is_default")]
    pub new_tag: String,
    /// The digest to use; beats the tag.
    #[serde(skip_serializing_if = "is_default")]
    pub digest: String,
}

/// CEL expressions that say how objects of a kind are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomHealthCheck {
    /// `group/version`; the version does not matter.
    pub api_version: String,
    /// The kind; empty means all of the group.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: String,
    /// True when the object is as wanted.
    pub current: String,
    /// True when it is on its way.
    #[serde(skip_serializing_if = "is_default")]
    pub in_progress: String,
    /// True when it will not get there.
    #[serde(skip_serializing_if = "is_default")]
    pub failed: String,
}

/// Fields that others may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IgnoreRule {
    /// JSON pointers.
    pub paths: Vec<String>,
    /// Which objects; none means all.
    #[serde(skip_serializing_if = "is_default")]
    pub target: Option<Selector>,
}

/// A choice of objects by their labels; all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels that must be there.
    #[serde(skip_serializing_if = "is_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Rules that must hold.
    #[serde(skip_serializing_if = "is_default")]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// A rule about a label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelSelectorRequirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The values that the first two are about.
    #[serde(skip_serializing_if = "is_default")]
    pub values: Vec<String>,
}
