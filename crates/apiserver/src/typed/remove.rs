//! Taking fields out of a value.

use serde_json::{Map, Value};
use sluice_fields::{FieldSet, PathElement};

use super::walk::{Atom, atom, item_element, items};
use crate::schema::{ANY, Schema};

/// The value without the fields of a set.
pub fn remove(schema: &Schema, value: &Value, fields: &FieldSet) -> Value {
    visit(schema, value, fields).unwrap_or_else(|| emptied(value))
}

/// What is left when all was taken out.
fn emptied(value: &Value) -> Value {
    if value.is_array() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) }
}

fn visit(schema: &Schema, value: &Value, fields: &FieldSet) -> Option<Value> {
    match atom(schema, Some(value)) {
        Atom::Leaf => (!value.is_object() && !value.is_array()).then(|| value.clone()),
        Atom::Map(schema) => {
            let (mut out, mut has_matched) = (Map::new(), false);
            for (name, below) in value.as_object()? {
                let element = [PathElement::Field(name.clone())];
                if fields.has(&element) {
                    continue;
                }
                let under = fields.below(&element).filter(|under| !under.is_empty());
                let Some(under) = under else {
                    out.insert(name.clone(), below.clone());
                    continue;
                };
                has_matched = true;
                let field = schema.field(name).map_or(&ANY, |(field, _)| field);
                let left = visit(field, below, under).unwrap_or_else(|| emptied(below));
                out.insert(name.clone(), left);
            }
            (!out.is_empty() || has_matched).then_some(Value::Object(out))
        }
        Atom::List(below, list) => {
            let (mut out, mut has_matched) = (Vec::new(), false);
            for item in items(Some(value)) {
                let Ok(element) = item_element(item, below, list) else { continue };
                let element = [element];
                if fields.has(&element) {
                    continue;
                }
                match fields.below(&element).filter(|under| !under.is_empty()) {
                    Some(under) => {
                        has_matched = true;
                        out.push(visit(below, item, under).unwrap_or_else(|| emptied(item)));
                    }
                    None => out.push(item.clone()),
                }
            }
            (!out.is_empty() || has_matched).then_some(Value::Array(out))
        }
    }
}

/// The set with each declared field that has something below it as a member of its own.
pub fn named_members(schema: &Schema, fields: &FieldSet) -> FieldSet {
    let mut out = fields.clone();
    for path in fields.paths() {
        let mut at = schema;
        for (depth, element) in path.iter().enumerate() {
            at = match element {
                PathElement::Field(name) => match at.field(name) {
                    Some((below, is_declared)) => {
                        if is_declared {
                            out.insert(path[..=depth].iter().cloned());
                        }
                        below
                    }
                    None => &ANY,
                },
                _ => at.items(),
            };
        }
    }
    out
}
