//! Pods as their controllers see them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::plan::{Plan, controlled_by};
use super::world::World;
use crate::text;

pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind)
}

pub(super) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

pub(super) fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Ready for at least so many seconds; otherwise the plan is told when that will be.
pub(super) fn is_available(pod: &Value, least: i64, now: Timestamp, plan: &mut Plan) -> bool {
    if !is_ready(pod) {
        return false;
    }
    let since = condition(pod, "Ready").and_then(|ready| ready["lastTransitionTime"].as_str()?.parse().ok());
    let Some(since) = since.filter(|_| least > 0) else { return true };
    let at: Timestamp = since;
    let at = at + SignedDuration::from_secs(least.min(1 << 30));
    if at > now {
        plan.revisit_at(at);
    }
    at <= now
}

/// The Pods of a controller that count: neither ended nor going.
pub(super) fn active(world: &World, owner: &Value) -> Vec<Arc<Value>> {
    let pods = world.controlled(owner, "Pod");
    pods.into_iter().filter(|pod| !has_ended(pod) && !world.is_going(pod)).collect()
}

/// A Pod of a template.
pub(super) fn made(version: &str, kind: &str, owner: &Value, template: &Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": format!("{}-", text(owner, "/metadata/name")),
            "namespace": owner["metadata"]["namespace"],
            "ownerReferences": controlled_by(version, kind, owner),
        },
        "spec": template["spec"],
    });
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"].get(key) {
            pod["metadata"][key] = value.clone();
        }
    }
    pod
}
