//! Definitions for kinds that the folder uses and nobody defines: charts that do not run here would have brought them.
//!
//! Such a definition takes any fields. Whether a kind lives in namespaces is guessed from its name.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_testkit::api::Api;

/// A group and a kind.
type GroupKind = (String, String);

/// Kinds that a folder uses, and those that it defines itself.
#[derive(Debug, Default, PartialEq)]
pub struct Kinds {
    used: BTreeMap<GroupKind, BTreeSet<String>>,
    defined: BTreeSet<GroupKind>,
    /// Does an alert or a receiver name a kind of flux-operator?
    tells_of_operated: bool,
}

/// Kinds that are files of tools, never objects.
const FILES: &[&str] = &["kustomize.config.k8s.io", "config.kubernetes.io", "kubelet.config.k8s.io"];
/// Cluster-wide kinds whose names do not say so.
const CLUSTER_WIDE: &[&str] = &[
    "CiliumBGPAdvertisement",
    "CiliumBGPClusterConfig",
    "CiliumBGPPeerConfig",
    "CiliumL2AnnouncementPolicy",
    "CiliumLoadBalancerIPPool",
    "CiliumNode",
    "GatewayClass",
    "MutatingPolicy",
    "NodeFeatureRule",
    "VolumeSnapshotClass",
];

const OPERATED: &[&str] = &["FluxInstance", "ResourceSet", "ResourceSetInputProvider"];

impl Kinds {
    /// Notes what a document is or defines.
    pub fn note(&mut self, document: &Value) {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = word(&document["kind"]);
        let version = word(&document["apiVersion"]);
        if kind == "CustomResourceDefinition" {
            let spec = &document["spec"];
            self.defined.insert((word(&spec["group"]), word(&spec["names"]["kind"])));
        }
        if matches!(kind.as_str(), "Alert" | "Receiver") {
            let lists = ["eventSources", "resources"].map(|list| document["spec"][list].as_array());
            let mut named = lists.into_iter().flatten().flatten().filter_map(|one| one["kind"].as_str());
            self.tells_of_operated |= named.any(|kind| OPERATED.contains(&kind));
        }
        let Some((group, version)) = version.split_once('/') else { return };
        let is_word = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_word && group.contains('.') && !FILES.contains(&group) {
            self.used.entry((group.to_owned(), kind)).or_default().insert(version.to_owned());
        }
    }

    /// Defines what the server does not know; gives the kinds.
    pub async fn define(&self, api: &Api) -> Result<Vec<String>, String> {
        if self.tells_of_operated {
            widen_event_sources(api).await?;
        }
        let served = api.get("/apis").await.map_err(|error| error.to_string())?;
        let served = served["groups"].as_array().cloned().unwrap_or_default();
        let mut names = Vec::new();
        let mut asked = Vec::new();
        for ((group, kind), versions) in &self.used {
            let mut is_known = self.defined.contains(&(group.clone(), kind.clone()))
                || served.iter().any(|one| one["name"] == **group);
            for version in versions {
                is_known |= api.resource(&format!("{group}/{version}"), kind).await.is_ok();
            }
            // What no server would take (a file of some tool that only looks like an object) is passed over.
            if !is_known && api.apply("runner", "", &definition(group, kind, versions)).await.is_ok() {
                names.push(format!("{kind}.{group}"));
                asked.extend(versions.iter().map(|version| (format!("{group}/{version}"), kind.clone())));
            }
        }
        let begun = Instant::now();
        for (version, kind) in asked {
            while api.resource(&version, &kind).await.is_err() {
                if begun.elapsed() > Duration::from_mins(1) {
                    return Err(format!("{version} {kind} is not served"));
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(names)
    }
}

/// Who installs Flux by flux-operator can name its kinds in alerts and receivers, since it patches their definitions.
async fn widen_event_sources(api: &Api) -> Result<(), String> {
    for (plural, list) in [("alerts", "eventSources"), ("receivers", "resources")] {
        let path = format!(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.notification.toolkit.fluxcd.io"
        );
        let mut definition = api.get(&path).await.map_err(|error| error.to_string())?;
        for version in definition["spec"]["versions"].as_array_mut().into_iter().flatten() {
            let items =
                &mut version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][list]["items"];
            if let Some(kinds) = items["properties"]["kind"]["enum"].as_array_mut() {
                kinds.extend(OPERATED.iter().map(|kind| Value::from(*kind)));
            }
        }
        let patch = json!({"spec": {"versions": definition["spec"]["versions"]}});
        api.merge_patch(&path, &patch).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn definition(group: &str, kind: &str, versions: &BTreeSet<String>) -> Value {
    let singular = kind.to_lowercase();
    let plural = match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ if singular.ends_with(['s', 'x']) || singular.ends_with("ch") => format!("{singular}es"),
        _ => format!("{singular}s"),
    };
    let rest = kind.strip_prefix("Cluster").unwrap_or_default();
    let is_cluster_wide = rest.starts_with(|letter: char| letter.is_ascii_uppercase())
        || kind.contains("Clusterwide")
        || CLUSTER_WIDE.contains(&kind);
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let versions = versions.iter().enumerate().map(|(at, version)| {
        json!({
            "name": version, "served": true, "storage": at == 0, "schema": schema,
            "subresources": {"status": {}},
        })
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            "annotations": {"api-approved.kubernetes.io": "unapproved, pretended for a trial"},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": format!("{kind}List"), "singular": singular, "plural": plural},
            "scope": if is_cluster_wide { "Cluster" } else { "Namespaced" },
            "versions": versions.collect::<Vec<_>>(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_and_placed_by_their_names() {
        for (kind, plural, scope) in [
            ("ExternalSecret", "externalsecrets", "Namespaced"),
            ("NetworkPolicy", "networkpolicies", "Namespaced"),
            ("Gateway", "gateways", "Namespaced"),
            ("Ingress", "ingresses", "Namespaced"),
            ("Cluster", "clusters", "Namespaced"),
            ("ClusterIssuer", "clusterissuers", "Cluster"),
            ("GatewayClass", "gatewayclasses", "Cluster"),
        ] {
            let made = definition("x.example.com", kind, &BTreeSet::from(["v1".to_owned()]));
            assert_eq!(made["spec"]["names"]["plural"], plural);
            assert_eq!(made["spec"]["scope"], scope, "{kind}");
        }
    }

    #[test]
    fn files_and_built_in_objects_are_not_kinds_to_define() {
        let mut kinds = Kinds::default();
        for (version, kind) in [
            ("v1", "Secret"),
            ("apps/v1", "Deployment"),
            ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
            ("a.example.com/v1", "{{ kind }}"),
        ] {
            kinds.note(&json!({"apiVersion": version, "kind": kind}));
        }
        assert_eq!(kinds, Kinds::default());
        kinds.note(&json!({"apiVersion": "a.example.com/v1", "kind": "A"}));
        assert_eq!(kinds.used.len(), 1);
    }
}
