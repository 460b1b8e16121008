//! CronJobs: a Job whenever the schedule says so.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cron::Schedule;
use super::job::has_finished;
use super::plan::{Deed, Plan, controlled_by, number, seconds, time};
use super::world::World;
use crate::text;

const KIND: &str = "CronJob";

pub(super) fn plan(world: &World, cron: &Value, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if super::plan::is_deleted(cron) {
        return plan;
    }
    let jobs = world.controlled(cron, "Job");
    let (ended, running): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| has_finished(job));
    clean_up(world, cron, &ended, &mut plan);
    let mut status = json!({});
    let active = running.iter().map(|job| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"],
            "namespace": job["metadata"]["namespace"], "uid": job["metadata"]["uid"],
            "resourceVersion": job["metadata"]["resourceVersion"],
        })
    });
    let active: Vec<Value> = active.collect();
    status["active"] = if active.is_empty() { Value::Null } else { active.into() };
    let last = ended.iter().filter_map(|job| job["status"]["completionTime"].as_str()).max();
    if let Some(last) = last {
        status["lastSuccessfulTime"] = last.into();
    }
    let zone = cron["spec"]["timeZone"].as_str().unwrap_or("UTC");
    let schedule = Schedule::parse(text(cron, "/spec/schedule"), zone);
    if let (Some(schedule), true) = (schedule, cron["spec"]["suspend"] != true) {
        let since =
            time(cron, "/status/lastScheduleTime").or_else(|| time(cron, "/metadata/creationTimestamp"));
        let due = schedule.last_between(since.unwrap_or(now), now);
        let policy = text(cron, "/spec/concurrencyPolicy");
        if let Some(due) = due.filter(|_| running.is_empty() || policy != "Forbid") {
            if policy == "Replace" {
                plan.deeds.extend(running.iter().map(|job| Deed::delete("Job", job)));
            }
            plan.deeds.push(Deed::Create { kind: "Job", object: made(cron, due) });
            status["lastScheduleTime"] = seconds(due).into();
        }
        if let Some(next) = schedule.next_after(now) {
            plan.revisit_at(next);
        }
    }
    plan.status(KIND, cron, status);
    plan
}

fn made(cron: &Value, due: Timestamp) -> Value {
    let template = &cron["spec"]["jobTemplate"];
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": format!("{}-{}", text(cron, "/metadata/name"), due.as_second() / 60),
            "namespace": cron["metadata"]["namespace"],
            "annotations": template["metadata"]["annotations"],
            "labels": template["metadata"]["labels"],
            "ownerReferences": controlled_by("batch/v1", KIND, cron),
        },
        "spec": template["spec"],
    });
    job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = seconds(due).into();
    job
}

/// Finished Jobs beyond the limits of history go, the oldest first.
fn clean_up(world: &World, cron: &Value, ended: &[std::sync::Arc<Value>], plan: &mut Plan) {
    for (condition, pointer, usual) in
        [("Complete", "/spec/successfulJobsHistoryLimit", 3), ("Failed", "/spec/failedJobsHistoryLimit", 1)]
    {
        let limit = number(cron, pointer).unwrap_or(usual).max(0) as usize;
        let mut of: Vec<_> = ended
            .iter()
            .filter(|job| super::pods::condition(job, condition).is_some_and(|one| one["status"] == "True"))
            .collect();
        of.sort_by_key(|job| text(job, "/metadata/creationTimestamp").to_owned());
        for job in of.iter().take(of.len().saturating_sub(limit)).filter(|job| !world.is_going(job)) {
            plan.deeds.push(Deed::delete("Job", job));
        }
    }
}
