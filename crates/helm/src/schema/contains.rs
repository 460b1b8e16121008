//! `contains`, `minContains` and `maxContains`: which items matched, and what is wrong with those that did not.

use serde_json::{Map, Value};

use super::{Problem, Told, compile};

/// The text of the failed keyword, and what belongs below it.
pub(super) fn told(told: &Told<'_>, keyword: &str, at: &str) -> (String, Vec<Problem>) {
    let none = || ("no items match contains schema".to_owned(), Vec::new());
    let Some((parent, _)) = keyword.rsplit_once('/') else { return none() };
    let parent = match told.schema.pointer(parent) {
        Some(Value::Object(parent)) => parent,
        _ => return none(),
    };
    let (Some(wanted), Some(Value::Array(items))) = (parent.get("contains"), told.values.pointer(at)) else {
        return none();
    };
    let schema = standing_alone(told.schema, wanted);
    let Ok(validator) = compile(&schema) else { return none() };
    let (mut matched, mut below) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let mut problems = Vec::new();
        for error in validator.iter_errors(item).take(super::MAX_ERRORS) {
            Told { schema: &schema, values: item }.add(&mut problems, &error);
        }
        if problems.is_empty() {
            matched.push(index.to_string());
        }
        for problem in &mut problems {
            problem.move_below(&format!("{at}/{index}"));
        }
        below.append(&mut problems);
    }
    let count = |key: &str| parent.get(key).and_then(Value::as_u64);
    match (count("minContains"), count("maxContains")) {
        (Some(least), _) if (matched.len() as u64) < least => {
            let found = match matched.as_slice() {
                [] => "but none matched".to_owned(),
                some => format!("but matched {} items at {}", some.len(), some.join(" ")),
            };
            (format!("min {least} items required to match contains schema, {found}"), below)
        }
        (_, Some(most)) if matched.len() as u64 > most => {
            let text = format!(
                "max {most} items required to match contains schema, but matched {} items at {}",
                matched.len(),
                matched.join(" ")
            );
            (text, Vec::new())
        }
        _ => ("no items match contains schema".to_owned(), below),
    }
}

/// A part of a schema with what its references may lead to.
fn standing_alone(whole: &Value, part: &Value) -> Value {
    let Value::Object(part) = part else { return part.clone() };
    let mut alone: Map<String, Value> = part.clone();
    for key in ["$schema", "$defs", "definitions"] {
        if let Some(value) = whole.get(key) {
            alone.entry(key).or_insert_with(|| value.clone());
        }
    }
    Value::Object(alone)
}
