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

/// A changed object.
pub fn change(resource: &Resource, live: &Value, object: &Value) -> Vec<Cause> {
    let mut faults = Faults::new(object);
    if live["metadata"] != object["metadata"] {
        metadata::labels_and_annotations(resource, object, &mut faults);
    }
    metadata::no_new_finalizers(live, object, &mut faults);
    if resource.is_custom {
        custom::check(resource, object, Some(live), &mut faults.causes);
        return faults.causes;
    }
    // What was kept with another mistake may stay as it is.
    let wanted = |object: &Value| {
        let mut object = object.clone();
        object.as_object_mut().into_iter().for_each(|fields| {
            fields.remove("metadata");
            fields.remove("status");
        });
        object
    };
    if wanted(live) != wanted(object) {
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
