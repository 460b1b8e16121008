//! Values as Go's `%#v` shows them, for the messages that quote them.

use super::number::format_float;
use crate::error::Error;

/// A decoded value with the types of Go's yaml v2.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum GoValue {
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(String),
    Sequence(Vec<GoValue>),
    Mapping(Vec<(GoValue, GoValue)>),
    /// Of v3, when all keys are strings.
    StringMapping(Vec<(GoValue, GoValue)>),
}

impl GoValue {
    pub fn type_name(&self) -> &'static str {
        match self {
            GoValue::Nil => "%!s(<nil>)",
            GoValue::Bool(_) => "bool",
            GoValue::Int(_) => "int",
            GoValue::Uint(_) => "uint64",
            GoValue::Float(_) => "float64",
            GoValue::Str(_) => "string",
            GoValue::Sequence(_) => "[]interface {}",
            GoValue::Mapping(_) => "map[interface {}]interface {}",
            GoValue::StringMapping(_) => "map[string]interface {}",
        }
    }

    /// Go's maps take no maps and lists as keys.
    pub fn check_as_key(&self) -> Result<(), Error> {
        match self {
            GoValue::Sequence(_) | GoValue::Mapping(_) | GoValue::StringMapping(_) => {
                Err(Error::new(format!("invalid map key: {}", self.syntax())))
            }
            _ => Ok(()),
        }
    }

    /// `%#v`
    pub fn syntax(&self) -> String {
        match self {
            GoValue::Nil => "<nil>".to_owned(),
            other => other.inner(),
        }
    }

    fn inner(&self) -> String {
        match self {
            GoValue::Nil => "interface {}(nil)".to_owned(),
            GoValue::Bool(value) => value.to_string(),
            GoValue::Int(value) => value.to_string(),
            GoValue::Uint(value) => format!("{value:#x}"),
            GoValue::Float(value) => format_float(*value),
            GoValue::Str(value) => quote(value),
            GoValue::Sequence(items) => {
                let items: Vec<_> = items.iter().map(|item| item.inner()).collect();
                format!("[]interface {{}}{{{}}}", items.join(", "))
            }
            GoValue::Mapping(entries) | GoValue::StringMapping(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| key.inner());
                let entries: Vec<_> =
                    entries.iter().map(|(key, value)| format!("{}:{}", key.inner(), value.inner())).collect();
                format!("{}{{{}}}", self.type_name(), entries.join(", "))
            }
        }
    }
}

/// `strconv.Quote`
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0C' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0B' => out.push_str("\\v"),
            '\0'..='\x1F' | '\x7F' => out.push_str(&format!("\\x{:02x}", character as u32)),
            '\u{80}'..='\u{A0}' | '\u{AD}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' => {
                out.push_str(&format!("\\u{:04x}", character as u32));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}
