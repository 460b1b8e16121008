//! The rules by kind, and the generic ones for every other kind.

use jiff::Timestamp;
use serde_json::Value;
use sluice_object::Object;

use crate::{Health, Status};

pub(crate) fn judge(object: &Object, now: Timestamp) -> Health {
    if let Some(health) = generic(object) {
        return health;
    }
    let by_kind = match (object.group(), object.kind()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") => replica_set(object),
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(object, now),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") => service(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("policy", "PodDisruptionBudget") => budget(object),
        _ => return ready_condition(object),
    };
    by_kind.unwrap_or_else(|| Health::new(Status::Current, "Resource is current"))
}

fn in_progress(message: impl Into<String>) -> Option<Health> {
    Some(Health::new(Status::InProgress, message))
}

fn failed(message: impl Into<String>) -> Option<Health> {
    Some(Health::new(Status::Failed, message))
}

fn number(object: &Object, path: &[&str], absent: i64) -> i64 {
    object.at(path).and_then(Value::as_i64).unwrap_or(absent)
}

fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Value> {
    object.at(&["status", "conditions"])?.as_array()?.iter().find(|c| c["type"].as_str() == Some(kind))
}

fn is(condition: Option<&Value>, status: &str) -> bool {
    condition.is_some_and(|c| c["status"].as_str() == Some(status))
}

fn text<'a>(condition: Option<&'a Value>, key: &str) -> &'a str {
    condition.and_then(|c| c[key].as_str()).unwrap_or_default()
}

/// The generation must be observed; Reconciling and Stalled speak for every kind.
fn generic(object: &Object) -> Option<Health> {
    if let Some(observed) = object.at(&["status", "observedGeneration"]).and_then(Value::as_i64)
        && observed != object.generation()
    {
        let text = format!(
            "{} generation is {}, but latest observed generation is {observed}",
            object.kind(),
            object.generation()
        );
        return in_progress(text);
    }
    let reconciling = condition(object, "Reconciling");
    if is(reconciling, "True") {
        return in_progress(text(reconciling, "message"));
    }
    let stalled = condition(object, "Stalled");
    if is(stalled, "True") {
        return failed(text(stalled, "message"));
    }
    None
}

fn ready_condition(object: &Object) -> Health {
    let ready = condition(object, "Ready");
    match text(ready, "status") {
        "False" | "Unknown" => Health::new(Status::InProgress, text(ready, "message")),
        _ => Health::new(Status::Current, "Resource is current"),
    }
}

fn deployment(object: &Object) -> Option<Health> {
    let progressing = condition(object, "Progressing");
    if text(progressing, "reason") == "ProgressDeadlineExceeded" {
        return failed("Progress deadline exceeded");
    }
    if object.at(&["status", "observedGeneration"]).is_none() {
        return in_progress("Deployment generation not observed yet");
    }
    let wanted = number(object, &["spec", "replicas"], 1);
    let status = |key: &str| number(object, &["status", key], 0);
    if status("replicas") < wanted {
        return in_progress(format!("replicas: {}/{wanted}", status("replicas")));
    }
    if status("updatedReplicas") < wanted {
        return in_progress(format!("Updated: {}/{wanted}", status("updatedReplicas")));
    }
    if status("replicas") > wanted {
        return in_progress(format!("Pending termination: {}", status("replicas") - wanted));
    }
    if status("availableReplicas") < status("updatedReplicas") {
        return in_progress(format!("Available: {}/{wanted}", status("availableReplicas")));
    }
    if status("readyReplicas") < wanted {
        return in_progress(format!("Ready: {}/{wanted}", status("readyReplicas")));
    }
    if wanted > 0 && !is(condition(object, "Available"), "True") {
        return in_progress("Deployment not Available");
    }
    None
}

fn stateful_set(object: &Object) -> Option<Health> {
    if object.text_at(&["spec", "updateStrategy", "type"]) == "OnDelete" {
        return None;
    }
    if object.at(&["status", "observedGeneration"]).is_none() {
        return in_progress("StatefulSet generation not observed yet");
    }
    let wanted = number(object, &["spec", "replicas"], 1);
    let status = |key: &str| number(object, &["status", key], 0);
    for (key, what) in [("replicas", "Replicas"), ("readyReplicas", "Ready")] {
        if status(key) < wanted {
            return in_progress(format!("{what}: {}/{wanted}", status(key)));
        }
    }
    if status("replicas") > wanted {
        return in_progress(format!("Pending termination: {}", status("replicas") - wanted));
    }
    let partition = number(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], -1);
    if partition > 0 {
        if status("updatedReplicas") < wanted - partition {
            return in_progress("Partition rollout is not complete");
        }
        return None;
    }
    if status("currentReplicas") < wanted {
        return in_progress(format!("current: {}/{wanted}", status("currentReplicas")));
    }
    let revision = |key: &str| object.text_at(&["status", key]).to_owned();
    if revision("currentRevision") != revision("updateRevision") {
        return in_progress("Waiting for updated revision to match current");
    }
    None
}

fn daemon_set(object: &Object) -> Option<Health> {
    if object.at(&["status", "desiredNumberScheduled"]).is_none() {
        return in_progress("Missing .status.desiredNumberScheduled");
    }
    let status = |key: &str| number(object, &["status", key], 0);
    let wanted = status("desiredNumberScheduled");
    for key in ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"] {
        if status(key) < wanted {
            return in_progress(format!("{key}: {}/{wanted}", status(key)));
        }
    }
    None
}

fn replica_set(object: &Object) -> Option<Health> {
    if is(condition(object, "ReplicaFailure"), "True") {
        return in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = number(object, &["spec", "replicas"], 1);
    let status = |key: &str| number(object, &["status", key], 0);
    for key in ["fullyLabeledReplicas", "availableReplicas", "readyReplicas"] {
        if status(key) < wanted {
            return in_progress(format!("{key}: {}/{wanted}", status(key)));
        }
    }
    (status("replicas") > wanted).then(|| Health::new(Status::InProgress, "Pending termination"))
}

/// Flux's reading: a Job is current when it is complete or suspended, not when it has merely started.
fn job(object: &Object) -> Option<Health> {
    if is(condition(object, "Complete"), "True") || is(condition(object, "Suspended"), "True") {
        return None;
    }
    let failure = condition(object, "Failed");
    if is(failure, "True") {
        return failed(format!("Job Failed. {}", text(failure, "message")));
    }
    in_progress("Job in progress")
}

fn pod(object: &Object, now: Timestamp) -> Option<Health> {
    match object.text_at(&["status", "phase"]) {
        "Succeeded" => None,
        "Failed" => failed("Pod has completed, but not successfully"),
        "Running" => {
            if is(condition(object, "Ready"), "True") {
                return None;
            }
            let crashing = ["containerStatuses", "initContainerStatuses"].iter().any(|list| {
                let statuses = object.at(&["status", list]).and_then(Value::as_array);
                statuses.into_iter().flatten().any(|s| s["state"]["waiting"]["reason"] == "CrashLoopBackOff")
            });
            if crashing {
                failed("Containers in CrashLoop state")
            } else {
                in_progress("Pod is running but is not Ready")
            }
        }
        "Pending" => {
            let scheduled = condition(object, "PodScheduled");
            if is(scheduled, "False") && text(scheduled, "reason") == "Unschedulable" {
                let since =
                    object.text_at(&["metadata", "creationTimestamp"]).parse::<Timestamp>().unwrap_or(now);
                let judged_at = since + jiff::SignedDuration::from_secs(15);
                if now >= judged_at {
                    return failed("Pod could not be scheduled");
                }
                return Some(Health {
                    revisit_at: Some(judged_at),
                    ..Health::new(Status::InProgress, "Pod has not been scheduled")
                });
            }
            in_progress("Pod is in the Pending phase")
        }
        _ => in_progress("Pod phase not available"),
    }
}

fn claim(object: &Object) -> Option<Health> {
    let phase = object.text_at(&["status", "phase"]);
    (phase != "Bound").then(|| Health::new(Status::InProgress, "PVC is not Bound"))
}

fn service(object: &Object) -> Option<Health> {
    if object.text_at(&["spec", "type"]) != "LoadBalancer" {
        return None;
    }
    object
        .text_at(&["spec", "clusterIP"])
        .is_empty()
        .then(|| Health::new(Status::InProgress, "ClusterIP not set"))
}

fn definition(object: &Object) -> Option<Health> {
    let names = condition(object, "NamesAccepted");
    if is(names, "False") {
        return failed(text(names, "message"));
    }
    let established = condition(object, "Established");
    if is(established, "False") && text(established, "reason") != "Installing" {
        return failed(text(established, "message"));
    }
    if is(established, "True") { None } else { in_progress("Install in progress") }
}

fn budget(object: &Object) -> Option<Health> {
    let current = number(object, &["status", "currentHealthy"], 0);
    let desired = number(object, &["status", "desiredHealthy"], -1);
    if desired == -1 {
        return None;
    }
    (current < desired).then(|| Health::new(Status::InProgress, "Budget not met"))
}
