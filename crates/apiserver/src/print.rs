//! How Go prints a built-in object: what is zero and may be left out is, and what may not be left out is there though
//! nobody has said it. Which field is which was recorded from the Go types, with how they are written as protobuf.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::protobuf::{Field, Message, rows};
use crate::same::Same;

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
    if let Some(known) = crate::protobuf::kind(&format!("{group}/{version}/{kind}")) {
        message(Plan::of(known), object, &Same::Nothing, Fill::Settled, DEPTH_LIMIT);
    }
}

/// Brings an object of a built-in kind into the form in which Go prints it.
pub fn zeros(group: &str, version: &str, kind: &str, object: &mut Value, same: &Same) {
    if let Some(known) = crate::protobuf::kind(&format!("{group}/{version}/{kind}")) {
        message(Plan::of(known), object, same, Fill::Zeros, DEPTH_LIMIT);
    }
}

/// An object of a built-in kind with nothing set.
pub fn blank(api_version: &str, kind: &str) -> Option<Value> {
    let slash = if api_version.contains('/') { "" } else { "/" };
    let known = crate::protobuf::kind(&format!("{slash}{api_version}/{kind}"))?;
    let mut object = Value::Object(Map::new());
    message(Plan::of(known), &mut object, &Same::Nothing, Fill::Structs, DEPTH_LIMIT);
    Some(object)
}

/// How the fields of one type are printed.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order of their names.
    fields: Vec<Planned>,
    /// Those of them that come though nobody has said them.
    coming: Vec<usize>,
    /// Types whose fields are their owner's.
    inlined: Vec<Type>,
}

#[derive(Debug)]
struct Planned {
    name: &'static str,
    may_lack: bool,
    is_pointer: bool,
    shape: &'static str,
    inner: Inner,
}

/// What is inside of a field.
#[derive(Debug)]
enum Inner {
    Plain,
    Message(Type),
    List(Box<Inner>),
    Map(Box<Inner>),
}

/// A type by its name, which is looked up once.
struct Type {
    name: &'static str,
    found: OnceLock<&'static Message>,
}

impl std::fmt::Debug for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Type {
    fn new(name: &'static str) -> Self {
        Self { name, found: OnceLock::new() }
    }

    fn plan(&self) -> &'static Plan {
        Plan::of(self.found.get_or_init(|| rows(self.name)))
    }
}

impl Inner {
    fn of(shape: &'static str) -> Self {
        let around = |below: &'static str, make: fn(Box<Inner>) -> Inner| match Self::of(below) {
            Inner::Plain => Inner::Plain,
            inner => make(Box::new(inner)),
        };
        if let Some(name) = shape.strip_prefix("m/") {
            Inner::Message(Type::new(name))
        } else if let Some(below) = shape.strip_prefix("[]") {
            around(below, Inner::List)
        } else if let Some(below) = shape.strip_prefix("{}") {
            around(below, Inner::Map)
        } else if matches!(shape, "A" | "B") {
            // One schema, or something that is none.
            Inner::Message(Type::new("apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps"))
        } else {
            Inner::Plain
        }
    }
}

impl Plan {
    fn of(message: &'static Message) -> &'static Self {
        message.plan.get_or_init(|| {
            let (mut fields, mut inlined) = (Vec::new(), Vec::new());
            for Field(_, name, flags, shape) in &message.fields {
                if !flags.contains('i') {
                    let (may_lack, is_pointer) = (flags.contains('o'), flags.contains('p'));
                    fields.push(Planned { name, may_lack, is_pointer, shape, inner: Inner::of(shape) });
                } else if let Some(inner) = shape.strip_prefix("m/").filter(|_| name.is_empty()) {
                    inlined.push(Type::new(inner));
                }
            }
            fields.sort_by_key(|field| field.name);
            let comes = |at: &usize| {
                let mut map = Map::new();
                absent(&mut map, &fields[*at]);
                !map.is_empty()
            };
            let coming = (0..fields.len()).filter(comes).collect();
            Self { fields, coming, inlined }
        })
    }

    fn field(&self, name: &str) -> Option<&Planned> {
        self.fields.binary_search_by_key(&name, |field| field.name).ok().map(|at| &self.fields[at])
    }
}

fn message(plan: &'static Plan, value: &mut Value, same: &Same, fills: Fill, depth: usize) {
    if depth == 0 || !value.is_object() {
        return;
    }
    for inner in &plan.inlined {
        message(inner.plan(), value, same, fills, depth - 1);
    }
    let Value::Object(map) = value else { return };
    let mut gone: Vec<&str> = Vec::new();
    same.each_changed(map, |name, found, same| {
        let Some(field) = plan.field(name).filter(|_| !found.is_null()) else { return };
        if field.is_pointer || !is_zero(found, field.shape) {
            inside(&field.inner, found, same, fills, depth - 1);
        } else if field.may_lack && fills != Fill::Settled {
            gone.push(field.name);
        } else if fills == Fill::Settled && (found.is_array() || found.is_object()) {
            *found = Value::Null;
        }
    });
    for name in gone {
        map.remove(name);
    }
    let comes = |at: &usize| &plan.fields[*at];
    if fills != Fill::Structs {
        for field in plan.coming.iter().map(comes) {
            if map.get(field.name).is_none_or(Value::is_null) {
                absent(map, field);
            }
        }
        return;
    }
    for field in &plan.fields {
        if map.get(field.name).is_some_and(|found| !found.is_null()) {
            continue;
        }
        absent(map, field);
        let is_struct = field.shape.starts_with("m/") && !field.is_pointer;
        if let Inner::Message(inner) = &field.inner
            && is_struct
        {
            let mut own = Value::Object(Map::new());
            message(inner.plan(), &mut own, &Same::Nothing, fills, depth - 1);
            map.insert(field.name.to_owned(), own);
        }
    }
}

fn absent(map: &mut Map<String, Value>, field: &Planned) {
    let Planned { name, may_lack, is_pointer, shape, .. } = *field;
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

fn inside(inner: &Inner, value: &mut Value, same: &Same, fills: Fill, depth: usize) {
    if depth == 0 {
        return;
    }
    match (inner, value) {
        (Inner::Message(of), value) => message(of.plan(), value, same, fills, depth),
        (Inner::List(below), Value::Array(items)) => {
            for (item, same) in same.changed_items(items) {
                inside(below, item, same, fills, depth - 1);
            }
        }
        (Inner::Map(below), Value::Object(fields)) => {
            same.each_changed(fields, |_, field, same| inside(below, field, same, fills, depth - 1));
        }
        _ => {}
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
            zeros(group, version, kind, &mut object, &Same::Nothing);
            settle(group, version, kind, &mut object);
            for (key, value) in want.as_object().unwrap() {
                assert_eq!(object[key], *value, "{kind}");
            }
        }
    }
}
