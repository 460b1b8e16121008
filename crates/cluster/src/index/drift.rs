//! What others do to objects of ours: known from the watch, by what the last apply relied on.
//!
//! An object drifts from the moment that its mark is no longer the one that was settled, until it is settled again, is
//! forgotten, or is as it was. Our own writes unsettle it before they are sent, so that they are never taken for another's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use sluice_object::{Object, ObjectId};

use super::{Address, Index, State};
use crate::apply::ApplyOptions;
use crate::kinds::ResourceKind;

/// What somebody has done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Fields, labels or annotations that are ours.
    Changed,
    /// It was deleted, or its labels were.
    Gone,
}

/// An object that is not as it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub id: ObjectId,
    pub deed: Deed,
    /// The field manager that was last at work; empty where nobody can tell.
    pub by: String,
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.deed, self.by.as_str()) {
            (Deed::Gone, _) => write!(f, "{} deleted", self.id),
            (Deed::Changed, "") => write!(f, "{} changed", self.id),
            (Deed::Changed, by) => write!(f, "{} changed by {by}", self.id),
        }
    }
}

/// Objects that drift, by owner, and owners who have not been told of all of theirs.
#[derive(Default)]
pub(super) struct Drifting {
    objects: BTreeMap<Arc<str>, BTreeMap<Address, Drift>>,
    news: BTreeSet<Arc<str>>,
}

impl Drifting {
    /// Says whether its owner is to be told.
    fn add(&mut self, owner: &Arc<str>, address: &Address, drift: Drift) -> bool {
        let known = self.objects.entry(Arc::clone(owner)).or_default();
        let is_new = known.get(address).is_none_or(|before| before.deed != drift.deed);
        known.insert(address.clone(), drift);
        is_new && self.news.insert(Arc::clone(owner))
    }

    pub(super) fn remove(&mut self, owner: &Arc<str>, address: &Address) {
        if let Some(known) = self.objects.get_mut(owner) {
            known.remove(address);
            if known.is_empty() {
                self.objects.remove(owner);
            }
        }
    }
}

impl Index {
    /// What is not as an owner left it.
    pub fn drifted(&self, owner: &str) -> Vec<Drift> {
        let state = self.state.lock().expect("no panic while reading");
        state.drifting.objects.get(owner).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// The owners of objects that have begun to drift since this was last asked; waits until there is one.
    pub async fn owners_of_drifted(&self) -> BTreeSet<Arc<str>> {
        loop {
            let has_news = self.has_news.notified();
            let news = self.take_news();
            if !news.is_empty() {
                return news;
            }
            has_news.await;
        }
    }

    fn take_news(&self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.state.lock().expect("no panic while reading").drifting.news)
    }

    /// An object is about to be written, or is left alone from now on: what happens to it next says nothing.
    pub(crate) fn unsettle(&self, kind: &Arc<ResourceKind>, namespace: &str, name: &str) {
        let address = Address::new(kind, namespace, name);
        let mut state = self.state.lock().expect("no panic while unsettling");
        unsettle(&mut state, &address);
    }

    /// Compares what was settled with what there is.
    pub(super) fn judge(&self, state: &mut State, address: &Address, object: Option<&Object>) {
        let Some(entry) = state.objects.get(address) else { return };
        let (Some(settled), Some(options)) = (&entry.settled, &entry.options) else { return };
        if options.owner.is_empty() {
            return;
        }
        if entry.mark == Some(settled.mark) {
            state.drifting.remove(&options.owner, address);
            return;
        }
        let deed = if entry.mark.is_some() { Deed::Changed } else { Deed::Gone };
        let by = object.and_then(|object| last_at_work(object, options)).unwrap_or_default();
        let drift = Drift { id: address.id(), deed, by };
        if state.drifting.add(&options.owner, address, drift) {
            self.has_news.notify_one();
        }
    }
}

pub(super) fn unsettle(state: &mut State, address: &Address) {
    let Some(entry) = state.objects.get_mut(address) else { return };
    entry.settled = None;
    if let Some(options) = &entry.options {
        state.drifting.remove(&options.owner, address);
    }
}

/// The manager whose entry is the newest but ours; those that only write a status have nothing to do with it.
fn last_at_work(object: &Object, options: &ApplyOptions) -> Option<String> {
    let entries = object.at(&["metadata", "managedFields"])?.as_array()?;
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let others = entries.iter().filter(|entry| {
        let is_ours = entry["manager"] == *options.manager && entry["operation"] == "Apply";
        !is_ours && text(entry, "subresource").is_empty()
    });
    others.max_by_key(|entry| text(entry, "time")).map(|entry| text(entry, "manager"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::Cluster;

    /// A ConfigMap as the server has it: our entry holds a field or not, somebody else's entry is newer.
    fn object(version: u64, is_ours: bool, other: &str) -> Object {
        let ours = if is_ours { json!({"f:data": {"f:key": {}}}) } else { json!({}) };
        let value = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "a", "namespace": "ns", "uid": "1", "resourceVersion": version.to_string(),
                "managedFields": [
                    {"manager": "us", "operation": "Apply", "fieldsV1": ours, "time": "2026-01-01T00:00:00Z"},
                    {"manager": other, "operation": "Update", "time": "2026-01-02T00:00:00Z"},
                    {"manager": "status", "operation": "Update", "subresource": "status", "time": "2026-01-03T00:00:00Z"},
                ],
            },
        });
        Object::try_from(value).expect("an object")
    }

    /// An event of the watch.
    fn event(index: &Index, address: &Address, object: &Object) {
        let mut state = index.state.lock().expect("no panic");
        if super::super::update(&mut state, address, object, jiff::Timestamp::UNIX_EPOCH) {
            index.judge(&mut state, address, Some(object));
        }
    }

    fn texts(index: &Index, owner: &str) -> Vec<String> {
        index.drifted(owner).iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn an_object_drifts_from_what_was_settled_until_it_is_settled_again() {
        let config = kube::Config::new(http::Uri::from_static("http://127.0.0.1:1"));
        let cluster = Cluster::connect(config).expect("a client");
        let index = Index::unwatched(cluster, "owner", || jiff::Timestamp::UNIX_EPOCH);
        let kind = ResourceKind::new("", "v1", "ConfigMap", "configmaps", true);
        let address = Address::new(&kind, "ns", "a");
        let of = |owner: &str| {
            Arc::new(ApplyOptions { manager: "us".into(), owner: owner.into(), ..ApplyOptions::default() })
        };
        let settle = |object: &Object, owner: &str| {
            index.expect(&kind, "ns", "a", &of(owner));
            index.note(&kind, object);
            index.settle(&kind, object, 1);
        };
        settle(&object(1, true, "them"), "ns/app");
        event(&index, &address, &object(2, true, "others"));
        assert!(texts(&index, "ns/app").is_empty(), "what is not ours is no drift");

        event(&index, &address, &object(3, false, "them"));
        assert_eq!(texts(&index, "ns/app"), ["ConfigMap/ns/a changed by them"]);
        assert_eq!(index.owners_of_drifted().await, BTreeSet::from(["ns/app".into()]));
        event(&index, &address, &object(4, true, "them"));
        assert!(texts(&index, "ns/app").is_empty(), "it is as it was");

        // A write of our own is told before its answer comes, and is nobody else's.
        index.unsettle(&kind, "ns", "a");
        event(&index, &address, &object(5, false, "them"));
        assert!(texts(&index, "ns/app").is_empty());
        // Somebody was quicker than the answer.
        event(&index, &address, &object(7, true, "them"));
        settle(&object(6, false, "us"), "ns/app");
        assert_eq!(texts(&index, "ns/app"), ["ConfigMap/ns/a changed"]);

        super::super::gone(&index, &address, Some(8));
        assert_eq!(texts(&index, "ns/app"), ["ConfigMap/ns/a deleted"]);
        // Another owner takes it, and the first is no longer concerned.
        settle(&object(9, true, "them"), "ns/other");
        event(&index, &address, &object(10, false, "them"));
        assert!(texts(&index, "ns/app").is_empty());
        assert_eq!(texts(&index, "ns/other").len(), 1);
        index.forget(&[address.id()]);
        assert!(texts(&index, "ns/other").is_empty());
    }
}
