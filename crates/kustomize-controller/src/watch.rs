//! What wakes a Kustomization besides itself: its source, its dependencies, the ConfigMaps and Secrets it names.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sluice_api::kind::Status;
use sluice_api::meta::{Artifact, Condition, condition_type, find_condition, reason};
use sluice_api::{Kind, Kustomization};
use sluice_cluster::{Change, ResourceKind, Selection};
use sluice_runtime::store::Changed;
use sluice_runtime::{Cause, Key, Store, Waker};
use sluice_tree::changed;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::Kustomize;
use crate::last_builds::Step;

/// The new artifact is fetched to find the order; a slow store does not hold its users back longer than this.
const ORDER_WITHIN: Duration = Duration::from_millis(500);
/// Those whose files have changed go ahead of those that only have a revision to write down.
const HEAD_START: Duration = Duration::from_millis(50);

/// The gate that lets something newer end a wait for health.
const OVERTAKES: &str = "CancelHealthCheckOnNewRevision";

/// Wakes Kustomizations for as long as the controller runs.
pub(crate) async fn wake_on_changes(cx: &Kustomize, waker: &Waker) {
    tokio::join!(
        dependents(cx, waker),
        source::<_>(cx, waker, &cx.sources.git),
        source::<_>(cx, waker, &cx.sources.oci),
        source::<_>(cx, waker, &cx.sources.buckets),
        source::<_>(cx, waker, &cx.sources.external),
        inputs(cx, waker, "ConfigMap", "configmaps"),
        inputs(cx, waker, "Secret", "secrets"),
    );
}

/// A Kustomization that became ready, or applied another revision, wakes those that wait for it.
async fn dependents(cx: &Kustomize, waker: &Waker) {
    let mut changes = cx.store.subscribe();
    let mut waiting_for: HashMap<Key, BTreeSet<Key>> = HashMap::new();
    loop {
        match next(&mut changes).await {
            Some(Ok(change)) => {
                let before = change.old.as_deref().map(dependencies).unwrap_or_default();
                let after = change.new.as_deref().map(dependencies).unwrap_or_default();
                for gone in before.difference(&after) {
                    if let Some(set) = waiting_for.get_mut(gone) {
                        set.remove(&change.key);
                    }
                }
                for new in after {
                    waiting_for.entry(new).or_default().insert(change.key.clone());
                }
                if verdict(change.old.as_deref()) != verdict(change.new.as_deref()) {
                    let woken = waiting_for.get(&change.key).into_iter().flatten();
                    woken.for_each(|key| waker.wake(key.clone(), Cause::Awaited));
                }
            }
            Some(Err(())) => {
                waiting_for.clear();
                for object in cx.store.all() {
                    for dependency in dependencies(&object) {
                        waiting_for.entry(dependency).or_default().insert(Key::of(&*object));
                    }
                    waker.wake(Key::of(&*object), Cause::Awaited);
                }
            }
            None => return,
        }
    }
}

fn dependencies(object: &Kustomization) -> BTreeSet<Key> {
    let own = &object.metadata.namespace;
    let key = |d: &sluice_api::meta::DependencyReference| {
        Key::new(if d.namespace.is_empty() { own } else { &d.namespace }, &d.name)
    };
    object.spec.depends_on.iter().map(key).collect()
}

/// What a dependent looks at.
fn verdict(object: Option<&Kustomization>) -> Option<(bool, bool, String)> {
    let object = object?;
    let is_ready =
        find_condition(&object.status.conditions, condition_type::READY).is_some_and(Condition::is_true);
    let is_observed = object.status.observed_generation == object.metadata.generation;
    Some((is_ready, is_observed, object.status.last_applied_revision.clone()))
}

/// A source with another revision wakes the Kustomizations that are made from it.
async fn source<K: Kind>(cx: &Kustomize, waker: &Waker, store: &Arc<Store<K>>) {
    let mut changes = store.subscribe();
    let mut later = FuturesUnordered::new();
    loop {
        let change = tokio::select! {
            change = next(&mut changes) => change,
            Some(late) = later.next() => {
                let (users, source, revision): (Vec<Key>, Key, String) = late;
                wake_users::<K>(cx, waker, users, &source, &revision, Touched::No);
                continue;
            }
        };
        match change {
            Some(Ok(Changed { key, old, new: Some(new) })) => {
                let Some(now) = new.status().artifact() else { continue };
                let before = old.as_deref().and_then(|old| old.status().artifact());
                if before.is_none_or(|old| old.revision != now.revision || old.digest != now.digest) {
                    let users = users::<K>(cx, Some(&key), Some(&now.revision));
                    let (first, others) = in_order(cx, users, before, now).await;
                    let has_first = !first.is_empty();
                    wake_users::<K>(cx, waker, first, &key, &now.revision, Touched::Perhaps);
                    if has_first && !others.is_empty() {
                        later.push(after_the_first(others, key, now.revision.clone()));
                    } else {
                        wake_users::<K>(cx, waker, others, &key, &now.revision, Touched::No);
                    }
                }
            }
            Some(Ok(_)) => {}
            Some(Err(())) => {
                for key in users::<K>(cx, None, None) {
                    waker.wake(key, Cause::Changed);
                }
            }
            None => return,
        }
    }
}

async fn after_the_first(others: Vec<Key>, source: Key, revision: String) -> (Vec<Key>, Key, String) {
    tokio::time::sleep(HEAD_START).await;
    (others, source, revision)
}

/// Whether what a Kustomization was built from has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Touched {
    Perhaps,
    No,
}

/// But for those that have dealt with the revision in the meantime.
fn wake_users<K: Kind>(
    cx: &Kustomize,
    waker: &Waker,
    users: Vec<Key>,
    source: &Key,
    revision: &str,
    touched: Touched,
) {
    for user in users {
        if cx.store.get(&user).is_some_and(|object| !has_dealt_with(&object, Some(revision))) {
            wake(cx, waker, user, K::KIND, source, touched);
        }
    }
}

/// The users of one source, or of all of its kind; but for those that have dealt with the revision already.
fn users<K: Kind>(cx: &Kustomize, source: Option<&Key>, revision: Option<&str>) -> Vec<Key> {
    let mut users = Vec::new();
    for object in cx.store.all() {
        let reference = &object.spec.source_ref;
        let own = &object.metadata.namespace;
        let namespace = if reference.namespace.is_empty() { own } else { &reference.namespace };
        let is_user = reference.kind == K::KIND
            && source.is_none_or(|key| *key.name == *reference.name && *key.namespace == **namespace);
        if is_user && !has_dealt_with(&object, revision) {
            users.push(Key::of(&*object));
        }
    }
    users.sort();
    users
}

/// Users whose last build a change can touch, and the others, where the old artifact is still known; nobody waits long
/// for that.
async fn in_order(
    cx: &Kustomize,
    users: Vec<Key>,
    before: Option<&Artifact>,
    now: &Artifact,
) -> (Vec<Key>, Vec<Key>) {
    let Some(before) = before else { return (users, Vec::new()) };
    // The tree itself may go: who waits for the memory of another must not hold it.
    let old = cx.trees.known(&before.digest).map(|old| Arc::clone(&old.fingerprints));
    let Some(old) = old else { return (users, Vec::new()) };
    if users.len() < 2 && !cx.common.gate(OVERTAKES, false) {
        return (users, Vec::new());
    }
    let new = async {
        let memory = cx.engines.memory().reserve(cx.trees.cost(now)).await.ok()?;
        cx.trees.get(now, &cx.engines, memory).await.ok()
    };
    match tokio::time::timeout(ORDER_WITHIN, new).await {
        Ok(Some(new)) => {
            let changed = changed(&old, &new.fingerprints);
            let step = Step { before: &before.digest, now: &now.digest, changed: &changed };
            cx.last_builds.divide(users, &step)
        }
        Ok(None) | Err(_) => (users, Vec::new()),
    }
}

fn has_dealt_with(object: &Kustomization, revision: Option<&str>) -> bool {
    let conditions = &object.status.conditions;
    let is_true = |kind| find_condition(conditions, kind).is_some_and(Condition::is_true);
    let is_retrying = find_condition(conditions, condition_type::RECONCILING)
        .is_some_and(|c| c.is_true() && c.reason == reason::PROGRESSING_WITH_RETRY);
    (is_true(condition_type::READY) || is_retrying)
        && revision == Some(object.status.last_attempted_revision.as_str())
}

/// A labelled ConfigMap or Secret that changed wakes the Kustomizations that name it.
async fn inputs(cx: &Kustomize, waker: &Waker, kind: &'static str, plural: &str) {
    if cx.common.gate("DisableConfigWatchers", false) {
        return;
    }
    let selection = Selection {
        namespace: cx.common.watched_namespace().to_owned(),
        labels: cx.common.watch_configs_label_selector.clone(),
        ..Selection::default()
    };
    let mut changes =
        std::pin::pin!(cx.cluster.watch(ResourceKind::new("", "v1", kind, plural, true), selection));
    let mut versions: HashMap<Key, String> = HashMap::new();
    let mut is_first_list = true;
    while let Some(change) = changes.next().await {
        match change {
            Change::Applied(value) => {
                let text = |key: &str| value["metadata"][key].as_str().unwrap_or_default();
                let key = Key::new(text("namespace"), text("name"));
                let version = text("resourceVersion").to_owned();
                if versions.insert(key.clone(), version.clone()) != Some(version) && !is_first_list {
                    wake_readers(cx, waker, kind, &key);
                }
            }
            Change::Deleted(value) => {
                let text = |key: &str| value["metadata"][key].as_str().unwrap_or_default();
                versions.remove(&Key::new(text("namespace"), text("name")));
            }
            Change::Listed => is_first_list = false,
            Change::Restarted | Change::Broken(_) => {}
        }
    }
}

fn wake_readers(cx: &Kustomize, waker: &Waker, kind: &str, input: &Key) {
    for object in cx.store.all() {
        let spec = &object.spec;
        let from = spec.post_build.iter().flat_map(|post| &post.substitute_from);
        let is_substituted = from.clone().any(|s| s.kind == kind && *s.name == *input.name);
        let decryption = spec.decryption.iter().filter_map(|d| d.secret_ref.as_ref());
        let is_key = kind == "Secret" && decryption.clone().any(|secret| *secret.name == *input.name);
        let is_kube_config = spec.kube_config.as_ref().is_some_and(|config| match kind {
            "Secret" => config.secret_ref.as_ref().is_some_and(|secret| *secret.name == *input.name),
            _ => config.config_map_ref.as_ref().is_some_and(|map| *map.name == *input.name),
        });
        if *object.metadata.namespace == *input.namespace && (is_substituted || is_key || is_kube_config) {
            wake(cx, waker, Key::of(&*object), kind, input, Touched::Perhaps);
        }
    }
}

/// Wakes a Kustomization for something that it is made from; where the gate is open it stops waiting for what it made
/// before, unless that is what it would make again.
fn wake(cx: &Kustomize, waker: &Waker, key: Key, kind: &str, by: &Key, touched: Touched) {
    if touched == Touched::Perhaps && cx.common.gate(OVERTAKES, false) {
        cx.waits.overtake(&key, &format!("{kind}/{by}"));
    }
    waker.wake(key, Cause::Changed);
}

/// The next change; `Err` when changes were missed; none when the store is gone.
async fn next<K: Clone>(changes: &mut Receiver<Changed<K>>) -> Option<Result<Changed<K>, ()>> {
    match changes.recv().await {
        Ok(change) => Some(Ok(change)),
        Err(RecvError::Lagged(_)) => Some(Err(())),
        Err(RecvError::Closed) => None,
    }
}
