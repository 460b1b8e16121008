//! Services with a selector: one EndpointSlice that names their Pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Deed, Plan, controlled_by};
use super::pods;
use super::world::World;
use crate::text;

const SERVICE: &str = "kubernetes.io/service-name";
/// Addresses of one slice.
const MOST: usize = 1000;

pub(super) fn plan(world: &World, service: &Value, _now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let selector = &service["spec"]["selector"];
    let has_selector = selector.as_object().is_some_and(|labels| !labels.is_empty());
    if super::plan::is_deleted(service) || !has_selector || service["spec"]["type"] == "ExternalName" {
        return plan;
    }
    let ns = text(service, "/metadata/namespace");
    let mut endpoints = Vec::new();
    let mut first = None;
    let pods = world.selected_pods(ns, selector);
    let has_address =
        |pod: &&std::sync::Arc<Value>| !pods::has_ended(pod) && pod["status"]["podIP"].is_string();
    for pod in pods.iter().filter(has_address).take(MOST) {
        first.get_or_insert(pod);
        let (ready, going) = (pods::is_ready(pod), world.is_going(pod));
        endpoints.push(json!({
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": ready && !going, "serving": ready, "terminating": going},
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": {"kind": "Pod", "namespace": ns, "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]},
        }));
    }
    let ports: Vec<Value> = service["spec"]["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|port| {
            let number = first.map_or_else(|| port["targetPort"].as_i64(), |pod| number_of(port, pod))?;
            let name = port["name"].as_str().unwrap_or_default();
            Some(json!({"name": name, "port": number, "protocol": port["protocol"]}))
        })
        .collect();
    let known = world.controlled(service, "EndpointSlice").into_iter().find(|slice| !world.is_going(slice));
    let (endpoints, ports) = (Value::from(endpoints), Value::from(ports));
    match known {
        Some(slice) => {
            let is_same = |key: &str, wanted: &Value| {
                let none = wanted.as_array().is_some_and(Vec::is_empty) && slice[key].is_null();
                none || slice[key] == *wanted
            };
            if !is_same("endpoints", &endpoints) || (first.is_some() && !is_same("ports", &ports)) {
                let patch = json!({"endpoints": endpoints, "ports": ports});
                plan.deeds.push(Deed::patch("EndpointSlice", &slice, "", patch));
            }
        }
        None => {
            let name = text(service, "/metadata/name");
            let mut labels = service["metadata"]["labels"].as_object().cloned().unwrap_or_default();
            labels.insert(SERVICE.into(), name.into());
            labels.insert(
                "endpointslice.kubernetes.io/managed-by".into(),
                "endpointslice-controller.k8s.io".into(),
            );
            let object = json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {
                    "generateName": format!("{name}-"), "namespace": ns, "labels": labels,
                    "ownerReferences": controlled_by("v1", "Service", service),
                },
                "endpoints": endpoints, "ports": ports,
            });
            plan.deeds.push(Deed::Create { kind: "EndpointSlice", object });
        }
    }
    plan
}

/// The number of a port, looked up in the Pod where it is a name.
fn number_of(port: &Value, pod: &Value) -> Option<i64> {
    let target = &port["targetPort"];
    if let Some(name) = target.as_str() {
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let mut ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
        return ports.find(|port| port["name"] == name)?["containerPort"].as_i64();
    }
    target.as_i64().or_else(|| port["port"].as_i64())
}
