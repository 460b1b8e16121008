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

/// An object as text: as a tree it is ten times as large, and most of them are looked at a few times only.
#[derive(Debug)]
struct Kept {
    text: Box<[u8]>,
    version: u64,
    uid: String,
    controller: Option<String>,
}

impl Kept {
    fn of(object: &Value) -> Self {
        Self {
            text: object.to_string().into_bytes().into(),
            version: version(object),
            uid: text(object, "/metadata/uid").to_owned(),
            controller: controller(object).map(str::to_owned),
        }
    }

    fn object(&self) -> Arc<Value> {
        Arc::new(serde_json::from_slice(&self.text).expect("what is kept was written by us"))
    }
}

#[derive(Debug, Default)]
pub(super) struct World {
    objects: BTreeMap<Id, Kept>,
    /// By the uid of the controller.
    controlled: BTreeMap<String, BTreeSet<Id>>,
    /// Pods by each of their labels, Services by each label that they want: namespace, key, value.
    labelled: BTreeMap<(&'static str, String, String, String), BTreeSet<String>>,
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
        self.objects.get(id).map(Kept::object)
    }

    /// All objects of a kind, of one namespace.
    pub fn inside(&self, kind: &'static str, ns: &str) -> impl Iterator<Item = Arc<Value>> {
        let from = Id::new(kind, ns, "");
        let ns = ns.to_owned();
        let objects = self.objects.range(from..).take_while(move |(id, _)| id.kind == kind && id.ns == ns);
        objects.map(|(_, kept)| kept.object())
    }

    /// The same by their names alone.
    fn names_inside(&self, kind: &'static str, ns: &str) -> Vec<Id> {
        let objects = self.objects.range(Id::new(kind, ns, "")..);
        objects.map(|(id, _)| id).take_while(|id| id.kind == kind && id.ns == ns).cloned().collect()
    }

    /// All objects of a kind.
    pub fn all(&self, kind: &'static str) -> impl Iterator<Item = Arc<Value>> {
        let objects = self.objects.range(Id::new(kind, "", "")..).take_while(move |(id, _)| id.kind == kind);
        objects.map(|(_, kept)| kept.object())
    }

    /// The Pods that a plain selector takes.
    pub fn selected_pods(&self, ns: &str, selector: &Value) -> Vec<Arc<Value>> {
        let wanted = selector.as_object().into_iter().flatten();
        let names = wanted.map(|(key, value)| self.labelled("Pod", ns, key, value));
        // The rarest label leaves the fewest to look at.
        let names = names.min_by_key(|names| names.map_or(0, BTreeSet::len)).flatten();
        let pods = names.into_iter().flatten().filter_map(|name| self.get(&Id::new("Pod", ns, name)));
        pods.filter(|pod| selected(selector, &pod["metadata"]["labels"])).collect()
    }

    /// The Services that take a Pod with these labels.
    fn selecting_services(&self, ns: &str, labels: &Value) -> BTreeSet<Id> {
        let labels_of = labels.as_object().into_iter().flatten();
        let names = labels_of.filter_map(|(key, value)| self.labelled("Service", ns, key, value));
        let ids: BTreeSet<Id> = names.flatten().map(|name| Id::new("Service", ns, name)).collect();
        let takes =
            |id: &Id| self.get(id).is_some_and(|service| selected(&service["spec"]["selector"], labels));
        ids.into_iter().filter(takes).collect()
    }

    fn labelled(&self, kind: &'static str, ns: &str, key: &str, value: &Value) -> Option<&BTreeSet<String>> {
        let value = value.as_str().unwrap_or_default();
        self.labelled.get(&(kind, ns.to_owned(), key.to_owned(), value.to_owned()))
    }

    /// Keeps `labelled` as the objects are.
    fn label(&mut self, id: &Id, object: &Value, is_there: bool) {
        let labels = match id.kind {
            "Pod" => &object["metadata"]["labels"],
            "Service" => &object["spec"]["selector"],
            _ => return,
        };
        for (key, value) in labels.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            let place = (id.kind, id.ns.clone(), key.clone(), value);
            if is_there {
                self.labelled.entry(place).or_default().insert(id.name.clone());
            } else if let Some(names) = self.labelled.get_mut(&place) {
                names.remove(&id.name);
                if names.is_empty() {
                    self.labelled.remove(&place);
                }
            }
        }
    }

    /// What an object controls, of one kind.
    pub fn controlled(&self, owner: &Value, kind: &'static str) -> Vec<Arc<Value>> {
        let ids = self.controlled.get(text(owner, "/metadata/uid")).into_iter().flatten();
        ids.filter(|id| id.kind == kind).filter_map(|id| self.get(id)).collect()
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
        if let Some(known) = self.objects.get(&id)
            && known.version >= version(&object)
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
        if let Some(known) = self.get(&id).filter(|_| is_labelled(&id)) {
            self.label(&id, &known, false);
        }
        self.label(&id, &object, true);
        self.objects.insert(id, Kept::of(&object));
        touched
    }

    /// An object is gone.
    pub fn forget(&mut self, kind: &'static str, object: &Value) -> Vec<Id> {
        let id = Id::of(kind, object);
        let uid = text(object, "/metadata/uid");
        self.dying.remove(uid);
        // Its name may have a new bearer already.
        if self.objects.get(&id).is_some_and(|known| known.uid != uid) {
            return Vec::new();
        }
        self.remove(&id)
    }

    fn remove(&mut self, id: &Id) -> Vec<Id> {
        let Some(kept) = self.objects.remove(id) else { return Vec::new() };
        let object = kept.object();
        self.label(id, &object, false);
        if let Some(owner) = &kept.controller
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
        match id.kind {
            "Pod" => {
                touched.extend(self.selecting_services(&id.ns, &object["metadata"]["labels"]));
                touched.extend(self.names_inside("PodDisruptionBudget", &id.ns));
                for volume in object["spec"]["volumes"].as_array().into_iter().flatten() {
                    if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
                        touched.push(Id::new("PersistentVolumeClaim", &id.ns, claim));
                    }
                }
            }
            "ServiceAccount" | "ConfigMap" => touched.push(Id::new("Namespace", "", &id.ns)),
            "Node" => {
                touched.extend(self.all("DaemonSet").map(|object| Id::of("DaemonSet", &object)));
            }
            "PersistentVolume" => {
                let claim = &object["spec"]["claimRef"];
                let word = |key: &str| claim[key].as_str().unwrap_or_default();
                touched.push(Id::new("PersistentVolumeClaim", word("namespace"), word("name")));
            }
            "PersistentVolumeClaim" => {
                touched.push(Id::new("PersistentVolume", "", text(object, "/spec/volumeName")));
                touched.extend(self.names_inside("StatefulSet", &id.ns));
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

/// Whether it is found by labels.
fn is_labelled(id: &Id) -> bool {
    matches!(id.kind, "Pod" | "Service")
}

fn version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or(0)
}

fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}
