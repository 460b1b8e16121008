//! Labels and annotations that Flux puts on what it applies.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Marks objects as belonging to a Kustomization.
pub fn set_owner_labels(objects: &mut [Value], name: &str, namespace: &str) {
    let labels = BTreeMap::from([
        ("kustomize.toolkit.fluxcd.io/name".to_owned(), name.to_owned()),
        ("kustomize.toolkit.fluxcd.io/namespace".to_owned(), namespace.to_owned()),
    ]);
    set_common_metadata(objects, &labels, &BTreeMap::new());
}

/// Puts labels and annotations on every object, over those of the same name.
pub fn set_common_metadata(
    objects: &mut [Value],
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) {
    for object in objects {
        put(object, "labels", labels);
        put(object, "annotations", annotations);
    }
}

fn put(object: &mut Value, field: &str, entries: &BTreeMap<String, String>) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    if entries.is_empty() {
        return;
    }
    let map = metadata.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if !map.is_object() {
        *map = Value::Object(Map::new());
    }
    if let Some(map) = map.as_object_mut() {
        for (name, text) in entries {
            map.insert(name.clone(), Value::from(text.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn owner_labels_stand_beside_others() {
        let mut objects = [json!({"metadata": {"labels": {"a": "b"}}})];
        set_owner_labels(&mut objects, "apps", "flux-system");
        assert_eq!(
            objects[0],
            json!({"metadata": {"labels": {
                "a": "b",
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system"
            }}})
        );
    }
}
