//! The form in which an object is kept: complete by its kind, and unchanged where a write may not change it.

use serde_json::Value;

use crate::registry::Resource;
use crate::same::Same;
use crate::{decode, defaults, keep, print};

/// Defaults and what the kind itself sets. What is the same as in an object that is kept is complete, save where the kind's
/// own definition may have changed since.
pub(super) fn complete(resource: &Resource, object: &mut Value, same: &Same) {
    if resource.is_custom {
        keep::default(&resource.schema, object, &Same::Nothing);
    } else {
        keep::drop_nulls(object, same);
        if object["spec"].is_null() || object["spec"]["template"].is_null() {
            // A struct that nobody has set is there.
            keep::default(&resource.schema, object, same);
        }
        // Amounts take their form; what does not fit is told elsewhere.
        let _ = decode::changed(&resource.schema, object, same);
        defaults::set(resource, object);
        keep::default(&resource.schema, object, same);
        keep::drop_nulls(object, same);
        print::zeros(&resource.group, &resource.version, &resource.kind, object, same);
    }
    let metadata = keep::metadata(object);
    for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let is_empty = metadata.get(name).is_some_and(|value| {
            value.is_null()
                || value.as_object().is_some_and(|map| map.is_empty())
                || value.as_array().is_some_and(Vec::is_empty)
        });
        if is_empty {
            metadata.remove(name);
        }
    }
    metadata.retain(|_, value| !value.is_null());
}

/// What is left out of an object when it is kept, after it is recorded who set what.
pub(super) fn settle(resource: &Resource, subresource: &str, object: &mut Value) {
    if resource.is_custom {
        return;
    }
    if is_about_status(subresource) {
        // The rest is as it was kept.
        let mut status = serde_json::json!({ "status": object["status"].take() });
        print::settle(&resource.group, &resource.version, &resource.kind, &mut status);
        set_or_remove(object, "status", status["status"].take());
        return;
    }
    print::settle(&resource.group, &resource.version, &resource.kind, object);
    if resource.is("", "services")
        && object["spec"]["type"] == "ExternalName"
        && let Some(spec) = object["spec"].as_object_mut()
    {
        spec.remove("internalTrafficPolicy");
    }
}

fn is_about_status(subresource: &str) -> bool {
    matches!(subresource, "status" | "approval")
}

/// What this write may not change is as it was. `same` says what is as in the live object.
pub fn fit_to(resource: &Resource, subresource: &str, live: &Value, object: &mut Value, same: &Same) {
    let is_status = is_about_status(subresource);
    if is_status && let Value::Object(fields) = object {
        // The rest is as it was, and complete.
        fields.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
    }
    if is_status {
        complete(resource, object, &Same::between(live, object));
        let status = object["status"].take();
        let sent = object["metadata"].clone();
        *object = live.clone();
        set_or_remove(object, "status", status);
        // Metadata goes along for built-in kinds, save what is the object's own.
        if !resource.is_custom {
            object["metadata"]["labels"] = sent["labels"].clone();
            object["metadata"]["annotations"] = sent["annotations"].clone();
        }
        object["metadata"]["managedFields"] = sent["managedFields"].clone();
        object["metadata"]["resourceVersion"] = sent["resourceVersion"].clone();
        object["metadata"]["uid"] = sent["uid"].clone();
        keep::metadata(object).retain(|_, value| !value.is_null());
    } else {
        complete(resource, object, same);
        if resource.has_status() && subresource.is_empty() {
            set_or_remove(object, "status", live["status"].clone());
        }
    }
    defaults::on_update(resource, live, object);
    let metadata = keep::metadata(object);
    for key in
        ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"]
    {
        match live["metadata"].get(key) {
            Some(value) => metadata.insert(key.to_owned(), value.clone()),
            None => metadata.remove(key),
        };
    }
    if metadata.get("uid").is_none_or(|uid| uid == "") {
        metadata.insert("uid".into(), live["metadata"]["uid"].clone());
    }
}

fn set_or_remove(object: &mut Value, key: &str, value: Value) {
    let Value::Object(fields) = object else { return };
    if value.is_null() {
        fields.remove(key);
    } else {
        fields.insert(key.to_owned(), value);
    }
}
