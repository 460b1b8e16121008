//! What kinds of the cluster itself take as given: storage, webhooks, priorities, slices, limits.

use serde_json::{Value, json};

use super::{at, or};
use crate::registry::Resource;

/// The defaults of a kind that is no workload.
pub fn set(resource: &Resource, object: &mut Value) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "persistentvolumes") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "persistentVolumeReclaimPolicy", "Retain");
                or(spec, "volumeMode", "Filesystem");
                if let Some(Value::Object(path)) = spec.get_mut("hostPath") {
                    path.entry("type").or_insert_with(|| "".into());
                }
            }
        }
        ("", "endpoints") => {
            for subset in object["subsets"].as_array_mut().into_iter().flatten() {
                for port in subset["ports"].as_array_mut().into_iter().flatten() {
                    port.as_object_mut().into_iter().for_each(|port| or(port, "protocol", "TCP"));
                }
            }
        }
        ("", "limitranges") => {
            for one in object["spec"]["limits"].as_array_mut().into_iter().flatten() {
                limits(one);
            }
        }
        ("storage.k8s.io", "csidrivers") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "attachRequired", true);
                or(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
                for key in ["podInfoOnMount", "requiresRepublish", "seLinuxMount", "storageCapacity"] {
                    or(spec, key, false);
                }
                or(spec, "volumeLifecycleModes", json!(["Persistent"]));
            }
        }
        ("storage.k8s.io", "storageclasses") => {
            if let Value::Object(fields) = object {
                or(fields, "reclaimPolicy", "Delete");
                or(fields, "volumeBindingMode", "Immediate");
            }
        }
        ("scheduling.k8s.io", "priorityclasses") => {
            if let Value::Object(fields) = object {
                or(fields, "preemptionPolicy", "PreemptLowerPriority");
            }
        }
        ("discovery.k8s.io", "endpointslices") => {
            for port in object["ports"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut)
            {
                port.entry("name").or_insert_with(|| "".into());
                or(port, "protocol", "TCP");
            }
        }
        ("admissionregistration.k8s.io", plural) if plural.ends_with("webhookconfigurations") => {
            let hooks = object["webhooks"].as_array_mut().into_iter().flatten();
            for hook in hooks.filter_map(Value::as_object_mut) {
                or(hook, "failurePolicy", "Fail");
                or(hook, "matchPolicy", "Equivalent");
                for key in ["namespaceSelector", "objectSelector"] {
                    hook.entry(key).or_insert_with(|| json!({}));
                }
                or(hook, "timeoutSeconds", 10);
                if plural.starts_with("mutating") {
                    or(hook, "reinvocationPolicy", "Never");
                }
                for rule in hook.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
                    rule.as_object_mut().into_iter().for_each(|rule| or(rule, "scope", "*"));
                }
                if let Some(Value::Object(service)) =
                    hook.get_mut("clientConfig").and_then(|config| config.get_mut("service"))
                {
                    or(service, "port", 443);
                }
            }
        }
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => {
            if let Some(limited) = at(object, &["spec", "limited"]) {
                or(limited, "lendablePercent", 0);
                or(limited, "nominalConcurrencyShares", 30);
            }
        }
        _ => {}
    }
}

/// Of a container's limits: what is left out is as much as is the most, and requests as the limits.
fn limits(one: &mut Value) {
    if one["type"] != "Container" {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
        let Some(amounts) = one[from].as_object().cloned() else { continue };
        if !one[to].is_object() {
            one[to] = json!({});
        }
        for (name, amount) in amounts {
            if one[to][&name].is_null() {
                one[to][&name] = amount;
            }
        }
    }
}
