//! What a CRD's schema says beyond types: lists that are maps, objects within objects, defaults, and words that
//! Kubernetes does not take.

use serde_json::Value;
use sluice_gotmpl::pattern;

use super::super::custom::found_type;
use super::super::faults::{Faults, items, text};
use crate::keep;
use crate::schema::Schema;
use crate::status::Cause;

const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const KEYS: &str = "x-kubernetes-list-map-keys";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";

pub fn check(path: &str, schema: &Value, faults: &mut Faults) {
    for key in ["id", "patternProperties", "definitions", "dependencies", "additionalItems"] {
        if !schema[key].is_null() {
            faults.forbidden(format_args!("{path}.{key}"), &format!("{key} is not supported"));
        }
    }
    if schema["items"].is_array() {
        faults.forbidden(format_args!("{path}.items"), "items must be a schema object and not an array");
    }
    if let Some(written) = schema["pattern"].as_str()
        && let Err(why) = pattern::translate(written)
    {
        let why = format!("must be a valid regular expression, but isn't: {why}");
        faults.invalid(format_args!("{path}.pattern"), &schema["pattern"], &why);
    }
    if schema[PRESERVE] == false {
        faults.invalid(format_args!("{path}.{PRESERVE}"), &schema[PRESERVE], "must be true or undefined");
    }
    let kind = text(schema, "type");
    if schema[EMBEDDED] == true {
        typed(path, schema, "object", "must be object if x-kubernetes-embedded-resource is true", faults);
        if schema[PRESERVE] != true && schema["properties"].as_object().is_none_or(|fields| fields.is_empty())
        {
            let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
            faults.required(format_args!("{path}.properties"), why);
        }
    }
    if !schema[MAP_TYPE].is_null() {
        faults.one_of(format_args!("{path}.{MAP_TYPE}"), &schema[MAP_TYPE], &["atomic", "granular"]);
        typed(path, schema, "object", "must be object if x-kubernetes-map-type is specified", faults);
    }
    if !schema[LIST_TYPE].is_null() {
        faults.one_of(format_args!("{path}.{LIST_TYPE}"), &schema[LIST_TYPE], &["atomic", "set", "map"]);
        typed(path, schema, "array", "must be array if x-kubernetes-list-type is specified", faults);
    }
    match text(schema, LIST_TYPE) {
        "map" if kind == "array" => map(path, schema, faults),
        "set" if kind == "array" => {
            let below = &schema["items"];
            let key = if text(below, "type") == "object" { MAP_TYPE } else { LIST_TYPE };
            if matches!(text(below, "type"), "object" | "array") && below[key] != "atomic" {
                let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
                faults.invalid(format_args!("{path}.items.{key}"), &below[key], why);
            }
        }
        _ => {}
    }
    default(path, schema, faults);
}

fn typed(path: &str, schema: &Value, wanted: &str, why: &str, faults: &mut Faults) {
    match text(schema, "type") {
        "" => faults.required(format_args!("{path}.type"), why),
        kind if kind != wanted => faults.invalid(format_args!("{path}.type"), &schema["type"], why),
        _ => {}
    }
}

/// A list whose items are told apart by keys.
fn map(path: &str, schema: &Value, faults: &mut Faults) {
    let (at, keys, below) = (format!("{path}.{KEYS}"), items(schema, KEYS), &schema["items"]);
    if keys.is_empty() {
        faults.required(&at, "must not be empty if x-kubernetes-list-type is map");
    }
    if text(below, "type") != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        return faults.invalid(format_args!("{path}.items.type"), &below["type"], why);
    }
    let mut is_known = true;
    for (index, key) in keys.iter().enumerate() {
        let name = key.as_str().unwrap_or_default();
        let field = &below["properties"][name];
        is_known &= field.is_object();
        let is_required = items(below, "required").contains(key);
        if field.is_object() && field["default"].is_null() && !is_required && !keys[..index].contains(key) {
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            faults.required(format_args!("{path}.items.properties[{name}].default"), why);
        }
    }
    if !is_known {
        faults.invalid(&at, &schema[KEYS], "entries must all be names of item properties");
    }
    if keys.iter().enumerate().any(|(index, key)| keys[..index].contains(key)) {
        faults.invalid(&at, &schema[KEYS], "must not contain duplicate entries");
    }
}

fn default(path: &str, schema: &Value, faults: &mut Faults) {
    let (at, value, kind) = (format!("{path}.default"), &schema["default"], text(schema, "type"));
    if value.is_null() {
        return;
    }
    let found = found_type(value);
    if !kind.is_empty() && found != kind && (kind, found) != ("number", "integer") {
        let why = format!("Invalid value: {found:?}:  in body must be of type {kind}: {found:?}");
        return faults.causes.push(Cause::new("FieldValueTypeInvalid", &at, why));
    }
    let mut kept = value.clone();
    if !keep::prune(&Schema::structural(schema), &mut kept).is_empty() || kept != *value {
        faults.invalid(&at, value, "must not have unknown fields");
    }
}

/// What every object has is described by Kubernetes alone.
pub fn root(path: &str, schema: &Value, faults: &mut Faults) {
    let fields = &schema["properties"];
    for key in ["apiVersion", "kind"] {
        let at = format!("{path}.properties[{key}]");
        if !fields[key].is_null() && !matches!(text(&fields[key], "type"), "" | "string") {
            faults.invalid(format_args!("{at}.type"), &fields[key]["type"], "must be string");
        }
        if !fields[key]["default"].is_null() {
            faults.forbidden(format_args!("{at}.default"), &format!("must not be set in top-level {key}"));
        }
    }
    let (at, metadata) = (format!("{path}.properties[metadata]"), &fields["metadata"]);
    if metadata.is_null() {
        return;
    }
    if !matches!(text(metadata, "type"), "" | "object") {
        return faults.invalid(format_args!("{at}.type"), &metadata["type"], "must be object");
    }
    let is_plain = metadata.as_object().into_iter().flatten().all(|(key, value)| match key.as_str() {
        "type" => true,
        "properties" => value
            .as_object()
            .is_none_or(|fields| fields.keys().all(|name| matches!(name.as_str(), "name" | "generateName"))),
        _ => value.is_null(),
    });
    if !is_plain {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        faults.forbidden(&at, why);
    }
}
