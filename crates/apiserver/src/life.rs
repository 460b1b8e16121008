//! Deletion: finalizers, grace, propagation to what an object owns, the end of namespaces.

mod namespace;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::core::Core;
use crate::custom;
use crate::delete::{DeleteOptions, delete_stored};
use crate::keep;
use crate::managed::{self, Write};
use crate::registry::Resource;
use crate::rights;
use crate::store::Stored;
use crate::write;

/// How often the end of a namespace passes over its objects.
const PASSES: usize = 8;
/// As the real server's `--event-ttl`.
const EVENT_TIME: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Kinds whose deletion answers with the object.
pub fn returns_object(resource: &Resource) -> bool {
    const KINDS: &[(&str, &str)] = &[
        ("", "namespaces"),
        ("", "persistentvolumeclaims"),
        ("", "persistentvolumes"),
        ("", "pods"),
        ("", "podtemplates"),
        ("", "resourcequotas"),
        ("", "serviceaccounts"),
        ("", "services"),
        ("resource.k8s.io", "deviceclasses"),
        ("resource.k8s.io", "resourceclaims"),
        ("resource.k8s.io", "resourceclaimtemplates"),
        ("storage.k8s.io", "csidrivers"),
        ("storage.k8s.io", "storageclasses"),
        ("storage.k8s.io", "volumeattributesclasses"),
        ("storage.k8s.io", "csinodes"),
        ("storage.k8s.io", "volumeattachments"),
    ];
    KINDS.iter().any(|(group, plural)| resource.is(group, plural))
}

/// Kinds whose deletion leaves what they own, as long as it does not say otherwise.
pub fn orphans_by_default(resource: &Resource) -> bool {
    resource.is("batch", "jobs") || resource.is("", "replicationcontrollers")
}

fn finalizers(object: &Value) -> Vec<String> {
    let listed = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Marks an object as deleted, if it has to wait. `false`: it can go at once.
pub fn mark(core: &Core, resource: &Resource, object: &mut Value, options: &DeleteOptions) -> bool {
    let mut waiting = finalizers(object);
    let wanted = match options.propagation.as_str() {
        "Foreground" => Some(FOREGROUND),
        "Orphan" => Some(ORPHAN),
        "" if orphans_by_default(resource) => Some(ORPHAN),
        _ => None,
    };
    if let Some(wanted) = wanted
        && !waiting.iter().any(|one| one == wanted)
    {
        waiting.push(wanted.to_owned());
    }
    let is_namespace = resource.is("", "namespaces");
    let is_crd = resource.is(custom::GROUP, custom::PLURAL);
    let scheduled =
        resource.is("", "pods") && object["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    let grace = if scheduled {
        let asked = options.grace.or(object["spec"]["terminationGracePeriodSeconds"].as_i64());
        asked.unwrap_or(30).max(0)
    } else {
        0
    };
    if is_crd && !waiting.iter().any(|one| one == custom::CLEANUP) {
        waiting.push(custom::CLEANUP.to_owned());
    }
    if waiting.is_empty() && !is_namespace && grace == 0 {
        return false;
    }
    let metadata = keep::metadata(object);
    if !waiting.is_empty() {
        metadata.insert("finalizers".into(), json!(waiting));
    }
    if !metadata.contains_key("deletionTimestamp") {
        let at = core.timestamp() + jiff::SignedDuration::from_secs(grace);
        metadata.insert("deletionTimestamp".into(), at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
        metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|_| !is_crd) {
            metadata.insert("generation".into(), (generation + 1).into());
        }
    }
    if is_crd {
        metadata.remove("deletionGracePeriodSeconds");
        custom::tell_end(object, &core.now());
    } else if is_namespace {
        metadata.remove("deletionGracePeriodSeconds");
        object["status"]["phase"] = "Terminating".into();
    }
    true
}

/// Whether a deleted object waits for nothing more.
pub fn is_over(resource: &Resource, object: &Value) -> bool {
    let metadata = &object["metadata"];
    let has_grace = resource.is("", "pods") && metadata["deletionGracePeriodSeconds"].as_i64() > Some(0);
    let is_kept = resource.is("", "namespaces")
        && object["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    metadata["deletionTimestamp"].is_string() && finalizers(object).is_empty() && !has_grace && !is_kept
}

/// What follows when an object waits to go.
pub fn marked(core: &Core, resource: &Resource, object: &Value) {
    if resource.is("", "namespaces") {
        namespace::end(core, object);
        return;
    }
    if resource.is(custom::GROUP, custom::PLURAL) {
        custom::delete_objects(core, object);
        release(core, resource, object, custom::CLEANUP);
    }
    let waiting = finalizers(object);
    if waiting.iter().any(|one| one == ORPHAN) {
        abandon(core, object);
        release(core, resource, object, ORPHAN);
    }
    if waiting.iter().any(|one| one == FOREGROUND) {
        delete_owned(core, object, "Foreground");
        finish_foreground(core, resource, object);
    }
}

/// What follows when an object is gone.
pub fn removed(core: &Core, resource: &Resource, object: &Value) {
    if resource.is(custom::GROUP, custom::PLURAL) {
        custom::forget(core, object);
    }
    if resource.is(rights::GROUP, "clusterroles") {
        rights::aggregate(core);
    }
    delete_owned(core, object, "Background");
    // Owners that were waiting for it.
    for (resource, owner) in owners(core, object) {
        finish_foreground(core, &resource, &owner);
    }
    if let Some(ns) = object["metadata"]["namespace"].as_str() {
        let key = (String::new(), ns.to_owned());
        if let Some(namespace) = core.store.read("/namespaces", &key)
            && namespace.value()["status"]["phase"] == "Terminating"
        {
            namespace::finish(core, &namespace.value());
        }
    }
}

/// What follows when an object has been made: it goes with an owner that waits for all that it owns to go.
pub fn created(core: &Core, resource: &Resource, stored: &Stored) {
    if stored.owners.is_empty() {
        return;
    }
    let goes = |owner: &Value| {
        waits_for_its_own(owner) && stored.owners.iter().any(|uid| owner["metadata"]["uid"] == uid.as_str())
    };
    let object = &stored.value();
    if owners(core, object).iter().any(|(_, owner)| goes(owner)) {
        let options = DeleteOptions { propagation: "Foreground".to_owned(), ..DeleteOptions::default() };
        let _ = delete_stored(core, resource, stored, &options);
        return;
    }
    leave_the_gone(core, resource, stored, object);
}

/// An object whose owners are all gone goes too; of some that are gone it is told.
fn leave_the_gone(core: &Core, resource: &Resource, stored: &Stored, object: &Value) {
    let refers = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let is_gone = |owner: &&Value| {
        let text = |key: &str| owner[key].as_str().unwrap_or_default();
        let Some(kind) = core.registry().by_kind(text("apiVersion"), text("kind")).cloned() else {
            return false;
        };
        let ns = object["metadata"]["namespace"].as_str().unwrap_or_default();
        if kind.is_namespaced && ns.is_empty() {
            return false;
        }
        let key = (if kind.is_namespaced { ns.to_owned() } else { String::new() }, text("name").to_owned());
        let found = core.store.read(&kind.table(), &key).map(|found| found.value());
        found.is_none_or(|found| found["metadata"]["uid"] != owner["uid"])
    };
    let (gone, living): (Vec<&Value>, Vec<&Value>) = refers.partition(is_gone);
    if gone.is_empty() {
        return;
    }
    if living.is_empty() {
        let options = DeleteOptions { propagation: "Background".to_owned(), ..DeleteOptions::default() };
        let _ = delete_stored(core, resource, stored, &options);
        return;
    }
    let mut object = object.clone();
    object["metadata"]["ownerReferences"] = living.into_iter().cloned().collect();
    let _ = core.store.write(&resource.table(), &stored.key, Some(stored.revision), object);
}

/// The objects that now stand where an object's owners did.
fn owners(core: &Core, object: &Value) -> Vec<(Arc<Resource>, Value)> {
    let refers = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let find = |owner: &Value| {
        let text = |key: &str| owner[key].as_str().unwrap_or_default();
        let resource = core.registry().by_kind(text("apiVersion"), text("kind")).cloned()?;
        let ns = object["metadata"]["namespace"].as_str().filter(|_| resource.is_namespaced);
        let key = (ns.unwrap_or_default().to_owned(), text("name").to_owned());
        let owner = core.store.read(&resource.table(), &key)?.value();
        Some((resource, owner))
    };
    refers.filter_map(find).collect()
}

fn waits_for_its_own(owner: &Value) -> bool {
    owner["metadata"]["deletionTimestamp"].is_string()
        && finalizers(owner).iter().any(|one| one == FOREGROUND)
}

fn finish_foreground(core: &Core, resource: &Resource, owner: &Value) {
    let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
    let is_blocked = || {
        core.store.owned_by(uid).iter().any(|(_, stored)| {
            let object = stored.value();
            let owners = object["metadata"]["ownerReferences"].as_array();
            owners
                .into_iter()
                .flatten()
                .any(|owner| owner["uid"] == uid && owner["blockOwnerDeletion"] == true)
        })
    };
    if waits_for_its_own(owner) && !is_blocked() {
        release(core, resource, owner, FOREGROUND);
    }
}

/// Takes one finalizer off, which may be the end of the object.
fn release(core: &Core, resource: &Resource, object: &Value, finalizer: &str) {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    let key = (text("namespace"), text("name"));
    for _attempt in 0..PASSES {
        let Some(stored) = core.store.read(&resource.table(), &key) else { return };
        let mut object = stored.value();
        let left: Vec<String> = finalizers(&object).into_iter().filter(|one| one != finalizer).collect();
        let metadata = keep::metadata(&mut object);
        if left.is_empty() {
            metadata.remove("finalizers");
        } else {
            metadata.insert("finalizers".into(), json!(left));
        }
        let table = resource.table();
        if is_over(resource, &object) {
            if let Ok(gone) = core.store.remove(&table, &key, stored.revision, object) {
                removed(core, resource, &gone.value());
                return;
            }
        } else if core.store.write(&table, &key, Some(stored.revision), object).is_ok() {
            return;
        }
    }
}

fn resource_of(core: &Core, table: &str) -> Option<std::sync::Arc<Resource>> {
    core.registry().each().find(|resource| resource.table() == table).cloned()
}

/// Events go an hour after they were last told.
pub fn forget_events(core: &Core) {
    const EVENTS: &str = "/events";
    let Some(resource) = resource_of(core, EVENTS) else { return };
    let limit = core.timestamp() - EVENT_TIME;
    for stored in core.store.list(EVENTS, None).objects {
        let event = stored.value();
        let times =
            ["/metadata/creationTimestamp", "/lastTimestamp", "/eventTime", "/series/lastObservedTime"];
        let last = times
            .iter()
            .filter_map(|place| event.pointer(place)?.as_str()?.parse::<jiff::Timestamp>().ok())
            .max();
        if last.is_some_and(|last| last < limit) {
            let _ = delete_stored(core, &resource, &stored, &DeleteOptions::at_once());
        }
    }
}

/// Deletes what the object owns alone.
fn delete_owned(core: &Core, owner: &Value, propagation: &str) {
    let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
    for (table, stored) in core.store.owned_by(uid) {
        let Some(resource) = resource_of(core, &table) else { continue };
        // Another owner that lives keeps it.
        let others = stored.owners.iter().filter(|one| *one != uid);
        let registry = core.registry();
        let mut living = others.filter(|other| {
            registry.each().any(|resource| {
                core.store.list(&resource.table(), None).objects.iter().any(|object| {
                    let object = object.value();
                    object["metadata"]["uid"] == other.as_str()
                        && !object["metadata"]["deletionTimestamp"].is_string()
                })
            })
        });
        if living.next().is_some() {
            continue;
        }
        let options = DeleteOptions { propagation: propagation.to_owned(), ..DeleteOptions::default() };
        let _ = delete_stored(core, &resource, &stored, &options);
    }
}

/// Takes the object out of the owners of what it owns.
fn abandon(core: &Core, owner: &Value) {
    let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
    for (table, stored) in core.store.owned_by(uid) {
        let Some(resource) = resource_of(core, &table) else { continue };
        let mut object = stored.value();
        if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
            owners.retain(|one| one["uid"] != uid);
        }
        if object["metadata"]["ownerReferences"].as_array().is_some_and(Vec::is_empty) {
            keep::metadata(&mut object).remove("ownerReferences");
        }
        let by = Write {
            manager: "kube-controller-manager",
            version: &resource.api_version(),
            subresource: "",
            time: &core.now(),
            schema: &resource.schema,
            reset: write::reset_fields(&resource, ""),
        };
        managed::updated(&by, Some(&stored.value()), &mut object);
        let _ = core.store.write(&table, &stored.key, Some(stored.revision), object);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::OnceLock;

    use hyper::{HeaderMap, Method};

    use super::*;
    use crate::call::Call;
    use crate::path;

    const MAPS: &str = "/api/v1/namespaces/default/configmaps";

    fn send(core: &Core, method: Method, path: &str, body: &Value) {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {}", core.token).parse().unwrap());
        headers.insert("content-type", "application/json".parse().unwrap());
        core.answer(&Call {
            place: path::place(path),
            query: BTreeMap::new(),
            path: path.to_owned(),
            method,
            headers,
            body: body.to_string().into(),
            certificate: None,
            user: OnceLock::new(),
        });
    }

    #[test]
    fn events_go_after_an_hour() {
        let now = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
        let clock = std::sync::Arc::clone(&now);
        let read = move || {
            let seconds = clock.load(std::sync::atomic::Ordering::Relaxed);
            jiff::Timestamp::from_second(seconds).unwrap()
        };
        let core = Core::new(std::sync::Arc::new(read), "127.0.0.1:1".to_owned());
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"},
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}});
        send(&core, Method::POST, "/api/v1/namespaces/default/events", &event);
        let key = ("default".to_owned(), "e".to_owned());
        now.store(3_599, std::sync::atomic::Ordering::Relaxed);
        forget_events(&core);
        assert!(core.store.read("/events", &key).is_some());
        now.store(3_601, std::sync::atomic::Ordering::Relaxed);
        forget_events(&core);
        assert!(core.store.read("/events", &key).is_none());
    }

    #[test]
    fn what_an_owner_gets_while_it_goes_goes_with_it() {
        let core = Core::new(std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH), "127.0.0.1:1".to_owned());
        let find = |name: &str| {
            let key = ("default".to_owned(), name.to_owned());
            core.store.read("/configmaps", &key).map(|stored| stored.value())
        };
        let map = |name: &str, metadata: Value| {
            let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
            object["metadata"]["name"] = name.into();
            object
        };
        let owned = |owner: &Value| {
            json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
                "blockOwnerDeletion": true}])
        };
        send(&core, Method::POST, MAPS, &map("owner", json!({})));
        let owner = find("owner").unwrap();
        let kept = json!({"ownerReferences": owned(&owner), "finalizers": ["example.com/kept"]});
        send(&core, Method::POST, MAPS, &map("first", kept));
        let foreground = json!({"propagationPolicy": "Foreground"});
        send(&core, Method::DELETE, &format!("{MAPS}/owner"), &foreground);
        assert!(
            find("owner").unwrap()["metadata"]["deletionTimestamp"].is_string(),
            "it waits for the first"
        );

        send(&core, Method::POST, MAPS, &map("second", json!({"ownerReferences": owned(&owner)})));
        assert!(find("second").is_none());
        let mut first = find("first").unwrap();
        first["metadata"]["finalizers"] = json!([]);
        send(&core, Method::PUT, &format!("{MAPS}/first"), &first);
        assert!(find("first").is_none() && find("owner").is_none());
    }
}
