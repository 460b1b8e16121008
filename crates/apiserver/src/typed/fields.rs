//! The set of the fields that a value sets.

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_fields::{FieldSet, PathElement};

use super::walk::{Atom, TypedError, atom, item_element, items, shown};
use crate::decode::shown_as_go;
use crate::schema::{Schema, Shape};

/// The fields of a value; an error names the first that the schema does not allow.
pub fn field_set(schema: &Schema, value: &Value) -> Result<FieldSet, TypedError> {
    field_set_of(schema, value, false)
}

/// As `field_set`; an item that comes twice is an error.
pub fn unique_field_set(schema: &Schema, value: &Value) -> Result<FieldSet, TypedError> {
    field_set_of(schema, value, true)
}

fn field_set_of(schema: &Schema, value: &Value, wants_unique: bool) -> Result<FieldSet, TypedError> {
    let mut walk = Walk { path: Vec::new(), wants_unique };
    // The whole itself has no path.
    walk.visit(schema, value).map(|(_, below)| below)
}

struct Walk {
    /// Where the walk is, for errors.
    path: Vec<PathElement>,
    wants_unique: bool,
}

impl Walk {
    /// Whether a place is itself in the set, and what is below it.
    fn visit(&mut self, schema: &Schema, value: &Value) -> Result<(bool, FieldSet), TypedError> {
        self.check(schema, value)?;
        let mut found = FieldSet::default();
        match atom(schema, Some(value)) {
            Atom::Leaf => return Ok((true, found)),
            Atom::Map(schema) => {
                for (name, below) in value.as_object().into_iter().flatten() {
                    self.path.push(PathElement::Field(name.clone()));
                    let Some((field, is_declared)) = schema.field(name) else {
                        return Err(self.error("field not declared in schema"));
                    };
                    let (is_member, children) = self.visit(field, below)?;
                    let is_empty = below.is_null() || below.as_object().is_some_and(|map| map.is_empty());
                    if let Some(element) = self.path.pop() {
                        found.add(element, is_member || is_empty || !is_declared, children);
                    }
                }
            }
            Atom::List(below, list) => {
                let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
                let mut elements = Vec::new();
                for (index, item) in items(Some(value)).iter().enumerate() {
                    let element = item_element(item, below, list)
                        .map_err(|message| self.error(&format!("element {index}: {message}")))?;
                    if !seen.insert(element.clone()) {
                        if self.wants_unique {
                            return Err(self.error(&format!("duplicate entries for key {element}")));
                        }
                        twice.insert(element.clone());
                    }
                    elements.push((element, item));
                }
                for (element, item) in elements {
                    let is_twice = twice.contains(&element);
                    self.path.push(element);
                    let children = if is_twice { FieldSet::default() } else { self.visit(below, item)?.1 };
                    if let Some(element) = self.path.pop() {
                        found.add(element, true, children);
                    }
                }
            }
        }
        Ok((false, found))
    }

    /// Whether the value is of the schema's type.
    fn check(&self, schema: &Schema, value: &Value) -> Result<(), TypedError> {
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
        Err(self.error(&match wanted {
            "string" => format!("expected string, got &value.valueUnstructured{{Value:{}}}", literal(value)),
            "numeric" => format!("expected numeric (int or float), got {}", go_type(value)),
            _ => format!("expected {wanted}, got &{{{}}}", shown_as_go(value)),
        }))
    }

    fn error(&self, message: &str) -> TypedError {
        TypedError { path: shown(&self.path), message: message.to_owned() }
    }
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
