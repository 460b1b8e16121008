//! Pod: by phase, readiness, crash loops, and how long it waits for a node.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_object::Object;

use crate::conditions::{self, Condition};
use crate::{Computed, Health, field};

/// How long a Pod may be unschedulable before it counts as failed.
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

pub fn pod(object: &Object, now: Timestamp) -> Computed {
    let conditions = conditions::of(object.fields())?;
    Ok(match field::text(object.fields(), "status.phase").unwrap_or_default() {
        "Succeeded" => Health::current("Pod has completed successfully"),
        "Failed" => Health::current("Pod has completed, but not successfully"),
        "Running" => running(object, &conditions),
        "Pending" => pending(object, &conditions, now),
        "" => Health::in_progress("Pod phase not available"),
        phase => return Err(format!("unknown phase {phase}")),
    })
}

fn running(object: &Object, conditions: &[Condition<'_>]) -> Health {
    if conditions.iter().any(|condition| condition.is("Ready", "True")) {
        return Health::current("Pod is Ready");
    }
    let containers = field::list(object.fields(), "status.containerStatuses").into_iter().flatten();
    let crashing: Vec<&str> = containers
        .filter_map(Value::as_object)
        .filter(|container| field::text(container, "state.waiting.reason") == Some("CrashLoopBackOff"))
        .filter_map(|container| field::text(container, "name"))
        .collect();
    if crashing.is_empty() {
        return Health::in_progress("Pod is running but is not Ready");
    }
    Health::failed(format!("Containers in CrashLoop state: {}", crashing.join(",")))
}

fn pending(object: &Object, conditions: &[Condition<'_>], now: Timestamp) -> Health {
    let scheduled = conditions.iter().find(|condition| condition.is("PodScheduled", "False"));
    if scheduled.is_none_or(|condition| condition.reason != "Unschedulable") {
        return Health::in_progress("Pod is in the Pending phase");
    }
    let created: Option<Timestamp> =
        field::text(object.fields(), "metadata.creationTimestamp").and_then(|at| at.parse().ok());
    match created.and_then(|created| created.checked_add(SCHEDULE_WINDOW).ok()).filter(|until| now < *until) {
        Some(until) => {
            Health { revisit_at: Some(until), ..Health::in_progress("Pod has not been scheduled") }
        }
        None => Health::failed("Pod could not be scheduled"),
    }
}

/// Whether a Pod waits for a node that does not exist yet.
pub fn is_unschedulable(object: &Object) -> bool {
    let conditions = conditions::of(object.fields()).unwrap_or_default();
    (object.group(), object.kind()) == ("", "Pod")
        && conditions
            .iter()
            .any(|condition| condition.is("PodScheduled", "False") && condition.reason == "Unschedulable")
}
