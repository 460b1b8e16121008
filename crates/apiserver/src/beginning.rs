//! What a new cluster has before anybody has written anything: namespaces, roles and bindings, priority classes.
//!
//! Recorded from the real server (`examples/record.rs`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::Core;
use crate::facts::unpacked;

const PACKED: &[u8] = include_bytes!("beginning.json.z");

/// Writes it all.
pub fn write(core: &Core) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespace = json!({
            "kind": "Namespace", "apiVersion": "v1",
            "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        put(core, "/namespaces", namespace);
    }
    let service = json!({
        "kind": "Service", "apiVersion": "v1",
        "metadata": {
            "name": "kubernetes", "namespace": "default",
            "labels": { "component": "apiserver", "provider": "kubernetes" },
        },
        "spec": {
            "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "ClusterIP", "sessionAffinity": "None",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
            "ports": [{ "name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443 }],
        },
        "status": { "loadBalancer": {} },
    });
    put(core, "/services", service);
    let recorded: BTreeMap<String, Vec<Value>> = unpacked(PACKED);
    for (table, objects) in recorded {
        for object in objects {
            put(core, &table, object);
        }
    }
    core.store.forget_recent();
}

fn put(core: &Core, table: &str, mut object: Value) {
    object["metadata"]["uid"] = core.uid().into();
    object["metadata"]["creationTimestamp"] = core.now().into();
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    let key = (text("namespace"), text("name"));
    // Nobody else writes yet.
    let _ = core.store.write(table, &key, None, object);
}
