//! Records what controllers write: every state of every Flux object and every event of a namespace, as masked rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::mask::Masks;

/// The kinds whose states make rows, and events.
pub const WATCHED: &[(&str, &str)] = &[
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmChart"),
    ("source.toolkit.fluxcd.io/v1", "Bucket"),
    ("source.toolkit.fluxcd.io/v1", "ExternalArtifact"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ("v1", "Event"),
];

const SENDERS: &[&str] =
    &["source-controller", "kustomize-controller", "helm-controller", "notification-controller"];

/// The recording of one namespace.
#[derive(Debug)]
pub struct Recording {
    masks: Masks,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    rows: Vec<Value>,
    /// The last row before masking: the same state twice makes one row.
    last_seen: Option<Value>,
    /// Normalised states by object.
    states: BTreeMap<String, Map<String, Value>>,
    last_change: Instant,
    changes: u64,
}

impl Recording {
    pub fn new(masks: Masks) -> Arc<Self> {
        let inner = Inner {
            rows: Vec::new(),
            last_seen: None,
            states: BTreeMap::new(),
            last_change: Instant::now(),
            changes: 0,
        };
        Arc::new(Self { masks, inner: Mutex::new(inner), changed: Notify::new() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows so far.
    pub fn rows(&self) -> Vec<Value> {
        self.inner().rows.clone()
    }

    /// When a Flux object last changed, and how many changes there were.
    pub fn last_change(&self) -> (Instant, u64) {
        let inner = self.inner();
        (inner.last_change, inner.changes)
    }

    /// Resolves at the next row.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A step begins.
    pub fn mark(&self, step: usize, did: &str) {
        self.push(&mut self.inner(), json!({"step": step, "did": did}));
    }

    /// An object, read whole; `None` where there is none.
    pub fn read(&self, kind: &str, name: &str, object: Result<&Value, u16>) {
        let row = match object {
            Ok(object) => json!({"read": whole(object)}),
            Err(code) => json!({"read": {"kind": kind, "name": name, "code": code}}),
        };
        let mut row = self.masks.normalise(&row, "");
        if let Some(status) = row.pointer_mut("/read/status") {
            *status = Value::Object(short(status).into_iter().collect());
        }
        self.push(&mut self.inner(), row);
    }

    /// The server's refusal of an apply.
    pub fn refused(&self, kind: &str, name: &str, code: u16, message: &str) {
        let row = json!({"refused": {"kind": kind, "name": name, "code": code, "message": message}});
        self.push(&mut self.inner(), self.masks.normalise(&row, ""));
    }

    /// Something happened to a watched object.
    pub fn saw(&self, kind: &str, change: &str, object: &Value) {
        let mut inner = self.inner();
        let is_gone = change == "DELETED";
        if kind == "Event" {
            if !is_gone {
                let row = json!({"event": event(object)});
                inner.last_seen = None;
                self.push(&mut inner, self.masks.normalise(&row, ""));
            }
        } else {
            inner.last_change = Instant::now();
            inner.changes += 1;
            let seen = state(kind, object);
            if is_gone || inner.last_seen.as_ref() != Some(&seen) {
                self.push_state(&mut inner, kind, is_gone, &seen);
                inner.last_seen = Some(seen);
            }
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    fn push_state(&self, inner: &mut Inner, kind: &str, is_gone: bool, seen: &Value) {
        let seen = self.masks.normalise(seen, "");
        let key = format!("{kind}/{}", seen["name"].as_str().unwrap_or_default());
        if is_gone {
            inner.states.insert(key.clone(), Map::new());
            self.push(inner, json!({ key: "deleted" }));
            return;
        }
        let mut now = Map::new();
        for (field, value) in seen.as_object().into_iter().flatten() {
            match field.as_str() {
                "kind" | "name" => {}
                "status" => {
                    for (field, value) in short(value) {
                        now.insert(format!("status.{field}"), value);
                    }
                }
                _ => {
                    now.insert(field.clone(), value.clone());
                }
            }
        }
        let old = inner.states.insert(key.clone(), now.clone()).unwrap_or_default();
        let mut delta = Map::new();
        for (field, value) in &now {
            if old.get(field).unwrap_or(&Value::Null) != value {
                delta.insert(field.clone(), value.clone());
            }
        }
        for field in old.keys().filter(|field| !now.contains_key(*field)) {
            delta.insert(field.clone(), Value::Null);
        }
        if !delta.is_empty() {
            self.push(inner, json!({ key: delta }));
        }
    }

    /// Appends a row as it is kept: foreign events and managers left out, masked, and not the same row twice.
    fn push(&self, inner: &mut Inner, mut row: Value) {
        if let Some(event) = row.get("event")
            && !SENDERS.contains(&event["by"].as_str().unwrap_or_default())
        {
            return;
        }
        if let Some(managers) = row.pointer_mut("/read/managers").and_then(Value::as_array_mut) {
            managers.retain(|manager| manager["manager"] != "kube-controller-manager");
        }
        let row = self.masks.mask(&row, &mut Vec::new());
        if inner.rows.last() != Some(&row) {
            inner.rows.push(row);
        }
    }
}

fn event(object: &Value) -> Value {
    let on = &object["involvedObject"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let by = Some(text(&object["reportingComponent"])).filter(|by| !by.is_empty());
    let mut event = json!({
        "on": format!("{}/{}", text(&on["kind"]), text(&on["name"])),
        "type": object["type"],
        "reason": object["reason"],
        "message": object["message"],
        "count": object["count"],
        "by": by.unwrap_or_else(|| text(&object["source"]["component"])),
    });
    let annotations = &object["metadata"]["annotations"];
    if annotations.as_object().is_some_and(|map| !map.is_empty()) {
        event["annotations"] = annotations.clone();
    }
    event
}

const METADATA: &[&str] = &["finalizers", "labels", "annotations", "deletionTimestamp", "ownerReferences"];

fn head(kind: &Value, object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut row = json!({"kind": kind, "name": metadata["name"], "generation": metadata["generation"]});
    for key in METADATA {
        let is_set = match &metadata[*key] {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => true,
        };
        if is_set {
            row[*key] = metadata[*key].clone();
        }
    }
    row
}

fn state(kind: &str, object: &Value) -> Value {
    let mut row = head(&kind.into(), object);
    let mut managers: Vec<String> = managed(object)
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            let mut line = format!("{} {}", text("manager"), text("operation"));
            if !text("subresource").is_empty() {
                line.push_str(&format!(" {}", text("subresource")));
            }
            line
        })
        .collect();
    managers.sort();
    managers.dedup();
    row["managers"] = managers.into();
    row["status"] = object["status"].clone();
    row
}

fn whole(object: &Value) -> Value {
    let mut row = head(&object["kind"], object);
    for (key, value) in object.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "metadata" | "status" | "apiVersion" | "kind") {
            row[key] = value.clone();
        }
    }
    let managers = managed(object).map(|entry| {
        json!({
            "manager": entry["manager"],
            "operation": entry["operation"],
            "sub": entry["subresource"],
            "fields": entry["fieldsV1"],
        })
    });
    row["managers"] = managers.collect();
    if WATCHED.iter().any(|(_, kind)| object["kind"] == *kind) {
        row["status"] = object["status"].clone();
    }
    row
}

fn managed(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["managedFields"].as_array().into_iter().flatten()
}

/// Conditions as one line each.
fn short(status: &Value) -> Vec<(String, Value)> {
    let line = |condition: &Value| {
        let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        let observed =
            condition["observedGeneration"].as_i64().map_or("None".to_owned(), |number| number.to_string());
        format!("{}={} {} gen={observed}: {}", text("type"), text("status"), text("reason"), text("message"))
    };
    let fields = status.as_object().into_iter().flatten();
    fields
        .map(|(key, value)| {
            let value = match value {
                Value::Array(conditions) if key == "conditions" => conditions.iter().map(line).collect(),
                other => other.clone(),
            };
            (key.clone(), value)
        })
        .collect()
}
