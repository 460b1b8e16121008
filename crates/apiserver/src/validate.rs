//! Whether an object may be kept, with the real server's words.

mod access;
mod custom;
mod definition;
mod faults;
mod metadata;
mod network;
mod pod;
mod scaling;
mod service;
mod storage;
mod workload;

use serde_json::Value;

use self::faults::Faults;
pub use self::faults::{label_value_faults, qualified_faults};
use crate::registry::Resource;
use crate::status::Cause;

/// A new object.
pub fn object(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut faults = Faults::new(object);
    metadata::check(resource, object, &mut faults);
    if resource.is_custom {
        custom::check(resource, object, None, &mut faults.causes);
    } else {
        built_in(resource, None, &mut faults);
    }
    faults.causes
}

/// What is taken and should not be.
pub fn warnings(resource: &Resource, object: &Value) -> Vec<String> {
    let mut out = Vec::new();
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => {
            for (index, one) in faults::items(&object["spec"], "imagePullSecrets").iter().enumerate() {
                if faults::text(one, "name").is_empty() {
                    out.push(format!("spec.imagePullSecrets[{index}].name: invalid empty name \"\""));
                }
            }
        }
        ("", "secrets") if object["type"] == "kubernetes.io/tls" && !storage::is_pem(object) => {
            out.push("tls: failed to find any PEM data in certificate input".to_owned());
        }
        ("apps", "statefulsets")
            if object["spec"]["revisionHistoryLimit"].as_i64().is_some_and(|limit| limit < 0) =>
        {
            let why = "a negative value retains all historical revisions; a value >= 0 is recommended";
            out.push(format!("spec.revisionHistoryLimit: {why}"));
        }
        _ => {}
    }
    out
}

/// A changed object.
pub fn change(resource: &Resource, live: &Value, object: &Value) -> Vec<Cause> {
    let mut faults = Faults::new(object);
    metadata::change(resource, live, object, &mut faults);
    // Metadata is looked at twice, before the kind's own rules and with them.
    faults.causes.extend(faults.causes.clone());
    if resource.is("apps", "deployments") {
        // Annotations of these even three times.
        let notes = faults.causes.iter().find(|cause| cause.field == "metadata.annotations").cloned();
        faults.causes.extend(notes);
    }
    if resource.is_custom {
        custom::check(resource, object, Some(live), &mut faults.causes);
        return faults.causes;
    }
    // What was kept with another mistake may stay as it is.
    if !crate::keep::is_same_without(live, object, &["metadata", "status"]) {
        built_in(resource, Some(live), &mut faults);
    }
    faults.causes
}

/// What most often goes wrong in built-in kinds; `live` is what is there already.
fn built_in(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    workload::check(resource, live, faults);
    pod::check(resource, live, faults);
    service::check(resource, live, faults);
    network::check(resource, live, faults);
    access::check(resource, live, faults);
    storage::check(resource, live, faults);
    scaling::check(resource, live, faults);
    definition::check(resource, faults);
}
