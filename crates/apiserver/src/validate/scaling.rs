//! HorizontalPodAutoscalers, PodDisruptionBudgets, PriorityClasses, quotas.

use serde_json::Value;

use super::faults::{Faults, items, text};
use crate::quantity::Quantity;
use crate::registry::Resource;
use crate::status::Cause;

/// What a quota may count without a domain.
const QUOTAS: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "storage",
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];

/// Least, most and what is taken between them, of each kind of limit.
fn limit_ranges(spec: &Value, faults: &mut Faults) {
    for (index, one) in items(spec, "limits").iter().enumerate() {
        let amount = |part: &str, name: &str| one[part][name].as_str().and_then(Quantity::parse);
        let shown = |part: &str, name: &str| one[part][name].as_str().unwrap_or_default().to_owned();
        let parts = ["max", "min", "default", "defaultRequest"];
        let names: std::collections::BTreeSet<&String> = parts
            .iter()
            .flat_map(|part| one[*part].as_object().into_iter().flat_map(|map| map.keys()))
            .collect();
        for name in names {
            let pairs = [
                ("min", "max", "min", "min value", "max value"),
                ("min", "defaultRequest", "defaultRequest", "min value", "default request value"),
                ("defaultRequest", "max", "defaultRequest", "default request value", "max value"),
                (
                    "defaultRequest",
                    "default",
                    "defaultRequest",
                    "default request value",
                    "default limit value",
                ),
                ("min", "default", "default", "min value", "default value"),
                ("default", "max", "default", "default value", "max value"),
            ];
            for (less, more, at, less_said, more_said) in pairs {
                if let (Some(a), Some(b)) = (amount(less, name), amount(more, name))
                    && a > b
                {
                    let why = format!(
                        "{less_said} {} is greater than {more_said} {}",
                        shown(less, name),
                        shown(more, name)
                    );
                    // The real server shows the least where the default is too small.
                    let value =
                        if (less, more) == ("min", "default") { &one[less][name] } else { &one[at][name] };
                    faults.invalid(format_args!("spec.limits[{index}].{at}[{name}]"), value, &why);
                }
            }
        }
    }
}

pub fn check(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    let object = faults.object;
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("autoscaling", "horizontalpodautoscalers") => autoscaler(&object["spec"], faults),
        ("policy", "poddisruptionbudgets") => budget(&object["spec"], faults),
        ("scheduling.k8s.io", "priorityclasses") => priority(live, faults),
        ("", "resourcequotas") => {
            for (name, value) in object["spec"]["hard"].as_object().into_iter().flatten() {
                if !name.contains('/') && !QUOTAS.contains(&name.as_str()) {
                    let (path, shown) = (format!("spec.hard[{name}]"), Value::from(name.as_str()));
                    faults.invalid(&path, &shown, "must be a standard resource type or fully qualified");
                    faults.invalid(&path, &shown, "must be a standard resource for quota");
                }
                let amount = value.as_str().and_then(Quantity::parse);
                if amount.is_some_and(|amount| amount.is_negative()) {
                    let path = format!("spec.hard[{name}]");
                    faults.invalid(&path, value, "must be greater than or equal to 0");
                }
            }
        }
        ("", "limitranges") => limit_ranges(&object["spec"], faults),
        ("coordination.k8s.io", "leases") => {
            let spec = &object["spec"];
            let seconds = &spec["leaseDurationSeconds"];
            if seconds.as_i64().is_some_and(|seconds| seconds <= 0) {
                faults.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0");
            }
            faults.not_negative("spec.leaseTransitions", &spec["leaseTransitions"]);
        }
        ("node.k8s.io", "runtimeclasses") => {
            if text(object, "handler").is_empty() {
                faults.required("handler", "");
            } else {
                faults.label("handler", &object["handler"]);
            }
        }
        ("discovery.k8s.io", "endpointslices")
            if live.is_some_and(|live| live["addressType"] != object["addressType"]) =>
        {
            faults.invalid("addressType", &object["addressType"], "field is immutable");
        }
        _ => {}
    }
}

fn autoscaler(spec: &Value, faults: &mut Faults) {
    let (least, most) = (&spec["minReplicas"], spec["maxReplicas"].as_i64().unwrap_or(0));
    if least.as_i64().is_some_and(|least| least < 1) {
        faults.invalid("spec.minReplicas", least, "must be greater than or equal to 1");
    }
    if most < 1 {
        faults.required("spec.maxReplicas", "must be set and greater than 0");
    }
    if least.as_i64().is_some_and(|least| most < least) {
        faults.invalid("spec.maxReplicas", &most.into(), "must be greater than or equal to `minReplicas`");
    }
    let target = &spec["scaleTargetRef"];
    for key in ["kind", "name"] {
        if text(target, key).is_empty() {
            faults.required(format_args!("spec.scaleTargetRef.{key}"), "");
        }
    }
    if text(target, "apiVersion").is_empty() {
        let why = "apiVersion must specify API group";
        faults.invalid("spec.scaleTargetRef.apiVersion", &"".into(), why);
    }
    for (index, metric) in items(spec, "metrics").iter().enumerate() {
        let path = format!("spec.metrics[{index}]");
        let kinds = ["ContainerResource", "External", "Object", "Pods", "Resource"];
        let kind = text(metric, "type");
        if !kinds.contains(&kind) {
            // The real server says it twice.
            faults.one_of(format_args!("{path}.type"), &metric["type"], &kinds);
            faults.one_of(format_args!("{path}.type"), &metric["type"], &kinds);
            continue;
        }
        let key = format!("{}{}", kind[..1].to_lowercase(), &kind[1..]);
        let written = &metric[&key];
        if !written.is_object() {
            let why = "must populate information for the given metric source";
            faults.required(format_args!("{path}.{key}"), why);
            continue;
        }
        let (target, at) = (&written["target"], format!("{path}.{key}.target.averageUtilization"));
        let share = &target["averageUtilization"];
        if share.as_i64().is_some_and(|share| share < 1) {
            faults.invalid(&at, share, "must be greater than 0");
        } else if key == "resource" && share.is_null() && target["averageValue"].is_null() {
            faults.required(&at, "must set either a target raw value or a target utilization");
        }
    }
    if least.as_i64() == Some(0) {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        faults.forbidden("spec.metrics", why);
    }
    for way in ["scaleUp", "scaleDown"] {
        let (rules, path) = (&spec["behavior"][way], format!("spec.behavior.{way}"));
        let seconds = &rules["stabilizationWindowSeconds"];
        let at = format!("{path}.stabilizationWindowSeconds");
        faults.not_negative(&at, seconds);
        if seconds.as_i64().is_some_and(|seconds| seconds > 3600) {
            faults.invalid(&at, seconds, "must be less than or equal to 3600");
        }
        for (index, policy) in items(rules, "policies").iter().enumerate() {
            let path = format!("{path}.policies[{index}]");
            faults.one_of(format_args!("{path}.type"), &policy["type"], &["Percent", "Pods"]);
            for key in ["value", "periodSeconds"] {
                if policy[key].as_i64().unwrap_or(0) <= 0 {
                    faults.invalid(format_args!("{path}.{key}"), &policy[key], "must be greater than zero");
                }
            }
        }
    }
}

fn budget(spec: &Value, faults: &mut Faults) {
    let (least, most) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if !least.is_null() && !most.is_null() {
        let shown = format!(
            "{{\"MinAvailable\":{least},\"Selector\":{},\"MaxUnavailable\":{most},\"UnhealthyPodEvictionPolicy\":{}}}",
            spec["selector"], spec["unhealthyPodEvictionPolicy"]
        );
        let message = format!("Invalid value: {shown}: minAvailable and maxUnavailable cannot be both set");
        faults.causes.push(Cause::new("FieldValueInvalid", "spec", message));
    }
    faults.share("spec.minAvailable", least);
    faults.share("spec.maxUnavailable", most);
    faults.selector("spec.selector", &spec["selector"]);
    faults.one_of(
        "spec.unhealthyPodEvictionPolicy",
        &spec["unhealthyPodEvictionPolicy"],
        &["AlwaysAllow", "IfHealthyBudget"],
    );
}

fn priority(live: Option<&Value>, faults: &mut Faults) {
    let object = faults.object;
    let name = text(&object["metadata"], "name");
    if name.starts_with("system-") {
        if !matches!(name, "system-node-critical" | "system-cluster-critical") {
            let why = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a known system priority class"
            );
            faults.forbidden("metadata.name", &why);
        }
    } else if object["value"].as_i64().is_some_and(|value| value > 1_000_000_000) {
        faults.forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
    }
    faults.one_of("preemptionPolicy", &object["preemptionPolicy"], &["PreemptLowerPriority", "Never"]);
    let number = |object: &Value| object["value"].as_i64().unwrap_or(0);
    if live.is_some_and(|live| number(live) != number(object)) {
        faults.forbidden("value", "may not be changed in an update.");
    }
}
