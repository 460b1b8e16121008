//! Columns of custom resources: `additionalPrinterColumns`, each a path in JSONPath.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::row::since;

/// How far a path may go.
const STEPS_LIMIT: usize = 64;

/// The definition of a column.
pub fn definition(written: &Value) -> Value {
    let text = |key: &str| written[key].as_str().unwrap_or_default();
    json!({
        "name": text("name"), "type": text("type"), "format": text("format"), "description": text("description"),
        "priority": written["priority"].as_i64().unwrap_or(0),
    })
}

/// One object's cell.
pub fn cell(written: &Value, object: &Value, now: Timestamp) -> Value {
    let path = written["jsonPath"].as_str().unwrap_or_default();
    let Some(found) = steps(path).and_then(|steps| find(object, &steps)) else { return Value::Null };
    match written["type"].as_str().unwrap_or_default() {
        "integer" => found.as_i64().or_else(|| whole(found.as_f64()?)).map_or(Value::Null, Value::from),
        "number" => found.as_f64().map_or(Value::Null, Value::from),
        "boolean" if found.is_boolean() => found.clone(),
        "string" => match found {
            Value::Null => "".into(),
            Value::String(text) => text.as_str().into(),
            other => other.to_string().into(),
        },
        "date" => match found.as_str() {
            Some(text) if text.parse::<Timestamp>().is_err() => "<invalid>".into(),
            Some(_) => since(found, now).into(),
            None => Value::Null,
        },
        _ => Value::Null,
    }
}

/// Go cuts the fraction off.
#[expect(clippy::cast_possible_truncation, reason = "what is too large is refused before")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9e15).then(|| number.trunc() as i64)
}

enum Step {
    Field(String),
    Index(i64),
    /// The first item whose field is this text.
    Where(Vec<String>, String),
    First,
}

/// `.a.b[0].c[?(@.type=="Ready")].status`, with `\.` for a dot inside of a name and `['a']` for a name.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut out = Vec::new();
    let mut rest = path;
    while !rest.is_empty() && out.len() < STEPS_LIMIT {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = closing(inner)?;
            let word = inner[..end].trim();
            rest = &inner[end + 1..];
            let quoted = |text: &str| {
                let text = text.trim();
                let inner = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
                inner.or_else(|| text.strip_prefix('"').and_then(|t| t.strip_suffix('"'))).map(str::to_owned)
            };
            out.push(if word == "*" {
                Step::First
            } else if let Some(name) = quoted(word) {
                Step::Field(name)
            } else if let Some(test) = word.strip_prefix("?(").and_then(|word| word.strip_suffix(')')) {
                let (left, right) = test.split_once("==")?;
                let left = left.trim().strip_prefix("@.")?;
                Step::Where(left.split('.').map(str::to_owned).collect(), quoted(right)?)
            } else {
                Step::Index(word.parse().ok()?)
            });
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let mut name = String::new();
        let mut letters = rest.char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                '.' | '[' => {
                    end = at;
                    break;
                }
                letter => name.push(letter),
            }
        }
        rest = &rest[end..];
        match name.as_str() {
            "" => return None,
            "*" => out.push(Step::First),
            _ => out.push(Step::Field(name)),
        }
    }
    Some(out)
}

/// Where a bracket ends, quotes minded.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ']') => return Some(at),
            _ => {}
        }
    }
    None
}

fn find<'a>(object: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(object, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => {
            let items = value.as_array()?;
            let length = i64::try_from(items.len()).ok()?;
            let index = if *index < 0 { length + index } else { *index };
            items.get(usize::try_from(index).ok()?)
        }
        Step::Where(path, want) => value.as_array()?.iter().find(|item| {
            let found = path.iter().try_fold(*item, |value, name| value.get(name));
            found.and_then(Value::as_str) == Some(want)
        }),
        Step::First => match value {
            Value::Array(items) => items.first(),
            Value::Object(fields) => fields.values().next(),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_what_they_name() {
        let object = json!({
            "spec": { "a.b": "dotted", "list": [{ "n": 1 }, { "n": 2.7 }] },
            "status": { "conditions": [
                { "type": "Other", "status": "True" }, { "type": "Ready", "status": "False" },
            ], "at": "2026-01-01T00:00:00Z", "map": { "k": 1 } },
        });
        let now = "2026-01-01T01:00:00Z".parse().expect("a time");
        for (path, kind, want) in [
            (".status.conditions[?(@.type==\"Ready\")].status", "string", json!("False")),
            (".status.conditions[?(@.type=='None')].status", "string", json!(null)),
            (".spec.a\\.b", "string", json!("dotted")),
            (".spec['a.b']", "string", json!("dotted")),
            (".spec.list[-1].n", "integer", json!(2)),
            (".spec.list[*].n", "integer", json!(1)),
            (".status.at", "date", json!("60m")),
            (".spec.list", "date", json!(null)),
            (".status.map", "string", json!("{\"k\":1}")),
            (".absent.more", "string", json!(null)),
            (".spec.list[", "string", json!(null)),
        ] {
            let written = json!({ "jsonPath": path, "type": kind });
            assert_eq!(cell(&written, &object, now), want, "{path}");
        }
    }
}
