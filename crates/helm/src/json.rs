//! JSON as Go's encoding/json writes it: sorted keys, `<`, `>` and `&` escaped, floats in the shortest form.
//!
//! The bytes matter: digests and stored releases are made of them.

use serde_json::{Number, Value};
use sluice_yaml::json::json_float;

/// The compact text of a value.
pub fn encode(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

/// Appends the compact text of a value.
pub fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (at, (key, item)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write(out, item);
            }
            out.push('}');
        }
    }
}

/// Appends a quoted string.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (at, character) in text.char_indices() {
        let escape: &str = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\0'..='\u{1f}' => "",
            _ => continue,
        };
        out.push_str(&text[start..at]);
        if escape.is_empty() {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push_str(escape);
        }
        start = at + character.len_utf8();
    }
    out.push_str(&text[start..]);
    out.push('"');
}

fn write_number(out: &mut String, number: &Number) {
    if let Some(integer) = number.as_i64() {
        out.push_str(itoa::Buffer::new().format(integer));
    } else if let Some(integer) = number.as_u64() {
        out.push_str(itoa::Buffer::new().format(integer));
    } else if let Some(float) = number.as_f64() {
        out.push_str(&json_float(float).unwrap_or_default());
    }
}

/// An object written field by field.
pub(crate) struct Object {
    out: String,
}

impl Object {
    pub(crate) fn new() -> Self {
        Self { out: "{".to_owned() }
    }

    fn key(&mut self, key: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        write_string(&mut self.out, key);
        self.out.push(':');
    }

    /// A field whose text is JSON already.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.push_str(value);
    }

    pub(crate) fn value(&mut self, key: &str, value: &Value) {
        self.key(key);
        write(&mut self.out, value);
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        write_string(&mut self.out, text);
    }

    /// A text that is left out when empty.
    pub(crate) fn set_text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.text(key, text);
        }
    }

    /// A text that may be absent.
    pub(crate) fn maybe_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(crate) fn integer(&mut self, key: &str, integer: i64) {
        self.raw(key, &integer.to_string());
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, want) in
            [(Number::from_f64(1.0), "1"), (Number::from_f64(1e21), "1e+21"), (Some(Number::from(-7)), "-7")]
        {
            assert_eq!(encode(&Value::Number(number.unwrap())), want);
        }
    }

    #[test]
    fn strings_are_escaped_for_html() {
        let mut out = String::new();
        write_string(&mut out, "<a href=\"x\">&\n\u{1}\u{7f}\u{2028}é</a>");
        assert_eq!(out, "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\n\\u0001\u{7f}\\u2028é\\u003c/a\\u003e\"");
    }
}
