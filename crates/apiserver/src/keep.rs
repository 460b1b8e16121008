//! What the server keeps of a written object: unknown fields go, defaults come. By schema.

use serde_json::{Map, Value};

use crate::schema::{Schema, Shape};

/// Drops unknown fields and tells their paths.
pub fn prune(schema: &Schema, object: &mut Value) -> Vec<String> {
    let mut dropped = Vec::new();
    visit(schema, object, "", &mut dropped);
    dropped
}

fn visit(schema: &Schema, value: &mut Value, path: &str, dropped: &mut Vec<String>) {
    let resolved = schema.resolved();
    match (&resolved.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            let keeps = schema.preserves_unknown || resolved.preserves_unknown;
            let is_ours = |key: &str| {
                (schema.is_embedded || path.is_empty()) && matches!(key, "apiVersion" | "kind" | "metadata")
            };
            let unknown =
                |key: &str| !fields.contains_key(key) && others.is_none() && !keeps && !is_ours(key);
            let keys: Vec<String> = map.keys().filter(|key| unknown(key)).cloned().collect();
            for key in keys {
                map.remove(&key);
                dropped.push(joined(path, &key));
            }
            for (key, below) in map.iter_mut() {
                let field = fields.get(key).or(others.as_deref());
                if let Some(field) = field {
                    visit(field, below, &joined(path, key), dropped);
                }
            }
        }
        (Shape::Array(items), Value::Array(list)) => {
            for (index, item) in list.iter_mut().enumerate() {
                visit(items, item, &format!("{path}[{index}]"), dropped);
            }
        }
        _ => {}
    }
}

/// The path of a field below another.
pub fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Sets defaults where a field is absent; in CRDs also where it is null and may not be.
pub fn default(schema: &Schema, value: &mut Value) {
    let resolved = schema.resolved();
    match (&resolved.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            for (name, field) in fields {
                if map.get(name).is_some_and(Value::is_null) && !field.is_nullable {
                    map.remove(name);
                }
                if let (Some(default), false) = (&field.default, map.contains_key(name)) {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (key, below) in map.iter_mut() {
                if let Some(field) = fields.get(key).or(others.as_deref()) {
                    default(field, below);
                }
            }
        }
        (Shape::Array(items), Value::Array(list)) => {
            for item in list {
                default(items, item);
            }
        }
        _ => {}
    }
}

/// Without what Go leaves out of its JSON: nulls.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let nulls: Vec<String> =
                map.iter().filter(|(_, below)| below.is_null()).map(|(key, _)| key.clone()).collect();
            for key in nulls {
                map.remove(&key);
            }
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The metadata of an object, made where it is missing.
pub fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object["metadata"].is_object() {
        object["metadata"] = Value::Object(Map::new());
    }
    object["metadata"].as_object_mut().expect("just made")
}
