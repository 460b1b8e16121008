//! Reading YAML values into typed fields by Go's rules: keys in any case, scalars become strings where a string is wanted,
//! the first wrong type is the error and reading goes on.

use serde_json::{Map, Value};
use sluice_yaml::json::format_float32;

use crate::json;

/// One read of one document. Collects the first error as encoding/json words it.
#[derive(Debug, Default)]
pub struct Typed {
    error: Option<String>,
}

/// A field's value with the names that an error needs.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The innermost Go type, `Metadata`.
    pub owner: &'a str,
    /// The dotted field path from the document's root.
    pub path: &'a str,
}

impl Typed {
    /// What was wrong first, in the words of sigs.k8s.io/yaml.
    pub fn finish(self) -> Result<(), String> {
        match self.error {
            None => Ok(()),
            Some(error) => Err(format!("error unmarshaling JSON: while decoding JSON: {error}")),
        }
    }

    fn refuse(&mut self, value: &Value, at: At<'_>, want: &str) {
        let kind = match value {
            Value::Null => return,
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if want.starts_with("int") => {
                format!("number {}", json::encode(&Value::Number(number.clone())))
            }
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        if self.error.is_none() {
            self.error = Some(if at.path.is_empty() {
                format!("json: cannot unmarshal {kind} into Go value of type {want}")
            } else {
                format!(
                    "json: cannot unmarshal {kind} into Go struct field {}.{} of type {want}",
                    at.owner, at.path
                )
            });
        }
    }

    /// A string; numbers and booleans are written out.
    pub fn string(&mut self, value: &Value, at: At<'_>) -> Option<String> {
        match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Number(number) => Some(match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(integer), ..) => integer.to_string(),
                (None, Some(integer), _) => integer.to_string(),
                (None, None, float) => format_float32(float.unwrap_or_default()),
            }),
            _ => {
                self.refuse(value, at, "string");
                None
            }
        }
    }

    pub fn boolean(&mut self, value: &Value, at: At<'_>) -> Option<bool> {
        if let Value::Bool(flag) = value {
            return Some(*flag);
        }
        self.refuse(value, at, "bool");
        None
    }

    /// A list; null is no list.
    pub fn list<'a>(&mut self, value: &'a Value, at: At<'_>, want: &str) -> Option<&'a [Value]> {
        if let Value::Array(items) = value {
            return Some(items);
        }
        self.refuse(value, at, want);
        None
    }

    pub fn map<'a>(&mut self, value: &'a Value, at: At<'_>, want: &str) -> Option<&'a Map<String, Value>> {
        if let Value::Object(map) = value {
            return Some(map);
        }
        self.refuse(value, at, want);
        None
    }

    /// A list of strings; wrong elements stay empty.
    pub fn strings(&mut self, value: &Value, at: At<'_>) -> Option<Vec<String>> {
        let items = self.list(value, at, "[]string")?;
        Some(items.iter().map(|item| self.string(item, at).unwrap_or_default()).collect())
    }
}

/// The field of `names` that Go's decoder gives a key to: exact first, else in any case.
pub fn field<'n>(names: &[&'n str], key: &str) -> Option<&'n str> {
    names
        .iter()
        .find(|name| **name == key)
        .or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(key)))
        .copied()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_become_strings_and_the_first_error_stays() {
        let at = At { owner: "Metadata", path: "version" };
        let mut typed = Typed::default();
        assert_eq!(typed.string(&json!(1.10), at).unwrap(), "1.1");
        assert_eq!(typed.string(&json!(12), at).unwrap(), "12");
        assert_eq!(typed.string(&json!(true), at).unwrap(), "true");
        assert_eq!(typed.string(&json!([1]), at), None);
        assert_eq!(typed.boolean(&json!("x"), at), None);
        assert_eq!(
            typed.finish().unwrap_err(),
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field Metadata.version of type string"
        );
    }
}
