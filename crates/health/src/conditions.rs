//! `status.conditions`, read as strictly as Go reads them.

use serde_json::{Map, Value};

use crate::field::{Fields, go_type};

/// One condition.
pub struct Condition<'a> {
    pub kind: &'a str,
    pub status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
}

impl Condition<'_> {
    pub fn is(&self, kind: &str, status: &str) -> bool {
        self.kind == kind && self.status == status
    }
}

/// All conditions of an object; an error if they are not what they must be.
pub fn of(object: &Fields) -> Result<Vec<Condition<'_>>, String> {
    let status = match object.get("status") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(status)) => status,
        Some(other) => return Err(format!("cannot restore struct from: {}", go_kind(other))),
    };
    let conditions = match status.get("conditions") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(conditions)) => conditions,
        Some(other) => return Err(format!("cannot restore slice from {}", go_kind(other))),
    };
    conditions.iter().map(condition).collect()
}

fn condition(value: &Value) -> Result<Condition<'_>, String> {
    let empty = Condition { kind: "", status: "", reason: "", message: "" };
    let fields = match value {
        Value::Null => return Ok(empty),
        Value::Object(fields) => fields,
        other => return Err(format!("cannot restore struct from: {}", go_kind(other))),
    };
    Ok(Condition {
        kind: text(fields, "type", "string")?,
        status: text(fields, "status", "v1.ConditionStatus")?,
        reason: text(fields, "reason", "string")?,
        message: text(fields, "message", "string")?,
    })
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str, of: &str) -> Result<&'a str, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        // Go could turn a whole number into a text, and says that it will not; of others it knows nothing.
        Some(Value::Number(number)) if number.is_i64() => Err(format!("cannot convert int64 to {of}")),
        Some(_) => Err("unrecognized type: string".into()),
    }
}

/// What Go calls the kind of a JSON value's type.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        other => go_type(other),
    }
}
