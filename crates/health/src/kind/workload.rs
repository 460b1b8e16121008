//! Kinds that keep a number of Pods: Deployment, ReplicaSet, StatefulSet, DaemonSet.

use sluice_object::Object;

use crate::{Computed, Health, conditions, field, generic};

/// What Deployments have for "no deadline".
const NO_DEADLINE: i64 = i32::MAX as i64;

pub fn deployment(object: &Object) -> Computed {
    let number = |path, default| field::number(object.fields(), path, default);
    // Without a deadline the controller never says that it progresses.
    let mut progressing = number("spec.progressDeadlineSeconds", NO_DEADLINE) == NO_DEADLINE;
    let mut available = false;
    for condition in conditions::of(object.fields())? {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                return Ok(Health::failed("Progress deadline exceeded"));
            }
            "Progressing" => {
                progressing |= condition.status == "True" && condition.reason == "NewReplicaSetAvailable";
            }
            "Available" => available |= condition.status == "True",
            _ => {}
        }
    }
    let wanted = number("spec.replicas", 1);
    let replicas = number("status.replicas", 0);
    let updated = number("status.updatedReplicas", 0);
    let ready = number("status.readyReplicas", 0);
    let usable = number("status.availableReplicas", 0);
    Ok(if wanted > replicas {
        Health::in_progress(format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > updated {
        Health::in_progress(format!("Updated: {updated}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress(format!("Pending termination: {}", replicas.wrapping_sub(wanted)))
    } else if updated > usable {
        Health::in_progress(format!("Available: {usable}/{updated}"))
    } else if wanted > ready {
        Health::in_progress(format!("Ready: {ready}/{wanted}"))
    } else if !progressing {
        Health::in_progress("ReplicaSet not Available")
    } else if !available {
        Health::in_progress("Deployment not Available")
    } else {
        Health::current(format!("Deployment is available. Replicas: {replicas}"))
    })
}

pub fn replica_set(object: &Object) -> Computed {
    let number = |path, default| field::number(object.fields(), path, default);
    if conditions::of(object.fields())?.iter().any(|condition| condition.is("ReplicaFailure", "True")) {
        return Ok(Health::in_progress("Replica Failure condition. Check Pods"));
    }
    let wanted = number("spec.replicas", 1);
    let replicas = number("status.replicas", 0);
    let ready = number("status.readyReplicas", 0);
    let usable = number("status.availableReplicas", 0);
    let labelled = number("status.fullyLabeledReplicas", 0);
    Ok(if wanted > labelled {
        Health::in_progress(format!("Labelled: {labelled}/{wanted}"))
    } else if wanted > usable {
        Health::in_progress(format!("Available: {usable}/{wanted}"))
    } else if wanted > ready {
        Health::in_progress(format!("Ready: {ready}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress(format!("Pending termination: {}", replicas.wrapping_sub(wanted)))
    } else {
        Health::current(format!("ReplicaSet is available. Replicas: {replicas}"))
    })
}

pub fn stateful_set(object: &Object) -> Health {
    let number = |path, default| field::number(object.fields(), path, default);
    if field::text(object.fields(), "spec.updateStrategy.type") == Some("OnDelete") {
        return Health::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = number("spec.replicas", 1);
    let ready = number("status.readyReplicas", 0);
    let current = number("status.currentReplicas", 0);
    let updated = number("status.updatedReplicas", 0);
    let replicas = number("status.replicas", 0);
    let partition = number("spec.updateStrategy.rollingUpdate.partition", -1);
    if wanted > replicas {
        return Health::in_progress(format!("Replicas: {replicas}/{wanted}"));
    }
    if wanted > ready {
        return Health::in_progress(format!("Ready: {ready}/{wanted}"));
    }
    if replicas > wanted {
        return Health::in_progress(format!("Pending termination: {}", replicas.wrapping_sub(wanted)));
    }
    if partition != -1 {
        let asked = wanted.wrapping_sub(partition);
        if updated < asked {
            return Health::in_progress(format!("updated: {updated}/{asked}"));
        }
        return Health::current(format!("Partition rollout complete. updated: {updated}"));
    }
    if wanted > current {
        return Health::in_progress(format!("current: {current}/{wanted}"));
    }
    let revision = |path| field::text(object.fields(), path).unwrap_or_default();
    if revision("status.currentRevision") != revision("status.updateRevision") {
        return Health::in_progress("Waiting for updated revision to match current");
    }
    Health::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
}

pub fn daemon_set(object: &Object) -> Computed {
    let kind = object.kind();
    if generic::generation(object)?.is_none() {
        return Ok(Health::in_progress(format!("{kind} metadata.generation not found")));
    }
    if generic::observed_generation(object)?.is_none() {
        return Ok(Health::in_progress(format!("{kind} status.observedGeneration not found")));
    }
    let number = |path, default| field::number(object.fields(), path, default);
    let wanted = number("status.desiredNumberScheduled", -1);
    let current = number("status.currentNumberScheduled", 0);
    let updated = number("status.updatedNumberScheduled", 0);
    let usable = number("status.numberAvailable", 0);
    let ready = number("status.numberReady", 0);
    Ok(if wanted == -1 {
        Health::in_progress("Missing .status.desiredNumberScheduled")
    } else if wanted > current {
        Health::in_progress(format!("Current: {current}/{wanted}"))
    } else if wanted > updated {
        Health::in_progress(format!("Updated: {updated}/{wanted}"))
    } else if wanted > usable {
        Health::in_progress(format!("Available: {usable}/{wanted}"))
    } else if wanted > ready {
        Health::in_progress(format!("Ready: {ready}/{wanted}"))
    } else {
        Health::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
    })
}
