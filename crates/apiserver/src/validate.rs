//! Whether an object may be kept, with the real server's words.

use serde_json::Value;

use crate::registry::Resource;
use crate::schema::{Schema, Shape};
use crate::status::Cause;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
/// A pattern larger than this once compiled is refused.
const PATTERN_LIMIT: usize = 1 << 20;

/// A new object.
pub fn object(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = name(resource, object);
    if resource.is_custom {
        custom(resource, object, &mut causes);
    } else {
        built_in(resource, object, &mut causes);
    }
    causes
}

/// A changed object.
pub fn change(resource: &Resource, live: &Value, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let is_immutable = live["immutable"] == true;
    for key in ["data", "binaryData", "immutable"] {
        let applies = resource.is("", "configmaps") || resource.is("", "secrets");
        if applies && is_immutable && live[key] != object[key] {
            let why = "field is immutable when `immutable` is set";
            causes.push(Cause::new("FieldValueForbidden", key, format!("Forbidden: {why}")));
        }
    }
    let selector = &object["spec"]["selector"];
    let has_fixed_selector = resource.group == "apps" && resource.plural != "controllerrevisions";
    if has_fixed_selector && live["spec"]["selector"] != *selector {
        causes.push(Cause::invalid("spec.selector", selector, "field is immutable"));
    }
    if resource.group == "rbac.authorization.k8s.io" && live["roleRef"] != object["roleRef"] {
        causes.push(Cause::invalid("roleRef", &object["roleRef"], "cannot change roleRef"));
    }
    if resource.is_custom {
        custom(resource, object, &mut causes);
    } else {
        built_in(resource, object, &mut causes);
    }
    causes
}

fn name(resource: &Resource, object: &Value) -> Vec<Cause> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return vec![Cause::required("metadata.name", "name or generateName is required")];
    }
    let value = Value::from(name);
    // Names of RBAC kinds are path segments.
    if resource.group == "rbac.authorization.k8s.io" {
        let is_segment = !name.contains(['/', '%']) && name != "." && name != "..";
        return if is_segment {
            Vec::new()
        } else {
            vec![Cause::invalid("metadata.name", &value, "may not contain '/' or '%'")]
        };
    }
    let is_label = |part: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = part.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    if resource.is("", "namespaces") || resource.is("", "services") {
        let mut causes = Vec::new();
        if !is_label(name) {
            causes.push(Cause::invalid("metadata.name", &value, LABEL));
        }
        if name.len() > 63 {
            causes.push(Cause::invalid("metadata.name", &value, "must be no more than 63 characters"));
        }
        return causes;
    }
    let mut causes = Vec::new();
    if name.len() > 253 {
        causes.push(Cause::invalid("metadata.name", &value, "must be no more than 253 characters"));
    }
    if !name.split('.').all(is_label) {
        causes.push(Cause::invalid("metadata.name", &value, SUBDOMAIN));
    }
    causes
}

/// What most often goes wrong in built-in kinds.
fn built_in(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    let workloads = ["deployments", "replicasets", "statefulsets", "daemonsets"];
    if resource.group == "apps" && workloads.contains(&resource.plural.as_str()) {
        let selector = &object["spec"]["selector"];
        if selector.is_null() {
            causes.push(Cause::required("spec.selector", ""));
        }
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        let wanted = selector["matchLabels"].as_object().into_iter().flatten();
        if wanted.into_iter().any(|(key, value)| labels[key] != *value) {
            let shown = if labels.is_null() { &Value::Null } else { labels };
            let why = "`selector` does not match template `labels`";
            causes.push(Cause::invalid("spec.template.metadata.labels", shown, why));
        }
        if object["spec"]["template"]["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
            causes.push(Cause::required("spec.template.spec.containers", ""));
        }
    }
    if resource.is("", "pods") && object["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required("spec.containers", ""));
    }
}

/// Mistakes after which rules are not looked at.
const BLOCKING: &[&str] = &[
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
];

/// An object of a CRD, by its schema and then by its rules.
fn custom(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    fields(&resource.schema, object, "", causes);
    if has_rules(&resource.schema) && causes.iter().any(|cause| BLOCKING.contains(&cause.reason)) {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        causes.push(Cause::invalid("<nil>", &Value::Null, why));
    }
}

fn has_rules(schema: &Schema) -> bool {
    let own = schema.limits.as_ref().is_some_and(|limits| limits["x-kubernetes-validations"].is_array());
    own || match &schema.shape {
        Shape::Object { fields, others } => {
            fields.values().any(has_rules) || others.as_deref().is_some_and(has_rules)
        }
        Shape::Array(items) => has_rules(items),
        _ => false,
    }
}

/// An object of a CRD, by its schema.
fn fields(schema: &Schema, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let resolved = schema.resolved();
    let shown = if path.is_empty() { "<nil>" } else { path };
    if value.is_null() {
        if !schema.is_nullable && schema.shape != Shape::Any {
            let wanted = type_name(&resolved.shape);
            let message = format!("{shown} in body must be of type {wanted}: \"null\"");
            causes.push(Cause::new(
                "FieldValueTypeInvalid",
                path,
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
        let message =
            format!("Invalid value: {found:?}: {shown} in body must be of type {wanted}: {found:?}");
        causes.push(Cause::new("FieldValueTypeInvalid", path, message));
        return;
    }
    limits(schema, value, path, causes);
    match (&resolved.shape, value) {
        (Shape::Object { fields: declared, others }, Value::Object(map)) => {
            for name in &resolved.required {
                if !map.contains_key(name) {
                    causes.push(Cause::required(&joined(path, name), ""));
                }
            }
            for (key, below) in map {
                let is_own = path.is_empty() && matches!(key.as_str(), "apiVersion" | "kind" | "metadata");
                if let (Some(field), false) = (declared.get(key).or(others.as_deref()), is_own) {
                    fields(field, below, &joined(path, key), causes);
                }
            }
        }
        (Shape::Array(items), Value::Array(list)) => {
            for (index, item) in list.iter().enumerate() {
                fields(items, item, &format!("{path}[{index}]"), causes);
            }
        }
        _ => {}
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
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

fn found_type(value: &Value) -> &'static str {
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
            if let Some(pattern) = limits["pattern"].as_str() {
                let compiled = regex::RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT).build();
                if !compiled.is_ok_and(|pattern| pattern.is_match(text)) {
                    invalid(format!("should match '{pattern}'"));
                }
            }
        }
        Value::Array(items) => {
            let length = items.len() as f64;
            if let Some(least) = number("minItems").filter(|least| length < *least) {
                invalid(format!("should have at least {least} items"));
            }
            if let Some(most) = number("maxItems").filter(|most| length > *most) {
                invalid(format!("should have at most {most} items"));
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
