//! What is known of the cluster: the watched objects, who controls whom, and what is about to go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::text;

/// One watched object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub kind: &'static str,
    pub ns: String,
    pub name: String,
}

impl Id {
    pub fn new(kind: &'static str, ns: &str, name: &str) -> Self {
        Self { kind, ns: ns.to_owned(), name: name.to_owned() }
    }

    fn of(kind: &'static str, object: &Value) -> Self {
        Self::new(kind, text(object, "/metadata/namespace"), text(object, "/metadata/name"))
    }
}

#[derive(Debug, Default)]
pub(super) struct World {
    objects: BTreeMap<Id, Arc<Value>>,
    /// By the uid of the controller.
    controlled: BTreeMap<String, BTreeSet<Id>>,
    /// Uids that we have asked to delete and that no watch has shown as such yet.
    dying: BTreeSet<String>,
    /// Objects that a list which has begun has not shown yet.
    unseen: BTreeMap<&'static str, BTreeSet<Id>>,
    /// The certificate that namespaces are told of.
    pub authority: String,
}

impl World {
    pub fn new(authority: String) -> Self {
        Self { authority, ..Self::default() }
    }

    pub fn get(&self, id: &Id) -> Option<Arc<Value>> {
        self.objects.get(id).cloned()
    }

    /// All objects of a kind, of one namespace.
    pub fn inside(&self, kind: &'static str, ns: &str) -> impl Iterator<Item = &Arc<Value>> {
        let from = Id::new(kind, ns, "");
        let ns = ns.to_owned();
        self.objects.range(from..).take_while(move |(id, _)| id.kind == kind && id.ns == ns).map(|(_, o)| o)
    }

    /// All objects of a kind.
    pub fn all(&self, kind: &'static str) -> impl Iterator<Item = &Arc<Value>> {
        self.objects.range(Id::new(kind, "", "")..).take_while(move |(id, _)| id.kind == kind).map(|(_, o)| o)
    }

    /// What an object controls, of one kind.
    pub fn controlled(&self, owner: &Value, kind: &'static str) -> Vec<Arc<Value>> {
        let ids = self.controlled.get(text(owner, "/metadata/uid")).into_iter().flatten();
        ids.filter(|id| id.kind == kind).filter_map(|id| self.objects.get(id)).cloned().collect()
    }

    /// Whether an object is deleted or about to be.
    pub fn is_going(&self, object: &Value) -> bool {
        super::plan::is_deleted(object) || self.dying.contains(text(object, "/metadata/uid"))
    }

    pub fn mark_dying(&mut self, uid: &str) {
        self.dying.insert(uid.to_owned());
    }

    /// A list begins.
    pub fn restart(&mut self, kind: &'static str) {
        let ids = self.objects.keys().filter(|id| id.kind == kind).cloned().collect();
        self.unseen.insert(kind, ids);
    }

    /// A list is complete: what it did not show is gone.
    pub fn finish_list(&mut self, kind: &'static str) -> Vec<Id> {
        let gone = self.unseen.remove(kind).unwrap_or_default();
        gone.into_iter().flat_map(|id| self.remove(&id)).collect()
    }

    /// An object as it is now; gives what has to be looked at.
    pub fn note(&mut self, kind: &'static str, mut object: Value) -> Vec<Id> {
        let id = Id::of(kind, &object);
        if let Some(unseen) = self.unseen.get_mut(kind) {
            unseen.remove(&id);
        }
        let version = |object: &Value| text(object, "/metadata/resourceVersion").parse::<u64>().unwrap_or(0);
        if let Some(known) = self.objects.get(&id)
            && version(known) >= version(&object)
        {
            return Vec::new();
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        if object["data"].is_object() {
            object["data"] = json!({});
        }
        if super::plan::is_deleted(&object) {
            self.dying.remove(text(&object, "/metadata/uid"));
        }
        let touched = self.touched(&id, &object);
        if let Some(owner) = controller(&object) {
            self.controlled.entry(owner.to_owned()).or_default().insert(id.clone());
        }
        self.objects.insert(id, Arc::new(object));
        touched
    }

    /// An object is gone.
    pub fn forget(&mut self, kind: &'static str, object: &Value) -> Vec<Id> {
        let id = Id::of(kind, object);
        let uid = text(object, "/metadata/uid");
        self.dying.remove(uid);
        // Its name may have a new bearer already.
        if self.objects.get(&id).is_some_and(|known| text(known, "/metadata/uid") != uid) {
            return Vec::new();
        }
        self.remove(&id)
    }

    fn remove(&mut self, id: &Id) -> Vec<Id> {
        let Some(object) = self.objects.remove(id) else { return Vec::new() };
        if let Some(owner) = controller(&object)
            && let Some(ids) = self.controlled.get_mut(owner)
        {
            ids.remove(id);
            if ids.is_empty() {
                self.controlled.remove(owner);
            }
        }
        self.touched(id, &object)
    }

    /// Whose plans an object has a part in: its own, its controller's, and those that find it by labels or names.
    fn touched(&self, id: &Id, object: &Value) -> Vec<Id> {
        let mut touched = vec![id.clone()];
        let owners = object["metadata"]["ownerReferences"].as_array();
        for owner in owners.into_iter().flatten().filter(|owner| owner["controller"] == true) {
            let kind = super::WATCHED.iter().find(|(_, kind, _)| owner["kind"] == *kind);
            if let (Some((_, kind, _)), Some(name)) = (kind, owner["name"].as_str()) {
                touched.push(Id::new(kind, &id.ns, name));
            }
        }
        let all = |kind: &'static str, ns: &str| -> Vec<Id> {
            self.inside(kind, ns).map(|object| Id::of(kind, object)).collect()
        };
        match id.kind {
            "Pod" => {
                let labels = &object["metadata"]["labels"];
                let selects = |selector: &Value| selected(selector, labels);
                let services = self.inside("Service", &id.ns);
                let services = services.filter(|service| selects(&service["spec"]["selector"]));
                touched.extend(services.map(|service| Id::of("Service", service)));
                let budgets = self.inside("PodDisruptionBudget", &id.ns);
                touched.extend(budgets.map(|budget| Id::of("PodDisruptionBudget", budget)));
                for volume in object["spec"]["volumes"].as_array().into_iter().flatten() {
                    if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
                        touched.push(Id::new("PersistentVolumeClaim", &id.ns, claim));
                    }
                }
            }
            "ServiceAccount" | "ConfigMap" => touched.push(Id::new("Namespace", "", &id.ns)),
            "Node" => {
                touched.extend(self.all("DaemonSet").map(|object| Id::of("DaemonSet", object)));
            }
            "PersistentVolume" => {
                let claim = &object["spec"]["claimRef"];
                let word = |key: &str| claim[key].as_str().unwrap_or_default();
                touched.push(Id::new("PersistentVolumeClaim", word("namespace"), word("name")));
            }
            "PersistentVolumeClaim" => {
                touched.push(Id::new("PersistentVolume", "", text(object, "/spec/volumeName")));
                touched.extend(all("StatefulSet", &id.ns));
            }
            _ => {}
        }
        touched
    }
}

/// Whether a plain selector (label: value) takes these labels. One that is empty takes nothing.
pub(super) fn selected(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().filter(|wanted| !wanted.is_empty());
    wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
}

fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}
