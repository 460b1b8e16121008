//! Ordinary texts straight to JSON values, without a tree between.

use serde_json::{Map, Value};

use super::number;
use crate::fast::Build;
use crate::node::Style;
use crate::resolve::{self, Value as Resolved};
use crate::scan::Mark;

/// Builds values by the v2 rules.
pub(super) struct Values {
    /// A key twice ends the attempt: its message needs lines.
    pub strict: bool,
    /// The keys of the open mappings that wait for their values.
    pub keys: Vec<String>,
}

impl Build for Values {
    type Out = Value;
    type Items = Vec<Value>;
    type Entries = Map<String, Value>;

    fn scalar(&mut self, text: &str, style: Style, _: Mark) -> Option<Value> {
        if style.is_quoting() {
            return Some(Value::String(text.to_owned()));
        }
        Some(match resolve::v2(text) {
            Resolved::Null => Value::Null,
            Resolved::Bool(value) => Value::Bool(value),
            Resolved::Int(value) => Value::Number(value.into()),
            Resolved::Uint(value) => Value::Number(value.into()),
            Resolved::Float(value) => Value::Number(number::json_number(value).ok()?),
            Resolved::Timestamp(_) | Resolved::Str => Value::String(text.to_owned()),
        })
    }

    fn begin_sequence(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn item(&mut self, items: &mut Vec<Value>, item: Value) {
        items.push(item);
    }

    fn end_sequence(&mut self, items: Vec<Value>, _: Mark, _: bool) -> Value {
        Value::Array(items)
    }

    fn begin_mapping(&mut self) -> Map<String, Value> {
        Map::new()
    }

    fn key(&mut self, entries: &mut Map<String, Value>, text: &str, style: Style, _: Mark) -> Option<()> {
        let key = if style.is_quoting() {
            text.to_owned()
        } else {
            match resolve::v2(text) {
                Resolved::Timestamp(_) | Resolved::Str if text != "<<" => text.to_owned(),
                Resolved::Bool(value) => value.to_string(),
                Resolved::Int(value) => value.to_string(),
                _ => return None,
            }
        };
        if self.strict && entries.contains_key(&key) {
            return None;
        }
        self.keys.push(key);
        Some(())
    }

    fn value(&mut self, entries: &mut Map<String, Value>, value: Value) {
        if let Some(key) = self.keys.pop() {
            entries.insert(key, value);
        }
    }

    fn end_mapping(&mut self, entries: Map<String, Value>, _: Mark, _: bool) -> Value {
        Value::Object(entries)
    }
}
