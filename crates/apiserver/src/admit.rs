//! What the real server's own admission makes of a new Pod, and what follows from its resources.

use serde_json::{Value, json};

use crate::core::Core;
use crate::quantity::Quantity;
use crate::status::{About, Failure};

/// Requests that are left out are as large as the limits; what is only a Pod's own default.
pub fn defaults(pod: &mut Value) {
    let Some(spec) = pod["spec"].as_object_mut() else { return };
    spec.entry("enableServiceLinks").or_insert(true.into());
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(limits) = container["resources"]["limits"].as_object().cloned() else { continue };
            let requests = &mut container["resources"]["requests"];
            if !requests.is_object() {
                *requests = json!({});
            }
            for (name, amount) in limits {
                if requests[&name].is_null() {
                    requests[&name] = amount;
                }
            }
        }
    }
}

/// Fields that nobody who writes the Pod owns.
pub fn admit(pod: &mut Value) {
    let quality = quality(&pod["spec"]);
    pod["status"] = json!({ "phase": "Pending", "qosClass": quality });
    let Some(spec) = pod["spec"].as_object_mut() else { return };
    spec.entry("serviceAccountName").or_insert_with(|| "default".into());
    let account = spec["serviceAccountName"].clone();
    spec.entry("serviceAccount").or_insert(account);
    spec.entry("priority").or_insert(0.into());
    spec.entry("preemptionPolicy").or_insert_with(|| "PreemptLowerPriority".into());
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Value::Array(tolerations) = tolerations else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_meant = |one: &Value| {
            (one["key"] == key || (one["key"].is_null() && one["operator"] == "Exists"))
                && (one["effect"] == "NoExecute" || one["effect"].is_null())
        };
        if !tolerations.iter().any(is_meant) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
}

/// What a Pod refers to is there.
pub fn check(core: &Core, pod: &Value) -> Result<(), Failure> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (ns, name) = (text(&pod["metadata"]["namespace"]), text(&pod["metadata"]["name"]));
    let refused = |why: String| {
        let about = About { group: "", kind: "pods", name: &name };
        Err(Failure::forbidden(about, format!("pods {name:?} is forbidden: {why}")))
    };
    let account = text(&pod["spec"]["serviceAccountName"]);
    let key = (ns.clone(), account.clone());
    // The account that every namespace has is made by a controller, which may be late.
    if !account.is_empty() && account != "default" && core.store.read("/serviceaccounts", &key).is_none() {
        return refused(format!(
            "error looking up service account {ns}/{account}: serviceaccount {account:?} not found"
        ));
    }
    let class = text(&pod["spec"]["priorityClassName"]);
    let key = (String::new(), class.clone());
    if !class.is_empty() && core.store.read("scheduling.k8s.io/priorityclasses", &key).is_none() {
        return refused(format!("no PriorityClass with name {class} was found"));
    }
    Ok(())
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
fn quality(spec: &Value) -> &'static str {
    let containers = ["containers", "initContainers"].iter();
    let all: Vec<&Value> = containers
        .flat_map(|list| spec[*list].as_array().into_iter().flatten())
        .map(|one| &one["resources"])
        .collect();
    let amount =
        |value: &Value| value.as_str().and_then(Quantity::parse).filter(|amount| amount.is_positive());
    let (mut some, mut guaranteed) = (false, true);
    for resources in all {
        for name in ["cpu", "memory"] {
            let (limit, request) = (amount(&resources["limits"][name]), amount(&resources["requests"][name]));
            some |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && request.is_none_or(|request| Some(request) == limit);
        }
    }
    match (some, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quality_follows_from_the_resources() {
        let quality = |resources: Value| quality(&json!({ "containers": [{ "resources": resources }] }));
        let both = json!({ "cpu": "1", "memory": "1Gi" });
        assert_eq!(quality(json!({})), "BestEffort");
        assert_eq!(quality(json!({ "limits": both })), "Guaranteed");
        assert_eq!(quality(json!({ "limits": { "memory": "1Gi" } })), "Burstable");
        assert_eq!(
            quality(json!({ "limits": both, "requests": { "cpu": "500m", "memory": "1Gi" } })),
            "Burstable"
        );
    }
}
