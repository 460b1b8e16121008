//! Names, labels, annotations, finalizers and owners.

use serde_json::{Map, Value};

use super::faults::{Faults, items, text};
use crate::registry::Resource;
use crate::status::Cause;

/// Finalizers without a domain that the server itself knows.
const FINALIZERS: &[&str] = &["kubernetes", "orphan", "foregroundDeletion"];

/// The metadata of a new object.
pub fn check(resource: &Resource, object: &Value, faults: &mut Faults) {
    let metadata = &object["metadata"];
    let prefix = text(metadata, "generateName");
    if !prefix.is_empty() {
        // What is appended makes a dash at the end good.
        let shown = Value::from(prefix);
        let whole = Value::from(format!("{}a", prefix.trim_end_matches('-')));
        let mut own = Faults::new(object);
        name(resource, "metadata.generateName", &whole, &mut own);
        for cause in own.causes {
            let why = cause.message.splitn(3, ": ").nth(2).unwrap_or_default().to_owned();
            faults.invalid("metadata.generateName", &shown, &why);
        }
    }
    if text(metadata, "name").is_empty() {
        faults.required("metadata.name", "name or generateName is required");
    } else {
        name(resource, "metadata.name", &metadata["name"], faults);
    }
    labels_and_annotations(resource, object, faults);
}

fn name(resource: &Resource, path: &str, value: &Value, faults: &mut Faults) {
    let given = value.as_str().unwrap_or_default();
    // Names of RBAC kinds are path segments.
    if resource.group == "rbac.authorization.k8s.io" {
        if given == "." || given == ".." {
            faults.invalid(path, value, &format!("may not be '{given}'"));
        }
        for letter in ['/', '%'].into_iter().filter(|letter| given.contains(*letter)) {
            faults.invalid(path, value, &format!("may not contain '{letter}'"));
        }
        return;
    }
    if resource.is("", "namespaces") || resource.is("", "services") {
        faults.label(path, value);
        return;
    }
    if resource.is("batch", "cronjobs") && given.len() > 52 {
        faults.invalid(path, value, "must be no more than 52 characters");
    }
    faults.subdomain(path, value);
}

/// What a change of metadata may bring.
pub fn change(resource: &Resource, live: &Value, object: &Value, faults: &mut Faults) {
    if live["metadata"] == object["metadata"] {
        return;
    }
    no_new_finalizers(live, object, faults);
    let (old, new) = (&live["metadata"], &object["metadata"]);
    for key in ["name", "namespace", "uid"] {
        if old[key] != new[key] {
            faults.invalid(format_args!("metadata.{key}"), &new[key], "field is immutable");
        }
    }
    labels_and_annotations(resource, object, faults);
}

fn labels_and_annotations(resource: &Resource, object: &Value, faults: &mut Faults) {
    let metadata = &object["metadata"];
    faults.labels("metadata.labels", &metadata["labels"]);
    for key in metadata["annotations"].as_object().into_iter().flat_map(Map::keys) {
        faults.qualified("metadata.annotations", &key.to_lowercase());
    }
    owners(metadata, faults);
    for (index, one) in items(metadata, "finalizers").iter().enumerate() {
        let given = one.as_str().unwrap_or_default();
        faults.qualified("metadata.finalizers", given);
        // Only built-in kinds: `finalizers.fluxcd.io` is on all of Flux's.
        if !resource.is_custom && !given.contains('/') && !FINALIZERS.contains(&given) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            faults.invalid(format_args!("metadata.finalizers[{index}]"), one, why);
        }
    }
}

fn owners(metadata: &Value, faults: &mut Faults) {
    const PATH: &str = "metadata.ownerReferences";
    let mut controller: Option<&Value> = None;
    for owner in items(metadata, "ownerReferences") {
        let version = text(owner, "apiVersion");
        if version.is_empty() || version.matches('/').count() > 1 {
            let why = "version must not be empty";
            faults.invalid(format_args!("{PATH}.apiVersion"), &owner["apiVersion"], why);
        }
        for key in ["kind", "name", "uid"] {
            if text(owner, key).is_empty() {
                faults.invalid(format_args!("{PATH}.{key}"), &"".into(), "must not be empty");
            }
        }
        if owner["controller"] == true {
            if let Some(other) = controller {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
                    text(other, "kind"),
                    text(other, "name"),
                    text(owner, "kind"),
                    text(owner, "name"),
                );
                let shown = in_order(items(metadata, "ownerReferences"));
                let message = format!("Invalid value: {shown}: {why}");
                faults.causes.push(Cause::new("FieldValueInvalid", PATH, message));
            }
            controller = Some(owner);
        }
    }
}

/// Messages show owners as JSON, whatever the order of their fields.
fn in_order(owners: &[Value]) -> String {
    let fields = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
    let owners = owners.iter().map(|owner| {
        let fields = fields.iter().filter(|key| !owner[**key].is_null());
        let fields: Vec<String> = fields.map(|key| format!("{key:?}:{}", owner[*key])).collect();
        format!("{{{}}}", fields.join(","))
    });
    format!("[{}]", owners.collect::<Vec<_>>().join(","))
}

/// What is being deleted waits for nothing new.
fn no_new_finalizers(live: &Value, object: &Value, faults: &mut Faults) {
    if !live["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    let known = items(&live["metadata"], "finalizers");
    let fresh = items(&object["metadata"], "finalizers").iter().filter(|one| !known.contains(one));
    let fresh: Vec<String> = fresh.map(Value::to_string).collect();
    if !fresh.is_empty() {
        let why = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            fresh.join(", ")
        );
        faults.forbidden("metadata.finalizers", &why);
    }
}
