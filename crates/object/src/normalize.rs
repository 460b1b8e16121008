//! Makes a manifest what Flux makes of it before the apply: built-in kinds are read into their Go types and written
//! back, so that unknown fields go, quantities become canonical and structs appear that Go prints when they are empty.
//!
//! Invariant: a manifest that does not fit its type stays as it is, but for `status` and `creationTimestamp`.
//! What the types are is in `normalize/types.txt`, which is generated.

mod convert;
pub mod quantity;
mod table;

use serde_json::{Map, Value};

use crate::Object;

/// Normalises one manifest.
pub fn normalize(object: &mut Object) {
    if object.api_version() == "rbac.authorization.k8s.io/v1"
        && matches!(object.kind(), "Role" | "ClusterRole")
    {
        // Upstream leaves them raw, since a round trip loses empty lists that mean something.
        return;
    }
    if let Some(mut typed) = round_trip(object) {
        defaults(object.api_version(), object.kind(), &mut typed);
        *object = Object::from(typed);
    }
    object.set_creation_timestamp_null();
    if !object.is_crd() {
        object.fields_mut().remove("status");
    }
}

/// The object as its Go type prints it; `None` if the kind is not built in or the object does not fit it.
pub fn round_trip(object: &Object) -> Option<Map<String, Value>> {
    let table = table::Table::get();
    let kind = table.kind(object.api_version(), object.kind())?;
    convert::object(table, kind, object.fields()).ok()
}

/// What upstream sets itself after reading: protocols of ports, and `stringData` folded into `data`.
fn defaults(api_version: &str, kind: &str, fields: &mut Map<String, Value>) {
    let pod: &[&str] = match (api_version, kind) {
        ("v1", "Pod") => &["spec"],
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch/v1", "Job") => {
            &["spec", "template", "spec"]
        }
        ("batch/v1", "CronJob") => &["spec", "jobTemplate", "spec", "template", "spec"],
        ("v1", "Service") => {
            set_protocols(fields.get_mut("spec").and_then(|spec| spec.get_mut("ports")));
            return;
        }
        ("v1", "Secret") => {
            fold_texts(fields);
            return;
        }
        _ => return,
    };
    let (first, rest) = pod.split_first().expect("every path above has a first part");
    let spec = rest.iter().fold(fields.get_mut(*first), |value, key| value?.get_mut(*key));
    let containers = spec.and_then(|spec| spec.get_mut("containers")).and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        set_protocols(container.get_mut("ports"));
    }
}

fn set_protocols(ports: Option<&mut Value>) {
    for port in ports.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            port.entry("protocol").or_insert_with(|| "TCP".into());
        }
    }
}

fn fold_texts(secret: &mut Map<String, Value>) {
    use base64::Engine;
    let Some(Value::Object(texts)) = secret.remove("stringData") else { return };
    if texts.is_empty() {
        return;
    }
    let data = secret.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if let Some(data) = data.as_object_mut() {
        for (key, text) in texts {
            let bytes = text.as_str().unwrap_or_default();
            data.insert(key, base64::engine::general_purpose::STANDARD.encode(bytes).into());
        }
    }
}
