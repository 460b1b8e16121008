//! CustomResourceDefinitions: what they serve, their conditions, and the end of their objects.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::core::Core;
use crate::delete::{DeleteOptions, delete_stored};
use crate::managed::{self, Write};
use crate::registry::{Registry, Resource};
use crate::schema::{ListKind, Reference, Schema, Shape};
use crate::store::Stored;

pub const GROUP: &str = "apiextensions.k8s.io";
pub const PLURAL: &str = "customresourcedefinitions";
/// Holds a CRD until its objects are gone.
pub const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const VERBS: &[&str] = &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

fn table() -> String {
    format!("{GROUP}/{PLURAL}")
}

/// Serves what all CRDs say, and tells this one that it is established.
pub fn refresh(core: &Core, definition: &Value) {
    rebuild(core, None);
    establish(core, definition);
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // Who watches sees the new shape only in a new watch.
    core.store.close_watches(&format!("{}/{}", text(&spec["group"]), text(&spec["names"]["plural"])));
}

/// The CRD is gone.
pub fn forget(core: &Core, definition: &Value) {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rebuild(core, definition["metadata"]["name"].as_str());
    core.store.close_watches(&format!("{}/{}", text(&spec["group"]), text(&spec["names"]["plural"])));
}

fn rebuild(core: &Core, without: Option<&str>) {
    let mut registry = Registry::clone(&Registry::built_in());
    // Held to the end: of two that rebuild at a time, the later one has seen more.
    let mut known = core.definitions();
    let mut definitions = core.store.list(&table(), None).objects;
    definitions.retain(|stored| Some(stored.key.1.as_str()) != without);
    for (resource, rows) in known.served(&definitions).flatten() {
        registry.add(Arc::clone(resource), rows.clone());
    }
    core.set_registry(registry);
}

type Rows = Vec<(Arc<Resource>, Vec<Value>)>;

/// What each CRD serves, by its name, as read at a revision: one that has not changed is not read again.
#[derive(Default)]
pub struct Definitions(BTreeMap<String, (u64, Rows)>);

impl Definitions {
    fn served(&mut self, definitions: &[Arc<Stored>]) -> impl Iterator<Item = &Rows> {
        let mut known = std::mem::take(&mut self.0);
        for stored in definitions {
            let name = &stored.key.1;
            let rows = match known.remove(name) {
                Some((revision, rows)) if revision == stored.revision => rows,
                _ => served(&stored.value()).into_iter().map(|(one, rows)| (Arc::new(one), rows)).collect(),
            };
            self.0.insert(name.clone(), (stored.revision, rows));
        }
        self.0.values().map(|(_, rows)| rows)
    }
}

/// The resources of a CRD, one a served version, with their rows in discovery.
fn served(definition: &Value) -> Vec<(Resource, Vec<Value>)> {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, names) = (text(&spec["group"]), &spec["names"]);
    let (plural, kind) = (text(&names["plural"]), text(&names["kind"]));
    let is_namespaced = spec["scope"] == "Namespaced";
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let storage = versions.iter().find(|version| version["storage"] == true);
    let storage = storage.map(|version| text(&version["name"])).unwrap_or_default();
    let mut out = Vec::new();
    for version in versions.iter().filter(|version| version["served"] == true) {
        let name = text(&version["name"]);
        let mut row = json!({
            "name": plural, "singularName": names["singular"], "namespaced": is_namespaced, "kind": kind,
            "verbs": VERBS, "custom": true,
        });
        for key in ["shortNames", "categories"] {
            if names[key].as_array().is_some_and(|list| !list.is_empty()) {
                row[key] = names[key].clone();
            }
        }
        let mut rows = vec![row];
        let mut subresources = BTreeMap::new();
        if version["subresources"]["status"].is_object() {
            let row = json!({
                "name": format!("{plural}/status"), "singularName": "", "namespaced": is_namespaced, "kind": kind,
                "verbs": ["get", "patch", "update"], "custom": true,
            });
            subresources.insert("status".to_owned(), row.clone());
            rows.push(row);
        }
        if version["subresources"]["scale"].is_object() {
            let row = json!({
                "name": format!("{plural}/scale"), "singularName": "", "namespaced": is_namespaced,
                "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"],
            });
            let mut known = row.clone();
            known["paths"] = version["subresources"]["scale"].clone();
            subresources.insert("scale".to_owned(), known);
            rows.push(row);
        }
        let selectable = version["selectableFields"].as_array().into_iter().flatten();
        let selectable = selectable
            .filter_map(|field| Some(field["jsonPath"].as_str()?.trim_start_matches('.').to_owned()));
        let resource = Resource {
            group: group.clone(),
            version: name,
            plural: plural.clone(),
            kind: kind.clone(),
            list_kind: text(&names["listKind"]),
            is_namespaced,
            verbs: VERBS.iter().map(|verb| (*verb).to_owned()).collect(),
            schema: Cow::Owned(root(&version["schema"]["openAPIV3Schema"])),
            storage_version: storage.clone(),
            is_custom: true,
            subresources,
            selectable: selectable.collect(),
            printer_columns: printer_columns(version),
            written: Some(Arc::new(version["schema"]["openAPIV3Schema"].clone())),
        };
        out.push((resource, rows));
    }
    out
}

/// The columns of a version's table; an age where it names none.
fn printer_columns(version: &Value) -> Vec<Value> {
    let written = version["additionalPrinterColumns"].as_array().cloned().unwrap_or_default();
    let age = || vec![json!({ "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" })];
    if written.is_empty() { age() } else { written }
}

/// A version's schema, with the fields that every object has.
fn root(written: &Value) -> Schema {
    let mut schema = Schema::structural(written);
    if let Shape::Object { fields, .. } = &mut schema.shape {
        let plain = |shape| Schema { shape, list: ListKind::Atomic, ..Schema::default() };
        fields.insert("apiVersion", plain(Shape::String));
        fields.insert("kind", plain(Shape::String));
        fields.insert("metadata", plain(Shape::Reference(Reference::new(OBJECT_META))));
    }
    schema
}

/// Writes the conditions and accepted names, unless they are there.
fn establish(core: &Core, definition: &Value) {
    let name = definition["metadata"]["name"].as_str().unwrap_or_default();
    let key = (String::new(), name.to_owned());
    for _attempt in 0..4 {
        let Some(stored) = core.store.read(&table(), &key) else { return };
        let mut object = stored.value();
        let now = core.now();
        let known = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let has = |kind: &str| known.iter().any(|one| one["type"] == kind && one["status"] == "True");
        let mut conditions = known.clone();
        for (kind, reason, message) in [
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ] {
            if !has(kind) {
                conditions.retain(|one| one["type"] != kind);
                conditions.push(json!({
                    "type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message,
                }));
            }
        }
        let versions = object["spec"]["versions"].as_array().into_iter().flatten();
        let storage = versions.into_iter().find(|version| version["storage"] == true);
        let mut stored_versions = object["status"]["storedVersions"].as_array().cloned().unwrap_or_default();
        if let Some(storage) = storage
            && !stored_versions.contains(&storage["name"])
        {
            stored_versions.push(storage["name"].clone());
        }
        let status = json!({
            "conditions": conditions, "acceptedNames": object["spec"]["names"], "storedVersions": stored_versions,
        });
        if object["status"] == status {
            return;
        }
        object["status"] = status;
        if let Some(definitions) = core.registry().resource(GROUP, "v1", PLURAL) {
            let by = Write {
                manager: "kube-apiserver",
                version: "apiextensions.k8s.io/v1",
                subresource: "status",
                time: &now,
                schema: &definitions.schema,
                reset: &["spec", "metadata"],
            };
            managed::updated(&by, Some(&stored.value()), &mut object);
        }
        if core.store.write(&table(), &key, Some(stored.revision), object).is_ok() {
            return;
        }
    }
}

/// The condition of a CRD that waits for its objects to go.
pub fn tell_end(object: &mut Value, now: &str) {
    let Some(conditions) = object["status"]["conditions"].as_array_mut() else { return };
    if !conditions.iter().any(|one| one["type"] == "Terminating") {
        conditions.push(json!({
            "type": "Terminating", "status": "True", "lastTransitionTime": now, "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        }));
    }
}

/// What a CRD itself takes as given.
pub fn set_defaults(object: &mut Value) {
    let Some(spec) = object["spec"].as_object_mut() else { return };
    let names = spec.entry("names").or_insert_with(|| json!({}));
    if !names.is_object() {
        return;
    }
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if names["singular"].as_str().unwrap_or_default().is_empty() {
        names["singular"] = kind.to_lowercase().into();
    }
    if names["listKind"].as_str().unwrap_or_default().is_empty() {
        names["listKind"] = format!("{kind}List").into();
    }
    if spec.get("conversion").is_none_or(Value::is_null) {
        spec.insert("conversion".into(), json!({ "strategy": "None" }));
    }
}

fn resource_of(definition: &Value) -> Option<Resource> {
    served(definition).into_iter().map(|(resource, _)| resource).next()
}

/// Deletes all objects of a CRD.
pub fn delete_objects(core: &Core, definition: &Value) {
    let Some(resource) = resource_of(definition) else { return };
    let options = DeleteOptions::at_once();
    for stored in core.store.list(&resource.table(), None).objects {
        let _ = delete_stored(core, &resource, &stored, &options);
    }
}
