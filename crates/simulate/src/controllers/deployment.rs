//! Deployments: a ReplicaSet for each template, rolled from the old to the new as the strategy allows.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::plan::{Deed, Plan, controlled_by, count, hash, number, seconds, share, time};
use super::pods;
use super::world::World;
use crate::text;

const KIND: &str = "Deployment";
const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of a Deployment that are not handed down.
const OWN: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration", REVISION, DESIRED, MOST];

pub(super) fn plan(world: &World, deployment: &Value, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if super::plan::is_deleted(deployment) {
        return plan;
    }
    let mut sets = world.controlled(deployment, "ReplicaSet");
    sets.retain(|set| !world.is_going(set));
    sets.sort_by_key(|set| revision(set));
    let rollout = Rollout::of(deployment, sets);
    if deployment["spec"]["paused"] != true {
        rollout.roll(world, deployment, &mut plan);
    } else if let Some(new) = &rollout.new {
        scale(new, rollout.wanted, &mut plan);
    }
    let newest = rollout.newest_revision.max(1).to_string();
    if rollout.new.is_some() && deployment["metadata"]["annotations"][REVISION] != newest.as_str() {
        let patch = json!({"metadata": {"annotations": {REVISION: newest}}});
        plan.deeds.push(Deed::patch(KIND, deployment, "", patch));
    }
    rollout.status(deployment, now, &mut plan);
    plan
}

struct Rollout {
    wanted: i64,
    surge: i64,
    unavailable: i64,
    new: Option<Arc<Value>>,
    /// Oldest first.
    old: Vec<Arc<Value>>,
    newest_revision: i64,
}

fn revision(set: &Value) -> i64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn wanted(set: &Value) -> i64 {
    number(set, "/spec/replicas").unwrap_or(0)
}

fn available(set: &Value) -> i64 {
    number(set, "/status/availableReplicas").unwrap_or(0)
}

/// A template without the label that tells ReplicaSets apart.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template
}

impl Rollout {
    fn of(deployment: &Value, sets: Vec<Arc<Value>>) -> Self {
        let template = bare(&deployment["spec"]["template"]);
        let (mut same, mut old): (Vec<_>, Vec<_>) =
            sets.into_iter().partition(|set| bare(&set["spec"]["template"]) == template);
        let new = (!same.is_empty()).then(|| same.remove(0));
        old.extend(same);
        let newest_old = old.iter().map(|set| revision(set)).max().unwrap_or(0);
        let wanted = number(deployment, "/spec/replicas").unwrap_or(1).max(0);
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        let surge = share(&rolling["maxSurge"], wanted, true).unwrap_or(0);
        let unavailable = share(&rolling["maxUnavailable"], wanted, false).unwrap_or(0);
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable.min(wanted) };
        let newest_revision = new
            .as_ref()
            .map_or(newest_old + 1, |new| revision(new).max(newest_old + i64::from(newest_old > 0)));
        Self { wanted, surge, unavailable, new, old, newest_revision }
    }

    fn roll(&self, world: &World, deployment: &Value, plan: &mut Plan) {
        let recreates = deployment["spec"]["strategy"]["type"] == "Recreate";
        let old_total: i64 = self.old.iter().map(|set| wanted(set)).sum();
        if recreates {
            for set in &self.old {
                scale(set, 0, plan);
            }
            let has_pods = self
                .old
                .iter()
                .any(|set| world.controlled(set, "Pod").iter().any(|pod| !pods::has_ended(pod)));
            if old_total > 0 || has_pods {
                return;
            }
        }
        let Some(new) = &self.new else {
            let first = if recreates || old_total == 0 {
                self.wanted
            } else {
                (self.wanted + self.surge - old_total).clamp(0, self.wanted)
            };
            plan.deeds.push(Deed::Create { kind: "ReplicaSet", object: self.made(deployment, first) });
            return;
        };
        if revision(new) < self.newest_revision {
            let patch = json!({"metadata": {"annotations": {REVISION: self.newest_revision.to_string()}}});
            plan.deeds.push(Deed::patch("ReplicaSet", new, "", patch));
        }
        if recreates || old_total == 0 || wanted(new) > self.wanted {
            scale(new, self.wanted, plan);
        } else {
            let room = (self.wanted + self.surge - old_total - wanted(new)).max(0);
            scale(new, (wanted(new) + room).min(self.wanted), plan);
        }
        if old_total > 0 && !recreates {
            self.scale_old_down(new, plan);
        }
        self.clean_up(deployment, plan);
    }

    /// Unhealthy Pods first, then as many as may be unavailable; the oldest ReplicaSet first.
    fn scale_old_down(&self, new: &Value, plan: &mut Plan) {
        let all: i64 = self.old.iter().map(|set| wanted(set)).sum::<i64>() + wanted(new);
        let least = self.wanted - self.unavailable;
        let new_unavailable = wanted(new) - available(new);
        let mut room = all - least - new_unavailable;
        let mut goals: Vec<i64> = self.old.iter().map(|set| wanted(set)).collect();
        for (goal, set) in goals.iter_mut().zip(&self.old) {
            let unhealthy = (*goal - available(set)).clamp(0, room.max(0));
            *goal -= unhealthy;
            room -= unhealthy;
        }
        let working: i64 = self.old.iter().zip(&goals).map(|(set, goal)| available(set).min(*goal)).sum();
        let mut spare = working + available(new) - least;
        for goal in &mut goals {
            let fewer = (*goal).clamp(0, spare.max(0));
            *goal -= fewer;
            spare -= fewer;
        }
        for (goal, set) in goals.into_iter().zip(&self.old) {
            scale(set, goal, plan);
        }
    }

    /// Old ReplicaSets beyond the limit of history go.
    fn clean_up(&self, deployment: &Value, plan: &mut Plan) {
        let limit = number(deployment, "/spec/revisionHistoryLimit").unwrap_or(10).max(0) as usize;
        let is_idle =
            |set: &&Arc<Value>| wanted(set) == 0 && number(set, "/status/replicas").unwrap_or(0) == 0;
        let idle: Vec<_> = self.old.iter().filter(is_idle).collect();
        for set in idle.iter().take(idle.len().saturating_sub(limit)) {
            plan.deeds.push(Deed::delete("ReplicaSet", set));
        }
    }

    fn made(&self, deployment: &Value, replicas: i64) -> Value {
        let mut template = bare(&deployment["spec"]["template"]);
        let hash = hash(&template);
        template["metadata"]["labels"][HASH] = hash.as_str().into();
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH] = hash.as_str().into();
        let mut annotations = deployment["metadata"]["annotations"].clone();
        if !annotations.is_object() {
            annotations = json!({});
        }
        if let Some(map) = annotations.as_object_mut() {
            map.retain(|key, _| !OWN.contains(&key.as_str()));
        }
        annotations[REVISION] = self.newest_revision.to_string().into();
        annotations[DESIRED] = self.wanted.to_string().into();
        annotations[MOST] = (self.wanted + self.surge).to_string().into();
        let mut set = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{}-{hash}", text(deployment, "/metadata/name")),
                "namespace": deployment["metadata"]["namespace"],
                "labels": template["metadata"]["labels"],
                "annotations": annotations,
                "ownerReferences": controlled_by("apps/v1", KIND, deployment),
            },
            "spec": {"replicas": replicas, "selector": selector, "template": template},
        });
        if let Some(least) = number(deployment, "/spec/minReadySeconds").filter(|least| *least > 0) {
            set["spec"]["minReadySeconds"] = least.into();
        }
        set
    }

    fn status(&self, deployment: &Value, now: Timestamp, plan: &mut Plan) {
        let sets = || self.old.iter().chain(&self.new);
        let sum = |pointer: &str| sets().map(|set| number(set, pointer).unwrap_or(0)).sum::<i64>();
        let (replicas, ready) = (sum("/status/replicas"), sum("/status/readyReplicas"));
        let available = sum("/status/availableReplicas");
        let updated = self.new.as_ref().and_then(|new| number(new, "/status/replicas")).unwrap_or(0);
        let total: i64 = sets().map(|set| wanted(set)).sum();
        let mut conditions = deployment["status"]["conditions"].clone();
        let mut set = |kind: &str, status: &str, reason: &str, message: &str| {
            let known = conditions.clone();
            let list = super::plan::with_condition(&known, now, kind, status, reason, message);
            conditions = list.into();
            if conditions != known
                && let Some(one) =
                    conditions.as_array_mut().into_iter().flatten().find(|one| one["type"] == kind)
            {
                one["lastUpdateTime"] = seconds(now).into();
            }
        };
        if available >= self.wanted - self.unavailable {
            set("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.");
        } else {
            let message = "Deployment does not have minimum availability.";
            set("Available", "False", "MinimumReplicasUnavailable", message);
        }
        if let Some(new) = &self.new {
            let name = text(new, "/metadata/name");
            let is_complete = updated == self.wanted && replicas == self.wanted && available == self.wanted;
            let was = |pointer: &str| number(deployment, pointer).unwrap_or(0);
            let has_moved = updated > was("/status/updatedReplicas")
                || ready > was("/status/readyReplicas")
                || available > was("/status/availableReplicas")
                || replicas - updated < was("/status/replicas") - was("/status/updatedReplicas");
            let known = pods::condition(deployment, "Progressing");
            let allowed = number(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
            let since = known.and_then(|known| time(known, "/lastUpdateTime"));
            let deadline = since.map(|since| since + SignedDuration::from_secs(allowed.clamp(0, 1 << 30)));
            if deployment["spec"]["paused"] == true {
                set("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
            } else if is_complete {
                let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
                set("Progressing", "True", "NewReplicaSetAvailable", &message);
            } else if known.is_none() {
                let message = format!("Created new replica set \"{name}\"");
                set("Progressing", "True", "NewReplicaSetCreated", &message);
            } else if has_moved || known.is_some_and(|known| known["reason"] == "NewReplicaSetAvailable") {
                let message = format!("ReplicaSet \"{name}\" is progressing.");
                set("Progressing", "True", "ReplicaSetUpdated", &message);
            } else if let Some(deadline) = deadline {
                if now >= deadline {
                    let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
                    set("Progressing", "False", "ProgressDeadlineExceeded", &message);
                } else {
                    plan.revisit_at(deadline);
                }
            }
        }
        plan.status(
            KIND,
            deployment,
            json!({
                "observedGeneration": deployment["metadata"]["generation"],
                "replicas": count(replicas),
                "updatedReplicas": count(updated),
                "readyReplicas": count(ready),
                "availableReplicas": count(available),
                "unavailableReplicas": count((total - available).max(0)),
                "conditions": conditions,
            }),
        );
    }
}

fn scale(set: &Value, goal: i64, plan: &mut Plan) {
    if wanted(set) != goal {
        plan.deeds.push(Deed::patch("ReplicaSet", set, "", json!({"spec": {"replicas": goal}})));
    }
}
