//! Whether a body fits the types of a built-in kind, with the words of the library that reads it in the real server.
//! Amounts are brought to the form in which they are kept.

use serde_json::Value;

use crate::keep::Place;
use crate::quantity;
use crate::same::Same;
use crate::schema::{Schema, Shape};

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
/// How deep a body is looked at.
const DEPTH_LIMIT: usize = 128;

/// Checks a body, and brings its amounts into form. The error is what a client reads.
pub fn body(schema: &Schema, object: &mut Value) -> Result<(), String> {
    changed(schema, object, &Same::Nothing)
}

/// As `body`, where only a part has changed.
pub fn changed(schema: &Schema, object: &mut Value, same: &Same) -> Result<(), String> {
    let Value::Object(fields) = object else { return Ok(()) };
    let owner = last(name_of(schema));
    let mut outcome = Ok(());
    same.each_changed(fields, |key, value, same| {
        if let (Some((field, _)), true) = (schema.field(key), outcome.is_ok()) {
            outcome = walk(field, value, same, owner, &Place::Field(&Place::Root, key), 0);
        }
    });
    outcome
}

fn name_of(schema: &Schema) -> &str {
    match &schema.shape {
        Shape::Reference(reference) => &reference.name,
        _ => &schema.name,
    }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// A type as Go writes it.
fn go_type(schema: &Schema) -> String {
    let resolved = schema.resolved();
    match &resolved.shape {
        Shape::String if resolved.format == "byte" => "[]uint8".to_owned(),
        Shape::String => "string".to_owned(),
        Shape::Integer if resolved.format.is_empty() => "int32".to_owned(),
        Shape::Integer => resolved.format.clone(),
        Shape::Number => "float64".to_owned(),
        Shape::Boolean => "bool".to_owned(),
        Shape::Array(items) => format!("[]{}", go_type(items)),
        Shape::Object { fields, others: Some(others) } if fields.is_empty() => {
            format!("map[string]{}", go_type(others))
        }
        _ => {
            let name = name_of(schema);
            let mut parts = name.rsplit('.');
            let (kind, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            format!("{version}.{kind}")
        }
    }
}

fn walk(
    schema: &Schema,
    value: &mut Value,
    same: &Same,
    owner: &str,
    place: &Place,
    depth: usize,
) -> Result<(), String> {
    if value.is_null() || depth > DEPTH_LIMIT {
        return Ok(());
    }
    match name_of(schema) {
        QUANTITY => return amount(value),
        name @ (TIME | MICRO_TIME) => return time(value, name == MICRO_TIME),
        _ => {}
    }
    let resolved = schema.resolved();
    let wrong = |value: &Value| {
        let found = match value {
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if number.is_f64() && resolved.shape == Shape::Integer => {
                format!("number {number}")
            }
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            _ => "object".to_owned(),
        };
        let wanted = go_type(schema);
        Err(format!("json: cannot unmarshal {found} into Go struct field {owner}.{place} of type {wanted}"))
    };
    match (&resolved.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            let is_struct = !fields.is_empty();
            let inner = if is_struct { last(name_of(schema)) } else { owner };
            let mut outcome = Ok(());
            same.each_changed(map, |key, below, same| {
                if outcome.is_err() {
                } else if let Some(field) = fields.get(key) {
                    outcome = walk(field, below, same, inner, &Place::Field(place, key), depth + 1);
                } else if let Some(others) = others {
                    outcome = walk(others, below, same, inner, place, depth + 1);
                }
            });
            outcome
        }
        (Shape::Array(items), Value::Array(list)) => {
            let mut changed = same.changed_items(list);
            changed.try_for_each(|(item, same)| walk(items, item, same, owner, place, depth + 1))
        }
        (Shape::String, Value::String(text)) if resolved.format == "byte" => base64_fault(text),
        (Shape::Integer, value @ Value::Number(_)) if value.is_f64() => wrong(value),
        (Shape::Any | Shape::Reference(_) | Shape::IntOrString, _)
        | (Shape::String, Value::String(_))
        | (Shape::Integer | Shape::Number, Value::Number(_))
        | (Shape::Boolean, Value::Bool(_)) => Ok(()),
        (_, value) => wrong(value),
    }
}

/// Whether an object fits its types, with the words of the converter that strategic patches go through.
pub fn restore(schema: &Schema, object: &Value) -> Result<(), String> {
    restored(schema, object, 0)
}

fn restored(schema: &Schema, value: &Value, depth: usize) -> Result<(), String> {
    if value.is_null() || depth > DEPTH_LIMIT || matches!(name_of(schema), QUANTITY | TIME | MICRO_TIME) {
        return Ok(());
    }
    let resolved = schema.resolved();
    let found = match value {
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        other => crate::text::kind(other),
    };
    match (&resolved.shape, value) {
        (Shape::Object { .. }, Value::Object(map)) => map
            .iter()
            .filter_map(|(key, below)| Some((schema.field(key)?.0, below)))
            .try_for_each(|(field, below)| restored(field, below, depth + 1)),
        (Shape::Array(items), Value::Array(list)) => {
            list.iter().try_for_each(|item| restored(items, item, depth + 1))
        }
        (Shape::Any | Shape::Reference(_) | Shape::IntOrString, _)
        | (Shape::String, Value::String(_))
        | (Shape::Integer | Shape::Number, Value::Number(_))
        | (Shape::Boolean, Value::Bool(_)) => Ok(()),
        (Shape::Array(_), _) => Err(format!("cannot restore slice from {found}")),
        (Shape::Object { fields, .. }, _) if fields.is_empty() => {
            Err(format!("cannot restore map from {found}"))
        }
        (Shape::Object { .. }, _) => Err(format!("cannot restore struct from: {found}")),
        _ => Err(format!("unrecognized type: {}", go_type(schema))),
    }
}

/// A value as Go prints it: `map[a:1 b:[x y]]`.
pub fn shown_as_go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(shown_as_go).collect::<Vec<_>>().join(" "))
        }
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| format!("{key}:{}", shown_as_go(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

fn amount(value: &mut Value) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Ok(()),
    };
    let fault = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    let kept = quantity::canonical(&text).ok_or(fault)?;
    if *value != *kept {
        *value = kept.into();
    }
    Ok(())
}

fn time(value: &Value, is_micro: bool) -> Result<(), String> {
    let Value::String(text) = value else { return Ok(()) };
    if text.parse::<jiff::Timestamp>().is_ok() {
        return Ok(());
    }
    let form = if is_micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    Err(format!("parsing time {text:?} as {form:?}: cannot parse {text:?} as \"2006\""))
}

/// Where Go's reader of base64 stops.
fn base64_fault(text: &str) -> Result<(), String> {
    use base64::Engine;
    let joined: String = text.chars().filter(|c| *c != '\n' && *c != '\r').collect();
    if base64::engine::general_purpose::STANDARD.decode(&joined).is_ok() {
        return Ok(());
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let at = text
        .bytes()
        .position(|byte| !is_letter(byte) && byte != b'\n' && byte != b'\r')
        .unwrap_or(text.len());
    Err(format!("illegal base64 data at input byte {at}"))
}
