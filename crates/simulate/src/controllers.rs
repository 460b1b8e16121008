//! What kube-controller-manager does for workloads, as a client of any API server: Deployments get ReplicaSets, those get
//! Pods, claims are bound, namespaces get their account.
//!
//! Every kind has a pure function from what is known (`World`) to what is to be done (`Plan`). This file keeps the world
//! current by watches and by the answers to its own writes, and carries plans out: one object, one plan at a time.

mod account;
mod budget;
mod cron;
mod cron_job;
mod daemon_set;
mod deployment;
mod endpoints;
mod job;
mod plan;
mod pods;
mod replica_set;
mod stateful_set;
mod volume;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;
use sluice_cluster::{ApiError, At, Change, Cluster, PatchKind, ResourceKind, Selection};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::plan::{Deed, Plan};
use self::world::{Id, World};

/// As the one whose work is done here signs its writes.
const MANAGER: &str = "kube-controller-manager";
/// Plans carried out at a time, and writes of one plan.
const PLANS: usize = 16;
const WRITES: usize = 8;
/// A plan that failed is made anew after this time, then later and later.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MOST: u32 = 9;

/// What an object of a kind asks for.
type Asks = fn(&World, &Value, Timestamp) -> Plan;

fn nothing(_world: &World, _object: &Value, _now: Timestamp) -> Plan {
    Plan::default()
}

/// What is watched, and what each object of it asks for.
const WATCHED: &[(&str, &str, Asks)] = &[
    ("v1", "Namespace", account::plan),
    ("v1", "ServiceAccount", nothing),
    ("v1", "ConfigMap", nothing),
    ("v1", "Node", nothing),
    ("v1", "PersistentVolume", volume::of_volume),
    ("v1", "PersistentVolumeClaim", volume::of_claim),
    ("v1", "Pod", nothing),
    ("v1", "Service", endpoints::plan),
    ("discovery.k8s.io/v1", "EndpointSlice", nothing),
    ("apps/v1", "ReplicaSet", replica_set::plan),
    ("apps/v1", "Deployment", deployment::plan),
    ("apps/v1", "StatefulSet", stateful_set::plan),
    ("apps/v1", "DaemonSet", daemon_set::plan),
    ("batch/v1", "Job", job::plan),
    ("batch/v1", "CronJob", cron_job::plan),
    ("policy/v1", "PodDisruptionBudget", budget::plan),
];

/// Kinds whose status says no more than what they have made has come to.
const TOLD_AFTERWARDS: &[&str] = &["Deployment", "ReplicaSet"];

/// Of these kinds only the objects with this name are looked at.
const ONLY: &[(&str, &str)] = &[("ServiceAccount", "default"), ("ConfigMap", account::AUTHORITY)];

/// Plays kube-controller-manager until dropped. `authority` is the certificate that namespaces are told of, as PEM.
pub async fn controllers(
    cluster: Cluster,
    authority: String,
    now: fn() -> Timestamp,
) -> Result<(), ApiError> {
    let (send, changes) = mpsc::channel(1024);
    let mut watches = JoinSet::new();
    let mut kinds = BTreeMap::new();
    for (version, name, _) in WATCHED.iter().copied() {
        let kind = cluster.kind(version, name).await?;
        kinds.insert(name, Arc::clone(&kind));
        let (cluster, send) = (cluster.clone(), send.clone());
        watches.spawn(async move {
            let only = ONLY.iter().find(|(of, _)| *of == name);
            let fields = only.map(|(_, object)| format!("metadata.name={object}")).unwrap_or_default();
            let selection = Selection { fields, ..Selection::default() };
            let mut changes = std::pin::pin!(cluster.watch(kind, selection));
            while let Some(change) = changes.next().await {
                if send.send((name, change)).await.is_err() {
                    return;
                }
            }
        });
    }
    let work = Work {
        cluster,
        kinds,
        world: World::new(authority),
        now,
        dirty: BTreeSet::new(),
        busy: BTreeSet::new(),
        due: Agenda::default(),
        failures: BTreeMap::new(),
        running: JoinSet::new(),
    };
    work.go_on(changes).await;
    Ok(())
}

struct Work {
    cluster: Cluster,
    kinds: BTreeMap<&'static str, Arc<ResourceKind>>,
    world: World,
    now: fn() -> Timestamp,
    dirty: BTreeSet<Id>,
    busy: BTreeSet<Id>,
    /// When to look again although nothing has changed.
    due: Agenda,
    failures: BTreeMap<Id, u32>,
    running: JoinSet<Carried>,
}

/// Times at which objects are looked at again, one for each.
#[derive(Default)]
struct Agenda {
    of: BTreeMap<Id, Timestamp>,
    order: BTreeSet<(Timestamp, Id)>,
}

impl Agenda {
    fn insert(&mut self, id: Id, at: Timestamp) {
        self.remove(&id);
        self.order.insert((at, id.clone()));
        self.of.insert(id, at);
    }

    fn remove(&mut self, id: &Id) {
        if let Some((id, at)) = self.of.remove_entry(id) {
            self.order.remove(&(at, id));
        }
    }

    fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out one whose time has come.
    fn pop(&mut self, now: Timestamp) -> Option<Id> {
        let (at, id) = self.order.pop_first()?;
        if at > now {
            self.order.insert((at, id));
            return None;
        }
        self.of.remove(&id);
        Some(id)
    }
}

/// What came of a plan.
struct Carried {
    id: Id,
    answers: Vec<(&'static str, Value)>,
    deleted: Vec<String>,
    has_failed: bool,
}

impl Work {
    async fn go_on(mut self, mut changes: mpsc::Receiver<(&'static str, Change)>) {
        let mut unlisted: BTreeSet<&'static str> = WATCHED.iter().map(|(_, kind, _)| *kind).collect();
        loop {
            let next = self.due.next();
            let pause = next.map_or(Duration::MAX, |at| {
                Duration::try_from(at.duration_since((self.now)())).unwrap_or_default()
            });
            tokio::select! {
                change = changes.recv() => {
                    let Some((kind, change)) = change else { return };
                    if matches!(change, Change::Listed) {
                        unlisted.remove(kind);
                    }
                    self.see(kind, change);
                    // What has come together is looked at together.
                    while let Ok((kind, change)) = changes.try_recv() {
                        if matches!(change, Change::Listed) {
                            unlisted.remove(kind);
                        }
                        self.see(kind, change);
                    }
                }
                Some(carried) = self.running.join_next() => {
                    // A plan that panicked is a mistake of ours that nobody else can see.
                    self.settle(carried.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())));
                }
                () = tokio::time::sleep(pause), if next.is_some() => {}
            }
            let now = (self.now)();
            while let Some(id) = self.due.pop(now) {
                self.dirty.insert(id);
            }
            if unlisted.is_empty() {
                self.start(now);
            }
        }
    }

    fn see(&mut self, kind: &'static str, change: Change) {
        let touched = match change {
            Change::Restarted => {
                self.world.restart(kind);
                Vec::new()
            }
            Change::Listed => self.world.finish_list(kind),
            Change::Applied(object) => self.world.note(kind, object),
            Change::Deleted(object) => self.world.forget(kind, &object),
            Change::Broken(error) => {
                tracing::debug!(kind, %error, "the watch broke");
                Vec::new()
            }
        };
        self.dirty.extend(touched);
    }

    fn settle(&mut self, carried: Carried) {
        self.busy.remove(&carried.id);
        for (kind, object) in carried.answers {
            let touched = self.world.note(kind, object);
            self.dirty.extend(touched);
        }
        for uid in &carried.deleted {
            self.world.mark_dying(uid);
        }
        if carried.has_failed {
            let failures = self.failures.entry(carried.id.clone()).or_default();
            *failures = (*failures + 1).min(RETRY_MOST);
            let pause = jiff::SignedDuration::try_from(RETRY * 2_u32.pow(*failures)).unwrap_or_default();
            self.due.insert(carried.id, (self.now)() + pause);
        } else {
            self.failures.remove(&carried.id);
        }
    }

    /// Makes plans of what may need one.
    fn start(&mut self, now: Timestamp) {
        while self.busy.len() < PLANS {
            let ready = self.dirty.iter().find(|id| !self.busy.contains(*id)).cloned();
            let Some(id) = ready else { return };
            self.dirty.remove(&id);
            self.due.remove(&id);
            let Some((_, _, asks)) = WATCHED.iter().find(|(_, kind, _)| *kind == id.kind) else { continue };
            let Some(object) = self.world.get(&id) else { continue };
            let mut plan = asks(&self.world, &object, now);
            // What cannot be made has to be seen in the status.
            if TOLD_AFTERWARDS.contains(&id.kind) && !self.failures.contains_key(&id) {
                plan.tell_afterwards();
            }
            if let Some(at) = plan.revisit {
                self.due.insert(id.clone(), at);
            }
            if !plan.deeds.is_empty() {
                self.busy.insert(id.clone());
                let (cluster, kinds) = (self.cluster.clone(), self.kinds.clone());
                self.running.spawn(carry_out(cluster, kinds, id, plan.deeds));
            }
        }
    }
}

async fn carry_out(
    cluster: Cluster,
    kinds: BTreeMap<&'static str, Arc<ResourceKind>>,
    id: Id,
    deeds: Vec<Deed>,
) -> Carried {
    let mut carried = Carried { id, answers: Vec::new(), deleted: Vec::new(), has_failed: false };
    let writes = deeds.into_iter().map(|deed| {
        let (cluster, kinds) = (cluster.clone(), &kinds);
        async move {
            let done = write(&cluster, kinds, &deed).await;
            (deed, done)
        }
    });
    let mut done = futures::stream::iter(writes).buffer_unordered(WRITES);
    while let Some((deed, result)) = done.next().await {
        match (result, deed) {
            (Ok(Some(object)), deed) => carried.answers.push((deed.kind(), object)),
            (Ok(None), Deed::Delete { uid, .. }) => carried.deleted.push(uid),
            (Ok(None), _) => {}
            (Err(error), deed) => {
                tracing::debug!(kind = deed.kind(), %error, "not done");
                carried.has_failed = true;
            }
        }
    }
    carried
}

async fn write(
    cluster: &Cluster,
    kinds: &BTreeMap<&'static str, Arc<ResourceKind>>,
    deed: &Deed,
) -> Result<Option<Value>, ApiError> {
    let Some(kind) = kinds.get(deed.kind()) else { return Ok(None) };
    match deed {
        Deed::Create { object, .. } => {
            let ns = object["metadata"]["namespace"].as_str().unwrap_or_default();
            match cluster.create(kind, ns, object, MANAGER).await {
                // Made by somebody else meanwhile; the watch tells of it.
                Err(error) if error.is_already_exists() => Ok(None),
                other => other.map(Some),
            }
        }
        Deed::Patch { ns, name, subresource, patch, .. } => {
            match cluster.patch(At::new(kind, ns, name), subresource, PatchKind::Merge, patch, MANAGER).await
            {
                Err(error) if error.is_not_found() => Ok(None),
                other => other.map(Some),
            }
        }
        Deed::Delete { ns, name, uid, .. } => {
            let options = serde_json::json!({
                "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid},
                "propagationPolicy": "Background",
            });
            match cluster.delete_with(At::new(kind, ns, name), &options).await {
                Err(error) if !error.is_not_found() => Err(error),
                _ => Ok(None),
            }
        }
    }
}
