//! Ingresses, their classes, and NetworkPolicies.

use std::net::IpAddr;

use serde_json::Value;

use super::faults::{CIDR, Faults, items, port_name, text};
use crate::registry::Resource;

pub fn check(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    if resource.group != "networking.k8s.io" {
        return;
    }
    let spec = &faults.object["spec"];
    match resource.plural.as_str() {
        "ingresses" => ingress(spec, faults),
        "networkpolicies" => policy(spec, faults),
        "ingressclasses" => class(spec, live, faults),
        _ => {}
    }
}

fn ingress(spec: &Value, faults: &mut Faults) {
    if items(spec, "rules").is_empty() && spec["defaultBackend"].is_null() {
        faults.invalid("spec", &Value::Null, "either `defaultBackend` or `rules` must be specified");
    }
    if spec["defaultBackend"].is_object() {
        backend("spec.defaultBackend", &spec["defaultBackend"], faults);
    }
    for (index, rule) in items(spec, "rules").iter().enumerate() {
        let path = format!("spec.rules[{index}]");
        let host = text(rule, "host");
        if host.parse::<IpAddr>().is_ok() {
            faults.invalid(
                format_args!("{path}.host"),
                &rule["host"],
                "must be a DNS name, not an IP address",
            );
        } else if !host.is_empty() {
            faults.wildcard(format_args!("{path}.host"), &rule["host"]);
        }
        if rule["http"].is_object() {
            paths(&format!("{path}.http.paths"), items(&rule["http"], "paths"), faults);
        }
    }
    for (index, tls) in items(spec, "tls").iter().enumerate() {
        for (at, host) in items(tls, "hosts").iter().enumerate() {
            faults.wildcard(format_args!("spec.tls[{index}].hosts[{at}]"), host);
        }
        if !text(tls, "secretName").is_empty() {
            faults.subdomain(format_args!("spec.tls[{index}].secretName"), &tls["secretName"]);
        }
    }
    if !text(spec, "ingressClassName").is_empty() {
        faults.subdomain("spec.ingressClassName", &spec["ingressClassName"]);
    }
}

fn paths(path: &str, paths: &[Value], faults: &mut Faults) {
    if paths.is_empty() {
        faults.required(path, "");
    }
    for (index, one) in paths.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let (given, field) = (text(one, "path"), format!("{at}.path"));
        let shown = Value::from(given);
        let kind = &one["pathType"];
        match kind.as_str() {
            None | Some("") => faults.required(format_args!("{at}.pathType"), "pathType must be specified"),
            Some("Exact" | "Prefix") => {
                if given.starts_with('/') {
                    for part in ["//", "/./", "/../", "%2f", "%2F"] {
                        if given.contains(part) {
                            faults.invalid(&field, &shown, &format!("must not contain '{part}'"));
                        }
                    }
                    for end in ["/..", "/."] {
                        if given.ends_with(end) {
                            faults.invalid(&field, &shown, &format!("cannot end with '{end}'"));
                        }
                    }
                } else {
                    faults.invalid(&field, &shown, "must be an absolute path");
                }
            }
            Some("ImplementationSpecific") => {
                if !given.is_empty() && !given.starts_with('/') {
                    faults.invalid(&field, &shown, "must be an absolute path");
                }
            }
            Some(_) => {
                let known = ["Exact", "ImplementationSpecific", "Prefix"];
                faults.one_of(format_args!("{at}.pathType"), kind, &known);
            }
        }
        backend(&format!("{at}.backend"), &one["backend"], faults);
    }
}

fn backend(path: &str, backend: &Value, faults: &mut Faults) {
    let (service, resource) = (&backend["service"], &backend["resource"]);
    let nothing = Value::from("");
    match (service.is_object(), resource.is_object()) {
        (true, true) => faults.invalid(path, &nothing, "cannot set both resource and service backends"),
        (false, false) => faults.invalid(path, &nothing, "resource or service backend is required"),
        (false, true) => {
            for key in ["kind", "name"] {
                if text(resource, key).is_empty() {
                    faults.required(format_args!("{path}.resource.{key}"), "");
                }
            }
        }
        (true, false) => {
            if text(service, "name").is_empty() {
                faults.required(format_args!("{path}.service.name"), "");
            } else {
                faults.label(format_args!("{path}.service.name"), &service["name"]);
            }
            let port = &service["port"];
            let (name, number) = (text(port, "name"), port["number"].as_i64().unwrap_or(0));
            if !name.is_empty() && number != 0 {
                faults.invalid(path, &nothing, "cannot set both port name & port number");
            } else if !name.is_empty() {
                for why in port_name(name) {
                    faults.invalid(format_args!("{path}.service.port.name"), &port["name"], why);
                }
            } else if number == 0 {
                faults.required(path, "port name or number is required");
            } else {
                faults.port(format_args!("{path}.service.port.number"), &port["number"]);
            }
        }
    }
}

fn class(spec: &Value, live: Option<&Value>, faults: &mut Faults) {
    let controller = &spec["controller"];
    match live.map(|live| &live["spec"]["controller"]) {
        Some(before) if before != controller => {
            faults.invalid("spec.controller", controller, "field is immutable");
        }
        Some(_) => {}
        None => match controller.as_str().unwrap_or_default() {
            "" => faults.required("spec.controller", ""),
            text if !text.contains('/') => {
                let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
                faults.invalid("spec.controller", controller, why);
            }
            _ => {}
        },
    }
    let parameters = &spec["parameters"];
    if parameters["scope"] == "Namespace" && text(parameters, "namespace").is_empty() {
        faults.required("spec.parameters.namespace", "`parameters.scope` is set to 'Namespace'");
    }
}

fn policy(spec: &Value, faults: &mut Faults) {
    faults.selector("spec.podSelector", &spec["podSelector"]);
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in items(spec, rules).iter().enumerate() {
            let path = format!("spec.{rules}[{index}]");
            for (at, port) in items(rule, "ports").iter().enumerate() {
                policy_port(&format!("{path}.ports[{at}]"), port, faults);
            }
            for (at, peer) in items(rule, peers).iter().enumerate() {
                policy_peer(&format!("{path}.{peers}[{at}]"), peer, faults);
            }
        }
    }
    let types = items(spec, "policyTypes");
    if types.len() > 2 {
        faults.invalid("spec.policyTypes", &spec["policyTypes"], "may not specify more than two policyTypes");
        return;
    }
    for (index, one) in types.iter().enumerate() {
        faults.one_of(format_args!("spec.policyTypes[{index}]"), one, &["Ingress", "Egress"]);
    }
}

fn policy_port(path: &str, port: &Value, faults: &mut Faults) {
    faults.one_of(format_args!("{path}.protocol"), &port["protocol"], &["TCP", "UDP", "SCTP"]);
    faults.port(format_args!("{path}.port"), &port["port"]);
    let end = &port["endPort"];
    if let Some(number) = end.as_i64() {
        let at = format!("{path}.endPort");
        match port["port"].as_i64() {
            None => faults.invalid(&at, end, "may not be specified when `port` is not specified"),
            Some(_) if number < port["port"].as_i64().unwrap_or(0) => {
                // The real server shows the beginning of the range.
                faults.invalid(&at, &port["port"], "must be greater than or equal to `port`");
            }
            Some(_) => {}
        }
    }
}

fn policy_peer(path: &str, peer: &Value, faults: &mut Faults) {
    let has = |key: &str| peer[key].is_object();
    for key in ["podSelector", "namespaceSelector"] {
        faults.selector(format_args!("{path}.{key}"), &peer[key]);
    }
    if !has("podSelector") && !has("namespaceSelector") && !has("ipBlock") {
        faults.required(path, "must specify a peer");
    } else if has("ipBlock") && (has("podSelector") || has("namespaceSelector")) {
        faults.forbidden(path, "may not specify both ipBlock and another peer");
    } else if has("ipBlock") {
        let block = &peer["ipBlock"];
        let at = format!("{path}.ipBlock");
        let Some(whole) = range(text(block, "cidr")) else {
            faults.invalid(format_args!("{at}.cidr"), &block["cidr"], CIDR);
            return;
        };
        for (index, one) in items(block, "except").iter().enumerate() {
            let path = format!("{at}.except[{index}]");
            match range(one.as_str().unwrap_or_default()) {
                None => faults.invalid(&path, one, CIDR),
                Some(part) if !is_inside(part, whole) => {
                    faults.invalid(&path, one, "must be a strict subset of `cidr`");
                }
                Some(_) => {}
            }
        }
    }
}

pub fn is_range(text: &str) -> bool {
    range(text).is_some()
}

/// `10.0.0.0/8`.
fn range(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some((address, bits))
}

fn is_inside((part, inner): (IpAddr, u8), (whole, outer): (IpAddr, u8)) -> bool {
    let (part, whole, width) = match (part, whole) {
        (IpAddr::V4(part), IpAddr::V4(whole)) => {
            (u128::from(part.to_bits()), u128::from(whole.to_bits()), 32_u32)
        }
        (IpAddr::V6(part), IpAddr::V6(whole)) => (part.to_bits(), whole.to_bits(), 128),
        _ => return false,
    };
    let shift = width - u32::from(outer);
    let above = |bits: u128| if shift >= 128 { 0 } else { bits >> shift };
    inner > outer && above(part) == above(whole)
}
