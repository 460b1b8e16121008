//! Which object: group, version, kind, name, namespace, and how kustomize prints and compares them.

use std::fmt;

use smol_str::SmolStr;

/// What stands in an id for the namespace of a kind that has none.
pub const NO_NAMESPACE: &str = "_non_namespaceable_";
/// What an empty namespace means.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Group, version, kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Gvk {
    pub group: SmolStr,
    pub version: SmolStr,
    pub kind: SmolStr,
}

impl Gvk {
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// True when every field that the selector has is ours too.
    pub fn is_selected(&self, selector: &Gvk) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }

    /// kustomize's order of kinds.
    pub fn is_less_than(&self, other: &Gvk) -> bool {
        let (ours, theirs) = (rank(&self.kind), rank(&other.kind));
        if ours != theirs {
            return ours < theirs;
        }
        self.sort_text() < other.sort_text()
    }

    /// The text that orders kinds of the same rank.
    pub fn sort_text(&self) -> String {
        format!("{}_{}_{}", or(&self.group, "~G"), or(&self.version, "~V"), or(&self.kind, "~K"))
    }
}

/// Kinds that come first, in this order.
pub const ORDER_FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that come last.
pub const ORDER_LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

fn rank(kind: &str) -> i32 {
    if let Some(at) = ORDER_FIRST.iter().position(|first| *first == kind) {
        return at as i32 - ORDER_FIRST.len() as i32;
    }
    ORDER_LAST.iter().position(|last| *last == kind).map_or(0, |at| at as i32 + 1)
}

fn or<'a>(text: &'a str, empty: &'a str) -> &'a str {
    if text.is_empty() { empty } else { text }
}

/// `apps/v1` to (`apps`, `v1`), `v1` to (``, `v1`).
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}",
            or(&self.kind, "[noKind]"),
            or(&self.version, "[noVer]"),
            or(&self.group, "[noGrp]")
        )
    }
}

/// One object's identity. `cluster` is true when the kind is certainly cluster-scoped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ResId {
    pub gvk: Gvk,
    pub name: SmolStr,
    pub namespace: SmolStr,
    pub cluster: bool,
}

impl ResId {
    pub fn effective_namespace(&self) -> &str {
        if self.cluster {
            NO_NAMESPACE
        } else if self.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            &self.namespace
        }
    }

    /// Same kind, name and effective namespace.
    pub fn same(&self, other: &ResId) -> bool {
        self.same_name(other) && self.effective_namespace() == other.effective_namespace()
    }

    /// Same kind and name.
    pub fn same_name(&self, other: &ResId) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// True when every field that the selector has is ours too.
    pub fn is_selected_by(&self, selector: &ResId) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty() || selector.effective_namespace() == self.effective_namespace())
            && self.gvk.is_selected(&selector.gvk)
    }

    /// What `same` compares, as a key.
    pub fn key(&self) -> IdKey {
        (self.gvk.clone(), self.name.clone(), self.effective_namespace().into())
    }
}

/// The key under which ids that are the same fall together.
pub type IdKey = (Gvk, SmolStr, SmolStr);

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.gvk, or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_kustomize_prints_them() {
        let id = ResId { gvk: Gvk::new("apps/v1", "Deployment"), name: "a".into(), ..ResId::default() };
        assert_eq!(id.to_string(), "Deployment.v1.apps/a.[noNs]");
        assert_eq!(ResId::default().to_string(), "[noKind].[noVer].[noGrp]/[noName].[noNs]");
    }

    #[test]
    fn kinds_are_ordered_by_rank_then_text() {
        let namespace = Gvk::new("v1", "Namespace");
        let service = Gvk::new("v1", "Service");
        let webhook = Gvk::new("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration");
        assert!(namespace.is_less_than(&service));
        assert!(service.is_less_than(&webhook));
        assert!(Gvk::new("a/v1", "X").is_less_than(&Gvk::new("v1", "X")), "no group sorts as ~G");
    }
}
