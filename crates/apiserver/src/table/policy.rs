//! Rows of who may do what, of limits and of the cluster's own settings.

use serde_json::Value;

use super::row::{Row, plain};
use crate::registry::Resource;
use crate::time;

pub fn cells(resource: &Resource, row: &Row) -> Option<Vec<Value>> {
    let mut cells = vec![row.name()];
    let or_absent = |pointer: &str| match row.at(pointer) {
        Value::Null => "N/A".into(),
        value => Value::from(plain(value)),
    };
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => {
            let role = format!("{}/{}", row.text("/roleRef/kind"), row.text("/roleRef/name"));
            cells.extend([role.into(), row.age()]);
            for kind in ["User", "Group", "ServiceAccount"] {
                let subjects = row.items("/subjects").iter().filter(|subject| subject["kind"] == kind);
                let names = subjects.map(|subject| {
                    let text = |key: &str| subject[key].as_str().unwrap_or_default();
                    match (kind, text("namespace")) {
                        ("ServiceAccount", ns) if !ns.is_empty() => format!("{ns}/{}", text("name")),
                        _ => text("name").to_owned(),
                    }
                });
                cells.push(names.collect::<Vec<_>>().join(", ").into());
            }
        }
        ("policy", "poddisruptionbudgets") => {
            cells.extend([or_absent("/spec/minAvailable"), or_absent("/spec/maxUnavailable")]);
            cells.extend([row.count("/status/disruptionsAllowed").into(), row.age()]);
        }
        ("networking.k8s.io", "networkpolicies") => {
            cells.extend([row.selector("/spec/podSelector"), row.age()]);
        }
        ("", "resourcequotas") => {
            let (mut requests, mut limits) = (Vec::new(), Vec::new());
            for (name, hard) in row.at("/status/hard").as_object().into_iter().flatten() {
                let used = row.at("/status/used")[name].as_str().unwrap_or("0");
                let one = format!("{name}: {used}/{}", plain(hard));
                if name.starts_with("limits.") { limits.push(one) } else { requests.push(one) }
            }
            cells.extend([requests.join(", ").into(), limits.join(", ").into(), row.age()]);
        }
        ("scheduling.k8s.io", "priorityclasses") => {
            cells.extend([row.count("/value").into(), row.truth("/globalDefault"), row.age()]);
            cells.push(row.text("/preemptionPolicy").into());
        }
        ("node.k8s.io", "runtimeclasses") => cells.extend([row.text("/handler").into(), row.age()]),
        ("coordination.k8s.io", "leases") => {
            cells.extend([row.text("/spec/holderIdentity").into(), row.age()]);
        }
        ("coordination.k8s.io", "leasecandidates") => {
            for field in ["leaseName", "binaryVersion", "emulationVersion"] {
                cells.push(row.text(&format!("/spec/{field}")).into());
            }
            cells.push(row.age());
        }
        ("admissionregistration.k8s.io", plural) => match plural {
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => {
                cells.extend([row.items("/webhooks").len().into(), row.age()]);
            }
            "validatingadmissionpolicies" | "mutatingadmissionpolicies" => {
                let rules = if plural.starts_with('v') { "/spec/validations" } else { "/spec/mutations" };
                let kind = row.at("/spec/paramKind");
                let shown = if kind.is_object() {
                    format!("{}/{}", plain(&kind["apiVersion"]), plain(&kind["kind"]))
                } else {
                    "<unset>".to_owned()
                };
                cells.extend([row.items(rules).len().into(), shown.into(), row.age()]);
            }
            _ => {
                let reference = row.at("/spec/paramRef");
                let text = |key: &str| reference[key].as_str().unwrap_or_default();
                let shown = match (text("name"), text("namespace")) {
                    ("", _) => "<unset>".to_owned(),
                    (name, "") => format!("*/{name}"),
                    (name, ns) => format!("{ns}/{name}"),
                };
                cells.extend([row.text("/spec/policyName").into(), shown.into(), row.age()]);
            }
        },
        ("certificates.k8s.io", "certificatesigningrequests") => {
            let seconds = row.at("/spec/expirationSeconds").as_i64();
            cells.extend([
                row.age(),
                row.text_or("/spec/signerName", "<none>"),
                row.text("/spec/username").into(),
            ]);
            cells.push(seconds.map_or_else(|| "<none>".into(), |seconds| time::age(seconds).into()));
            let conditions = row.items("/status/conditions");
            let has = |kind: &str| conditions.iter().any(|one| one["type"] == kind);
            let mut status = match (has("Denied"), has("Approved")) {
                (true, _) => "Denied",
                (false, true) => "Approved",
                _ => "Pending",
            }
            .to_owned();
            if has("Failed") {
                status.push_str(",Failed");
            }
            if !row.text("/status/certificate").is_empty() {
                status.push_str(",Issued");
            }
            cells.push(status.into());
        }
        ("certificates.k8s.io", "clustertrustbundles") => {
            cells.push(row.text_or("/spec/signerName", "<none>"));
        }
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => {
            cells.push(row.text_or("/spec/priorityLevelConfiguration/name", "<none>"));
            cells.push(row.count("/spec/matchingPrecedence").into());
            cells.extend([row.text_or("/spec/distinguisherMethod/type", "<none>"), row.age()]);
            let dangling = row.items("/status/conditions").iter().find(|one| one["type"] == "Dangling");
            cells.push(dangling.map_or_else(|| "?".into(), |one| one["status"].clone()));
        }
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => {
            let limited = row.at("/spec/limited");
            let queuing = &limited["limitResponse"]["queuing"];
            let or_none = |value: &Value| if value.is_null() { "<none>".into() } else { value.clone() };
            cells.extend([row.text("/spec/type").into(), or_none(&limited["nominalConcurrencyShares"])]);
            for field in ["queues", "handSize", "queueLengthLimit"] {
                cells.push(or_none(&queuing[field]));
            }
            cells.push(row.age());
        }
        ("networking.k8s.io", "servicecidrs") => {
            let ranges: Vec<String> = row.items("/spec/cidrs").iter().map(plain).collect();
            cells.extend([ranges.join(",").into(), row.age()]);
        }
        ("networking.k8s.io", "ipaddresses") => {
            let parent = row.at("/spec/parentRef");
            let parts = ["group", "resource", "namespace", "name"]
                .map(|key| parent[key].as_str().unwrap_or_default());
            let resource =
                if parts[0].is_empty() { parts[1].to_owned() } else { format!("{}.{}", parts[1], parts[0]) };
            let name =
                if parts[2].is_empty() { parts[3].to_owned() } else { format!("{}/{}", parts[2], parts[3]) };
            let shown = if parent.is_object() { format!("{resource}/{name}") } else { "<none>".to_owned() };
            cells.extend([shown.into(), row.age()]);
        }
        _ => return None,
    }
    Some(cells)
}
