//! What the server keeps of a written object: unknown fields go, defaults come. By schema.

use serde_json::{Map, Value};

use crate::same::Same;
use crate::schema::{Schema, Shape};

/// Drops unknown fields and tells their paths.
pub fn prune(schema: &Schema, object: &mut Value) -> Vec<String> {
    let mut dropped = Vec::new();
    visit(schema, object, &Place::Root, &mut dropped);
    dropped
}

/// Where a walk is. It is only written down when there is something to tell.
pub enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Field(Place::Root, name) => out.write_str(name),
            Place::Field(above, name) => write!(out, "{above}.{name}"),
            Place::Item(above, index) => write!(out, "{above}[{index}]"),
        }
    }
}

fn visit(schema: &Schema, value: &mut Value, place: &Place, dropped: &mut Vec<String>) {
    let resolved = schema.resolved();
    match (&resolved.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            let keeps = schema.preserves_unknown || resolved.preserves_unknown || others.is_some();
            let is_whole = schema.is_embedded || matches!(place, Place::Root);
            let is_ours = |key: &str| is_whole && matches!(key, "apiVersion" | "kind" | "metadata");
            let mut unknown: Vec<String> = Vec::new();
            let first = dropped.len();
            for (key, below) in map.iter_mut() {
                if let Some(field) = fields.get(key).or(others.as_deref()) {
                    visit(field, below, &Place::Field(place, key), dropped);
                } else if !keeps && !is_ours(key) {
                    unknown.push(key.clone());
                }
            }
            for key in &unknown {
                map.remove(key);
            }
            // They are told before those that are deeper.
            let told = unknown.iter().map(|key| Place::Field(place, key).to_string());
            dropped.splice(first..first, told);
        }
        (Shape::Array(items), Value::Array(list)) => {
            for (index, item) in list.iter_mut().enumerate() {
                visit(items, item, &Place::Item(place, index), dropped);
            }
        }
        _ => {}
    }
}

/// Sets defaults where a field is absent; in CRDs also where it is null and may not be.
pub fn default(schema: &Schema, value: &mut Value, same: &Same) {
    let resolved = schema.resolved();
    match (&resolved.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            if map.values().any(Value::is_null) {
                map.retain(|name, below| !below.is_null() || fields.get(name).is_none_or(|f| f.is_nullable));
            }
            for name in &resolved.with_default {
                let default = fields.get(name).and_then(|field| field.default.as_ref());
                if let (Some(default), false) = (default, map.contains_key(name)) {
                    map.insert(name.clone(), default.clone());
                }
            }
            same.each_changed(map, |key, below, same| {
                if let Some(field) = fields.get(key).or(others.as_deref()) {
                    default(field, below, same);
                }
            });
        }
        (Shape::Array(items), Value::Array(list)) => {
            for (item, same) in same.changed_items(list) {
                default(items, item, same);
            }
        }
        _ => {}
    }
}

/// Without what Go leaves out of its JSON: nulls.
pub fn drop_nulls(value: &mut Value, same: &Same) {
    match value {
        Value::Object(map) => {
            if map.values().any(Value::is_null) {
                map.retain(|_, below| !below.is_null());
            }
            same.each_changed(map, |_, below, same| drop_nulls(below, same));
        }
        Value::Array(items) => same.changed_items(items).for_each(|(item, same)| drop_nulls(item, same)),
        _ => {}
    }
}

/// Whether two maps are the same but for some of their fields.
pub fn is_same_without(left: &Value, right: &Value, ignored: &[&str]) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else { return left == right };
    let of = |map| Map::iter(map).filter(|(name, _)| !ignored.contains(&name.as_str()));
    of(left).eq(of(right))
}

/// The metadata of an object, made where it is missing.
pub fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object["metadata"].is_object() {
        object["metadata"] = Value::Object(Map::new());
    }
    object["metadata"].as_object_mut().expect("just made")
}
