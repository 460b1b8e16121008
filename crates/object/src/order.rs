//! In which order objects are applied: stages one after another, and inside a stage by rank.

use std::collections::BTreeSet;

use crate::{GroupKind, Object};

/// Kinds that come first inside a stage, in this order.
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that come last, in this order.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The rank of a kind inside a stage, whatever its group; kinds that are not named share one between first and last.
pub fn rank(kind: &str) -> u8 {
    if let Some(index) = FIRST.iter().position(|first| *first == kind) {
        return index as u8;
    }
    let others = FIRST.len() as u8;
    LAST.iter().position(|last| *last == kind).map_or(others, |index| others + 1 + index as u8)
}

/// The stages. The first two are waited for before the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// CRDs, Namespaces, ClusterRoles.
    Definitions,
    /// Kinds whose name ends in `Class`.
    Classes,
    /// Kinds that a flag names.
    Custom,
    /// All others.
    Resources,
}

impl Stage {
    /// The stage of an object, given the kinds that the flag names.
    pub fn of(object: &Object, custom: &BTreeSet<GroupKind>) -> Stage {
        if object.is_crd() || object.is_namespace() || object.is_cluster_role() {
            Stage::Definitions
        } else if object.kind().ends_with("Class") {
            Stage::Classes
        } else if !custom.is_empty() && custom.contains(&object.gvk().group_kind()) {
            Stage::Custom
        } else {
            Stage::Resources
        }
    }

    /// Whether the next stage waits until the objects of this one are healthy.
    pub const fn is_awaited(self) -> bool {
        matches!(self, Stage::Definitions | Stage::Classes)
    }
}

/// Objects by stage, each stage in apply order; stages without objects are left out.
pub fn stages(objects: Vec<Object>, custom: &BTreeSet<GroupKind>) -> Vec<(Stage, Vec<Object>)> {
    let mut stages: Vec<(Stage, Vec<Object>)> = Vec::new();
    for stage in [Stage::Definitions, Stage::Classes, Stage::Custom, Stage::Resources] {
        stages.push((stage, Vec::new()));
    }
    for object in objects {
        let stage = Stage::of(&object, custom);
        stages[stage as usize].1.push(object);
    }
    for (_, objects) in &mut stages {
        sort(objects);
    }
    stages.retain(|(_, objects)| !objects.is_empty());
    stages
}

/// Puts objects in apply order.
pub fn sort(objects: &mut [Object]) {
    objects.sort_by_cached_key(Object::id);
}

/// Cuts objects that are in apply order into runs of one rank; inside a run the order of writes does not matter.
pub fn ranks(objects: &[Object]) -> impl Iterator<Item = &[Object]> {
    objects.chunk_by(|a, b| rank(a.kind()) == rank(b.kind()))
}

/// Reads the flag's form, `group/Kind,group/Kind`; a kind without a group is one of the core group.
pub fn parse_group_kinds(text: &str) -> BTreeSet<GroupKind> {
    let items = text.split(',').map(str::trim).filter(|_| !text.is_empty());
    items
        .map(|item| match item.split_once('/') {
            Some((group, kind)) => GroupKind::new(group, kind),
            None => GroupKind::new("", item),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Object {
        let value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}});
        Object::try_from(value).unwrap()
    }

    #[test]
    fn stages_and_ranks_follow_one_another() {
        let objects = vec![
            object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "v"),
            object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "m"),
            object("example.com/v1", "Widget", "b", "w"),
            object("example.com/v1", "Widget", "a", "z"),
            object("batch/v1", "Job", "a", "j"),
            object("serving.knative.dev/v1", "Service", "a", "k"),
            object("v1", "Service", "a", "s"),
            object("apps/v1", "Deployment", "a", "d"),
            object("v1", "Secret", "a", "s"),
            object("external-secrets.io/v1", "SecretStore", "a", "s"),
            object("storage.k8s.io/v1", "StorageClass", "", "fast"),
            object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "c"),
            object("v1", "Namespace", "", "a"),
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "widgets.example.com"),
        ];
        let custom = parse_group_kinds("external-secrets.io/SecretStore");
        let staged = stages(objects, &custom);
        let seen: Vec<(Stage, Vec<String>)> = staged
            .iter()
            .map(|(stage, objects)| (*stage, objects.iter().map(|o| o.id().to_string()).collect()))
            .collect();
        let want = [
            (
                Stage::Definitions,
                vec!["CustomResourceDefinition/widgets.example.com", "Namespace/a", "ClusterRole/c"],
            ),
            (Stage::Classes, vec!["StorageClass/fast"]),
            (Stage::Custom, vec!["SecretStore/a/s"]),
            (
                Stage::Resources,
                vec![
                    "Secret/a/s",
                    "Service/a/s",
                    "Service/a/k",
                    "Deployment/a/d",
                    "Job/a/j",
                    "Widget/a/z",
                    "Widget/b/w",
                    "MutatingWebhookConfiguration/m",
                    "ValidatingWebhookConfiguration/v",
                ],
            ),
        ];
        let want: Vec<(Stage, Vec<String>)> = want
            .into_iter()
            .map(|(stage, ids)| (stage, ids.into_iter().map(String::from).collect()))
            .collect();
        assert_eq!(seen, want);
        let sizes: Vec<usize> = ranks(&staged[3].1).map(<[Object]>::len).collect();
        assert_eq!(sizes, [1, 2, 1, 3, 1, 1]);
    }
}
