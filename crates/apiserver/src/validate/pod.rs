//! Pods, and the Pods that workloads make.

use std::collections::BTreeSet;

use serde_json::Value;

use super::faults::{Faults, Path, field, items, text};
use crate::registry::Resource;

const CHANGES: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
/// The names of volumes' sources; what is none of them makes an emptyDir.
const SOURCES: &[(&str, &[&str])] = &[
    ("configMap", &["name"]),
    ("secret", &["secretName"]),
    ("persistentVolumeClaim", &["claimName"]),
    ("nfs", &["server", "path"]),
    ("hostPath", &["path"]),
];
const HOST_PATHS: &[&str] =
    &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

pub fn check(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    if !resource.is("", "pods") {
        return;
    }
    let object = faults.object;
    spec(format_args!("spec"), &object["spec"], faults);
    if live.is_none() && !object["spec"]["ephemeralContainers"].is_null() {
        faults.forbidden("spec.ephemeralContainers", "cannot be set on create");
    }
    let Some(live) = live else { return };
    // What may change is taken out of both.
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        for key in
            ["activeDeadlineSeconds", "tolerations", "ephemeralContainers", "nodeName", "schedulingGates"]
        {
            spec.as_object_mut().into_iter().for_each(|spec| drop(spec.remove(key)));
        }
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                for key in ["image", "resources"] {
                    container.as_object_mut().into_iter().for_each(|one| drop(one.remove(key)));
                }
            }
        }
        spec
    };
    if fixed(live) != fixed(object) {
        faults.forbidden("spec", CHANGES);
    }
}

/// A Pod's spec.
pub fn spec(path: Path, spec: &Value, faults: &mut Faults) {
    let at = |key| field(path, key);
    let volumes = volumes(format_args!("{path}.volumes"), items(spec, "volumes"), faults);
    let mut names = BTreeSet::new();
    if items(spec, "containers").is_empty() {
        faults.required(at("containers"), "");
    }
    let uses_host = spec["hostNetwork"] == true;
    for (index, one) in items(spec, "containers").iter().enumerate() {
        let path = format_args!("{path}.containers[{index}]");
        container(path, one, &mut names, &volumes, uses_host, faults);
        probes(path, one, faults);
    }
    for (index, one) in items(spec, "initContainers").iter().enumerate() {
        let path = format_args!("{path}.initContainers[{index}]");
        container(path, one, &mut names, &volumes, uses_host, faults);
        if one["restartPolicy"] == "Always" {
            probes(path, one, faults);
        } else {
            for probe in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if !one[probe].is_null() {
                    let why = "may not be set for init containers without restartPolicy=Always";
                    faults.forbidden(format_args!("{path}.{probe}"), why);
                }
            }
        }
        faults.one_of(
            format_args!("{path}.restartPolicy"),
            &one["restartPolicy"],
            &["Always", "Never", "OnFailure"],
        );
    }
    faults.one_of(at("restartPolicy"), &spec["restartPolicy"], &["Always", "OnFailure", "Never"]);
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    faults.one_of(at("dnsPolicy"), &spec["dnsPolicy"], &dns);
    faults.labels(at("nodeSelector"), &spec["nodeSelector"]);
    for (key, is_label) in
        [("nodeName", false), ("hostname", true), ("subdomain", true), ("serviceAccountName", false)]
    {
        if !text(spec, key).is_empty() {
            if is_label { faults.label(at(key), &spec[key]) } else { faults.subdomain(at(key), &spec[key]) }
        }
    }
    if spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| !(1..=2_147_483_647).contains(&seconds)) {
        let why = "must be between 1 and 2147483647, inclusive";
        faults.invalid(at("activeDeadlineSeconds"), &spec["activeDeadlineSeconds"], why);
    }
    tolerations(format_args!("{path}.tolerations"), items(spec, "tolerations"), faults);
    security(format_args!("{path}.securityContext"), &spec["securityContext"], faults);
    for (index, one) in items(spec, "hostAliases").iter().enumerate() {
        faults.address(format_args!("{path}.hostAliases[{index}].ip"), &one["ip"]);
    }
    for (index, one) in items(&spec["dnsConfig"], "nameservers").iter().enumerate() {
        faults.address(format_args!("{path}.dnsConfig.nameservers[{index}]"), one);
    }
    for (index, one) in items(spec, "readinessGates").iter().enumerate() {
        faults.qualified(
            format_args!("{path}.readinessGates[{index}].conditionType"),
            text(one, "conditionType"),
        );
    }
    let needed = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    if needed.is_object() && items(needed, "nodeSelectorTerms").is_empty() {
        let field = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
        faults.required(at(field), "must have at least one node selector term");
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let terms = &spec["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"];
        for (index, term) in terms.as_array().into_iter().flatten().enumerate() {
            let list = "requiredDuringSchedulingIgnoredDuringExecution";
            let path = format_args!("{path}.affinity.{kind}.{list}[{index}].topologyKey");
            if text(term, "topologyKey").is_empty() {
                faults.required(path, "can not be empty");
            }
            faults.qualified(path, text(term, "topologyKey"));
        }
    }
    for (index, one) in items(&spec["securityContext"], "sysctls").iter().enumerate() {
        if !is_sysctl(text(one, "name")) {
            let at = format_args!("{path}.securityContext.sysctls[{index}].name");
            let why = r"must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
            faults.invalid(at, &one["name"], why);
        }
    }
    for (index, one) in items(spec, "topologySpreadConstraints").iter().enumerate() {
        let path = format_args!("{path}.topologySpreadConstraints[{index}]");
        if one["maxSkew"].as_i64().unwrap_or(0) < 1 {
            faults.invalid(format_args!("{path}.maxSkew"), &one["maxSkew"], "must be greater than zero");
        }
        if text(one, "topologyKey").is_empty() {
            faults.required(format_args!("{path}.topologyKey"), "can not be empty");
        }
        let known = ["DoNotSchedule", "ScheduleAnyway"];
        faults.one_of(format_args!("{path}.whenUnsatisfiable"), &one["whenUnsatisfiable"], &known);
    }
    faults.one_of(at("os"), &spec["os"]["name"], &["linux", "windows"]);
}

/// The names of a Pod's volumes.
fn volumes<'a>(path: Path, volumes: &'a [Value], faults: &mut Faults) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let path = format_args!("{path}[{index}]");
        let at = |key| field(path, key);
        for (source, needed) in SOURCES {
            let written = &volume[*source];
            if !written.is_object() {
                continue;
            }
            for key in *needed {
                if text(written, key).is_empty() {
                    faults.required(format_args!("{path}.{source}.{key}"), "");
                }
            }
            for (index, item) in items(written, "items").iter().enumerate() {
                for key in ["key", "path"] {
                    if text(item, key).is_empty() {
                        faults.required(format_args!("{path}.{source}.items[{index}].{key}"), "");
                    }
                }
            }
            let mode = &written["defaultMode"];
            if mode.as_i64().is_some_and(|mode| !(0..=511).contains(&mode)) {
                let why = "must be a number between 0 and 0777 (octal), both inclusive";
                faults.invalid(format_args!("{path}.{source}.defaultMode"), mode, why);
            }
        }
        let written = &volume["nfs"];
        if written.is_object() && !text(written, "path").starts_with('/') {
            faults.invalid(at("nfs.path"), &text(written, "path").into(), "must be an absolute path");
        }
        let written = &volume["hostPath"];
        if written.is_object() {
            if text(written, "path").split('/').any(|part| part == "..") {
                faults.invalid(at("hostPath.path"), &written["path"], "must not contain '..'");
            }
            faults.one_of(at("hostPath.type"), &written["type"], HOST_PATHS);
        }
        let limit = text(&volume["emptyDir"], "sizeLimit");
        if crate::quantity::Quantity::parse(limit).is_some_and(crate::quantity::Quantity::is_negative) {
            let why = "SizeLimit field must be a valid resource quantity";
            faults.forbidden(at("emptyDir.sizeLimit"), why);
        }
        let others = volume.as_object().into_iter().flatten().filter(|(key, _)| *key != "name");
        let others: BTreeSet<&String> = others.map(|(key, _)| key).collect();
        if others.len() > 1 {
            let order = ["emptyDir", "hostPath"];
            let first = order.iter().find(|key| others.iter().any(|other| other == *key));
            let second =
                others.iter().find(|key| Some(&key.as_str()) != first).map_or("", |key| key.as_str());
            faults.forbidden(at(second), "may not specify more than 1 volume type");
        }
        own_name(format_args!("{path}.name"), volume, &mut names, faults);
    }
    names
}

/// The name of one of many, which none of the others has.
fn own_name<'a>(path: Path, one: &'a Value, names: &mut BTreeSet<&'a str>, faults: &mut Faults) {
    let name = text(one, "name");
    if name.is_empty() {
        faults.required(path, "");
        return;
    }
    faults.label(path, &one["name"]);
    if !names.insert(name) {
        faults.duplicate(path, &one["name"]);
    }
}

fn container<'a>(
    path: Path,
    container: &'a Value,
    names: &mut BTreeSet<&'a str>,
    volumes: &BTreeSet<&str>,
    uses_host: bool,
    faults: &mut Faults,
) {
    let at = |key| field(path, key);
    own_name(format_args!("{path}.name"), container, names, faults);
    let image = text(container, "image");
    if image.is_empty() {
        faults.required(at("image"), "");
    } else if image.trim() != image {
        faults.invalid(at("image"), &container["image"], "must not have leading or trailing whitespace");
    }
    deed(format_args!("{path}.lifecycle.postStart"), &container["lifecycle"]["postStart"], faults);
    deed(format_args!("{path}.lifecycle.preStop"), &container["lifecycle"]["preStop"], faults);
    faults.one_of(
        at("terminationMessagePolicy"),
        &container["terminationMessagePolicy"],
        &["File", "FallbackToLogsOnError"],
    );
    ports(path, items(container, "ports"), uses_host, faults);
    environment(path, container, faults);
    mounts(path, items(container, "volumeMounts"), volumes, faults);
    let policies = ["Always", "IfNotPresent", "Never"];
    faults.one_of(at("imagePullPolicy"), &container["imagePullPolicy"], &policies);
    super::storage::resources(format_args!("{path}.resources"), &container["resources"], faults);
    security(format_args!("{path}.securityContext"), &container["securityContext"], faults);
}

fn ports(path: Path, ports: &[Value], uses_host: bool, faults: &mut Faults) {
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format_args!("{path}.ports[{index}]");
        let at = |key| field(path, key);
        let name = text(port, "name");
        if !name.is_empty() {
            let before = faults.causes.len();
            faults.port(at("name"), &port["name"]);
            if faults.causes.len() == before && !names.insert(name) {
                faults.duplicate(at("name"), &port["name"]);
            }
        }
        match port["containerPort"].as_i64().unwrap_or(0) {
            0 => faults.required(at("containerPort"), ""),
            _ => faults.port(at("containerPort"), &port["containerPort"]),
        }
        let host = &port["hostPort"];
        if *host != 0 {
            faults.port(at("hostPort"), host);
        }
        if uses_host && !host.is_null() && *host != 0 && *host != port["containerPort"] {
            faults.invalid(at("hostPort"), host, "must match `containerPort` when `hostNetwork` is true");
        }
        faults.one_of(at("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
    }
}

/// Whether a variable can be a field of its Pod.
fn is_field(path: &str) -> bool {
    const FIELDS: &[&str] = &[
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let maps = ["metadata.labels['", "metadata.annotations['"];
    FIELDS.contains(&path) || maps.iter().any(|start| path.starts_with(start) && path.ends_with("']"))
}

fn environment(path: Path, container: &Value, faults: &mut Faults) {
    const KINDS: &[&str] = &["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
    for (index, one) in items(container, "env").iter().enumerate() {
        let path = format_args!("{path}.env[{index}]");
        let name = text(one, "name");
        if name.is_empty() {
            faults.required(format_args!("{path}.name"), "");
        } else if !name.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'=') {
            let why = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            faults.invalid(format_args!("{path}.name"), &one["name"], why);
        }
        let from = &one["valueFrom"];
        if !from.is_object() {
            continue;
        }
        let path = format_args!("{path}.valueFrom");
        let count = KINDS.iter().filter(|kind| from[**kind].is_object()).count();
        let field = text(&from["fieldRef"], "fieldPath");
        if from["fieldRef"].is_object() && !is_field(field) {
            let why = format!("error converting fieldPath: field label not supported: {field}");
            faults.invalid(format_args!("{path}.fieldRef.fieldPath"), &field.into(), &why);
        }
        for kind in ["configMapKeyRef", "secretKeyRef"] {
            if from[kind].is_object() && text(&from[kind], "key").is_empty() {
                faults.required(format_args!("{path}.{kind}.key"), "");
            }
        }
        let nothing = Value::from("");
        if count == 0 {
            let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
            faults.invalid(path, &nothing, why);
        } else if !text(one, "value").is_empty() {
            faults.invalid(path, &nothing, "may not be specified when `value` is not empty");
        } else if count > 1 {
            faults.invalid(path, &nothing, "may not have more than one field specified at a time");
        }
    }
    for one in items(container, "envFrom") {
        let why = match ["configMapRef", "secretRef"].iter().filter(|kind| one[**kind].is_object()).count() {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        faults.invalid(format_args!("{path}.envFrom"), &"".into(), why);
    }
}

fn mounts(path: Path, mounts: &[Value], volumes: &BTreeSet<&str>, faults: &mut Faults) {
    let mut places = BTreeSet::new();
    for (index, mount) in mounts.iter().enumerate() {
        let path = format_args!("{path}.volumeMounts[{index}]");
        let name = text(mount, "name");
        if name.is_empty() {
            faults.required(format_args!("{path}.name"), "");
        }
        if !volumes.contains(name) {
            faults.not_found(format_args!("{path}.name"), &name.into());
        }
        let place = text(mount, "mountPath");
        if place.is_empty() {
            faults.required(format_args!("{path}.mountPath"), "");
        } else if !places.insert(place) {
            faults.invalid(format_args!("{path}.mountPath"), &mount["mountPath"], "must be unique");
        }
    }
}

fn probes(path: Path, container: &Value, faults: &mut Faults) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = &container[name];
        if !probe.is_object() {
            continue;
        }
        let path = format_args!("{path}.{name}");
        deed(path, probe, faults);
        for key in
            ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            faults.not_negative(format_args!("{path}.{key}"), &probe[key]);
        }
        if name != "readinessProbe" && probe["successThreshold"].as_i64().is_some_and(|count| count != 1) {
            faults.invalid(format_args!("{path}.successThreshold"), &probe["successThreshold"], "must be 1");
        }
    }
}

/// What is done: one of several ways.
fn deed(path: Path, one: &Value, faults: &mut Faults) {
    if !one.is_object() {
        return;
    }
    let mut count = 0;
    for kind in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let written = &one[kind];
        if !written.is_object() {
            continue;
        }
        count += 1;
        if count > 1 {
            faults.forbidden(format_args!("{path}.{kind}"), "may not specify more than 1 handler type");
            continue;
        }
        match kind {
            "exec" if items(written, "command").is_empty() => {
                faults.required(format_args!("{path}.exec.command"), "");
            }
            "httpGet" => {
                faults.port(format_args!("{path}.httpGet.port"), &written["port"]);
                faults.one_of(format_args!("{path}.httpGet.scheme"), &written["scheme"], &["HTTP", "HTTPS"]);
            }
            "tcpSocket" | "grpc" => faults.port(format_args!("{path}.{kind}.port"), &written["port"]),
            _ => {}
        }
    }
    if count == 0 {
        faults.required(path, "must specify a handler type");
    }
}

fn tolerations(path: Path, tolerations: &[Value], faults: &mut Faults) {
    for (index, one) in tolerations.iter().enumerate() {
        let path = format_args!("{path}[{index}]");
        match text(one, "operator") {
            "" | "Equal" => {}
            "Exists" if !text(one, "value").is_empty() => {
                let why = "value must be empty when `operator` is 'Exists'";
                faults.invalid(format_args!("{path}.operator"), &one["value"], why);
            }
            "Exists" => {}
            _ => faults.one_of(format_args!("{path}.operator"), &one["operator"], &["Equal", "Exists"]),
        }
        if !text(one, "effect").is_empty() {
            let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            faults.one_of(format_args!("{path}.effect"), &one["effect"], &known);
        }
    }
}

fn is_sysctl(name: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let is_part = |part: &str| {
        let bytes = part.as_bytes();
        is_edge(bytes.first())
            && is_edge(bytes.last())
            && bytes.iter().all(|b| is_edge(Some(b)) || matches!(b, b'-' | b'_'))
    };
    name.len() <= 253 && name.split(['.', '/']).all(is_part)
}

/// A context of a container as the real server shows it.
fn shown_context(context: &Value) -> String {
    let fields = [
        "capabilities",
        "privileged",
        "seLinuxOptions",
        "windowsOptions",
        "runAsUser",
        "runAsGroup",
        "runAsNonRoot",
        "readOnlyRootFilesystem",
        "allowPrivilegeEscalation",
        "procMount",
        "seccompProfile",
        "appArmorProfile",
    ];
    let fields = fields.map(|key| {
        let name = key.replace("seLinux", "SELinux");
        format!("\"{}{}\":{}", name[..1].to_uppercase(), &name[1..], context[key])
    });
    format!("{{{}}}", fields.join(","))
}

fn security(path: Path, context: &Value, faults: &mut Faults) {
    if context["privileged"] == true {
        faults.forbidden(format_args!("{path}.privileged"), "disallowed by cluster policy");
        if context["allowPrivilegeEscalation"] == false {
            let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            let message = format!("Invalid value: {}: {why}", shown_context(context));
            faults.causes.push(crate::status::Cause::new("FieldValueInvalid", &path.to_string(), message));
        }
    }
    for key in ["runAsUser", "runAsGroup", "fsGroup"] {
        if context[key].as_i64().is_some_and(|id| !(0..=2_147_483_647).contains(&id)) {
            let why = "must be between 0 and 2147483647, inclusive";
            faults.invalid(format_args!("{path}.{key}"), &context[key], why);
        }
    }
}
