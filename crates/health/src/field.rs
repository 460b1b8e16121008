//! Fields of objects, with the errors that Go gives for those of the wrong type.

use serde_json::{Map, Value};

/// The fields of an object or of a part of one.
pub type Fields = Map<String, Value>;

fn at<'a>(object: &'a Fields, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('.');
    keys.next().and_then(|first| keys.try_fold(object.get(first)?, |value, key| value.as_object()?.get(key)))
}

/// A text; absent if it is something else.
pub fn text<'a>(object: &'a Fields, path: &str) -> Option<&'a str> {
    at(object, path)?.as_str()
}

/// A whole number, or `default` if there is none.
pub fn number(object: &Fields, path: &str, default: i64) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or(default)
}

/// A truth; absent if it is something else.
pub fn flag(object: &Fields, path: &str) -> Option<bool> {
    at(object, path)?.as_bool()
}

/// A list; absent if it is something else.
pub fn list<'a>(object: &'a Fields, path: &str) -> Option<&'a Vec<Value>> {
    at(object, path)?.as_array()
}

/// A whole number that must not be anything else.
pub fn strict_number(object: &Fields, path: &str) -> Result<Option<i64>, String> {
    let Some(value) = strict(object, path)? else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| accessor_error(path, value, "int64"))
}

/// A text that must not be anything else.
pub fn strict_text<'a>(object: &'a Fields, path: &str) -> Result<Option<&'a str>, String> {
    let Some(value) = strict(object, path)? else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| accessor_error(path, value, "string"))
}

fn strict<'a>(object: &'a Fields, path: &str) -> Result<Option<&'a Value>, String> {
    let (mut fields, mut rest) = (object, path);
    while let Some((key, after)) = rest.split_once('.') {
        fields = match fields.get(key) {
            Some(Value::Object(below)) => below,
            // An absent map has no fields either.
            None | Some(Value::Null) => return Ok(None),
            Some(other) => {
                let next = after.split('.').next().unwrap_or_default();
                let walked = &path[..path.len() - after.len() + next.len()];
                return Err(accessor_error(walked, other, "map[string]interface{}"));
            }
        };
        rest = after;
    }
    Ok(fields.get(rest))
}

fn accessor_error(path: &str, value: &Value, want: &str) -> String {
    let of = match value {
        Value::Null => "<nil>",
        _ => go_type(value),
    };
    format!(".{path} accessor error: {} is of the type {of}, expected {want}", go_text(value))
}

/// The type that Go has for a JSON value.
pub fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A JSON value as Go's `%v` prints it.
fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, field)| format!("{key}:{}", go_text(field))).collect();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}
