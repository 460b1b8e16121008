//! The one node that everything pretends to run on. It is kept alive as kubelets do, by a Lease.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_cluster::{ApiError, At, Cluster, PatchKind, ResourceKind};

use crate::MANAGER;

pub(crate) const NAME: &str = "simulated";
pub(crate) const ADDRESS: &str = "10.127.0.1";

/// kube-controller-manager gives a node up after 50 s.
const RENEW: Duration = Duration::from_secs(10);

pub(crate) async fn create(cluster: &Cluster, now: Timestamp) -> Result<(), ApiError> {
    let kind = ResourceKind::new("", "v1", "Node", "nodes", false);
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NAME,
            "labels": {"kubernetes.io/hostname": NAME, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
        },
    });
    cluster.apply(At::new(&kind, "", NAME), &node, MANAGER, false).await?;
    cluster
        .patch(At::new(&kind, "", NAME), "status", PatchKind::Merge, &json!({"status": status(now)}), MANAGER)
        .await?;
    renew(cluster, now).await
}

/// Renews the node's Lease for ever.
pub(crate) async fn keep_alive(cluster: Cluster, now: fn() -> Timestamp) {
    loop {
        tokio::time::sleep(RENEW).await;
        if let Err(error) = renew(&cluster, now()).await {
            tracing::debug!(%error, "the node's lease was not renewed");
        }
    }
}

async fn renew(cluster: &Cluster, now: Timestamp) -> Result<(), ApiError> {
    const NS: &str = "kube-node-lease";
    let namespace = ResourceKind::new("", "v1", "Namespace", "namespaces", false);
    let kind = ResourceKind::new("coordination.k8s.io", "v1", "Lease", "leases", true);
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": NS},
        "spec": {
            "holderIdentity": NAME,
            "leaseDurationSeconds": 40,
            "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        },
    });
    match cluster.apply(At::new(&kind, NS, NAME), &lease, MANAGER, false).await {
        Err(error) if error.is_not_found() => {
            // A young API server makes this namespace a moment after it is ready.
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}});
            cluster.apply(At::new(&namespace, "", NS), &object, MANAGER, false).await?;
            cluster.apply(At::new(&kind, NS, NAME), &lease, MANAGER, false).await.map(|_| ())
        }
        other => other.map(|_| ()),
    }
}

fn status(now: Timestamp) -> Value {
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let room = json!({"cpu": "100k", "memory": "1Pi", "pods": "1M", "ephemeral-storage": "1Pi"});
    json!({
        "addresses": [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": NAME}],
        "allocatable": room,
        "capacity": room,
        "conditions": [{
            "type": "Ready",
            "status": "True",
            "reason": "Simulated",
            "message": "everything is pretended",
            "lastHeartbeatTime": time,
            "lastTransitionTime": time,
        }],
        "nodeInfo": {
            "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "simulated://", "kernelVersion": "",
            "kubeProxyVersion": "", "kubeletVersion": "v1.36.3", "machineID": "", "operatingSystem": "linux",
            "osImage": "", "systemUUID": "",
        },
    })
}
