//! Reading an object of the API: what is absent reads as empty.

use serde_json::Value;
use sluice_object::ObjectId;
use sluice_object::id::split_api_version;

/// The text at a JSON pointer.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The whole number at a JSON pointer.
pub fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// The elements of the list at a JSON pointer.
pub fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub fn condition<'a>(object: &'a Value, condition_type: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").find(|candidate| text(candidate, "/type") == condition_type)
}

/// Whether a condition is there and true.
pub fn is_true(object: &Value, condition_type: &str) -> bool {
    condition(object, condition_type).is_some_and(|condition| text(condition, "/status") == "True")
}

pub fn id(object: &Value) -> ObjectId {
    ObjectId {
        namespace: namespace(object).to_owned(),
        name: name(object).to_owned(),
        group: split_api_version(text(object, "/apiVersion")).0.to_owned(),
        kind: text(object, "/kind").to_owned(),
    }
}

/// One object, as a reference names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// The reference at a JSON pointer; without a namespace it means `home`.
pub fn reference(object: &Value, pointer: &str, home: &str) -> Option<Reference> {
    let at = object.pointer(pointer)?;
    let namespace = match text(at, "/namespace") {
        "" => home,
        named => named,
    };
    Some(Reference {
        kind: text(at, "/kind").to_owned(),
        namespace: namespace.to_owned(),
        name: text(at, "/name").to_owned(),
    })
}
