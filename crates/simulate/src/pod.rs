//! What becomes of a Pod: bound, then Running and Ready; one of a Job succeeds; one that was deleted ends.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Deed, address, text};

pub(crate) fn deed(pod: &Value, now: Timestamp) -> Option<Deed> {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return Some(Deed::End);
    }
    if text(pod, "/spec/nodeName").is_empty() {
        let is_gated = pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
        return (!is_gated).then_some(Deed::Bind);
    }
    if text(pod, "/spec/nodeName") != crate::node::NAME
        || !matches!(text(pod, "/status/phase"), "" | "Pending")
    {
        return None;
    }
    let owners = pod["metadata"]["ownerReferences"].as_array();
    let is_of_job = owners.into_iter().flatten().any(|owner| owner["kind"] == "Job");
    let status = match pod["metadata"]["annotations"][OUTCOME].as_str() {
        // Bound and pulled for ever: its state stays as it is.
        Some("hang") => return hanging(pod, now),
        Some("crash-loop") => crashing(pod, now),
        Some("fail") if is_of_job || text(pod, "/spec/restartPolicy") == "Never" => failed(pod, now),
        Some("fail") => crashing(pod, now),
        _ if is_of_job => succeeded(pod, now),
        _ => running(pod, now),
    };
    Some(Deed::Status(status))
}

/// Asks for another fate than a good one: `fail`, `hang`, `crash-loop`.
const OUTCOME: &str = "simulate.sluice/outcome";

fn hanging(pod: &Value, now: Timestamp) -> Option<Deed> {
    if pod.pointer("/status/containerStatuses").is_some() {
        return None;
    }
    let state = json!({"waiting": {"reason": "ContainerCreating"}});
    Some(Deed::Status(json!({
        "phase": "Pending",
        "conditions": conditions(now, "False", "ContainersNotReady"),
        "containerStatuses": containers(pod, "containers", &state, false),
        "hostIP": crate::node::ADDRESS,
        "startTime": seconds(now),
    })))
}

fn crashing(pod: &Value, now: Timestamp) -> Value {
    let message = "back-off 5m0s restarting failed container";
    let state = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    let mut status = running(pod, now);
    status["conditions"] = conditions(now, "False", "ContainersNotReady");
    status["containerStatuses"] = containers(pod, "containers", &state, false);
    for container in status["containerStatuses"].as_array_mut().into_iter().flatten() {
        container["restartCount"] = 5.into();
        container["lastState"] = failure(now);
    }
    status
}

fn failed(pod: &Value, now: Timestamp) -> Value {
    json!({
        "phase": "Failed",
        "conditions": conditions(now, "False", "PodFailed"),
        "containerStatuses": containers(pod, "containers", &failure(now), false),
        "startTime": seconds(now),
    })
}

fn failure(now: Timestamp) -> Value {
    json!({"terminated": {
        "exitCode": 1, "reason": "Error", "startedAt": seconds(now), "finishedAt": seconds(now),
    }})
}

fn running(pod: &Value, now: Timestamp) -> Value {
    let state = json!({"running": {"startedAt": seconds(now)}});
    let address = address::inside(text(pod, "/metadata/uid"));
    json!({
        "phase": "Running",
        "conditions": conditions(now, "True", ""),
        "containerStatuses": containers(pod, "containers", &state, true),
        "initContainerStatuses": containers(pod, "initContainers", &ended(now), true),
        "hostIP": crate::node::ADDRESS,
        "hostIPs": [{"ip": crate::node::ADDRESS}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": seconds(now),
    })
}

fn succeeded(pod: &Value, now: Timestamp) -> Value {
    json!({
        "phase": "Succeeded",
        "conditions": conditions(now, "False", "PodCompleted"),
        "containerStatuses": containers(pod, "containers", &ended(now), false),
        "initContainerStatuses": containers(pod, "initContainers", &ended(now), true),
        "startTime": seconds(now),
    })
}

fn ended(now: Timestamp) -> Value {
    json!({"terminated": {
        "exitCode": 0, "reason": "Completed", "startedAt": seconds(now), "finishedAt": seconds(now),
    }})
}

fn conditions(now: Timestamp, ready: &str, reason: &str) -> Value {
    let condition = |kind: &str, status: &str| {
        let mut condition = json!({"type": kind, "status": status, "lastTransitionTime": seconds(now)});
        if status == "False" {
            condition["reason"] = reason.into();
        }
        condition
    };
    json!([
        condition("PodScheduled", "True"),
        condition("Initialized", "True"),
        condition("ContainersReady", ready),
        condition("Ready", ready),
    ])
}

fn containers(pod: &Value, list: &str, state: &Value, ready: bool) -> Value {
    let status = |container: &Value| {
        json!({
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": ready,
            "started": ready,
            "restartCount": 0,
            "state": state,
        })
    };
    pod["spec"][list].as_array().into_iter().flatten().map(status).collect()
}

/// Times of the Kubernetes API are whole seconds.
fn seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_pod_is_bound_then_runs() {
        let mut pod = json!({"metadata": {"name": "a", "uid": "u"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        assert_eq!(deed(&pod, NOW), Some(Deed::Bind));
        pod["spec"]["nodeName"] = crate::node::NAME.into();
        let Some(Deed::Status(status)) = deed(&pod, NOW) else { panic!("a status is due") };
        assert_eq!(status["phase"], "Running");
        assert_eq!(
            status["conditions"][3],
            json!({"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z"})
        );
        assert_eq!(status["containerStatuses"][0]["ready"], true);
        pod["status"] = status;
        assert_eq!(deed(&pod, NOW), None);
    }

    #[test]
    fn an_annotation_makes_a_pod_fail_hang_or_crash() {
        let mut pod = json!({
            "metadata": {"annotations": {OUTCOME: "crash-loop"}, "uid": "u"},
            "spec": {"nodeName": crate::node::NAME, "containers": [{"name": "c"}]},
        });
        let status = |pod: &Value| match deed(pod, NOW) {
            Some(Deed::Status(status)) => status,
            _ => Value::Null,
        };
        let crashed = status(&pod);
        assert_eq!(crashed["containerStatuses"][0]["state"]["waiting"]["reason"], "CrashLoopBackOff");
        assert_eq!(crashed["conditions"][3]["status"], "False");
        pod["metadata"]["annotations"][OUTCOME] = "hang".into();
        pod["status"] = status(&pod);
        assert_eq!(pod["status"]["phase"], "Pending");
        assert_eq!(deed(&pod, NOW), None, "nothing more comes of it");
        pod["status"] = Value::Null;
        pod["metadata"]["annotations"][OUTCOME] = "fail".into();
        pod["metadata"]["ownerReferences"] = json!([{"kind": "Job"}]);
        assert_eq!(status(&pod)["phase"], "Failed");
    }

    #[test]
    fn a_gated_pod_waits() {
        let pod = json!({"spec": {"schedulingGates": [{"name": "g"}]}});
        assert_eq!(deed(&pod, NOW), None);
    }

    #[test]
    fn a_pod_of_a_job_succeeds_and_a_deleted_one_ends() {
        let mut pod = json!({
            "metadata": {"ownerReferences": [{"kind": "Job"}]},
            "spec": {"nodeName": crate::node::NAME, "containers": [{"name": "c"}]},
        });
        let Some(Deed::Status(status)) = deed(&pod, NOW) else { panic!("a status is due") };
        assert_eq!(status["phase"], "Succeeded");
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert_eq!(deed(&pod, NOW), Some(Deed::End));
    }
}
