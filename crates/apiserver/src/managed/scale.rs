//! Who owns the number of replicas, told between an object and its Scale.

use serde_json::Value;
use sluice_fields::{FieldSet, PathElement};

use super::{Entry, Managers, entries, read, write};

const VERSION: &str = "autoscaling/v1";

fn path(pointer: &str) -> Vec<PathElement> {
    pointer
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| PathElement::Field(part.to_owned()))
        .collect()
}

fn only(pointer: &str) -> FieldSet {
    let mut set = FieldSet::default();
    set.insert(path(pointer));
    set
}

/// Puts into a Scale who owns its number, which is at `pointer` in the object.
pub fn to_scale(object: &Value, pointer: &str, scale: &mut Value) {
    let mut managers = Managers::new();
    for (mut identity, entry) in read(object) {
        if entry.fields.has(&path(pointer)) {
            if identity.operation == "Update" {
                VERSION.clone_into(&mut identity.version);
            }
            let fields = only("/spec/replicas");
            managers.insert(identity, Entry { fields, version: VERSION.to_owned(), time: entry.time });
        }
    }
    write(scale, &managers, &Managers::new(), &[]);
}

/// Puts into the object who owns the number by what its Scale says. `live` has the owners from before.
pub fn to_object(live: &Value, version: &str, pointer: &str, scale: &Value, object: &mut Value) {
    let (before, mut of_scale) = (read(live), read(scale));
    let mut managers = Managers::new();
    for (identity, entry) in before.clone() {
        if entry.fields.has(&path(pointer)) && of_scale.remove(&identity).is_none() {
            let fields = entry.fields.difference(&only(pointer));
            if !fields.is_empty() {
                managers.insert(identity, Entry { fields, ..entry });
            }
        } else {
            managers.insert(identity, entry);
        }
    }
    for (identity, entry) in of_scale {
        if entry.fields.has(&path("/spec/replicas")) {
            let time = before.get(&identity).map(|entry| entry.time.clone()).unwrap_or_default();
            managers.insert(identity, Entry { fields: only(pointer), version: version.to_owned(), time });
        }
    }
    write(object, &managers, &before, entries(live));
}
