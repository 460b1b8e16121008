//! CustomResourceDefinitions: their names, versions, and whether their schemas are structural.

mod extensions;
mod version;

use serde_json::Value;

use super::faults::{Faults, items, text};
use crate::custom;
use crate::registry::Resource;
use crate::rules;

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];
/// How deep a schema is looked at.
const DEPTH_LIMIT: usize = 100;

pub fn check(resource: &Resource, faults: &mut Faults) {
    if !resource.is(custom::GROUP, custom::PLURAL) {
        return;
    }
    let object = faults.object;
    let spec = &object["spec"];
    let (group, names) = (text(spec, "group"), &spec["names"]);
    let wanted = format!("{}.{group}", text(names, "plural"));
    if object["metadata"]["name"] != wanted.as_str() {
        faults.invalid(
            "metadata.name",
            &object["metadata"]["name"],
            "must be spec.names.plural+\".\"+spec.group",
        );
    }
    if group.is_empty() {
        faults.required("spec.group", "");
    } else if group.split('.').count() < 2 {
        faults.invalid("spec.group", &spec["group"], "should be a domain with at least one dot");
    }
    faults.one_of("spec.scope", &spec["scope"], &["Cluster", "Namespaced"]);
    for key in ["plural", "singular", "kind", "listKind"] {
        if text(names, key).is_empty() {
            faults.required(format_args!("spec.names.{key}"), "");
        }
    }
    let versions = items(spec, "versions");
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        faults.invalid("spec.versions", &spec["versions"], why);
    }
    if items(&object["status"], "storedVersions").is_empty() {
        let why = "must have at least one stored version";
        faults.invalid("status.storedVersions", &object["status"]["storedVersions"], why);
    }
    for (index, one) in versions.iter().enumerate() {
        let at = if versions.len() == 1 { "spec".to_owned() } else { format!("spec.versions[{index}]") };
        version::check(&at, one, faults);
        if one["deprecationWarning"].is_string() && one["deprecated"] != true {
            let at = format!("spec.versions[{index}].deprecationWarning");
            faults.invalid(&at, &one["deprecationWarning"], "can only be set for deprecated versions");
        }
        let path = if versions.len() == 1 {
            "spec.validation.openAPIV3Schema".to_owned()
        } else {
            format!("spec.versions[{index}].schema.openAPIV3Schema")
        };
        let schema = &one["schema"]["openAPIV3Schema"];
        if schema.is_object() {
            structural(&path, schema, true, 0, faults);
            extensions::root(&path, schema, faults);
            rules::faults(schema, &path, &mut faults.causes);
        } else {
            faults.required(format_args!("spec.versions[{index}].schema.openAPIV3Schema"), "");
        }
    }
}

/// The parts of allOf, anyOf, oneOf and not only bind what the schema around them describes.
fn combinations(path: &str, schema: &Value, depth: usize, faults: &mut Faults) {
    let is_either = schema["x-kubernetes-int-or-string"] == true
        && schema["anyOf"] == serde_json::json!([{ "type": "integer" }, { "type": "string" }]);
    for key in ["allOf", "anyOf", "oneOf"] {
        if key == "anyOf" && is_either {
            continue;
        }
        for (index, part) in items(schema, key).iter().enumerate() {
            bound(&format!("{path}.{key}[{index}]"), part, depth + 1, faults);
        }
    }
    if schema["not"].is_object() {
        bound(&format!("{path}.not"), &schema["not"], depth + 1, faults);
    }
}

fn bound(path: &str, part: &Value, depth: usize, faults: &mut Faults) {
    const EMPTY: &str = "must be empty to be structural";
    const UNDEFINED: &str = "must be undefined to be structural";
    const FALSE: &str = "must be false to be structural";
    if depth > DEPTH_LIMIT {
        return;
    }
    for (key, why) in [
        ("description", EMPTY),
        ("type", EMPTY),
        ("title", EMPTY),
        ("default", UNDEFINED),
        ("additionalProperties", UNDEFINED),
        ("nullable", FALSE),
        ("x-kubernetes-preserve-unknown-fields", FALSE),
        ("x-kubernetes-embedded-resource", FALSE),
        ("x-kubernetes-int-or-string", FALSE),
    ] {
        let value = &part[key];
        if !value.is_null() && *value != false && *value != "" {
            faults.forbidden(format_args!("{path}.{key}"), why);
        }
    }
    for (name, below) in part["properties"].as_object().into_iter().flatten() {
        bound(&format!("{path}.properties[{name}]"), below, depth + 1, faults);
    }
    if part["items"].is_object() {
        bound(&format!("{path}.items"), &part["items"], depth + 1, faults);
    }
    combinations(path, part, depth, faults);
}

/// Every field has a type.
fn structural(path: &str, schema: &Value, is_root: bool, depth: usize, faults: &mut Faults) {
    if depth > DEPTH_LIMIT {
        return;
    }
    if !schema["$ref"].is_null() {
        faults.forbidden(format_args!("{path}.$ref"), "$ref is not supported");
        return;
    }
    if schema["uniqueItems"] == true {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        faults.forbidden(format_args!("{path}.uniqueItems"), why);
    }
    if schema["properties"].is_object() && !schema["additionalProperties"].is_null() {
        let why = "additionalProperties and properties are mutual exclusive";
        faults.forbidden(format_args!("{path}.additionalProperties"), why);
    }
    combinations(path, schema, depth, faults);
    extensions::check(path, schema, faults);
    let kind = text(schema, "type");
    let is_free = schema["x-kubernetes-int-or-string"] == true
        || schema["x-kubernetes-preserve-unknown-fields"] == true;
    if is_root && kind != "object" {
        let at = format!("{path}.type");
        if kind.is_empty() {
            faults.required(&at, "must not be empty at the root");
        } else {
            faults.invalid(&at, &schema["type"], "must be object at the root");
        }
    } else if !kind.is_empty() && !TYPES.contains(&kind) {
        faults.one_of(format_args!("{path}.type"), &schema["type"], TYPES);
        if kind == "null" {
            let why = "type cannot be set to null, use nullable as an alternative";
            faults.forbidden(format_args!("{path}.type"), why);
        }
    } else if kind.is_empty() && !is_free {
        let last = path.rsplit('.').next().unwrap_or_default();
        let why = if last == "items" {
            "must not be empty for specified array items"
        } else {
            "must not be empty for specified object fields"
        };
        faults.required(format_args!("{path}.type"), why);
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        structural(&format!("{path}.properties[{name}]"), below, false, depth + 1, faults);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            structural(&format!("{path}.{key}"), &schema[key], false, depth + 1, faults);
        }
    }
    if kind == "array" && schema["items"].is_null() {
        faults.required(format_args!("{path}.items"), "must be specified");
    }
}
