//! Reads the YAML of traces and manifests into JSON values, as PyYAML does for what stands in them.
//!
//! Deliberately not the product's own reader: a test must not share a mistake with what it tests.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// All documents of a text; empty ones are left out.
pub fn documents(text: &str) -> Result<Vec<Value>, String> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        if !matches!(event, Event::Comment(..)) {
            events.push(event);
        }
    }
    let mut reader = Reader { events: events.into_iter(), anchors: Vec::new() };
    let mut documents = Vec::new();
    while let Some(event) = reader.events.next() {
        if matches!(event, Event::DocumentStart(..)) {
            let first = reader.next()?;
            let value = reader.value(first)?;
            if !value.is_null() {
                documents.push(value);
            }
        }
    }
    Ok(documents)
}

/// The one document of a text.
pub fn document(text: &str) -> Result<Value, String> {
    documents(text)?.into_iter().next().ok_or_else(|| "an empty document".to_owned())
}

struct Reader<'a> {
    events: std::vec::IntoIter<Event<'a>>,
    anchors: Vec<(usize, Value)>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        self.events.next().ok_or_else(|| "the text ends early".to_owned())
    }

    fn value(&mut self, event: Event<'a>) -> Result<Value, String> {
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                (if is_plain { plain(text) } else { Value::String(text.into_owned()) }, anchor)
            }
            Event::SequenceStart(_, anchor, ..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.value(event)?),
                    }
                }
                (Value::Array(items), anchor)
            }
            Event::MappingStart(_, anchor, ..) => {
                let mut map = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break,
                        event => self.value(event)?,
                    };
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    let event = self.next()?;
                    let value = self.value(event)?;
                    map.insert(key, value);
                }
                (Value::Object(map), anchor)
            }
            Event::Alias(id) => {
                let found = self.anchors.iter().rev().find(|(anchor, _)| *anchor == id);
                return found.map(|(_, value)| value.clone()).ok_or_else(|| "an unknown alias".to_owned());
            }
            Event::DocumentEnd => (Value::Null, 0),
            other => return Err(format!("not expected here: {other:?}")),
        };
        if anchor != 0 {
            self.anchors.push((anchor, value.clone()));
        }
        Ok(value)
    }
}

fn plain(text: Cow<'_, str>) -> Value {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+' || c == '.');
    if is_number {
        if let Ok(number) = text.trim_start_matches('+').parse::<i64>()
            && !has_leading_zero(&text)
        {
            return number.into();
        }
        if text.contains('.')
            && let Ok(number) = text.parse::<f64>()
            && let Some(number) = serde_json::Number::from_f64(number)
        {
            return Value::Number(number);
        }
    }
    Value::String(text.into_owned())
}

/// Octal to YAML 1.1; nothing here writes such numbers on purpose.
fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.len() > 1 && digits.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_as_python_reads_them() {
        let text = "a: 1\nb: 'on'\nc: on\nd: 1.5\ne: \"1\"\nf: ~\ng: [x, {y: z}]\nh: |\n  t\n---\n- 1\n---\n";
        assert_eq!(
            documents(text).unwrap(),
            [
                json!({"a": 1, "b": "on", "c": true, "d": 1.5, "e": "1", "f": null, "g": ["x", {"y": "z"}], "h": "t\n"}),
                json!([1])
            ]
        );
        assert!(documents("a: [").is_err());
    }
}
