//! Rows of workloads, of what leads to them, and of the small kinds of the core.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pod;
use super::row::{Row, plain, shortened, since};
use crate::act::selector_text;
use crate::registry::Resource;
use crate::time;

pub fn cells(resource: &Resource, row: &Row) -> Option<Vec<Value>> {
    const TEMPLATE: &str = "/spec/template/spec";
    let count = |pointer: &str| Value::from(row.count(pointer));
    let mut cells = vec![row.name()];
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => return Some(pod::cells(row)),
        ("apps", "deployments") => {
            let ready = format!("{}/{}", row.count("/status/readyReplicas"), row.count("/spec/replicas"));
            cells.extend([
                ready.into(),
                count("/status/updatedReplicas"),
                count("/status/availableReplicas"),
            ]);
            cells.push(row.age());
            cells.extend(row.containers(TEMPLATE));
            cells.push(selector_text(row.at("/spec/selector")).into());
        }
        ("apps", "replicasets") | ("", "replicationcontrollers") => {
            cells.extend([
                count("/spec/replicas"),
                count("/status/replicas"),
                count("/status/readyReplicas"),
            ]);
            cells.push(row.age());
            cells.extend(row.containers(TEMPLATE));
            let of_labels = resource.group.is_empty();
            cells.push(if of_labels { row.labels("/spec/selector") } else { row.selector("/spec/selector") });
        }
        ("apps", "statefulsets") => {
            let ready = format!("{}/{}", row.count("/status/readyReplicas"), row.count("/spec/replicas"));
            cells.extend([ready.into(), row.age()]);
            cells.extend(row.containers(TEMPLATE));
        }
        ("apps", "daemonsets") => {
            for field in [
                "desiredNumberScheduled",
                "currentNumberScheduled",
                "numberReady",
                "updatedNumberScheduled",
                "numberAvailable",
            ] {
                cells.push(count(&format!("/status/{field}")));
            }
            cells.extend([row.labels("/spec/template/spec/nodeSelector"), row.age()]);
            cells.extend(row.containers(TEMPLATE));
            cells.push(row.selector("/spec/selector"));
        }
        ("apps", "controllerrevisions") => {
            let owners = row.items("/metadata/ownerReferences");
            let owner = owners.iter().find(|owner| owner["controller"] == true).map(|owner| {
                let text = |key: &str| owner[key].as_str().unwrap_or_default();
                let group = text("apiVersion")
                    .split_once('/')
                    .map_or_else(String::new, |(group, _)| format!(".{group}"));
                format!("{}{group}/{}", text("kind").to_lowercase(), text("name"))
            });
            cells.push(owner.unwrap_or_else(|| "<none>".to_owned()).into());
            cells.extend([count("/revision"), row.age()]);
        }
        ("batch", "jobs") => cells.extend(job(row)),
        ("batch", "cronjobs") => {
            cells.extend([row.text("/spec/schedule").into(), row.text_or("/spec/timeZone", "<none>")]);
            let suspend = row.at("/spec/suspend").as_bool().map(|truth| if truth { "True" } else { "False" });
            cells.push(suspend.unwrap_or("<unset>").into());
            cells.push(row.items("/status/active").len().into());
            let last = row.at("/status/lastScheduleTime");
            cells.push(if last.is_null() { "<none>".into() } else { since(last, row.now).into() });
            cells.push(row.age());
            cells.extend(row.containers("/spec/jobTemplate/spec/template/spec"));
            cells.push(row.selector("/spec/jobTemplate/spec/selector"));
        }
        ("", "podtemplates") => {
            cells.extend(row.containers("/template/spec"));
            cells.push(row.labels("/template/metadata/labels"));
        }
        ("", "services") => cells.extend(service(row)),
        ("", "namespaces") => cells.extend([row.text("/status/phase").into(), row.age()]),
        ("", "secrets") => cells.extend([row.text("/type").into(), row.length("/data").into(), row.age()]),
        ("", "configmaps") => {
            cells.extend([(row.length("/data") + row.length("/binaryData")).into(), row.age()]);
        }
        ("", "serviceaccounts") => cells.push(row.age()),
        ("", "nodes") => cells.extend(node(row)),
        ("", "endpoints") => cells.extend([endpoints(row), row.age()]),
        ("", "events") | ("events.k8s.io", "events") => return Some(event(row)),
        ("discovery.k8s.io", "endpointslices") => {
            let ports = row.items("/ports").iter().map(|port| match (&port["port"], port["name"].as_str()) {
                (Value::Number(number), _) => number.to_string(),
                (_, Some(name)) => name.to_owned(),
                _ => "*".to_owned(),
            });
            let addresses = row
                .items("/endpoints")
                .iter()
                .flat_map(|one| one["addresses"].as_array().into_iter().flatten());
            let or_unset = |texts: Vec<String>| {
                if texts.is_empty() { "<unset>".into() } else { Value::from(shortened(&texts, 3)) }
            };
            cells.extend([row.text("/addressType").into(), or_unset(ports.collect())]);
            cells.extend([or_unset(addresses.map(plain).collect()), row.age()]);
        }
        ("networking.k8s.io", "ingresses") => {
            let rules = row.items("/spec/rules");
            let hosts =
                rules.iter().take(3).filter_map(|rule| rule["host"].as_str()).filter(|host| !host.is_empty());
            let hosts: Vec<&str> = hosts.collect();
            let mut shown = if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") };
            if hosts.len() == 3 && rules.len() > 3 {
                shown = format!("{shown} + {} more...", rules.len() - 3);
            }
            cells.extend([
                row.text_or("/spec/ingressClassName", "<none>"),
                shown.into(),
                balancer(row).into(),
            ]);
            let ports = if row.items("/spec/tls").is_empty() { "80" } else { "80, 443" };
            cells.extend([ports.into(), row.age()]);
        }
        ("autoscaling", "horizontalpodautoscalers") => {
            let target = &row.at("/spec/scaleTargetRef");
            let text = |key: &str| target[key].as_str().unwrap_or_default();
            let least = row.at("/spec/minReplicas");
            cells.push(format!("{}/{}", text("kind"), text("name")).into());
            cells.push(metrics(row).into());
            cells.push(if least.is_null() { "<unset>".into() } else { least.to_string().into() });
            cells.extend([count("/spec/maxReplicas"), count("/status/currentReplicas"), row.age()]);
        }
        _ => return None,
    }
    Some(cells)
}

fn job(row: &Row) -> Vec<Value> {
    let done = row.count("/status/succeeded");
    let completions = match (row.at("/spec/completions").as_i64(), row.count("/spec/parallelism")) {
        (Some(wanted), _) => format!("{done}/{wanted}"),
        (None, parallelism) if parallelism > 1 => format!("{done}/1 of {parallelism}"),
        _ => format!("{done}/1"),
    };
    let time = |pointer: &str| row.at(pointer).as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let duration = time("/status/startTime").map_or_else(String::new, |start| {
        let end = time("/status/completionTime").unwrap_or(row.now);
        time::age(end.as_second() - start.as_second())
    });
    let conditions = row.items("/status/conditions");
    let holds = |kind: &str| conditions.iter().any(|one| one["type"] == kind && one["status"] == "True");
    let status = if holds("Complete") {
        "Complete"
    } else if holds("Failed") {
        "Failed"
    } else if row.at("/metadata/deletionTimestamp").is_string() {
        "Terminating"
    } else {
        let others = [
            ("Suspended", "Suspended"),
            ("FailureTarget", "FailureTarget"),
            ("SuccessCriteriaMet", "SuccessCriteriaMet"),
        ];
        others.iter().find(|(kind, _)| holds(kind)).map_or("Running", |(_, shown)| shown)
    };
    let mut cells = vec![status.into(), completions.into(), duration.into(), row.age()];
    cells.extend(row.containers("/spec/template/spec"));
    cells.push(row.selector("/spec/selector"));
    cells
}

/// Addresses that a load balancer has given, in order.
fn balancer(row: &Row) -> String {
    let given = row.items("/status/loadBalancer/ingress").iter();
    let texts: BTreeSet<&str> =
        given.filter_map(|one| one["ip"].as_str().or_else(|| one["hostname"].as_str())).collect();
    texts.into_iter().collect::<Vec<_>>().join(",")
}

fn service(row: &Row) -> Vec<Value> {
    let kind = row.text("/spec/type");
    let mut external: Vec<String> = row.items("/spec/externalIPs").iter().map(plain).collect();
    let outside = match kind {
        "ClusterIP" | "NodePort" if external.is_empty() => "<none>".to_owned(),
        "ClusterIP" | "NodePort" => external.join(","),
        "LoadBalancer" => {
            let given = balancer(row);
            if !given.is_empty() {
                external.insert(0, given);
            }
            if external.is_empty() { "<pending>".to_owned() } else { external.join(",") }
        }
        "ExternalName" => row.text("/spec/externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    };
    let ports = row.items("/spec/ports").iter().map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or_default();
        match port["nodePort"].as_i64() {
            Some(node) if node > 0 => format!("{}:{node}/{protocol}", port["port"]),
            _ => format!("{}/{protocol}", port["port"]),
        }
    });
    let ports: Vec<String> = ports.collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    vec![
        kind.into(),
        row.text_or("/spec/clusterIPs/0", "<none>"),
        outside.into(),
        ports.into(),
        row.age(),
        row.labels("/spec/selector"),
    ]
}

fn node(row: &Row) -> Vec<Value> {
    let ready = row.items("/status/conditions").iter().find(|one| one["type"] == "Ready");
    let mut status = match ready {
        Some(one) if one["status"] == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if row.at("/spec/unschedulable") == true {
        status.push_str(",SchedulingDisabled");
    }
    let labels = row.at("/metadata/labels").as_object().into_iter().flatten();
    let roles: BTreeSet<&str> = labels
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role).filter(|role| !role.is_empty()),
            None if key == "kubernetes.io/role" => value.as_str().filter(|role| !role.is_empty()),
            None => None,
        })
        .collect();
    let roles = roles.into_iter().collect::<Vec<_>>().join(",");
    let address = |kind: &str| {
        let found = row.items("/status/addresses").iter().find(|one| one["type"] == kind);
        found.map_or_else(|| "<none>".into(), |one| one["address"].clone())
    };
    let info = |field: &str| row.text_or(&format!("/status/nodeInfo/{field}"), "<unknown>");
    let mut kernel = plain(&info("kernelVersion"));
    let architecture = row.text("/status/nodeInfo/architecture");
    if !architecture.is_empty() {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        status.into(),
        if roles.is_empty() { "<none>".into() } else { roles.into() },
        row.age(),
        row.text("/status/nodeInfo/kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        kernel.into(),
        info("containerRuntimeVersion"),
    ]
}

fn endpoints(row: &Row) -> Value {
    let mut all = Vec::new();
    for subset in row.items("/subsets") {
        let list = |key: &str| subset[key].as_array().cloned().unwrap_or_default();
        let (ports, addresses) = (list("ports"), list("addresses"));
        let address = |one: &Value| one["ip"].as_str().unwrap_or_default().to_owned();
        if ports.is_empty() {
            all.extend(addresses.iter().map(address));
        }
        for port in &ports {
            all.extend(addresses.iter().map(|one| {
                let ip = address(one);
                if ip.contains(':') {
                    format!("[{ip}]:{}", port["port"])
                } else {
                    format!("{ip}:{}", port["port"])
                }
            }));
        }
    }
    if all.is_empty() { "<none>".into() } else { shortened(&all, 3).into() }
}

fn event(row: &Row) -> Vec<Value> {
    // Of events.k8s.io the same fields have other names.
    let either = |core: &str, other: &str| {
        let value = row.at(core);
        if value.is_null() { row.at(other) } else { value }
    };
    let first = match either("/firstTimestamp", "/deprecatedFirstTimestamp") {
        Value::Null => row.since("/eventTime"),
        time => since(time, row.now),
    };
    let mut last = match either("/lastTimestamp", "/deprecatedLastTimestamp") {
        Value::Null => first.clone(),
        time => since(time, row.now),
    };
    let mut count = either("/count", "/deprecatedCount").as_i64().unwrap_or(0).max(1);
    if row.at("/series").is_object() {
        last = row.since("/series/lastObservedTime");
        count = row.count("/series/count");
    }
    let about = either("/involvedObject", "/regarding");
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut target = text(about, "kind").to_lowercase();
    if !text(about, "name").is_empty() {
        target = format!("{target}/{}", text(about, "name"));
    }
    let source = either("/source", "/deprecatedSource");
    let or = |first: String, second: &str| if first.is_empty() { row.text(second).to_owned() } else { first };
    let component = or(
        text(source, "component"),
        if row.at("/reportingComponent").is_null() { "/reportingController" } else { "/reportingComponent" },
    );
    let instance = or(text(source, "host"), "/reportingInstance");
    let source = if instance.is_empty() { component } else { format!("{component}, {instance}") };
    let message = either("/message", "/note").as_str().unwrap_or_default().trim().to_owned();
    vec![
        last.into(),
        row.text("/type").into(),
        row.text("/reason").into(),
        target.into(),
        text(about, "fieldPath").into(),
        source.into(),
        message.into(),
        first.into(),
        count.into(),
        row.name(),
    ]
}

fn metrics(row: &Row) -> String {
    let specs = row.items("/spec/metrics");
    if specs.is_empty() {
        return "<none>".to_owned();
    }
    let shown = specs.iter().enumerate().map(|(at, spec)| {
        let status = row.at(&format!("/status/currentMetrics/{at}"));
        let kind = spec["type"].as_str().unwrap_or_default();
        let key = format!(
            "{}{}",
            kind.get(..1).unwrap_or_default().to_lowercase(),
            kind.get(1..).unwrap_or_default()
        );
        let (target, current) = (&spec[&key]["target"], &status[&key]["current"]);
        let found = |field: &str| {
            if current[field].is_null() { "<unknown>".to_owned() } else { plain(&current[field]) }
        };
        let name = spec[&key]["name"].as_str().unwrap_or_default();
        match kind {
            "Resource" | "ContainerResource" if !target["averageValue"].is_null() => {
                format!("{name}: {}/{}", found("averageValue"), plain(&target["averageValue"]))
            }
            "Resource" | "ContainerResource" => {
                let percent = |value: &Value, otherwise: &str| {
                    value.as_i64().map_or_else(|| otherwise.to_owned(), |number| format!("{number}%"))
                };
                let now = percent(&current["averageUtilization"], "<unknown>");
                format!("{name}: {now}/{}", percent(&target["averageUtilization"], "<auto>"))
            }
            "Pods" => format!("{}/{}", found("averageValue"), plain(&target["averageValue"])),
            "Object" | "External" if !target["averageValue"].is_null() => {
                format!("{}/{} (avg)", found("averageValue"), plain(&target["averageValue"]))
            }
            "Object" | "External" => format!("{}/{}", found("value"), plain(&target["value"])),
            _ => "<unknown type>".to_owned(),
        }
    });
    let shown: Vec<String> = shown.collect();
    let text = shown[..shown.len().min(2)].join(", ");
    if shown.len() > 2 { format!("{text} + {} more...", shown.len() - 2) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_shows_what_is_outside() {
        let now = "2026-01-01T00:01:00Z".parse().expect("a time");
        let object = json!({
            "metadata": { "name": "web", "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "type": "LoadBalancer", "clusterIPs": ["10.0.0.1"], "ports": [
                { "port": 80, "protocol": "TCP", "nodePort": 30000 }, { "port": 53, "protocol": "UDP" },
            ] },
        });
        let cells = service(&Row { object: &object, now });
        assert_eq!(cells, ["LoadBalancer", "10.0.0.1", "<pending>", "80:30000/TCP,53/UDP", "60s", "<none>"]);
    }
}
