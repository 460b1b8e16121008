//! Objects as YAML, as the reference writes it.

use serde_json::Value;

/// The value as one document, ended by a line end.
pub fn of(value: &Value) -> String {
    sluice_yaml::json::to_yaml(value)
}

/// An object as one document of several: after a line of dashes, without what only a server knows.
pub fn document(object: &Value) -> String {
    format!("---\n{}", of(object))
}
