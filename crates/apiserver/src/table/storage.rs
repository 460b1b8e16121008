//! Rows of volumes, of what drives them, and of resources that are claimed.

use serde_json::Value;

use super::row::{Row, plain};
use crate::registry::Resource;

pub fn cells(resource: &Resource, row: &Row) -> Option<Vec<Value>> {
    let mut cells = vec![row.name()];
    let or_unset = |pointer: &str| match row.at(pointer) {
        Value::Null => "<unset>".into(),
        value => value.clone(),
    };
    let phase = || {
        if row.at("/metadata/deletionTimestamp").is_string() {
            "Terminating"
        } else {
            row.text("/status/phase")
        }
    };
    let class = || {
        let old = row.at("/metadata/annotations")["volume.beta.kubernetes.io/storage-class"].clone();
        if old.is_string() { old } else { row.text("/spec/storageClassName").into() }
    };
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "persistentvolumes") => {
            let claim = row.at("/spec/claimRef");
            let part = |key: &str| claim[key].as_str().unwrap_or_default();
            let claim = if claim.is_object() {
                format!("{}/{}", part("namespace"), part("name"))
            } else {
                String::new()
            };
            let size = row.at("/spec/capacity/storage");
            cells.push(if size.is_null() { "0".into() } else { plain(size).into() });
            cells.push(modes(row, "/spec/accessModes"));
            cells.extend([
                row.text("/spec/persistentVolumeReclaimPolicy").into(),
                phase().into(),
                claim.into(),
            ]);
            cells.extend([class(), or_unset("/spec/volumeAttributesClassName")]);
            cells.extend([row.text("/status/reason").into(), row.age(), or_unset("/spec/volumeMode")]);
        }
        ("", "persistentvolumeclaims") => {
            let volume = row.text("/spec/volumeName");
            cells.extend([phase().into(), volume.into()]);
            if volume.is_empty() {
                cells.extend(["".into(), "".into()]);
            } else {
                let size = row.at("/status/capacity/storage");
                cells.push(if size.is_null() { "0".into() } else { plain(size).into() });
                cells.push(modes(row, "/status/accessModes"));
            }
            cells.extend([class(), or_unset("/spec/volumeAttributesClassName")]);
            cells.extend([row.age(), or_unset("/spec/volumeMode")]);
        }
        ("storage.k8s.io", "storageclasses") => {
            cells = vec![default_marked(row, "storageclass.kubernetes.io/is-default-class")];
            cells.extend([row.text("/provisioner").into(), row.text_or("/reclaimPolicy", "Delete")]);
            cells.push(row.text_or("/volumeBindingMode", "Immediate"));
            cells.extend([row.truth("/allowVolumeExpansion"), row.age()]);
        }
        ("storage.k8s.io", "volumeattributesclasses") => {
            cells.extend([row.text("/driverName").into(), row.age()]);
        }
        ("storage.k8s.io", "csinodes") => cells.extend([row.items("/spec/drivers").len().into(), row.age()]),
        ("storage.k8s.io", "csidrivers") => {
            let attaches = row.at("/spec/attachRequired") != false;
            let audiences = row.items("/spec/tokenRequests").iter().map(|one| plain(&one["audience"]));
            let audiences: Vec<String> = audiences.collect();
            let modes: Vec<String> = row.items("/spec/volumeLifecycleModes").iter().map(plain).collect();
            cells.extend([
                attaches.into(),
                row.truth("/spec/podInfoOnMount"),
                row.truth("/spec/storageCapacity"),
            ]);
            let has_requests = !row.at("/spec/tokenRequests").is_null();
            cells.push(if has_requests { audiences.join(",").into() } else { "<unset>".into() });
            cells.push(row.truth("/spec/requiresRepublish"));
            cells.push(if modes.is_empty() { "<none>".into() } else { modes.join(",").into() });
            cells.push(row.age());
        }
        ("storage.k8s.io", "csistoragecapacities") => {
            // The real server has no columns of its own for it.
            cells.push(row.at("/metadata/creationTimestamp").clone());
        }
        ("storage.k8s.io", "volumeattachments") => {
            cells.extend([
                row.text("/spec/attacher").into(),
                row.text("/spec/source/persistentVolumeName").into(),
            ]);
            cells.extend([row.text("/spec/nodeName").into(), row.truth("/status/attached"), row.age()]);
        }
        ("networking.k8s.io", "ingressclasses") => {
            cells = vec![default_marked(row, "ingressclass.kubernetes.io/is-default-class")];
            let parameters = row.at("/spec/parameters");
            let part = |key: &str| parameters[key].as_str().unwrap_or_default();
            let shown = match (parameters.is_object(), part("apiGroup")) {
                (false, _) => "<none>".to_owned(),
                (true, "") => format!("{}/{}", part("kind"), part("name")),
                (true, group) => format!("{}.{group}/{}", part("kind"), part("name")),
            };
            cells.extend([row.text("/spec/controller").into(), shown.into(), row.age()]);
        }
        ("resource.k8s.io", "deviceclasses" | "resourceclaimtemplates") => cells.push(row.age()),
        ("resource.k8s.io", "resourceclaims") => {
            let mut states = Vec::new();
            if row.at("/metadata/deletionTimestamp").is_string() {
                states.push("deleted");
            }
            if row.at("/status/allocation").is_null() {
                if states.is_empty() {
                    states.push("pending");
                }
            } else {
                states.push("allocated");
                if !row.items("/status/reservedFor").is_empty() {
                    states.push("reserved");
                }
            }
            cells.extend([states.join(",").into(), row.age()]);
        }
        ("resource.k8s.io", "resourceslices") => {
            cells.extend([row.text("/spec/nodeName").into(), row.text("/spec/driver").into()]);
            cells.extend([row.text("/spec/pool/name").into(), row.age()]);
        }
        _ => return None,
    }
    Some(cells)
}

/// The name, with a word where the object is the default of its kind.
fn default_marked(row: &Row, annotation: &str) -> Value {
    let name = row.text("/metadata/name");
    let is_default = row.at("/metadata/annotations")[annotation] == "true";
    if is_default { format!("{name} (default)").into() } else { name.into() }
}

/// `RWO,ROX,RWX,RWOP`, in this order.
fn modes(row: &Row, pointer: &str) -> Value {
    let written = row.items(pointer);
    let known = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let shown =
        known.iter().filter(|(long, _)| written.iter().any(|mode| mode == long)).map(|(_, short)| *short);
    shown.collect::<Vec<_>>().join(",").into()
}
