//! The part of Kubernetes' JSONPath that picks values: `{.a.b}`, `{.a['b']}`, `{.list[0]}`, `{.list[*].a}`, `{..a}`, text
//! between. Filters, ranges and slices are refused by name.

use serde_json::Value;

/// The longest template.
const MAX_BYTES: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonPathError {
    #[error("unclosed action")]
    Unclosed,
    #[error("unterminated array")]
    UnclosedIndex,
    #[error("unrecognized character in action: {0:?}")]
    Unknown(char),
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    #[error("array index out of bounds: index {index}, length {length}")]
    OutOfBounds { index: i64, length: usize },
    #[error("the template is longer than {MAX_BYTES} bytes")]
    TooLong,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(i64),
    Every,
    Anywhere,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Path(Vec<Step>),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        if text.len() > MAX_BYTES {
            return Err(JsonPathError::TooLong);
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find('{') {
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            let action = &rest[at + 1..];
            let end = action.find('}').ok_or(JsonPathError::Unclosed)?;
            parts.push(part(action[..end].trim())?);
            rest = &action[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The text with what is found in it; what is missing is nothing.
    pub fn print(&self, value: &Value) -> Result<String, JsonPathError> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Path(steps) => {
                    let found = steps.iter().try_fold(vec![value], |found, step| step.of(found))?;
                    let texts: Vec<String> = found.into_iter().map(show).collect();
                    out.push_str(&texts.join(" "));
                }
            }
        }
        Ok(out)
    }
}

/// Maps and lists as JSON, as Kubernetes prints them.
fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => crate::json::encode(value),
        plain => crate::values::coalesce::show_value(plain),
    }
}

fn part(action: &str) -> Result<Part, JsonPathError> {
    for mark in ['"', '\''] {
        if let Some(text) = action.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark)) {
            return Ok(Part::Text(text.replace("\\n", "\n").replace("\\t", "\t")));
        }
    }
    if action.starts_with("range") || action == "end" {
        return Err(JsonPathError::Unsupported("range"));
    }
    let mut steps = Vec::new();
    let mut rest = action.strip_prefix(['$', '@']).unwrap_or(action);
    while let Some(first) = rest.chars().next() {
        match first {
            '.' => {
                rest = &rest[1..];
                if let Some(after) = rest.strip_prefix('.') {
                    steps.push(Step::Anywhere);
                    rest = after;
                }
                if let Some(after) = rest.strip_prefix('*') {
                    steps.push(Step::Every);
                    rest = after;
                    continue;
                }
                let (name, after) = name(rest);
                if !name.is_empty() {
                    steps.push(Step::Field(name));
                }
                rest = after;
            }
            '[' => {
                let end = rest.find(']').ok_or(JsonPathError::UnclosedIndex)?;
                steps.push(index(rest[1..end].trim())?);
                rest = &rest[end + 1..];
            }
            first if first.is_alphanumeric() || first == '_' => {
                let (name, after) = name(rest);
                steps.push(Step::Field(name));
                rest = after;
            }
            other => return Err(JsonPathError::Unknown(other)),
        }
    }
    Ok(Part::Path(steps))
}

/// A name, whose special characters have a backslash.
fn name(text: &str) -> (String, &str) {
    let (mut name, mut escaped) = (String::new(), false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => {
                name.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '.' | '[' | ' ' | '}' => return (name, &text[at..]),
            _ => name.push(character),
        }
    }
    (name, "")
}

fn index(text: &str) -> Result<Step, JsonPathError> {
    if text == "*" {
        return Ok(Step::Every);
    }
    for mark in ['"', '\''] {
        if let Some(name) = text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark)) {
            return Ok(Step::Field(name.to_owned()));
        }
    }
    if text.starts_with('?') {
        return Err(JsonPathError::Unsupported("a filter"));
    }
    text.parse().map(Step::Index).map_err(|_| JsonPathError::Unsupported("a slice or union"))
}

impl Step {
    fn of<'v>(&self, values: Vec<&'v Value>) -> Result<Vec<&'v Value>, JsonPathError> {
        let mut found = Vec::new();
        for value in values {
            match (self, value) {
                (Self::Field(name), Value::Object(map)) => found.extend(map.get(name)),
                (Self::Every, Value::Object(map)) => found.extend(map.values()),
                (Self::Every, Value::Array(items)) => found.extend(items),
                (Self::Index(index), Value::Array(items)) => {
                    let length = items.len();
                    let at = if *index < 0 { *index + length as i64 } else { *index };
                    let item = usize::try_from(at).ok().and_then(|at| items.get(at));
                    found.push(item.ok_or(JsonPathError::OutOfBounds { index: *index, length })?);
                }
                (Self::Anywhere, value) => anywhere(value, &mut found),
                _ => {}
            }
        }
        Ok(found)
    }
}

fn anywhere<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    found.push(value);
    match value {
        Value::Object(map) => map.values().for_each(|inner| anywhere(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| anywhere(inner, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_pick_values() {
        let value = json!({"a": {"b": 1.0, "c.d": "x"}, "list": [{"n": "one"}, {"n": "two"}]});
        for (template, want) in [
            ("{.a.b}", "1"),
            ("{.a['c.d']}!", "x!"),
            (r"{.a.c\.d}", "x"),
            ("{.list[*].n}", "one two"),
            ("{.list[-1].n}", "two"),
            ("{.a}", r#"{"b":1,"c.d":"x"}"#),
            ("{.nope.deep}", ""),
            ("{..n}", "one two"),
        ] {
            assert_eq!(Template::parse(template).unwrap().print(&value).unwrap(), want, "{template}");
        }
        assert_eq!(Template::parse("{.a").unwrap_err(), JsonPathError::Unclosed);
        assert!(Template::parse("{.list[?(@.n)]}").is_err());
    }
}
