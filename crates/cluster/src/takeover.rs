//! What a live object must lose before it is applied: legacy metadata, and other managers' hold on fields that are ours.

use serde_json::{Map, Value, json};
use sluice_object::Object;

use crate::apply::ApplyOptions;

/// A field manager of upstream's list: every manager whose name begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldManager {
    pub prefix: String,
    pub operation: Operation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Apply,
    Update,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

impl FieldManager {
    pub fn new(prefix: &str, operation: Operation) -> Self {
        Self { prefix: prefix.to_owned(), operation }
    }

    pub(crate) fn holds(&self, entry: &Value) -> bool {
        entry["operation"].as_str() == Some(self.operation.as_str())
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
            && entry["manager"].as_str().unwrap_or_default().starts_with(&self.prefix)
    }
}

/// The JSON patch that cleans a live object; none where it is clean.
pub(crate) fn patch(live: &Object, options: &ApplyOptions) -> Option<Value> {
    let mut steps = Vec::new();
    for key in options.remove_annotations.iter().filter(|key| live.annotation(key).is_some()) {
        steps.push(json!({ "op": "remove", "path": format!("/metadata/annotations/{}", pointer(key)) }));
    }
    for key in options.remove_labels.iter().filter(|key| live.label(key).is_some()) {
        steps.push(json!({ "op": "remove", "path": format!("/metadata/labels/{}", pointer(key)) }));
    }
    if let Some(entries) = taken_over(live, options) {
        steps.push(with_managers(&entries));
    }
    (!steps.is_empty()).then(|| guarded(live, steps))
}

/// Steps on the object that was read: a list replaces whatever stands there, so it must still be the same one.
fn guarded(live: &Object, mut steps: Vec<Value>) -> Value {
    if let Some(version) = live.at(&["metadata", "resourceVersion"]) {
        steps.insert(0, json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version }));
    }
    Value::Array(steps)
}

fn with_managers(entries: &[Value]) -> Value {
    json!({ "op": "replace", "path": "/metadata/managedFields", "value": entries })
}

/// The JSON patch that makes every entry of an object's managed fields speak of the version that is applied: the server
/// refuses to apply where one speaks of a version that lacks a field which the new one fills in.
pub(crate) fn migration(live: &Object, api_version: &str) -> Option<Value> {
    let mut entries = live.at(&["metadata", "managedFields"])?.as_array()?.clone();
    let mut is_changed = false;
    for entry in &mut entries {
        if entry["apiVersion"] != api_version {
            entry["apiVersion"] = json!(api_version);
            is_changed = true;
        }
    }
    is_changed.then(|| guarded(live, vec![with_managers(&entries)]))
}

fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The managed fields with every entry that is taken over folded into our apply entry.
fn taken_over(live: &Object, options: &ApplyOptions) -> Option<Vec<Value>> {
    let entries = live.at(&["metadata", "managedFields"])?.as_array()?;
    let is_ours = |entry: &Value| {
        entry["manager"].as_str() == Some(options.manager.as_str())
            && entry["operation"].as_str() == Some("Apply")
    };
    let our_place = entries.iter().rposition(is_ours);
    let mut ours = our_place.map(|place| entries[place].clone());
    let mut others = Vec::new();
    let mut is_edited = false;
    for (place, entry) in entries.iter().enumerate() {
        if Some(place) == our_place {
            continue;
        }
        if !options.take_over.iter().any(|manager| manager.holds(entry)) {
            others.push(entry.clone());
            continue;
        }
        is_edited = true;
        match &mut ours {
            None => {
                let mut renamed = entry.clone();
                renamed["manager"] = options.manager.clone().into();
                renamed["operation"] = "Apply".into();
                ours = Some(renamed);
            }
            Some(ours) => {
                let merged = union(&ours["fieldsV1"], &entry["fieldsV1"]);
                ours["fieldsV1"] = merged;
            }
        }
    }
    if !is_edited {
        return None;
    }
    others.extend(ours);
    Some(others)
}

/// The union of two sets of fields in their JSON form: a path that ends in both, and goes on in one, is marked by `.`.
fn union(a: &Value, b: &Value) -> Value {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else {
        return if a.is_object() { a.clone() } else { b.clone() };
    };
    Value::Object(union_of(a, b))
}

fn union_of(a: &Map<String, Value>, b: &Map<String, Value>) -> Map<String, Value> {
    let mut out = a.clone();
    for (key, theirs) in b {
        match out.get_mut(key) {
            None => {
                out.insert(key.clone(), theirs.clone());
            }
            Some(Value::Object(ours)) => {
                let Some(theirs) = theirs.as_object() else { continue };
                let ends_in_one = ours.is_empty() != theirs.is_empty();
                let mut merged = union_of(ours, theirs);
                if ends_in_one && key != "." {
                    merged.insert(".".into(), json!({}));
                }
                *ours = merged;
            }
            Some(_) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(entries: Value) -> Object {
        Object::try_from(json!({
            "metadata": { "name": "a", "resourceVersion": "7", "managedFields": entries, "annotations": { "old/key": "" } }
        }))
        .unwrap()
    }

    fn options() -> ApplyOptions {
        ApplyOptions {
            manager: "ours".into(),
            take_over: vec![FieldManager::new("kubectl", Operation::Update)],
            ..Default::default()
        }
    }

    #[test]
    fn a_foreign_entry_is_folded_into_ours() {
        let live = live(json!([
            { "manager": "kubectl-edit", "operation": "Update", "fieldsV1": { "f:data": { "f:b": {} } } },
            { "manager": "ours", "operation": "Apply", "fieldsV1": { "f:data": { "f:a": {} } } },
            { "manager": "kubectl", "operation": "Update", "subresource": "status", "fieldsV1": {} },
        ]));
        let patch = patch(&live, &options()).unwrap();
        assert_eq!(
            patch[1]["value"],
            json!([
                { "manager": "kubectl", "operation": "Update", "subresource": "status", "fieldsV1": {} },
                { "manager": "ours", "operation": "Apply", "fieldsV1": { "f:data": { "f:a": {}, "f:b": {} } } },
            ])
        );
    }

    #[test]
    fn a_clean_object_is_not_patched() {
        let live = live(json!([{ "manager": "ours", "operation": "Apply", "fieldsV1": {} }]));
        assert_eq!(patch(&live, &options()), None);
        let removing = ApplyOptions { remove_annotations: vec!["old/key".into()], ..options() };
        let steps = patch(&live, &removing).unwrap();
        assert_eq!(steps[1]["path"], "/metadata/annotations/old~1key");
    }

    #[test]
    fn a_path_that_ends_in_one_set_and_goes_on_in_the_other_is_marked() {
        let merged = union(&json!({ "f:a": {} }), &json!({ "f:a": { "f:b": {} } }));
        assert_eq!(merged, json!({ "f:a": { ".": {}, "f:b": {} } }));
    }
}
