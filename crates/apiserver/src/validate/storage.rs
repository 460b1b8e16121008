//! ConfigMaps, Secrets, claims, volumes, storage classes, and amounts of resources.

use serde_json::{Map, Value};

use super::faults::{Faults, Path, items, text};
use crate::quantity::Quantity;
use crate::registry::Resource;

const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

pub fn check(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "configmaps") => {
            keys(&["data", "binaryData"], faults);
            immutable(live, faults);
        }
        ("", "secrets") => {
            keys(&["data"], faults);
            secret(live, faults);
            immutable(live, faults);
        }
        ("", "persistentvolumeclaims") => claim(live, faults),
        ("", "persistentvolumes") => volume(faults),
        ("storage.k8s.io", "storageclasses") => class(live, faults),
        _ => {}
    }
}

fn keys(fields: &[&str], faults: &mut Faults) {
    let object = faults.object;
    for field in fields {
        for key in object[*field].as_object().into_iter().flat_map(Map::keys) {
            let (path, shown) = (format!("{field}[{key}]"), Value::from(key.as_str()));
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            if key.len() > 253 {
                faults.invalid(&path, &shown, "must be no more than 253 characters");
            }
            if key.is_empty() || !key.bytes().all(is_part) {
                faults.invalid(&path, &shown, KEY);
            } else if key == "." || key == ".." {
                faults.invalid(&path, &shown, &format!("must not be '{key}'"));
            } else if key.starts_with("..") {
                faults.invalid(&path, &shown, "must not start with '..'");
            }
            if *field == "data" && object["binaryData"].get(key).is_some() {
                faults.invalid(&path, &shown, "duplicate of key present in binaryData");
            }
        }
    }
}

/// Whether the certificate of a Secret for TLS looks like one.
pub fn is_pem(object: &Value) -> bool {
    use base64::Engine;
    let packed = object["data"]["tls.crt"].as_str();
    let plain = object["stringData"]["tls.crt"].as_str().map(str::as_bytes).map(<[u8]>::to_vec);
    let bytes =
        plain.or_else(|| packed.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok()));
    let Some(bytes) = bytes else { return packed.is_none() };
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

fn immutable(live: Option<&Value>, faults: &mut Faults) {
    let Some(live) = live.filter(|live| live["immutable"] == true) else { return };
    for key in ["immutable", "data", "binaryData"] {
        if live[key] != faults.object[key] {
            faults.forbidden(key, "field is immutable when `immutable` is set");
        }
    }
}

fn secret(live: Option<&Value>, faults: &mut Faults) {
    let object = faults.object;
    let has = |key: &str| object["data"].get(key).is_some();
    match text(object, "type") {
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key)) {
                faults.required(format_args!("data[{key}]"), "");
            }
        }
        "kubernetes.io/dockerconfigjson" => {
            use base64::Engine;
            let path = "data[.dockerconfigjson]";
            let packed = object["data"][".dockerconfigjson"].as_str();
            let bytes = packed.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
            match bytes {
                None => faults.required(path, ""),
                Some(bytes) => {
                    if let Err(error) = serde_json::from_slice::<Value>(&bytes) {
                        let why = match bytes.first() {
                            None => "unexpected end of JSON input".to_owned(),
                            Some(first) if error.column() <= 1 => {
                                format!(
                                    "invalid character '{}' looking for beginning of value",
                                    char::from(*first)
                                )
                            }
                            Some(_) => "it is not JSON".to_owned(),
                        };
                        faults.invalid(path, &"<secret contents redacted>".into(), &why);
                    }
                }
            }
        }
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            faults.required("data[username]", "");
            faults.required("data[password]", "");
        }
        "kubernetes.io/ssh-auth" if !has("ssh-privatekey") => faults.required("data[ssh-privatekey]", ""),
        "kubernetes.io/service-account-token" => {
            let name = &object["metadata"]["annotations"]["kubernetes.io/service-account.name"];
            if name.as_str().unwrap_or_default().is_empty() {
                faults.required("metadata.annotations[kubernetes.io/service-account.name]", "");
            }
        }
        _ => {}
    }
    if live.is_some_and(|live| live["type"] != object["type"]) {
        faults.invalid("type", &object["type"], "field is immutable");
    }
}

fn claim(live: Option<&Value>, faults: &mut Faults) {
    let spec = &faults.object["spec"];
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        faults.required("spec.accessModes", "at least 1 access mode is required");
    }
    for mode in modes {
        faults.one_of("spec.accessModes", mode, MODES);
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        faults.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes");
    }
    faults.selector("spec.selector", &spec["selector"]);
    let size = &spec["resources"]["requests"]["storage"];
    match size.as_str().map(Quantity::parse) {
        None => faults.required("spec.resources[storage]", ""),
        Some(Some(size_of)) if !size_of.is_positive() => {
            faults.invalid("spec.resources[storage]", size, "must be greater than zero");
        }
        Some(_) => {}
    }
    if !text(spec, "storageClassName").is_empty() {
        faults.subdomain("spec.storageClassName", &spec["storageClassName"]);
    }
    faults.one_of("spec.volumeMode", &spec["volumeMode"], &["Block", "Filesystem"]);
    if let Some(live) = live {
        let is_bound = live["status"]["phase"] == "Bound";
        let fixed = |object: &Value| {
            let mut spec = object["spec"].clone();
            if is_bound {
                spec["resources"] = Value::Null;
                spec["volumeAttributesClassName"] = Value::Null;
            }
            spec["volumeName"] = Value::Null;
            if live["spec"]["storageClassName"].is_null() {
                spec["storageClassName"] = Value::Null;
            }
            spec
        };
        if fixed(live) != fixed(faults.object) {
            let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
            faults.forbidden("spec", why);
        }
    }
}

fn volume(faults: &mut Faults) {
    let spec = &faults.object["spec"];
    if items(spec, "accessModes").is_empty() {
        faults.required("spec.accessModes", "");
    }
    for mode in items(spec, "accessModes") {
        faults.one_of("spec.accessModes", mode, MODES);
    }
    if spec["capacity"].as_object().is_none_or(Map::is_empty) {
        faults.required("spec.capacity", "");
    }
    if spec["capacity"]["storage"].is_null() {
        faults.one_of("spec.capacity", &"".into(), &["storage"]);
        if let Some(last) = faults.causes.last_mut() {
            "Unsupported value: null: supported values: \"storage\"".clone_into(&mut last.message);
        }
    }
    faults.one_of(
        "spec.persistentVolumeReclaimPolicy",
        &spec["persistentVolumeReclaimPolicy"],
        &["Delete", "Recycle", "Retain"],
    );
    let known = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    let mut sources = spec.as_object().into_iter().flat_map(Map::keys);
    if !sources.any(|key| !known.contains(&key.as_str())) {
        faults.required("spec", "must specify a volume type");
    }
}

fn class(live: Option<&Value>, faults: &mut Faults) {
    let object = faults.object;
    if text(object, "provisioner").is_empty() {
        faults.required("provisioner", "");
    }
    faults.one_of("reclaimPolicy", &object["reclaimPolicy"], &["Delete", "Retain"]);
    faults.one_of("volumeBindingMode", &object["volumeBindingMode"], &["Immediate", "WaitForFirstConsumer"]);
    if let Some(live) = live {
        for key in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
            if live[key] != object[key] {
                faults.invalid(key, &object[key], "field is immutable");
            }
        }
    }
}

/// Requests and limits of a container.
pub fn resources(path: Path, resources: &Value, faults: &mut Faults) {
    let amount = |value: &Value| value.as_str().and_then(Quantity::parse);
    for part in ["limits", "requests"] {
        for (name, value) in resources[part].as_object().into_iter().flatten() {
            let at = format_args!("{path}.{part}[{name}]");
            faults.qualified(at, name);
            let is_standard = ["cpu", "memory", "ephemeral-storage"].contains(&name.as_str());
            if !name.contains('/') && !is_standard && !name.starts_with("hugepages-") {
                let why = "must be a standard resource for containers";
                faults.invalid(at, &name.as_str().into(), why);
            }
            if amount(value).is_some_and(|amount| amount.is_negative()) {
                faults.invalid(at, value, "must be greater than or equal to 0");
            }
            let limit = &resources["limits"][name];
            if part == "requests"
                && let (Some(wanted), Some(most)) = (amount(value), amount(limit))
            {
                let shown = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let at = format_args!("{path}.requests");
                if name.contains('/') && wanted != most {
                    faults.invalid(at, value, &format!("must be equal to {name} limit of {}", shown(limit)));
                } else if wanted > most {
                    let why = format!("must be less than or equal to {name} limit of {}", shown(limit));
                    faults.invalid(at, value, &why);
                }
            }
        }
    }
}
