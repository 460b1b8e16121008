//! Claims and volumes: those made for each other are bound; what is no longer claimed goes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Deed, Plan};
use super::world::{Id, World};
use crate::text;

const CLAIM: &str = "PersistentVolumeClaim";
const VOLUME: &str = "PersistentVolume";
const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";
const BOUND: &str = "pv.kubernetes.io/bind-completed";
const BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";

pub(super) fn of_claim(world: &World, claim: &Value, _now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if super::plan::is_deleted(claim) {
        if !is_used(world, claim) {
            release(CLAIM, claim, CLAIM_PROTECTION, &mut plan);
        }
        return plan;
    }
    let uid = text(claim, "/metadata/uid");
    let volume = world.all(VOLUME).find(|volume| text(volume, "/spec/claimRef/uid") == uid);
    let Some(volume) = volume else { return plan };
    if text(claim, "/spec/volumeName").is_empty() {
        let patch = json!({
            "metadata": {"annotations": {BOUND: "yes", BY_CONTROLLER: "yes"}},
            "spec": {"volumeName": volume["metadata"]["name"]},
        });
        plan.deeds.push(Deed::patch(CLAIM, claim, "", patch));
        return plan;
    }
    let status = json!({
        "phase": "Bound", "accessModes": volume["spec"]["accessModes"], "capacity": volume["spec"]["capacity"],
    });
    plan.status(CLAIM, claim, status);
    plan
}

pub(super) fn of_volume(world: &World, volume: &Value, _now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let reference = &volume["spec"]["claimRef"];
    let word = |key: &str| reference[key].as_str().unwrap_or_default();
    let claim = world.get(&Id::new(CLAIM, word("namespace"), word("name")));
    let is_claimed = claim.is_some_and(|claim| claim["metadata"]["uid"] == reference["uid"]);
    if super::plan::is_deleted(volume) {
        if !is_claimed {
            release(VOLUME, volume, VOLUME_PROTECTION, &mut plan);
        }
        return plan;
    }
    if reference["uid"].is_string() && !is_claimed && text(volume, "/status/phase") == "Bound" {
        if text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" && !world.is_going(volume) {
            plan.deeds.push(Deed::delete(VOLUME, volume));
        } else {
            plan.status(VOLUME, volume, json!({"phase": "Released"}));
        }
    } else if text(volume, "/status/phase") != "Released" {
        let phase = if is_claimed { "Bound" } else { "Available" };
        plan.status(VOLUME, volume, json!({ "phase": phase }));
    }
    plan
}

/// Whether a Pod that has not ended names the claim.
fn is_used(world: &World, claim: &Value) -> bool {
    let name = text(claim, "/metadata/name");
    world.inside("Pod", text(claim, "/metadata/namespace")).any(|pod| {
        let volumes = pod["spec"]["volumes"].as_array();
        let names = |volume: &Value| volume["persistentVolumeClaim"]["claimName"] == name;
        !super::pods::has_ended(&pod) && volumes.into_iter().flatten().any(names)
    })
}

fn release(kind: &'static str, object: &Value, finalizer: &str, plan: &mut Plan) {
    let Some(finalizers) = object["metadata"]["finalizers"].as_array() else { return };
    let left: Vec<&Value> = finalizers.iter().filter(|one| *one != finalizer).collect();
    if left.len() < finalizers.len() {
        let patch = json!({"metadata": {
            "finalizers": left, "resourceVersion": object["metadata"]["resourceVersion"],
        }});
        plan.deeds.push(Deed::patch(kind, object, "", patch));
    }
}
