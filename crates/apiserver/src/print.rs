//! How Go prints a built-in object: what is zero and may be left out is, and what may not be left out is there though
//! nobody has said it. Which field is which was recorded from the Go types, with how they are written as protobuf.

use serde_json::{Map, Value};

use crate::protobuf::{Field, rows};

/// Types inside of types.
const DEPTH_LIMIT: usize = 64;

/// What is done about zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// They go, or come where they may not lack.
    Zeros,
    /// Structs come too.
    Structs,
    /// Lists and maps that are empty and may not lack are nothing.
    Settled,
}

/// Lists and maps that somebody has sent empty are kept as nothing, once it is recorded who sent them.
pub fn settle(group: &str, version: &str, kind: &str, object: &mut Value) {
    if let Some(fields) = crate::protobuf::kind(&format!("{group}/{version}/{kind}")) {
        message(fields, object, Fill::Settled, DEPTH_LIMIT);
    }
}

/// Brings an object of a built-in kind into the form in which Go prints it.
pub fn zeros(group: &str, version: &str, kind: &str, object: &mut Value) {
    if let Some(fields) = crate::protobuf::kind(&format!("{group}/{version}/{kind}")) {
        message(fields, object, Fill::Zeros, DEPTH_LIMIT);
    }
}

/// An object of a built-in kind with nothing set.
pub fn blank(api_version: &str, kind: &str) -> Option<Value> {
    let slash = if api_version.contains('/') { "" } else { "/" };
    let fields = crate::protobuf::kind(&format!("{slash}{api_version}/{kind}"))?;
    let mut object = Value::Object(Map::new());
    message(fields, &mut object, Fill::Structs, DEPTH_LIMIT);
    Some(object)
}

fn message(fields: &[Field], value: &mut Value, fills: Fill, depth: usize) {
    let Value::Object(map) = value else { return };
    for Field(_, name, flags, shape) in fields.iter().filter(|_| depth > 0) {
        let (may_lack, is_pointer) = (flags.contains('o'), flags.contains('p'));
        if flags.contains('i') {
            if let Some(inner) = shape.strip_prefix("m/").map(rows).filter(|_| name.is_empty()) {
                // Its fields are its owner's.
                let mut own = Value::Object(std::mem::take(map));
                message(inner, &mut own, fills, depth - 1);
                if let Value::Object(fields) = own {
                    *map = fields;
                }
            }
            continue;
        }
        if map.get(name).is_none_or(Value::is_null) {
            absent(map, name, may_lack, is_pointer, shape);
            if let Some(inner) = shape.strip_prefix("m/").filter(|_| fills == Fill::Structs && !is_pointer) {
                let mut own = Value::Object(Map::new());
                message(rows(inner), &mut own, fills, depth - 1);
                map.insert(name.clone(), own);
            }
            continue;
        }
        let Some(found) = map.get_mut(name) else { continue };
        if !is_pointer && is_zero(found, shape) {
            if may_lack && fills != Fill::Settled {
                map.remove(name);
            } else if fills == Fill::Settled && (found.is_array() || found.is_object()) {
                *found = Value::Null;
            }
            continue;
        }
        inside(shape, found, fills, depth - 1);
    }
}

fn absent(map: &mut Map<String, Value>, name: &str, may_lack: bool, is_pointer: bool, shape: &str) {
    let is_time = matches!(shape, "t" | "T") && !is_pointer;
    let zero = match shape {
        // A time is a struct, which `omitempty` does not leave out.
        _ if is_time && name != "creationTimestamp" => Value::Null,
        "r" if !is_pointer => Value::Null,
        _ if may_lack || is_time || shape.starts_with("m/") => return,
        _ if is_pointer || shape.starts_with("[]") || shape.starts_with("{}") || shape == "y" => Value::Null,
        "s" => "".into(),
        "b" => false.into(),
        "i" => 0.into(),
        _ => return,
    };
    map.insert(name.to_owned(), zero);
}

fn is_zero(value: &Value, shape: &str) -> bool {
    match value {
        Value::Bool(truth) => !truth && shape == "b",
        Value::Number(number) => number.as_i64() == Some(0) && shape == "i",
        Value::String(text) => text.is_empty() && matches!(shape, "s" | "y"),
        Value::Array(items) => items.is_empty() && shape.starts_with("[]"),
        Value::Object(fields) => fields.is_empty() && shape.starts_with("{}"),
        Value::Null => false,
    }
}

fn inside(shape: &str, value: &mut Value, fills: Fill, depth: usize) {
    if depth == 0 {
        return;
    }
    if let Some(name) = shape.strip_prefix("m/") {
        message(rows(name), value, fills, depth);
    } else if let (Some(below), Value::Array(items)) = (shape.strip_prefix("[]"), &mut *value) {
        for item in items {
            inside(below, item, fills, depth - 1);
        }
    } else if let (Some(below), Value::Object(fields)) = (shape.strip_prefix("{}"), &mut *value) {
        for field in fields.values_mut() {
            inside(below, field, fills, depth - 1);
        }
    } else if matches!(shape, "A" | "B") {
        // One schema, or something that is none.
        message(
            rows("apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps"),
            value,
            fills,
            depth,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_printed_as_go_prints_them() {
        for (kind, given, want) in [
            ("rbac.authorization.k8s.io/v1/Role", json!({ "rules": [] }), json!({ "rules": null })),
            (
                "apps/v1/Deployment",
                json!({ "status": { "replicas": 0, "conditions": [{ "type": "X", "status": "True", "reason": "" }] } }),
                json!({ "status": { "conditions": [{
                    "type": "X", "status": "True", "lastUpdateTime": null, "lastTransitionTime": null,
                }] } }),
            ),
            (
                "/v1/Pod",
                json!({ "spec": { "hostNetwork": false, "containers": [{ "name": "c", "stdin": false }] } }),
                json!({ "spec": { "containers": [{ "name": "c" }] } }),
            ),
        ] {
            let mut object = given;
            let mut parts = kind.rsplitn(3, '/');
            let (kind, version) = (parts.next().unwrap(), parts.next().unwrap());
            let group = parts.next().unwrap();
            zeros(group, version, kind, &mut object);
            settle(group, version, kind, &mut object);
            for (key, value) in want.as_object().unwrap() {
                assert_eq!(object[key], *value, "{kind}");
            }
        }
    }
}
