//! Services.

use std::collections::BTreeSet;

use serde_json::Value;

use super::faults::{CIDR, Faults, IP, items, text};
use crate::registry::Resource;
use crate::status::Cause;

pub fn check(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    if !resource.is("", "services") {
        return;
    }
    let spec = &faults.object["spec"];
    let kind = text(spec, "type");
    let is_headless = spec["clusterIP"] == "None";
    let ports = items(spec, "ports");
    if kind == "ExternalName" {
        let name = &spec["externalName"];
        if text(spec, "externalName").is_empty() {
            faults.required("spec.externalName", "");
        } else {
            faults.subdomain("spec.externalName", name);
        }
    } else if ports.is_empty() && !is_headless {
        faults.required("spec.ports", "");
    }
    each_port(ports, kind, faults);
    faults.labels("spec.selector", &spec["selector"]);
    faults.one_of("spec.sessionAffinity", &spec["sessionAffinity"], &["ClientIP", "None"]);
    let seconds = &spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"];
    if seconds.as_i64().is_some_and(|seconds| !(1..=86_400).contains(&seconds)) {
        let why = "must be greater than 0 and less than 86400";
        faults.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, why);
    }
    addresses(spec, kind, live, faults);
    faults.one_of("spec.type", &spec["type"], &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    let is_outside = matches!(kind, "NodePort" | "LoadBalancer") || !items(spec, "externalIPs").is_empty();
    let policy = &spec["externalTrafficPolicy"];
    if !policy.is_null() && !is_outside {
        faults.invalid(
            "spec.externalTrafficPolicy",
            policy,
            "may only be set for externally-accessible services",
        );
    } else {
        faults.one_of("spec.externalTrafficPolicy", policy, &["Cluster", "Local"]);
    }
    for (index, one) in items(spec, "loadBalancerSourceRanges").iter().enumerate() {
        if !super::network::is_range(one.as_str().unwrap_or_default()) {
            faults.invalid(format_args!("spec.LoadBalancerSourceRanges[{index}]"), one, CIDR);
        }
    }
    let class = text(spec, "loadBalancerClass");
    if !class.is_empty() {
        if kind == "LoadBalancer" {
            faults.qualified("spec.loadBalancerClass", class);
        } else {
            faults.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'");
        }
    }
    faults.one_of("spec.internalTrafficPolicy", &spec["internalTrafficPolicy"], &["Cluster", "Local"]);
    let spreads = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    faults.one_of("spec.trafficDistribution", &spec["trafficDistribution"], &spreads);
}

fn each_port(ports: &[Value], kind: &str, faults: &mut Faults) {
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let at = |key: &str| format!("{path}.{key}");
        let name = text(port, "name");
        if name.is_empty() && ports.len() > 1 {
            faults.required(at("name"), "");
        } else if !name.is_empty() {
            let before = faults.causes.len();
            faults.label(at("name"), &port["name"]);
            if faults.causes.len() == before && !names.insert(name) {
                faults.duplicate(at("name"), &port["name"]);
            }
        }
        let number = if port["port"].is_null() { Value::from(0) } else { port["port"].clone() };
        faults.port(at("port"), &number);
        faults.one_of(at("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
        faults.port(at("targetPort"), &port["targetPort"]);
        if kind == "ClusterIP" && port["nodePort"].as_i64().unwrap_or(0) != 0 {
            faults.forbidden(at("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
        if !numbers.insert((text(port, "protocol"), number.as_i64())) && ports.len() > 1 {
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}",
                port["protocol"]
            );
            faults.causes.push(Cause::new("FieldValueDuplicate", &path, format!("Duplicate value: {shown}")));
        }
    }
}

fn addresses(spec: &Value, kind: &str, live: Option<&Value>, faults: &mut Faults) {
    for (index, one) in items(spec, "externalIPs").iter().enumerate() {
        let path = format!("spec.externalIPs[{index}]");
        faults.address(&path, one);
        let parsed: Option<std::net::IpAddr> = one.as_str().and_then(|text| text.parse().ok());
        if parsed.is_some_and(|address| address.is_loopback()) {
            faults.invalid(&path, one, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
        }
    }
    for (index, one) in items(spec, "ipFamilies").iter().enumerate() {
        faults.one_of(format_args!("spec.ipFamilies[{index}]"), one, &["IPv4", "IPv6"]);
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    faults.one_of("spec.ipFamilyPolicy", &spec["ipFamilyPolicy"], &policies);
    let address = text(spec, "clusterIP");
    let before = live.map(|live| text(&live["spec"], "clusterIP")).unwrap_or_default();
    if address == "None" {
        if matches!(kind, "NodePort" | "LoadBalancer") {
            let why = format!("may not be set to 'None' for {kind} services");
            faults.invalid("spec.clusterIPs[0]", &spec["clusterIP"], &why);
        }
    } else if !address.is_empty() && address.parse::<std::net::IpAddr>().is_err() {
        faults.invalid("spec.clusterIPs[0]", &spec["clusterIP"], IP);
    } else if !address.is_empty() && before.is_empty() && !address.starts_with("10.0.") {
        let why = format!(
            "failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is 10.0.0.0/16"
        );
        faults.invalid("spec.clusterIPs", &serde_json::json!([address]), &why);
    }
    let was = live.map(|live| text(&live["spec"], "type")).unwrap_or_default();
    if !before.is_empty() && was != "ExternalName" && kind != "ExternalName" && address != before {
        faults.invalid("spec.clusterIPs[0]", &serde_json::json!([address]), "may not change once set");
    }
}
