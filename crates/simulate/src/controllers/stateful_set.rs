//! StatefulSets: numbered Pods with claims of their own, one after another.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Deed, Plan, count, hash, number};
use super::pods;
use super::world::{Id, World};
use crate::text;

const KIND: &str = "StatefulSet";
const REVISION: &str = "controller-revision-hash";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";
/// Pods that one plan makes at most.
const AT_ONCE: i64 = 500;

pub(super) fn plan(world: &World, set: &Value, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if super::plan::is_deleted(set) {
        return plan;
    }
    let name = text(set, "/metadata/name");
    let update = format!("{name}-{}", hash(&set["spec"]["template"]));
    let mut pods_by_ordinal: BTreeMap<i64, Arc<Value>> = BTreeMap::new();
    for pod in world.controlled(set, "Pod") {
        let ordinal = text(&pod, "/metadata/name").rsplit('-').next().and_then(|text| text.parse().ok());
        if let Some(ordinal) = ordinal {
            pods_by_ordinal.insert(ordinal, pod);
        }
    }
    let first = number(set, "/spec/ordinals/start").unwrap_or(0).max(0);
    let wanted = number(set, "/spec/replicas").unwrap_or(1).max(0);
    let is_ordered = set["spec"]["podManagementPolicy"] != "Parallel";
    step(world, set, &pods_by_ordinal, (first, wanted), is_ordered, &update, &mut plan);

    let least = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let living: Vec<&Arc<Value>> = pods_by_ordinal.values().filter(|pod| !world.is_going(pod)).collect();
    let ready = living.iter().filter(|pod| pods::is_ready(pod)).count() as i64;
    let available = living.iter().filter(|pod| pods::is_available(pod, least, now, &mut plan)).count() as i64;
    let updated = living.iter().filter(|pod| has_revision(pod, &update)).count() as i64;
    let known = text(set, "/status/currentRevision");
    let is_rolled_out = updated == wanted && ready == wanted && living.len() as i64 == wanted;
    let current = if known.is_empty() || is_rolled_out { update.clone() } else { known.to_owned() };
    let on_current = living.iter().filter(|pod| has_revision(pod, &current)).count() as i64;
    plan.status(
        KIND,
        set,
        json!({
            "observedGeneration": set["metadata"]["generation"],
            "replicas": living.len(),
            "readyReplicas": count(ready),
            "availableReplicas": available,
            "currentReplicas": count(on_current),
            "updatedReplicas": count(updated),
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": 0,
        }),
    );
    plan
}

fn has_revision(pod: &Value, revision: &str) -> bool {
    pod["metadata"]["labels"][REVISION] == revision
}

/// What is next: Pods that are missing, then those too many, then those of an old revision.
fn step(
    world: &World,
    set: &Value,
    pods_by_ordinal: &BTreeMap<i64, Arc<Value>>,
    (first, wanted): (i64, i64),
    is_ordered: bool,
    update: &str,
    plan: &mut Plan,
) {
    let is_sound = |pod: &Value| pods::is_ready(pod) && !world.is_going(pod);
    for ordinal in first..first + wanted.min(AT_ONCE) {
        match pods_by_ordinal.get(&ordinal) {
            None => {
                plan.deeds.extend(claims(world, set, ordinal));
                plan.deeds.push(Deed::Create { kind: "Pod", object: made(set, ordinal, update) });
                if is_ordered {
                    return;
                }
            }
            Some(pod) if pods::has_ended(pod) && !world.is_going(pod) => {
                plan.deeds.push(Deed::delete("Pod", pod));
            }
            Some(pod) if is_ordered && !is_sound(pod) => {
                // One of an old revision that never gets ready would stand in its successor's way.
                if !has_revision(pod, update) && !world.is_going(pod) && is_rolling(set) {
                    plan.deeds.push(Deed::delete("Pod", pod));
                }
                return;
            }
            Some(_) => {}
        }
    }
    for (_, pod) in pods_by_ordinal.iter().rev().filter(|(at, _)| **at < first || **at >= first + wanted) {
        if !world.is_going(pod) {
            plan.deeds.push(Deed::delete("Pod", pod));
        }
        if is_ordered {
            return;
        }
    }
    if !is_rolling(set) {
        return;
    }
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    for (ordinal, pod) in pods_by_ordinal.iter().rev() {
        if *ordinal < first + partition {
            return;
        }
        if !has_revision(pod, update) && !world.is_going(pod) {
            plan.deeds.push(Deed::delete("Pod", pod));
            return;
        }
        if !is_sound(pod) {
            return;
        }
    }
}

fn is_rolling(set: &Value) -> bool {
    set["spec"]["updateStrategy"]["type"] != "OnDelete"
}

fn made(set: &Value, ordinal: i64, revision: &str) -> Value {
    let name = format!("{}-{ordinal}", text(set, "/metadata/name"));
    let mut pod = pods::made("apps/v1", KIND, set, &set["spec"]["template"]);
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        metadata.remove("generateName");
    }
    pod["metadata"]["name"] = name.as_str().into();
    pod["metadata"]["labels"][REVISION] = revision.into();
    pod["metadata"]["labels"][POD_NAME] = name.as_str().into();
    pod["metadata"]["labels"][POD_INDEX] = ordinal.to_string().into();
    pod["spec"]["hostname"] = name.into();
    pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    let mut volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    for template in templates(set) {
        let of = text(template, "/metadata/name");
        volumes.retain(|volume| volume["name"] != of);
        let claim = json!({"claimName": claim_name(set, template, ordinal)});
        volumes.push(json!({"name": of, "persistentVolumeClaim": claim}));
    }
    if !volumes.is_empty() {
        pod["spec"]["volumes"] = volumes.into();
    }
    pod
}

fn templates(set: &Value) -> impl Iterator<Item = &Value> {
    set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten()
}

fn claim_name(set: &Value, template: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", text(template, "/metadata/name"), text(set, "/metadata/name"))
}

/// The claims of a Pod that are not there yet.
fn claims(world: &World, set: &Value, ordinal: i64) -> Vec<Deed> {
    let ns = text(set, "/metadata/namespace");
    let mut deeds = Vec::new();
    for template in templates(set) {
        let name = claim_name(set, template, ordinal);
        if world.get(&Id::new("PersistentVolumeClaim", ns, &name)).is_some() {
            continue;
        }
        let mut labels = template["metadata"]["labels"].as_object().cloned().unwrap_or_default();
        labels.extend(set["spec"]["selector"]["matchLabels"].as_object().cloned().unwrap_or_default());
        let object = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": ns, "labels": labels,
                "annotations": template["metadata"]["annotations"]},
            "spec": template["spec"],
        });
        deeds.push(Deed::Create { kind: "PersistentVolumeClaim", object });
    }
    deeds
}
