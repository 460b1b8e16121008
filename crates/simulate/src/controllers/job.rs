//! Jobs: Pods until enough have succeeded or too many have failed.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::plan::{Deed, Plan, count, number, seconds, time, with_condition};
use super::pods;
use super::world::World;
use crate::text;

const KIND: &str = "Job";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

pub(super) fn has_finished(job: &Value) -> bool {
    ["Complete", "Failed"]
        .iter()
        .any(|kind| pods::condition(job, kind).is_some_and(|one| one["status"] == "True"))
}

pub(super) fn plan(world: &World, job: &Value, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if super::plan::is_deleted(job) {
        return plan;
    }
    if has_finished(job) {
        expire(world, job, now, &mut plan);
        return plan;
    }
    let mut succeeded = 0;
    let mut failed = 0;
    let mut active = Vec::new();
    for pod in world.controlled(job, "Pod") {
        match text(&pod, "/status/phase") {
            "Succeeded" => succeeded += 1,
            "Failed" => failed += 1,
            _ if world.is_going(&pod) => {}
            _ => active.push(pod),
        }
    }
    let completions = number(job, "/spec/completions");
    let parallelism = number(job, "/spec/parallelism").unwrap_or(1).max(0);
    let limit = number(job, "/spec/backoffLimit").unwrap_or(6);
    let is_suspended = job["spec"]["suspend"] == true;
    let mut conditions = job["status"]["conditions"].clone();
    let mut set = |kind: &str, status: &str, reason: &str, message: &str| {
        conditions = with_condition(&conditions, now, kind, status, reason, message).into();
        for one in conditions.as_array_mut().into_iter().flatten().filter(|one| one["type"] == kind) {
            if one["lastProbeTime"].is_null() {
                one["lastProbeTime"] = one["lastTransitionTime"].clone();
            }
        }
    };
    let deadline = number(job, "/spec/activeDeadlineSeconds")
        .zip(time(job, "/status/startTime"))
        .map(|(allowed, since)| since + SignedDuration::from_secs(allowed.clamp(0, 1 << 30)));
    let is_done = match completions {
        Some(completions) => succeeded >= completions,
        // A queue: one that has succeeded says that there is no more to do.
        None => succeeded > 0 && active.is_empty(),
    };
    let mut completed = Value::Null;
    let verdict = if is_done {
        let message = "Reached expected number of succeeded pods";
        completed = seconds(now).into();
        Some(("SuccessCriteriaMet", "Complete", "CompletionsReached", message))
    } else if failed > limit {
        let message = "Job has reached the specified backoff limit";
        Some(("FailureTarget", "Failed", "BackoffLimitExceeded", message))
    } else if deadline.is_some_and(|deadline| now >= deadline) {
        let message = "Job was active longer than specified deadline";
        Some(("FailureTarget", "Failed", "DeadlineExceeded", message))
    } else {
        None
    };
    if let Some((before, kind, reason, message)) = verdict {
        set(before, "True", reason, message);
        set(kind, "True", reason, message);
        plan.deeds.extend(active.drain(..).map(|pod| Deed::delete("Pod", &pod)));
    } else if is_suspended {
        set("Suspended", "True", "JobSuspended", "Job suspended");
        plan.deeds.extend(active.drain(..).map(|pod| Deed::delete("Pod", &pod)));
    } else {
        if pods::condition(job, "Suspended").is_some() {
            set("Suspended", "False", "JobResumed", "Job resumed");
        }
        let left = completions.map_or(parallelism, |completions| completions - succeeded);
        let wanted = if completions.is_none() && succeeded > 0 { 0 } else { left.min(parallelism) };
        for number in active.len() as i64..wanted {
            plan.deeds.push(Deed::Create { kind: "Pod", object: made(job, succeeded + number) });
        }
        if let Some(deadline) = deadline {
            plan.revisit_at(deadline);
        }
    }
    let started = match job["status"]["startTime"].as_str() {
        Some(known) if !is_suspended => known.into(),
        _ if is_suspended => Value::Null,
        _ => seconds(now).into(),
    };
    let ready = active.iter().filter(|pod| pods::is_ready(pod)).count();
    plan.status(
        KIND,
        job,
        json!({
            "startTime": started,
            "completionTime": completed,
            "active": count(active.len() as i64),
            "ready": ready,
            "succeeded": count(succeeded),
            "failed": count(failed),
            "terminating": 0,
            "uncountedTerminatedPods": {},
            "conditions": conditions,
        }),
    );
    plan
}

fn made(job: &Value, index: i64) -> Value {
    let mut pod = pods::made("batch/v1", KIND, job, &job["spec"]["template"]);
    if job["spec"]["completionMode"] == "Indexed" {
        let name = text(job, "/metadata/name");
        pod["metadata"]["generateName"] = format!("{name}-{index}-").into();
        pod["metadata"]["annotations"][INDEX] = index.to_string().into();
        pod["metadata"]["labels"][INDEX] = index.to_string().into();
    }
    pod
}

/// A finished Job with a time to live goes when that is over.
fn expire(world: &World, job: &Value, now: Timestamp, plan: &mut Plan) {
    let Some(time_to_live) = number(job, "/spec/ttlSecondsAfterFinished") else { return };
    let ended = ["Complete", "Failed"].iter().find_map(|kind| {
        pods::condition(job, kind).filter(|one| one["status"] == "True")?["lastTransitionTime"].as_str()
    });
    let Some(ended) = ended.and_then(|text| text.parse::<Timestamp>().ok()) else { return };
    let at = ended + SignedDuration::from_secs(time_to_live.clamp(0, 1 << 30));
    if at > now {
        plan.revisit_at(at);
    } else if !world.is_going(job) {
        plan.deeds.push(Deed::delete(KIND, job));
    }
}
