//! TOML as Helm's library writes it, and read into Go's kinds.

use std::fmt::Write as _;

use crate::error::Error;
use crate::float::format_float;
use crate::text::Text;
use crate::value::{MAX_DEPTH, Map, Value};

mod read;

pub(crate) use read::decode_or_error;

/// The document of a value; what is no table at the top is written as a value alone.
pub(crate) fn encode(value: &Value) -> Result<String, Error> {
    if value.is_nil() {
        return Err(Error::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    let mut writer = Writer { out: String::new() };
    writer.entry(&mut Vec::new(), value)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "\\u{:04x}", character as u32);
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { escaped(key) }
}

/// Lists whose items are all tables are written as tables; a nil among the items is an error.
fn is_table_list(value: &Value) -> Result<bool, Error> {
    let Value::List(list) = value else { return Ok(false) };
    if list.items().iter().any(is_nil) {
        return Err(Error::new("toml: cannot encode array with nil element"));
    }
    for item in list.items() {
        // Lists inside are looked at too, which is where their nils are found.
        is_table_list(item)?;
    }
    Ok(!list.items().is_empty() && list.items().iter().all(|item| as_table(item).is_some()))
}

/// What is written as a table: maps, and objects that are maps or structs below.
fn as_table(value: &Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(map.clone()),
        Value::Object(object) if object.marshal().is_none() => match crate::value::marshalled(&**object) {
            Value::Map(map) => Some(map),
            _ => None,
        },
        _ => None,
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Map(map) => map.is_nil(),
        Value::List(list) => list.is_nil(),
        Value::Bytes(bytes) => bytes.is_nil(),
        _ => false,
    }
}

impl Writer {
    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, path: &[String]) {
        for _ in 1..path.len() {
            self.out.push_str("  ");
        }
    }

    fn entry(&mut self, path: &mut Vec<String>, value: &Value) -> Result<(), Error> {
        if path.len() as u32 > MAX_DEPTH {
            return Err(Error::new("toml: value is nested too deep"));
        }
        if let Some(map) = as_table(value) {
            if map.is_nil() {
                return Ok(());
            }
            if path.len() == 1 {
                self.line();
            }
            if !path.is_empty() {
                self.indent(path);
                let _ = write!(self.out, "[{}]", dotted(path));
                self.line();
            }
            return self.table(path, &map);
        }
        match value {
            Value::Nil => Ok(()),
            Value::List(list) if is_table_list(value)? => {
                if path.is_empty() {
                    return Err(Error::new("toml: top-level values must be Go maps or structs"));
                }
                for item in list.items() {
                    let Some(map) = as_table(item) else { continue };
                    if map.is_nil() {
                        continue;
                    }
                    self.line();
                    self.indent(path);
                    let _ = write!(self.out, "[[{}]]", dotted(path));
                    self.line();
                    self.table(path, &map)?;
                }
                Ok(())
            }
            Value::Complex(_) => {
                Err(Error::new(format!("unsupported type for key '{}': complex128", dotted(path))))
            }
            _ => {
                if let Some(last) = path.last() {
                    let name = key_text(last);
                    self.indent(path);
                    let _ = write!(self.out, "{name} = ");
                }
                self.element(value, 0)?;
                if !path.is_empty() {
                    self.line();
                }
                Ok(())
            }
        }
    }

    fn table(&mut self, path: &mut Vec<String>, map: &Map) -> Result<(), Error> {
        let (direct, sub) = split(map)?;
        for (key, value) in direct.into_iter().chain(sub) {
            if is_nil(&value) {
                continue;
            }
            path.push(key.to_lossy().into_owned());
            self.entry(path, &value)?;
            path.pop();
        }
        Ok(())
    }

    fn element(&mut self, value: &Value, depth: u32) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new("toml: value is nested too deep"));
        }
        match value {
            Value::Nil => return Err(Error::new("unexpected type: <nil>")),
            Value::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(_, number) => self.out.push_str(&number.to_string()),
            Value::Uint(_, number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&float(*number)),
            Value::Complex(_) => return Err(Error::new("unexpected type: complex128")),
            Value::Str(text) => self.out.push_str(&escaped(&text.to_lossy())),
            Value::Bytes(bytes) => {
                let texts: Vec<String> = bytes.iter().map(ToString::to_string).collect();
                let _ = write!(self.out, "[{}]", texts.join(", "));
            }
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.items().iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item, depth + 1)?;
                }
                self.out.push(']');
            }
            Value::Map(map) => {
                let (direct, sub) = split(map)?;
                self.out.push('{');
                let count = direct.len() + sub.len();
                for (index, (key, item)) in direct.into_iter().chain(sub).enumerate() {
                    if is_nil(&item) {
                        continue;
                    }
                    let _ = write!(self.out, "{} = ", key_text(&key.to_lossy()));
                    self.element(&item, depth + 1)?;
                    if index + 1 < count {
                        self.out.push_str(", ");
                    }
                }
                self.out.push('}');
            }
            Value::Object(object) => match (object.type_name().as_ref(), object.marshal()) {
                ("time.Time", Some(Value::Str(text))) => self.out.push_str(&text.to_lossy()),
                (_, Some(other)) => self.element(&other, depth + 1)?,
                (_, None) => {
                    let value = crate::value::marshalled(&**object);
                    self.element(&value, depth + 1)?;
                }
            },
        }
        Ok(())
    }
}

fn dotted(path: &[String]) -> String {
    path.iter().map(|key| key_text(key)).collect::<Vec<_>>().join(".")
}

fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let mut text = format_float(number, b'g', -1);
    if !text.contains(['e', '.']) {
        text.push_str(".0");
    }
    text
}

type Entries = Vec<(Text, Value)>;

/// Entries that go on lines of a table itself, and those that are tables of their own.
fn split(map: &Map) -> Result<(Entries, Entries), Error> {
    let (mut direct, mut sub) = (Vec::new(), Vec::new());
    for (key, value) in map.entries() {
        if as_table(&value).is_some() || is_table_list(&value)? {
            sub.push((key, value));
        } else {
            direct.push((key, value));
        }
    }
    Ok((direct, sub))
}
