//! ReplicaSets: as many Pods as they want.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Deed, Plan, number};
use super::pods;
use super::world::{World, selected};
use crate::text;

const KIND: &str = "ReplicaSet";
/// Pods that one plan makes or ends at most.
const AT_ONCE: usize = 500;

pub(super) fn plan(world: &World, set: &Value, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let wanted = number(set, "/spec/replicas").unwrap_or(1).max(0) as usize;
    let mut active = pods::active(world, set);
    if !super::plan::is_deleted(set) {
        if active.len() < wanted {
            let pod = pods::made("apps/v1", KIND, set, &set["spec"]["template"]);
            for _ in 0..(wanted - active.len()).min(AT_ONCE) {
                plan.deeds.push(Deed::Create { kind: "Pod", object: pod.clone() });
            }
        } else if active.len() > wanted {
            active.sort_by_key(rank);
            for pod in active.iter().take((active.len() - wanted).min(AT_ONCE)) {
                plan.deeds.push(Deed::delete("Pod", pod));
            }
        }
    }
    let least = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    let full = active.iter().filter(|pod| selected(labels, &pod["metadata"]["labels"])).count();
    let ready = active.iter().filter(|pod| pods::is_ready(pod)).count();
    let available = active.iter().filter(|pod| pods::is_available(pod, least, now, &mut plan)).count();
    let count = |number: usize| super::plan::count(number as i64);
    plan.status(
        KIND,
        set,
        json!({
            "replicas": active.len(),
            "fullyLabeledReplicas": count(full),
            "readyReplicas": count(ready),
            "availableReplicas": count(available),
            "observedGeneration": set["metadata"]["generation"],
        }),
    );
    plan
}

/// Which Pods go first: not bound, not ready, the youngest.
fn rank(pod: &Arc<Value>) -> (bool, bool, std::cmp::Reverse<String>) {
    let is_bound = !text(pod, "/spec/nodeName").is_empty();
    let made = text(pod, "/metadata/creationTimestamp").to_owned();
    (is_bound, pods::is_ready(pod), std::cmp::Reverse(made))
}
