//! What is wrong with values, in the words of the library that Helm checks them with.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;
use sluice_yaml::json::format_float;

use super::{format, join, quote};

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

fn number(value: &Value) -> String {
    group_thousands(&value.as_f64().map_or_else(|| value.to_string(), format_float))
}

/// The reference prints numbers for English readers: `1,000`.
fn group_thousands(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) =
        rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

fn size(count: usize) -> String {
    group_thousands(&count.to_string())
}

fn length(value: &Value) -> String {
    size(match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    })
}

pub(super) fn describe(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    let limit = |limit: &u64| size(*limit as usize);
    match error.kind() {
        ValidationErrorKind::Type { kind } => {
            let wanted: Vec<String> = match kind {
                TypeKind::Single(one) => vec![one.to_string()],
                TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect(),
            };
            format!("got {}, want {}", type_name(value), wanted.join(" or "))
        }
        ValidationErrorKind::Enum { options } => match &**options {
            Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
                let shown: Vec<String> = items.iter().map(show).collect();
                match shown.as_slice() {
                    [one] => format!("value must be {one}"),
                    _ => format!("value must be one of {}", shown.join(", ")),
                }
            }
            _ => "'enum' failed".to_owned(),
        },
        ValidationErrorKind::Constant { expected_value } => match &**expected_value {
            Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
            plain => format!("value must be {}", show(plain)),
        },
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            format!("additional properties {} not allowed", join(unexpected))
        }
        ValidationErrorKind::AdditionalItems { limit } => {
            let count = value.as_array().map_or(0, Vec::len).saturating_sub(*limit);
            format!("last {count} additionalItem(s) not allowed")
        }
        ValidationErrorKind::AnyOf { .. } => "'anyOf' failed".to_owned(),
        ValidationErrorKind::OneOfNotValid { .. } => "'oneOf' failed, none matched".to_owned(),
        ValidationErrorKind::OneOfMultipleValid { context } => {
            let matched: Vec<String> = context
                .iter()
                .enumerate()
                .filter(|(_, errors)| errors.is_empty())
                .map(|(at, _)| at.to_string())
                .collect();
            let two = &matched[..matched.len().min(2)];
            format!("'oneOf' failed, subschemas {} matched", two.join(", "))
        }
        ValidationErrorKind::Not { .. } => "'not' failed".to_owned(),
        ValidationErrorKind::FalseSchema => "false schema".to_owned(),
        ValidationErrorKind::Contains => "no items match contains schema".to_owned(),
        ValidationErrorKind::UniqueItems => {
            let (first, second) = equal_items(value);
            format!("items at {first} and {second} are equal")
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("minimum: got {}, want {}", number(value), number(limit))
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("maximum: got {}, want {}", number(value), number(limit))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            format!("exclusiveMinimum: got {}, want {}", number(value), number(limit))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            format!("exclusiveMaximum: got {}, want {}", number(value), number(limit))
        }
        ValidationErrorKind::MultipleOf { multiple_of } => {
            format!(
                "multipleOf: got {}, want {}",
                number(value),
                group_thousands(&format_float(*multiple_of))
            )
        }
        ValidationErrorKind::MinLength { limit: want } => {
            format!("minLength: got {}, want {}", length(value), limit(want))
        }
        ValidationErrorKind::MaxLength { limit: want } => {
            format!("maxLength: got {}, want {}", length(value), limit(want))
        }
        ValidationErrorKind::MinItems { limit: want } => {
            format!("minItems: got {}, want {}", length(value), limit(want))
        }
        ValidationErrorKind::MaxItems { limit: want } => {
            format!("maxItems: got {}, want {}", length(value), limit(want))
        }
        ValidationErrorKind::MinProperties { limit: want } => {
            format!("minProperties: got {}, want {}", length(value), limit(want))
        }
        ValidationErrorKind::MaxProperties { limit: want } => {
            format!("maxProperties: got {}, want {}", length(value), limit(want))
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{} does not match pattern {}", quote(value.as_str().unwrap_or_default()), quote(pattern))
        }
        ValidationErrorKind::Format { format } => {
            let why = format::problem(format, value.as_str().unwrap_or_default());
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            format!("{} is not valid {format}{why}", show(value))
        }
        _ => error.to_string(),
    }
}

pub(super) fn describe_name(error: &ValidationError<'_>) -> String {
    format!("invalid propertyName {}", quote(error.instance().as_str().unwrap_or_default()))
}

fn equal_items(value: &Value) -> (usize, usize) {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    for (at, item) in items.iter().enumerate() {
        if let Some(other) = items[..at].iter().position(|known| known == item) {
            return (other, at);
        }
    }
    (0, 0)
}
