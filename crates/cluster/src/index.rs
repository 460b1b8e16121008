//! What is known of the objects that this process has applied: a header and the health of each, never the body.
//!
//! One watch a kind, selected by label. It only tells when to look and how healthy an object is; the inventory says
//! what is ours. An apply's answer is the first event: older ones do not count.

mod drift;
mod settled;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, Weak};

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;
use sluice_health::Status;
use sluice_object::{Object, ObjectId};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::apply::ApplyOptions;
use crate::client::Cluster;
use crate::kinds::ResourceKind;
use crate::watch::{Change, Selection};

pub use drift::{Deed, Drift};

type Now = fn() -> Timestamp;

/// Shared by all reconciles of one cluster.
#[derive(Clone)]
pub struct Index {
    cluster: Cluster,
    selector: Arc<str>,
    now: Now,
    is_watching: bool,
    has_news: Arc<Notify>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: HashMap<Address, Entry>,
    watches: HashMap<Arc<ResourceKind>, Watched>,
    drifting: drift::Drifting,
}

struct Watched {
    abort: AbortHandle,
    /// The watch was refused or broken: waiters look for themselves.
    is_blind: bool,
}

/// An object under the kind it is watched by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) kind: Arc<ResourceKind>,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

#[derive(Default)]
struct Entry {
    version: u64,
    uid: String,
    health: Option<Known>,
    /// How it is applied: what has to stay as it is follows from that.
    options: Option<Arc<ApplyOptions>>,
    /// What must stay as it is, as of its last event.
    mark: Option<u64>,
    settled: Option<settled::Settled>,
    listeners: Vec<Weak<Notify>>,
}

/// How healthy an object is, as of its last event.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) version: u64,
    pub(crate) status: Status,
    pub(crate) revisit_at: Option<Timestamp>,
}

impl Address {
    pub(crate) fn new(kind: &Arc<ResourceKind>, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced { namespace.to_owned() } else { String::new() };
        Self { kind: Arc::clone(kind), namespace, name: name.to_owned() }
    }

    fn id(&self) -> ObjectId {
        ObjectId {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            group: self.kind.group.clone(),
            kind: self.kind.kind.clone(),
        }
    }
}

impl Index {
    /// `selector` is the label that every object of ours carries; `now` is the clock.
    pub fn new(cluster: Cluster, selector: &str, now: Now) -> Self {
        Self {
            cluster,
            selector: selector.into(),
            now,
            is_watching: true,
            has_news: Arc::default(),
            state: Arc::default(),
        }
    }

    /// One that watches nothing: who waits looks for himself.
    pub fn unwatched(cluster: Cluster, selector: &str, now: Now) -> Self {
        Self { is_watching: false, ..Self::new(cluster, selector, now) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// An object is about to be written or read. Its events count from here on: those that overtake the answer tell
    /// more than it does, and no other may follow.
    pub(crate) fn expect(
        &self,
        kind: &Arc<ResourceKind>,
        namespace: &str,
        name: &str,
        options: &Arc<ApplyOptions>,
    ) {
        let mut state = self.state.lock().expect("no panic while expecting");
        let address = Address::new(kind, namespace, name);
        let entry = state.objects.entry(address.clone()).or_default();
        let before = entry.options.replace(Arc::clone(options));
        if let Some(before) = before.filter(|before| before.owner != options.owner) {
            // It is another's from now on.
            entry.settled = None;
            state.drifting.remove(&before.owner, &address);
        }
    }

    /// Takes in what an apply or a read has answered, and sees to it that the kind is watched.
    pub fn note(&self, kind: &Arc<ResourceKind>, object: &Object) {
        let address = Address::new(kind, object.namespace(), object.name());
        let mut state = self.state.lock().expect("no panic while noting");
        state.objects.entry(address.clone()).or_default();
        update(&mut state, &address, object, self.now());
        if self.is_watching && !state.watches.contains_key(kind) {
            let abort = tokio::spawn(follow(self.clone(), Arc::clone(kind))).abort_handle();
            state.watches.insert(Arc::clone(kind), Watched { abort, is_blind: false });
        }
    }

    /// Forgets objects that are no longer ours.
    pub fn forget(&self, ids: &[ObjectId]) {
        // Who knows many objects does not look through them for nothing.
        if ids.is_empty() {
            return;
        }
        let mut state = self.state.lock().expect("no panic while forgetting");
        let state = &mut *state;
        let ids: HashSet<[&str; 4]> =
            ids.iter().map(|id| [&*id.namespace, &*id.name, &*id.group, &*id.kind]).collect();
        let drifting = &mut state.drifting;
        state.objects.retain(|address, entry| {
            let id = [&*address.namespace, &*address.name, &*address.kind.group, &*address.kind.kind];
            let is_forgotten = ids.contains(&id);
            if let Some(options) = entry.options.as_ref().filter(|_| is_forgotten) {
                drifting.remove(&options.owner, address);
            }
            !is_forgotten
        });
    }

    pub(crate) fn known(&self, address: &Address) -> Option<Known> {
        self.state.lock().expect("no panic while reading").objects.get(address)?.health.clone()
    }

    pub(crate) fn is_blind(&self, kind: &Arc<ResourceKind>) -> bool {
        self.state
            .lock()
            .expect("no panic while reading")
            .watches
            .get(kind)
            .is_none_or(|watch| watch.is_blind)
    }

    /// `notify` is told of every change of these objects, as long as it lives.
    pub(crate) fn listen<'a>(&self, addresses: impl Iterator<Item = &'a Address>, notify: &Arc<Notify>) {
        let mut state = self.state.lock().expect("no panic while listening");
        for address in addresses {
            if let Some(entry) = state.objects.get_mut(address) {
                entry.listeners.retain(|listener| listener.strong_count() > 0);
                entry.listeners.push(Arc::downgrade(notify));
            }
        }
    }

    fn addresses_of(&self, kind: &Arc<ResourceKind>) -> HashSet<Address> {
        let state = self.state.lock().expect("no panic while reading");
        state.objects.keys().filter(|address| address.kind == *kind).cloned().collect()
    }

    fn set_blind(&self, kind: &Arc<ResourceKind>, is_blind: bool) {
        let mut state = self.state.lock().expect("no panic while writing");
        if let Some(watch) = state.watches.get_mut(kind) {
            watch.is_blind = is_blind;
        }
        if is_blind {
            let of_kind = state.objects.iter().filter(|(address, _)| address.kind == *kind);
            of_kind.for_each(|(_, entry)| tell(entry));
        }
    }

    /// Objects known, for metrics.
    pub fn len(&self) -> usize {
        self.state.lock().expect("no panic while reading").objects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Stops every watch.
    pub fn stop(&self) {
        let mut state = self.state.lock().expect("no panic while stopping");
        state.watches.drain().for_each(|(_, watch)| watch.abort.abort());
    }
}

/// Only of an object that is expected; says whether it was news. Its version counts only upwards; one made anew under the same name has a higher one too.
fn update(state: &mut State, address: &Address, object: &Object, now: Timestamp) -> bool {
    let Some(entry) = state.objects.get_mut(address) else { return false };
    let version = object.resource_version().parse().unwrap_or(0);
    if version < entry.version {
        return false;
    }
    entry.version = version;
    object.uid().clone_into(&mut entry.uid);
    entry.mark = entry.options.as_ref().map(|options| mark(object, options));
    let health = sluice_health::health(object, now);
    entry.health = Some(Known { version, status: health.status, revisit_at: health.revisit_at });
    tell(entry);
    true
}

/// A hash of all that an apply relies on: who the object is, our own entry in its managed fields (whoever changes a field of
/// ours takes it out of there), whether somebody is to be taken over from, our marks, and what is to be removed.
fn mark(object: &Object, options: &ApplyOptions) -> u64 {
    let mut hasher = DefaultHasher::new();
    (object.uid(), object.is_deleting()).hash(&mut hasher);
    let mut is_held = false;
    let entries = object.at(&["metadata", "managedFields"]).and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let is_ours = entry["manager"] == *options.manager && entry["operation"] == "Apply";
        if is_ours {
            options.ignored.text_without(object, &entry["fieldsV1"]).hash(&mut hasher);
        }
        is_held |= options.take_over.iter().any(|manager| manager.holds(entry));
    }
    is_held.hash(&mut hasher);
    let is_relied_on = |key: &str| {
        key.starts_with(&options.marks)
            || options.remove_annotations.iter().chain(&options.remove_labels).any(|removed| removed == key)
    };
    for (key, value) in object.labels().iter().chain(&object.annotations()) {
        if is_relied_on(key) {
            (key, value).hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn tell(entry: &Entry) {
    entry.listeners.iter().filter_map(Weak::upgrade).for_each(|notify| notify.notify_one());
}

async fn follow(index: Index, kind: Arc<ResourceKind>) {
    let selection = Selection { labels: index.selector.to_string(), ..Selection::default() };
    let mut changes = std::pin::pin!(index.cluster.watch(Arc::clone(&kind), selection));
    // Known before a list began: what the list does not name was deleted while nobody looked.
    let mut unlisted = HashSet::new();
    while let Some(change) = changes.next().await {
        match change {
            Change::Restarted => unlisted = index.addresses_of(&kind),
            Change::Applied(value) => {
                let Ok(object) = Object::try_from(value) else { continue };
                let address = Address::new(&kind, object.namespace(), object.name());
                let mut state = index.state.lock().expect("no panic while updating");
                if update(&mut state, &address, &object, index.now()) {
                    index.judge(&mut state, &address, Some(&object));
                }
                unlisted.remove(&address);
            }
            Change::Deleted(value) => {
                let Ok(object) = Object::try_from(value) else { continue };
                let address = Address::new(&kind, object.namespace(), object.name());
                gone(&index, &address, object.resource_version().parse().ok());
            }
            Change::Listed => {
                index.set_blind(&kind, false);
                for address in unlisted.drain() {
                    gone(&index, &address, None);
                }
            }
            Change::Broken(error) => {
                tracing::debug!(kind = kind.kind, %error, "the watch of applied objects is interrupted");
                index.set_blind(&kind, true);
            }
        }
    }
}

/// Gone, or no longer labelled: one look by the waiter decides. Without a version it is gone whatever is known.
fn gone(index: &Index, address: &Address, version: Option<u64>) {
    let mut state = index.state.lock().expect("no panic while updating");
    if let Some(entry) = state.objects.get_mut(address)
        && version.is_none_or(|version| version >= entry.version)
    {
        entry.version = version.unwrap_or(entry.version);
        entry.health = None;
        entry.mark = None;
        tell(entry);
        index.judge(&mut state, address, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::takeover::{FieldManager, Operation};

    fn deployment(version: u64, observed: u64) -> Object {
        let value = serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "app", "namespace": "ns", "generation": 1, "resourceVersion": version.to_string()},
            "spec": {"replicas": 0},
            "status": {"observedGeneration": observed,
                "conditions": [{"type": "Available", "status": "True"}]},
        });
        Object::try_from(value).expect("an object")
    }

    #[test]
    fn an_event_that_overtakes_the_answer_to_a_write_is_not_lost() {
        let kind = ResourceKind::new("apps", "v1", "Deployment", "deployments", true);
        let address = Address::new(&kind, "ns", "app");
        let mut state = State::default();
        let of = |state: &State| state.objects.get(&address).and_then(|entry| entry.health.clone());
        let now = Timestamp::UNIX_EPOCH;

        update(&mut state, &address, &deployment(3, 1), now);
        assert!(of(&state).is_none(), "events of objects that nobody expects are dropped");
        state.objects.entry(address.clone()).or_default();
        update(&mut state, &address, &deployment(5, 1), now);
        update(&mut state, &address, &deployment(4, 0), now);
        assert_eq!(of(&state).map(|known| (known.version, known.status)), Some((5, Status::Current)));
    }

    #[test]
    fn a_mark_changes_with_what_an_apply_relies_on_and_with_nothing_else() {
        let options = ApplyOptions {
            manager: "us".into(),
            marks: "example.com/".into(),
            take_over: vec![FieldManager::new("kubectl", Operation::Update)],
            ..ApplyOptions::default()
        };
        let entry = |manager: &str, operation: &str, fields: &str| {
            serde_json::json!({
                "manager": manager, "operation": operation, "fieldsV1": {fields: {}}, "time": "2026-01-01T00:00:00Z",
            })
        };
        let object = |uid: &str, entries: Vec<Value>, label: &str| {
            let value = serde_json::json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "a", "uid": uid, "managedFields": entries, "labels": {label: "x"}},
            });
            mark(&Object::try_from(value).expect("an object"), &options)
        };
        let ours = || entry("us", "Apply", "f:data");
        let first = object("1", vec![ours()], "app");
        let same = [
            object("1", vec![ours()], "another"),
            object("1", vec![ours(), entry("controller", "Update", "f:status")], "app"),
        ];
        // An entry of a manager that nobody takes over from does not count, wherever it stands.
        assert_eq!(same, [first, first]);
        for changed in [
            object("2", vec![ours()], "app"),
            object("1", vec![entry("us", "Apply", "f:other")], "app"),
            object("1", vec![ours()], "example.com/prune"),
            object("1", vec![ours(), entry("kubectl-edit", "Update", "f:data")], "app"),
        ] {
            assert_ne!(changed, first);
        }
    }
}
