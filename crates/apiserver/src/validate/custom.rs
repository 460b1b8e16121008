//! Objects of CRDs, by their schema and then by their rules.

mod format;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::keep::Place;
use crate::registry::Resource;
use crate::rules;
use crate::schema::{Combined, ListKind, Schema, Shape};
use crate::status::Cause;

/// Mistakes after which rules are not looked at.
const BLOCKING: &[&str] = &[
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
];

/// An object of a CRD, by its schema and then by its rules.
pub fn check(resource: &Resource, object: &Value, live: Option<&Value>, causes: &mut Vec<Cause>) {
    fields(&resource.schema, object, &Place::Root, causes);
    duplicates(&resource.schema, object, &Place::Root, causes);
    if resource.schema.has_rules && causes.iter().any(|cause| BLOCKING.contains(&cause.reason)) {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        causes.push(Cause::invalid("<nil>", &Value::Null, why));
    } else {
        rules::check(&resource.schema, object, live, causes);
    }
}

/// Items of sets and maps that come twice.
fn duplicates(schema: &Schema, value: &Value, place: &Place, causes: &mut Vec<Cause>) {
    match (&schema.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            for (key, below) in map {
                let is_own = matches!(place, Place::Root)
                    && matches!(key.as_str(), "apiVersion" | "kind" | "metadata");
                if let (Some(field), false) = (fields.get(key).or(others.as_deref()), is_own) {
                    duplicates(field, below, &Place::Field(place, key), causes);
                }
            }
        }
        (Shape::Array(items), Value::Array(list)) => {
            let mut seen = BTreeSet::new();
            for (index, item) in list.iter().enumerate() {
                let at = Place::Item(place, index);
                let named = match &schema.list {
                    ListKind::Atomic => None,
                    ListKind::Set => Some(item.clone()),
                    ListKind::Map(keys) => {
                        Some(keys.iter().map(|key| (key.clone(), item[key].clone())).collect())
                    }
                };
                if let Some(named) = named.filter(|named| !seen.insert(named.to_string())) {
                    causes.push(Cause::new(
                        "FieldValueDuplicate",
                        &at.to_string(),
                        format!("Duplicate value: {named}"),
                    ));
                }
                duplicates(items, item, &at, causes);
            }
        }
        _ => {}
    }
}

/// An object of a CRD, by its schema.
fn fields(schema: &Schema, value: &Value, place: &Place, causes: &mut Vec<Cause>) {
    let resolved = schema.resolved();
    let is_root = matches!(place, Place::Root);
    let shown = || if is_root { "<nil>".to_owned() } else { place.to_string() };
    if value.is_null() {
        if !schema.is_nullable && schema.shape != Shape::Any {
            let wanted = type_name(&resolved.shape);
            let message = format!("{} in body must be of type {wanted}: \"null\"", shown());
            causes.push(Cause::new(
                "FieldValueTypeInvalid",
                &place.to_string(),
                format!("Invalid value: \"null\": {message}"),
            ));
        }
        return;
    }
    let fits = match (&resolved.shape, value) {
        (Shape::Any | Shape::Reference(_), _)
        | (Shape::String, Value::String(_))
        | (Shape::Number, Value::Number(_))
        | (Shape::Boolean, Value::Bool(_))
        | (Shape::Array(_), Value::Array(_))
        | (Shape::Object { .. }, Value::Object(_))
        | (Shape::IntOrString, Value::String(_)) => true,
        (Shape::Integer | Shape::IntOrString, Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        _ => false,
    };
    if !fits {
        let (wanted, found) = (type_name(&resolved.shape), found_type(value));
        let shown = shown();
        let message =
            format!("Invalid value: {found:?}: {shown} in body must be of type {wanted}: {found:?}");
        causes.push(Cause::new("FieldValueTypeInvalid", &place.to_string(), message));
        if let Some(combined) = schema.combined.as_ref().filter(|_| resolved.shape == Shape::IntOrString) {
            combinations(combined, value, place, causes);
        }
        if matches!(resolved.shape, Shape::Integer) && value.is_f64() {
            let why = format!("Checked value must be of type integer (default format) in {shown}");
            causes.push(Cause::invalid("<nil>", &"".into(), &why));
            limits(schema, value, &place.to_string(), causes);
        }
        return;
    }
    if !schema.values.is_empty() || schema.limits.is_some() || !schema.format.is_empty() {
        limits(schema, value, &place.to_string(), causes);
    }
    if let Some(combined) = &schema.combined {
        combinations(combined, value, place, causes);
    }
    match (&resolved.shape, value) {
        (Shape::Object { fields: declared, others }, Value::Object(map)) => {
            for name in &resolved.required {
                if !map.contains_key(name) {
                    causes.push(Cause::required(&Place::Field(place, name).to_string(), ""));
                }
            }
            if schema.is_embedded {
                for name in ["apiVersion", "kind"].into_iter().filter(|name| !map.contains_key(*name)) {
                    causes.push(Cause::required(&Place::Field(place, name).to_string(), ""));
                }
            }
            for (key, below) in map {
                let is_own = is_root && matches!(key.as_str(), "apiVersion" | "kind" | "metadata");
                if let (Some(field), false) = (declared.get(key).or(others.as_deref()), is_own) {
                    fields(field, below, &Place::Field(place, key), causes);
                }
            }
        }
        (Shape::Array(items), Value::Array(list)) => {
            for (index, item) in list.iter().enumerate() {
                fields(items, item, &Place::Item(place, index), causes);
            }
        }
        _ => {}
    }
}

/// allOf, anyOf, oneOf and not. Of several parts that fail the first is told about.
fn combinations(combined: &Combined, value: &Value, place: &Place, causes: &mut Vec<Cause>) {
    let shown = if matches!(place, Place::Root) { "<nil>".to_owned() } else { place.to_string() };
    let found = |schema: &Schema| {
        let mut own = Vec::new();
        fields(schema, value, place, &mut own);
        own
    };
    let told = |causes: &mut Vec<Cause>, why: String| {
        causes.push(Cause::invalid("<nil>", &"".into(), &format!("{shown:?} {why}")));
    };
    let first = |faults: Vec<Vec<Cause>>| faults.into_iter().next().unwrap_or_default();
    if !combined.any.is_empty() {
        let faults: Vec<Vec<Cause>> = combined.any.iter().map(found).collect();
        if faults.iter().all(|faults| !faults.is_empty()) {
            told(causes, "must validate at least one schema (anyOf)".to_owned());
            causes.extend(first(faults));
        }
    }
    if !combined.one.is_empty() {
        let faults: Vec<Vec<Cause>> = combined.one.iter().map(found).collect();
        let count = faults.iter().filter(|faults| faults.is_empty()).count();
        if count != 1 {
            let what =
                if count == 0 { "none valid".to_owned() } else { format!("{count} valid alternatives") };
            told(causes, format!("must validate one and only one schema (oneOf). Found {what}"));
            if count == 0 {
                causes.extend(first(faults));
            }
        }
    }
    if !combined.all.is_empty() {
        let faults: Vec<Vec<Cause>> = combined.all.iter().map(found).collect();
        let count = faults.iter().filter(|faults| faults.is_empty()).count();
        if count != faults.len() {
            causes.extend(faults.into_iter().flatten());
            let none = if count == 0 { ". None validated" } else { "" };
            told(causes, format!("must validate all the schemas (allOf){none}"));
        }
    }
    if combined.not.as_ref().is_some_and(|not| found(not).is_empty()) {
        told(causes, "must not validate the schema (not)".to_owned());
    }
}

fn type_name(shape: &Shape) -> &'static str {
    match shape {
        Shape::String => "string",
        Shape::Integer => "integer",
        Shape::Number => "number",
        Shape::Boolean => "boolean",
        Shape::IntOrString => "integer,string",
        Shape::Array(_) => "array",
        _ => "object",
    }
}

/// What a value is, as refusals name it.
pub fn found_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Enumerations, bounds and patterns.
fn limits(schema: &Schema, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if !schema.values.is_empty() && !schema.values.contains(value) {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let allowed: Vec<String> = schema.values.iter().map(plain).collect();
        causes.push(Cause::unsupported(path, value, &allowed));
    }
    if let Value::String(text) = value
        && !format::fits(&schema.format, text)
    {
        let message =
            format!("Invalid value: {value}: {path} in body must be of type {}: {value}", schema.format);
        causes.push(Cause::new("FieldValueTypeInvalid", path, message));
    }
    if schema.format == "int32" && value.as_i64().is_some_and(|number| i32::try_from(number).is_err()) {
        let why = format!("Checked value must be of type integer with format int32 in {path}");
        causes.push(Cause::invalid("<nil>", &"".into(), &why));
    }
    let Some(limits) = &schema.limits else { return };
    let number = |key: &str| limits[key].as_f64();
    if let (Some(most), Some(text)) = (number("maxLength"), value.as_str())
        && text.chars().count() as f64 > most
    {
        let message = format!("Too long: may not be more than {most} bytes");
        causes.push(Cause::new("FieldValueTooLong", path, message));
    }
    let mut invalid = |why: String| {
        let why = format!("{path} in body {why}");
        let shown = if value.is_object() || value.is_array() {
            Value::from(found_type(value))
        } else {
            value.clone()
        };
        causes.push(Cause::invalid(path, &shown, &why));
    };
    match value {
        Value::Number(found) => {
            let found = found.as_f64().unwrap_or_default();
            if let Some(least) = number("minimum") {
                let is_open = limits["exclusiveMinimum"] == true;
                if found < least || (is_open && found <= least) {
                    let or = if is_open { "" } else { " or equal to" };
                    invalid(format!("should be greater than{or} {least}"));
                }
            }
            if let Some(factor) = number("multipleOf").filter(|factor| found % factor != 0.0) {
                invalid(format!("should be a multiple of {factor}"));
            }
            if let Some(most) = number("maximum") {
                let is_open = limits["exclusiveMaximum"] == true;
                if found > most || (is_open && found >= most) {
                    let or = if is_open { "" } else { " or equal to" };
                    invalid(format!("should be less than{or} {most}"));
                }
            }
        }
        Value::String(text) => {
            let length = text.chars().count() as f64;
            if let Some(least) = number("minLength").filter(|least| length < *least) {
                invalid(format!("should be at least {least} chars long"));
            }
            if let Some(pattern) = schema.pattern.as_ref().filter(|pattern| !pattern.takes(text)) {
                invalid(format!("should match '{}'", pattern.text));
            }
        }
        Value::Array(items) => {
            let length = items.len() as f64;
            if let Some(least) = number("minItems").filter(|least| length < *least) {
                let why = format!("{path} in body should have at least {least} items");
                causes.push(Cause::invalid(path, &items.len().into(), &why));
            }
            if let Some(most) = number("maxItems").filter(|most| length > *most) {
                let message = format!("Too many: {length}: must have at most {most} items");
                causes.push(Cause::new("FieldValueTooMany", path, message));
            }
        }
        Value::Object(fields) => {
            let length = fields.len() as f64;
            if let Some(least) = number("minProperties").filter(|least| length < *least) {
                invalid(format!("should have at least {least} properties"));
            }
            if let Some(most) = number("maxProperties").filter(|most| length > *most) {
                invalid(format!("should have at most {most} properties"));
            }
        }
        _ => {}
    }
}
