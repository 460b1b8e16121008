//! What built-in kinds take as given beyond their schemas' defaults, and what they set themselves.

mod cluster;

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::admit;
use crate::core::Core;
use crate::custom;
use crate::registry::Resource;

/// Built-in kinds whose metadata counts generations.
const GENERATIONS: &[(&str, &str)] = &[
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingresses"),
    ("networking.k8s.io", "ingressclasses"),
    ("networking.k8s.io", "networkpolicies"),
    ("policy", "poddisruptionbudgets"),
    ("", "pods"),
    ("", "podtemplates"),
    ("", "replicationcontrollers"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
    ("discovery.k8s.io", "endpointslices"),
    ("resource.k8s.io", "deviceclasses"),
];

pub fn has_generation(resource: &Resource) -> bool {
    GENERATIONS.iter().any(|(group, plural)| resource.is(group, plural))
}

/// Sets a field that is absent.
fn or(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    if map.get(key).is_none_or(|known| known.is_null() || known == "") {
        map.insert(key.to_owned(), value.into());
    }
}

fn at<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let found = path.iter().try_fold(value, |value, key| value.get_mut(*key))?;
    found.as_object_mut()
}

/// The defaults of a built-in kind.
pub fn set(resource: &Resource, object: &mut Value) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => {
            pod(object);
            admit::defaults(object);
        }
        ("apps", "deployments") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "replicas", 1);
                or(spec, "revisionHistoryLimit", 10);
                or(spec, "progressDeadlineSeconds", 600);
                let strategy = spec.entry("strategy").or_insert_with(|| json!({}));
                if let Value::Object(strategy) = strategy {
                    or(strategy, "type", "RollingUpdate");
                    if strategy["type"] == "RollingUpdate" {
                        let rolling = strategy.entry("rollingUpdate").or_insert_with(|| json!({}));
                        if let Value::Object(rolling) = rolling {
                            or(rolling, "maxUnavailable", "25%");
                            or(rolling, "maxSurge", "25%");
                        }
                    }
                }
            }
            template(object, &["spec", "template"]);
        }
        ("", "podtemplates") => template(object, &["template"]),
        ("", "replicationcontrollers") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "replicas", 1);
            }
            template(object, &["spec", "template"]);
        }
        ("apps", "replicasets") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "replicas", 1);
            }
            template(object, &["spec", "template"]);
        }
        ("apps", "statefulsets") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "replicas", 1);
                or(spec, "revisionHistoryLimit", 10);
                or(spec, "podManagementPolicy", "OrderedReady");
                claims(spec);
                if let Value::Object(strategy) = spec.entry("updateStrategy").or_insert_with(|| json!({})) {
                    or(strategy, "type", "RollingUpdate");
                    if strategy["type"] == "RollingUpdate" {
                        let rolling = strategy.entry("rollingUpdate").or_insert_with(|| json!({}));
                        rolling.as_object_mut().into_iter().for_each(|rolling| or(rolling, "partition", 0));
                    }
                }
                let keep = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
                or(spec, "persistentVolumeClaimRetentionPolicy", keep);
            }
            template(object, &["spec", "template"]);
        }
        ("apps", "daemonsets") => {
            let annotations = &mut object["metadata"]["annotations"];
            if !annotations.is_object() {
                *annotations = json!({});
            }
            if annotations["deprecated.daemonset.template.generation"].is_null() {
                annotations["deprecated.daemonset.template.generation"] = "1".into();
            }
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "revisionHistoryLimit", 10);
                if let Value::Object(strategy) = spec.entry("updateStrategy").or_insert_with(|| json!({})) {
                    or(strategy, "type", "RollingUpdate");
                    if strategy["type"] == "RollingUpdate" {
                        let rolling = strategy.entry("rollingUpdate").or_insert_with(|| json!({}));
                        if let Value::Object(rolling) = rolling {
                            or(rolling, "maxUnavailable", 1);
                            or(rolling, "maxSurge", 0);
                        }
                    }
                }
            }
            template(object, &["spec", "template"]);
        }
        ("batch", "jobs") => {
            job(object, &["spec"]);
            let labels = object["spec"]["template"]["metadata"]["labels"].clone();
            if object["metadata"]["labels"].is_null() && labels.is_object() {
                object["metadata"]["labels"] = labels;
            }
        }
        ("batch", "cronjobs") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "concurrencyPolicy", "Allow");
                or(spec, "suspend", false);
                or(spec, "successfulJobsHistoryLimit", 3);
                or(spec, "failedJobsHistoryLimit", 1);
            }
            template(object, &["spec", "jobTemplate", "spec", "template"]);
        }
        ("", "services") => service(object),
        ("", "secrets") => {
            if let Value::Object(fields) = object {
                or(fields, "type", "Opaque");
                if let Some(Value::Object(texts)) = fields.remove("stringData") {
                    use base64::Engine;
                    let packed = fields.entry("data").or_insert_with(|| json!({}));
                    for (key, text) in texts {
                        let text = text.as_str().unwrap_or_default();
                        packed[key] = base64::engine::general_purpose::STANDARD.encode(text).into();
                    }
                }
            }
        }
        ("", "namespaces") => {
            let name = object["metadata"]["name"].clone();
            let labels = &mut object["metadata"]["labels"];
            if !labels.is_object() {
                *labels = json!({});
            }
            labels["kubernetes.io/metadata.name"] = name;
        }
        ("networking.k8s.io", "networkpolicies") => {
            let has_egress = object["spec"]["egress"].as_array().is_some_and(|rules| !rules.is_empty());
            let types = if has_egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "policyTypes", types);
                for rules in ["ingress", "egress"] {
                    for rule in spec.get_mut(rules).and_then(Value::as_array_mut).into_iter().flatten() {
                        for port in rule["ports"].as_array_mut().into_iter().flatten() {
                            if let Value::Object(port) = port {
                                or(port, "protocol", "TCP");
                            }
                        }
                    }
                }
            }
        }
        ("autoscaling", "horizontalpodautoscalers") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "minReplicas", 1);
                let target = json!({ "type": "Utilization", "averageUtilization": 80 });
                let cpu = json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]);
                or(spec, "metrics", cpu);
                if let Some(Value::Object(behavior)) = spec.get_mut("behavior") {
                    scaling_rules(behavior);
                }
            }
        }
        ("", "persistentvolumeclaims") => {
            if let Some(spec) = at(object, &["spec"]) {
                or(spec, "volumeMode", "Filesystem");
            }
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => {
            if let Some(reference) = at(object, &["roleRef"]) {
                or(reference, "apiGroup", "rbac.authorization.k8s.io");
            }
            for subject in object["subjects"].as_array_mut().into_iter().flatten() {
                let group =
                    if subject["kind"] == "ServiceAccount" { "" } else { "rbac.authorization.k8s.io" };
                if let (Value::Object(subject), false) = (subject, group.is_empty()) {
                    or(subject, "apiGroup", group);
                }
            }
        }
        (custom::GROUP, custom::PLURAL) => custom::set_defaults(object),
        _ => cluster::set(resource, object),
    }
}

/// How fast an autoscaler may go, where it says something of it.
fn scaling_rules(behavior: &mut Map<String, Value>) {
    let policy = |kind: &str, value: u8| json!({ "type": kind, "value": value, "periodSeconds": 15 });
    for way in ["scaleUp", "scaleDown"] {
        let Value::Object(rules) = behavior.entry(way).or_insert_with(|| json!({})) else { continue };
        or(rules, "selectPolicy", "Max");
        if way == "scaleUp" {
            or(rules, "stabilizationWindowSeconds", 0);
            or(rules, "policies", json!([policy("Pods", 4), policy("Percent", 100)]));
        } else {
            or(rules, "policies", json!([policy("Percent", 100)]));
        }
    }
}

/// Claims that a StatefulSet makes are whole objects.
fn claims(spec: &mut Map<String, Value>) {
    for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
        claim["kind"] = "PersistentVolumeClaim".into();
        claim["apiVersion"] = "v1".into();
        if claim["status"]["phase"].is_null() {
            claim["status"] = json!({ "phase": "Pending" });
        }
        if let Some(spec) = at(claim, &["spec"]) {
            or(spec, "volumeMode", "Filesystem");
        }
    }
}

fn template(object: &mut Value, path: &[&str]) {
    let found = path.iter().try_fold(object, |value, key| value.get_mut(*key));
    if let Some(template) = found {
        pod(template);
    }
}

fn job(object: &mut Value, path: &[&str]) {
    if let Some(spec) = at(object, path) {
        or(spec, "completions", 1);
        or(spec, "parallelism", 1);
        or(spec, "backoffLimit", 6);
        or(spec, "completionMode", "NonIndexed");
        or(spec, "suspend", false);
        or(spec, "podReplacementPolicy", "TerminatingOrFailed");
        or(spec, "manualSelector", false);
    }
    let mut path = path.to_vec();
    path.push("template");
    template(object, &path);
}

fn service(object: &mut Value) {
    let Some(spec) = at(object, &["spec"]) else { return };
    or(spec, "type", "ClusterIP");
    or(spec, "sessionAffinity", "None");
    if spec["sessionAffinity"] == "ClientIP" {
        let config = spec.entry("sessionAffinityConfig").or_insert_with(|| json!({}));
        if config["clientIP"]["timeoutSeconds"].is_null() {
            config["clientIP"] = json!({ "timeoutSeconds": 10_800 });
        }
    }
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if kind != "ExternalName" {
        or(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "NodePort" || kind == "LoadBalancer" {
        or(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        or(spec, "allocateLoadBalancerNodePorts", true);
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = port["port"].clone();
        if let Value::Object(port) = port {
            or(port, "protocol", "TCP");
            if port.get("targetPort").is_some_and(|target| *target == 0) {
                port.remove("targetPort");
            }
            or(port, "targetPort", number);
        }
    }
}

fn pod(object: &mut Value) {
    let Some(spec) = at(object, &["spec"]) else { return };
    or(spec, "restartPolicy", "Always");
    or(spec, "terminationGracePeriodSeconds", 30);
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        spec.insert("terminationGracePeriodSeconds".into(), 1.into());
    }
    or(spec, "dnsPolicy", "ClusterFirst");
    or(spec, "schedulerName", "default-scheduler");
    spec.entry("securityContext").or_insert_with(|| json!({}));
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        or(spec, "serviceAccount", account);
    } else if let Some(account) = spec.get("serviceAccount").cloned() {
        or(spec, "serviceAccountName", account);
    }
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
            let tag = image.rsplit('/').next().unwrap_or_default();
            let is_latest =
                !image.contains('@') && (!tag.contains(':') || tag.rsplit(':').next() == Some("latest"));
            or(container, "imagePullPolicy", if is_latest { "Always" } else { "IfNotPresent" });
            or(container, "terminationMessagePath", "/dev/termination-log");
            or(container, "terminationMessagePolicy", "File");
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Value::Object(port) = port {
                    or(port, "protocol", "TCP");
                }
            }
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let Some(Value::Object(probe)) = container.get_mut(probe) else { continue };
                or(probe, "timeoutSeconds", 1);
                or(probe, "periodSeconds", 10);
                or(probe, "successThreshold", 1);
                or(probe, "failureThreshold", 3);
                if let Some(Value::Object(get)) = probe.get_mut("httpGet") {
                    or(get, "path", "/");
                    or(get, "scheme", "HTTP");
                }
            }
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(volume) = volume
            && volume.keys().all(|key| key == "name")
        {
            volume.insert("emptyDir".into(), json!({}));
        }
        for (kind, mode) in [("configMap", 420), ("secret", 420), ("projected", 420), ("downwardAPI", 420)] {
            if let Some(Value::Object(source)) = volume.get_mut(kind) {
                or(source, "defaultMode", mode);
            }
        }
        if let Some(Value::Object(path)) = volume.get_mut("hostPath") {
            path.entry("type").or_insert_with(|| "".into());
        }
    }
}

/// What a kind sets when an object is made.
pub fn on_create(core: &Core, resource: &Resource, object: &mut Value) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => {
            object["status"] = json!({ "phase": "Active" });
            object["spec"]["finalizers"] = json!(["kubernetes"]);
        }
        (custom::GROUP, custom::PLURAL) => {
            let versions = object["spec"]["versions"].as_array().into_iter().flatten();
            let storage = versions.into_iter().find(|version| version["storage"] == true);
            let storage: Vec<Value> = storage.iter().map(|version| version["name"].clone()).collect();
            object["status"] = json!({
                "conditions": null, "acceptedNames": { "plural": "", "kind": "" },
                "storedVersions": if storage.is_empty() { Value::Null } else { storage.into() },
            });
        }
        ("", "pods") => admit::admit(object),
        ("", "persistentvolumeclaims") => {
            object["status"] = json!({ "phase": "Pending" });
            object["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
            // The older field takes claims and snapshots alone.
            let (kind, group) =
                (&object["spec"]["dataSource"]["kind"], &object["spec"]["dataSource"]["apiGroup"]);
            let is_known = (*kind == "PersistentVolumeClaim" && (group.is_null() || *group == ""))
                || (*kind == "VolumeSnapshot" && *group == "snapshot.storage.k8s.io");
            if let Some(spec) = at(object, &["spec"]).filter(|_| !is_known) {
                spec.remove("dataSource");
            }
        }
        ("", "services") => {
            allocate_address(core, object);
            allocate_ports(core, object);
        }
        ("storage.k8s.io", "volumeattributesclasses") => {
            object["metadata"]["finalizers"] = json!(["kubernetes.io/vac-protection"]);
        }
        // Until its kubelet has said that it is ready.
        ("", "nodes") => {
            let taints = &mut object["spec"]["taints"];
            let taint = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
            match taints.as_array_mut() {
                Some(taints) if !taints.contains(&taint) => taints.push(taint),
                Some(_) => {}
                None => *taints = json!([taint]),
            }
        }
        ("scheduling.k8s.io", "priorityclasses") => object["metadata"]["generation"] = 1.into(),
        ("", "persistentvolumes") => {
            object["status"] = json!({ "phase": "Pending", "lastPhaseTransitionTime": core.now() });
            object["metadata"]["finalizers"] = json!(["kubernetes.io/pv-protection"]);
        }
        ("batch", "jobs") => {
            let uid = object["metadata"]["uid"].clone();
            let name = object["metadata"]["name"].clone();
            // Where its labels are its template's, they stay so.
            let are_shared = object["metadata"]["labels"] == object["spec"]["template"]["metadata"]["labels"];
            if object["spec"]["manualSelector"] != true {
                let labels = &mut object["spec"]["template"]["metadata"]["labels"];
                if !labels.is_object() {
                    *labels = json!({});
                }
                labels["batch.kubernetes.io/controller-uid"] = uid.clone();
                labels["batch.kubernetes.io/job-name"] = name.clone();
                labels["controller-uid"] = uid.clone();
                labels["job-name"] = name;
                let wanted = &mut object["spec"]["selector"]["matchLabels"];
                if !wanted.is_object() {
                    *wanted = json!({});
                }
                wanted["batch.kubernetes.io/controller-uid"] = uid;
            }
            if are_shared || object["metadata"]["labels"].is_null() {
                object["metadata"]["labels"] = object["spec"]["template"]["metadata"]["labels"].clone();
            }
        }
        _ => {}
    }
}

/// Ports on nodes for a Service that wants some, from 30000 on.
fn allocate_ports(core: &Core, object: &mut Value) {
    let spec = &object["spec"];
    let wants = spec["type"] == "NodePort"
        || (spec["type"] == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false);
    let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten();
    let open = ports.filter(|port| wants && port["nodePort"].as_i64().unwrap_or(0) == 0);
    let open: Vec<&mut Value> = open.collect();
    if open.is_empty() {
        return;
    }
    let free = core.store.unclaimed("/services", 30_000..32_768, open.len());
    for (port, number) in open.into_iter().zip(free) {
        port["nodePort"] = number.into();
    }
}

/// The first free address of 10.0.0.0/16, from 10.0.0.10 on.
fn allocate_address(core: &Core, object: &mut Value) {
    let kind = object["spec"]["type"].as_str().unwrap_or_default();
    let given = object["spec"]["clusterIP"].as_str().unwrap_or_default().to_owned();
    if kind == "ExternalName" {
        return;
    }
    let address = if given.is_empty() {
        let first = u32::from(Ipv4Addr::new(10, 0, 0, 10));
        let last = u32::from(Ipv4Addr::new(10, 0, 255, 254));
        let free = core.store.unclaimed("/services", first..last + 1, 1);
        free.first().map(|number| Ipv4Addr::from(*number).to_string()).unwrap_or_default()
    } else {
        given.clone()
    };
    let is_open = object["spec"]["selector"].as_object().is_none_or(Map::is_empty) && given == "None";
    if let Some(spec) = at(object, &["spec"]).filter(|_| is_open) {
        // Whoever makes its endpoints may use any family.
        or(spec, "ipFamilyPolicy", "RequireDualStack");
        or(spec, "ipFamilies", json!(["IPv4", "IPv6"]));
    }
    if let Some(spec) = at(object, &["spec"]) {
        or(spec, "ipFamilyPolicy", "SingleStack");
        or(spec, "ipFamilies", json!(["IPv4"]));
    }
    object["spec"]["clusterIPs"] = json!([address]);
    object["spec"]["clusterIP"] = address.into();
}

/// What a kind keeps when an object is changed.
pub fn on_update(resource: &Resource, live: &Value, object: &mut Value) {
    // A Service that becomes a name gives its address back.
    if resource.is("", "services")
        && object["spec"]["type"] == "ExternalName"
        && live["spec"]["type"] != "ExternalName"
        && let Some(spec) = at(object, &["spec"])
    {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            spec.remove(key);
        }
    }
    if resource.is("", "services") && object["spec"]["type"] != "ExternalName" {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if object["spec"][key].is_null() || object["spec"][key] == "" {
                object["spec"][key] = live["spec"][key].clone();
            }
        }
    }
}
