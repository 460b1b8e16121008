//! Namespaces: each has an account `default` and is told the authority of the API server.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Deed, Plan};
use super::world::{Id, World};
use crate::text;

/// The ConfigMap that holds the authority's certificate.
pub(super) const AUTHORITY: &str = "kube-root-ca.crt";

pub(super) fn plan(world: &World, namespace: &Value, _now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let ns = text(namespace, "/metadata/name");
    if super::plan::is_deleted(namespace) || text(namespace, "/status/phase") == "Terminating" {
        return plan;
    }
    if world.get(&Id::new("ServiceAccount", ns, "default")).is_none() {
        let object = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": ns},
        });
        plan.deeds.push(Deed::Create { kind: "ServiceAccount", object });
    }
    if !world.authority.is_empty() && world.get(&Id::new("ConfigMap", ns, AUTHORITY)).is_none() {
        let why = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints \
                   such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
                   distributions of Kubernetes clusters.";
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": AUTHORITY, "namespace": ns, "annotations": {"kubernetes.io/description": why}},
            "data": {"ca.crt": world.authority},
        });
        plan.deeds.push(Deed::Create { kind: "ConfigMap", object });
    }
    plan
}
