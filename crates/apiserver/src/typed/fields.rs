//! The set of the fields that a value sets.

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_fields::{FieldSet, PathElement};

use super::walk::{Atom, TypedError, atom, item_element, items};
use crate::decode::shown_as_go;
use crate::schema::{ListKind, Schema, Shape};

/// The fields of a value; an error names the first that the schema does not allow.
pub fn field_set(schema: &Schema, value: &Value) -> Result<FieldSet, TypedError> {
    field_set_of(schema, value, false)
}

/// As `field_set`; an item that comes twice is an error.
pub fn unique_field_set(schema: &Schema, value: &Value) -> Result<FieldSet, TypedError> {
    field_set_of(schema, value, true)
}

fn field_set_of(schema: &Schema, value: &Value, wants_unique: bool) -> Result<FieldSet, TypedError> {
    // The whole itself has no path.
    visit(schema, value, wants_unique).map(|(_, below)| below)
}

/// Whether a place is itself in the set, and what is below it.
fn visit(schema: &Schema, value: &Value, wants_unique: bool) -> Result<(bool, FieldSet), TypedError> {
    check(schema, value)?;
    let mut found = FieldSet::default();
    match atom(schema, Some(value)) {
        Atom::Leaf => return Ok((true, found)),
        Atom::Map(schema) => {
            for (name, below) in value.as_object().into_iter().flatten() {
                let here = |error: TypedError| error.below(&format!(".{name}"));
                let undeclared = || here(wrong("field not declared in schema"));
                let (field, is_declared) = schema.field(name).ok_or_else(undeclared)?;
                let (is_member, children) = visit(field, below, wants_unique).map_err(here)?;
                let is_empty = below.is_null() || below.as_object().is_some_and(|map| map.is_empty());
                let element = PathElement::Field(name.clone());
                found.add(element, is_member || is_empty || !is_declared, children);
            }
        }
        Atom::List(below, list) => {
            let (elements, failure) = elements(items(Some(value)), below, list);
            let mut seen = BTreeSet::new();
            let again: Vec<&PathElement> = elements.iter().filter(|one| !seen.insert(*one)).collect();
            if wants_unique && let Some(element) = again.first() {
                return Err(wrong(&format!("duplicate entries for key {element}")));
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
            let twice: BTreeSet<PathElement> = again.into_iter().cloned().collect();
            for (element, item) in elements.into_iter().zip(items(Some(value))) {
                let children = if twice.contains(&element) {
                    FieldSet::default()
                } else {
                    let here = |error: TypedError| error.below(&element.to_string());
                    visit(below, item, wants_unique).map_err(here)?.1
                };
                found.add(element, true, children);
            }
        }
    }
    Ok((false, found))
}

/// By what the items of a list are found, up to one that cannot be.
fn elements(items: &[Value], schema: &Schema, list: &ListKind) -> (Vec<PathElement>, Option<TypedError>) {
    let mut found = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item_element(item, schema, list) {
            Ok(element) => found.push(element),
            Err(message) => return (found, Some(wrong(&format!("element {index}: {message}")))),
        }
    }
    (found, None)
}

/// Whether the value is of the schema's type.
fn check(schema: &Schema, value: &Value) -> Result<(), TypedError> {
    let wanted = match (&schema.resolved().shape, value) {
        (_, Value::Null) => return Ok(()),
        (Shape::Array(_), Value::Array(_)) | (Shape::Object { .. }, Value::Object(_)) => return Ok(()),
        (Shape::Array(_), _) => "list",
        (Shape::Object { .. }, _) => "map",
        (Shape::Boolean, Value::Bool(_)) | (Shape::String, Value::String(_)) => return Ok(()),
        (Shape::Boolean, _) => "boolean",
        (Shape::String, _) => "string",
        (Shape::Integer | Shape::Number, Value::Number(_)) => return Ok(()),
        (Shape::Integer | Shape::Number, _) => "numeric",
        _ => return Ok(()),
    };
    Err(wrong(&match wanted {
        "string" => format!("expected string, got &value.valueUnstructured{{Value:{}}}", literal(value)),
        "numeric" => format!("expected numeric (int or float), got {}", go_type(value)),
        _ => format!("expected {wanted}, got &{{{}}}", shown_as_go(value)),
    }))
}

/// What is wrong with the value itself.
fn wrong(message: &str) -> TypedError {
    TypedError { path: String::new(), message: message.to_owned() }
}

/// A value as Go would have it in its source.
fn literal(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| format!("{key:?}:{}", literal(value)));
            format!("map[string]interface {{}}{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Null => "interface {}(nil)".to_owned(),
        other => other.to_string(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "map[string]interface {}",
        Value::Array(_) => "[]interface {}",
        Value::Bool(_) => "bool",
        _ => "string",
    }
}
