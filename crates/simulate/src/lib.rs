//! Workloads that live without nodes: one pretended node on which every Pod runs at once and every claim is bound.
//!
//! What has to be done to an object is computed by pure functions (`pod`, `claim`, `address`); this file only carries it
//! out. Everything that kube-controller-manager does (ReplicaSets, endpoints, binding of volumes) is left to it, or to
//! `controllers` where there is none.

mod address;
mod claim;
mod controllers;
mod node;
mod pod;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use serde_json::Value;
use sluice_cluster::{ApiError, At, Change, Cluster, PatchKind, ResourceKind, Selection};
use tokio::task::JoinSet;

pub use self::controllers::controllers;

/// Who the writes are by.
const MANAGER: &str = "simulate";

/// Objects of one kind to which something is done at a time.
const AT_A_TIME: usize = 8;

/// One write that an object asks for.
#[derive(Debug, Clone, PartialEq)]
enum Deed {
    /// Binds a Pod to the pretended node.
    Bind,
    /// Merges this into the status.
    Status(Value),
    /// Creates a cluster object (version, kind, object).
    Create(&'static str, &'static str, Value),
    /// Ends a Pod that was deleted, as the node would.
    End,
}

/// What an object asks for, now.
type Asks = fn(&Value, Timestamp) -> Option<Deed>;

/// What is watched, and what each object of it asks for.
const WATCHED: &[(&str, &str, Asks)] = &[
    ("v1", "Pod", pod::deed),
    ("v1", "PersistentVolumeClaim", claim::deed),
    ("v1", "Service", address::of_service),
    ("networking.k8s.io/v1", "Ingress", address::of_ingress),
];

/// Keeps the cluster's workloads alive until dropped. `now` is asked for every write that carries a time.
pub async fn workloads(cluster: Cluster, now: fn() -> Timestamp) -> Result<(), ApiError> {
    node::create(&cluster, now()).await?;
    let mut tasks = JoinSet::new();
    for (version, kind, deed) in WATCHED.iter().copied() {
        let kind = cluster.kind(version, kind).await?;
        tasks.spawn(watch(cluster.clone(), kind, deed, now));
    }
    tasks.spawn(node::keep_alive(cluster, now));
    while let Some(ended) = tasks.join_next().await {
        // Watches never end; a task that does has panicked, and the panic is the caller's.
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    Ok(())
}

/// Several objects at a time, each by itself: what comes of one while something is done to it is looked at afterwards.
async fn watch(cluster: Cluster, kind: Arc<ResourceKind>, deed: Asks, now: fn() -> Timestamp) {
    let mut changes = std::pin::pin!(cluster.watch(Arc::clone(&kind), Selection::default()));
    let mut running = FuturesUnordered::new();
    let mut later: BTreeMap<(String, String), Option<Value>> = BTreeMap::new();
    loop {
        let object = tokio::select! {
            Some(key) = running.next() => later.remove(&key).flatten(),
            Some(change) = changes.next(), if running.len() < AT_A_TIME => match change {
                Change::Applied(object) => Some(object),
                _ => None,
            },
            else => return,
        };
        let Some(object) = object else { continue };
        let word = |pointer: &str| text(&object, pointer).to_owned();
        let key = (word("/metadata/namespace"), word("/metadata/name"));
        if let Some(waiting) = later.get_mut(&key) {
            *waiting = Some(object);
        } else if let Some(deed) = deed(&object, now()) {
            later.insert(key.clone(), None);
            let (cluster, kind) = (&cluster, &kind);
            running.push(async move {
                if let Err(error) = carry_out(cluster, kind, &object, deed).await {
                    // Gone or changed meanwhile: the next event asks again.
                    tracing::debug!(kind = kind.kind, name = key.1, %error, "not done");
                }
                key
            });
        }
    }
}

async fn carry_out(
    cluster: &Cluster,
    kind: &ResourceKind,
    object: &Value,
    deed: Deed,
) -> Result<(), ApiError> {
    let at = At::new(kind, text(object, "/metadata/namespace"), text(object, "/metadata/name"));
    match deed {
        Deed::Bind => {
            let target = serde_json::json!({
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": at.name, "namespace": at.namespace},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node::NAME},
            });
            let binding = ResourceKind::new("", "v1", "Binding", "bindings", true);
            cluster.create(&binding, at.namespace, &target, MANAGER).await?;
        }
        Deed::Status(status) => {
            let patch = serde_json::json!({ "status": status });
            cluster.patch(at, "status", PatchKind::Merge, &patch, MANAGER).await?;
        }
        Deed::Create(version, kind, object) => {
            let kind = cluster.kind(version, kind).await?;
            match cluster.create(&kind, "", &object, MANAGER).await {
                Err(error) if !error.is_already_exists() => return Err(error),
                _ => {}
            }
        }
        Deed::End => {
            // A deletion that was seen to the end is one without grace; the API has no other word for it.
            let options = serde_json::json!({
                "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
                "preconditions": {"uid": text(object, "/metadata/uid")},
            });
            cluster.delete_with(at, &options).await?;
        }
    }
    Ok(())
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
