//! PodDisruptionBudgets: how many of their Pods may go just now.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Plan, share, with_condition};
use super::pods;
use super::world::{World, selected};
use crate::text;

const KIND: &str = "PodDisruptionBudget";

pub(super) fn plan(world: &World, budget: &Value, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if super::plan::is_deleted(budget) {
        return plan;
    }
    let selector = &budget["spec"]["selector"];
    let is_all = selector.as_object().is_some_and(serde_json::Map::is_empty);
    let ns = text(budget, "/metadata/namespace");
    let mine: Vec<_> = world
        .inside("Pod", ns)
        .filter(|pod| is_all || selected(&selector["matchLabels"], &pod["metadata"]["labels"]))
        .filter(|pod| !pods::has_ended(pod) && !world.is_going(pod))
        .collect();
    let expected = mine.len() as i64;
    let healthy = mine.iter().filter(|pod| pods::is_ready(pod)).count() as i64;
    let spec = &budget["spec"];
    let desired = match share(&spec["maxUnavailable"], expected, true) {
        Some(most) => (expected - most).max(0),
        None => share(&spec["minAvailable"], expected, true).unwrap_or(1),
    };
    let allowed = if expected == 0 { 0 } else { (healthy - desired).max(0) };
    let (status, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let known = &budget["status"]["conditions"];
    let mut conditions = with_condition(known, now, "DisruptionAllowed", status, reason, "");
    for condition in &mut conditions {
        condition["observedGeneration"] = budget["metadata"]["generation"].clone();
    }
    plan.status(
        KIND,
        budget,
        json!({
            "observedGeneration": budget["metadata"]["generation"],
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "conditions": conditions,
        }),
    );
    plan
}
