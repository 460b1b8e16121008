//! What a version of a CRD has besides its schema: scale, columns, fields to select by.

use serde_json::Value;

use super::super::faults::{Faults, items, text};

const SIMPLE: &str = "must be a simple json path starting with .";
const FORMATS: &[&str] = &["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];

/// `path` is that of the version, or of the spec where there is one version.
pub fn check(path: &str, version: &Value, faults: &mut Faults) {
    let scale = &version["subresources"]["scale"];
    if scale.is_object() {
        for (key, parts) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
            let (at, written) = (format!("{path}.subresources.scale.{key}"), text(scale, key));
            if written.is_empty() {
                faults.required(&at, "");
            } else if !written.starts_with('.') {
                faults.invalid(&at, &scale[key], SIMPLE);
            } else if !written.strip_prefix(parts).is_some_and(|rest| rest.starts_with('.')) {
                faults.invalid(&at, &scale[key], &format!("should be a json path under {parts}"));
            }
        }
    }
    for (index, column) in items(version, "additionalPrinterColumns").iter().enumerate() {
        let at = |key: &str| format!("{path}.additionalPrinterColumns[{index}].{key}");
        if text(column, "name").is_empty() {
            faults.required(at("name"), "");
        }
        let kind = text(column, "type");
        if kind.is_empty() {
            faults.required(at("type"), &format!("must be one of {}", TYPES.join(",")));
        } else if !TYPES.contains(&kind) {
            faults.invalid(at("type"), &column["type"], &format!("must be one of {}", TYPES.join(",")));
        }
        if !matches!(text(column, "format"), "") && !FORMATS.contains(&text(column, "format")) {
            faults.invalid(at("format"), &column["format"], &format!("must be one of {}", FORMATS.join(",")));
        }
        let written = text(column, "jsonPath");
        if written.is_empty() {
            faults.required(at("JSONPath"), "");
        } else if !written.starts_with('.') {
            faults.invalid(at("JSONPath"), &column["jsonPath"], SIMPLE);
        }
    }
    selectable(path, version, faults);
}

fn selectable(path: &str, version: &Value, faults: &mut Faults) {
    const UNLIKE: &str = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
    let fields = items(version, "selectableFields");
    for (index, field) in fields.iter().enumerate() {
        let (at, written) = (format!("{path}.selectableFields[{index}].jsonPath"), &field["jsonPath"]);
        let mut schema = &version["schema"]["openAPIV3Schema"];
        for part in text(field, "jsonPath").trim_start_matches('.').split('.') {
            schema = &schema["properties"][part];
        }
        if schema.is_null() {
            faults.invalid(&at, written, "is an invalid path: does not refer to a valid field");
        } else if !matches!(text(schema, "type"), "string" | "boolean" | "integer") {
            faults.invalid(&at, written, UNLIKE);
        } else if fields[..index].iter().any(|other| other["jsonPath"] == *written) {
            faults.duplicate(&at, written);
        }
    }
}
