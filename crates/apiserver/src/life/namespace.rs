//! The end of a namespace: all that is in it goes, and until it has gone the namespace says what is left.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{PASSES, finalizers, is_over, resource_of};
use crate::core::Core;
use crate::delete::{DeleteOptions, delete_stored};

/// Deletes all that is in a namespace that ends.
pub(super) fn end(core: &Core, namespace: &Value) {
    let ns = namespace["metadata"]["name"].as_str().unwrap_or_default();
    let options = DeleteOptions::at_once();
    for _pass in 0..PASSES {
        let mut left = 0;
        for resource in core.registry().each().filter(|resource| resource.is_namespaced) {
            for stored in core.store.list(&resource.table(), Some(ns)).objects {
                left += 1;
                let _ = delete_stored(core, resource, &stored, &options);
            }
        }
        if left == 0 {
            break;
        }
    }
    finish(core, namespace);
}

/// A namespace with nothing left in it goes.
pub(super) fn finish(core: &Core, namespace: &Value) {
    let ns = namespace["metadata"]["name"].as_str().unwrap_or_default();
    let registry = core.registry();
    let mut inside = registry.each().filter(|resource| resource.is_namespaced);
    let mut left: Vec<(String, Vec<Value>)> = Vec::new();
    for resource in inside.by_ref() {
        let objects = core.store.list(&resource.table(), Some(ns)).objects;
        if !objects.is_empty() {
            let group =
                if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
            left.push((
                format!("{}{group}", resource.plural),
                objects.iter().map(|one| one.value()).collect(),
            ));
        }
    }
    if !left.is_empty() {
        tell_what_is_left(core, ns, &left);
        return;
    }
    let key = (String::new(), ns.to_owned());
    let (Some(stored), Some(resource)) =
        (core.store.read("/namespaces", &key), resource_of(core, "/namespaces"))
    else {
        return;
    };
    let mut object = stored.value();
    object["spec"]["finalizers"] = json!([]);
    if is_over(&resource, &object) {
        let _ = core.store.remove("/namespaces", &key, stored.revision, object);
    }
}

/// The conditions of a namespace whose end waits.
fn tell_what_is_left(core: &Core, ns: &str, left: &[(String, Vec<Value>)]) {
    let counts: Vec<String> = left
        .iter()
        .map(|(name, objects)| format!("{name} has {} resource instances", objects.len()))
        .collect();
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    for object in left.iter().flat_map(|(_, objects)| objects) {
        for finalizer in finalizers(object) {
            *waiting.entry(finalizer).or_default() += 1;
        }
    }
    let remaining: Vec<String> =
        waiting.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let key = (String::new(), ns.to_owned());
    let Some(stored) = core.store.read("/namespaces", &key) else { return };
    let mut object = stored.value();
    let now = core.now();
    let one = |kind: &str, status: &str, reason: &str, message: String| json!({ "type": kind, "status": status, "lastTransitionTime": now, "reason": reason, "message": message });
    let mut conditions = vec![
        one(
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        one(
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        one(
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        one(
            "NamespaceContentRemaining",
            "True",
            "SomeResourcesRemain",
            format!("Some resources are remaining: {}", counts.join(", ")),
        ),
    ];
    conditions.push(if remaining.is_empty() {
        let none = "All content-preserving finalizers finished".to_owned();
        one("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", none)
    } else {
        let some =
            format!("Some content in the namespace has finalizers remaining: {}", remaining.join(", "));
        one("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", some)
    });
    let told = |list: &Value| -> Vec<Value> {
        list.as_array()
            .into_iter()
            .flatten()
            .map(|one| json!([one["type"], one["status"], one["message"]]))
            .collect()
    };
    let conditions = Value::from(conditions);
    if told(&object["status"]["conditions"]) != told(&conditions) {
        object["status"]["conditions"] = conditions;
        let _ = core.store.write("/namespaces", &key, Some(stored.revision), object);
    }
}
