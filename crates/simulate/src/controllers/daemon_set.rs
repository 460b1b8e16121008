//! DaemonSets: a Pod for every node.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Deed, Plan, count, hash, number, share};
use super::pods;
use super::world::World;
use crate::text;

const KIND: &str = "DaemonSet";
const REVISION: &str = "controller-revision-hash";

pub(super) fn plan(world: &World, set: &Value, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if super::plan::is_deleted(set) {
        return plan;
    }
    let revision = hash(&set["spec"]["template"]);
    let nodes: Vec<String> = world
        .all("Node")
        .filter(|node| node["spec"]["unschedulable"] != true)
        .map(|node| text(&node, "/metadata/name").to_owned())
        .collect();
    let active = pods::active(world, set);
    let least = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let (mut placed, mut updated, mut ready, mut available) = (BTreeSet::new(), 0, 0, 0);
    let mut stale = Vec::new();
    for pod in &active {
        let node = node_of(pod);
        if !nodes.iter().any(|known| known == node) || !placed.insert(node.to_owned()) {
            plan.deeds.push(Deed::delete("Pod", pod));
            continue;
        }
        if pod["metadata"]["labels"][REVISION] == revision.as_str() {
            updated += 1;
        } else {
            stale.push(pod);
        }
        ready += i64::from(pods::is_ready(pod));
        available += i64::from(pods::is_available(pod, least, now, &mut plan));
    }
    for node in nodes.iter().filter(|node| !placed.contains(*node)) {
        plan.deeds.push(Deed::Create { kind: "Pod", object: made(set, &revision, node) });
    }
    let desired = nodes.len() as i64;
    let strategy = &set["spec"]["updateStrategy"];
    if strategy["type"] != "OnDelete" {
        let most = share(&strategy["rollingUpdate"]["maxUnavailable"], desired, true).unwrap_or(1).max(1);
        let room = (most - (desired - available)).max(0) as usize;
        // One that is not available is no loss.
        let (lame, sound): (Vec<_>, Vec<_>) = stale.into_iter().partition(|pod| !pods::is_ready(pod));
        for pod in lame.into_iter().chain(sound.into_iter().take(room)) {
            plan.deeds.push(Deed::delete("Pod", pod));
        }
    }
    plan.status(
        KIND,
        set,
        json!({
            "observedGeneration": set["metadata"]["generation"],
            "desiredNumberScheduled": desired,
            "currentNumberScheduled": placed.len(),
            "numberMisscheduled": 0,
            "numberReady": ready,
            "updatedNumberScheduled": count(updated),
            "numberAvailable": count(available),
            "numberUnavailable": count(desired - available),
        }),
    );
    plan
}

const NAME: &str = "metadata.name";

fn made(set: &Value, revision: &str, node: &str) -> Value {
    let mut pod = pods::made("apps/v1", KIND, set, &set["spec"]["template"]);
    pod["metadata"]["labels"][REVISION] = revision.into();
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [{"matchFields": [{"key": NAME, "operator": "In", "values": [node]}]}],
    });
    pod
}

fn node_of(pod: &Value) -> &str {
    let bound = text(pod, "/spec/nodeName");
    if !bound.is_empty() {
        return bound;
    }
    let terms =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    text(pod, &format!("{terms}/0/matchFields/0/values/0"))
}
