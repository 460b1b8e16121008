//! The functions of text/template itself.

use super::{Outcome, fixed, variadic};
use crate::call::{Arguments, Function, Run, Slot, Type};
use crate::error::Error;
use crate::octets::Octets;
use crate::print;
use crate::text::{Text, decode_rune};
use crate::value::{List, MapType, UintKind, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    // The evaluator short-circuits the first two itself.
    variadic("and", &[Type::Reflect, Type::Reflect], |_, arguments| Ok(arguments.take(0))),
    variadic("or", &[Type::Reflect, Type::Reflect], |_, arguments| Ok(arguments.take(0))),
    fixed("not", &[Type::Reflect], |_, arguments| Ok(Value::Bool(!arguments.value(0).truth()))),
    variadic("call", &[Type::Reflect, Type::Reflect], call),
    variadic("html", &[Type::Any], |_, arguments| Ok(Value::text(escape_html(&joined(arguments)?)))),
    variadic("js", &[Type::Any], |_, arguments| Ok(Value::text(escape_js(&joined(arguments)?)))),
    variadic("urlquery", &[Type::Any], |_, arguments| Ok(Value::text(escape_query(&joined(arguments)?)))),
    variadic("index", &[Type::Reflect, Type::Reflect], index),
    variadic("slice", &[Type::Reflect, Type::Reflect], slice),
    fixed("len", &[Type::Reflect], length),
    variadic("print", &[Type::Any], |_, arguments| {
        print::sprint(arguments.0.iter().map(|slot| &slot.value)).map(Value::text).ok_or_else(too_deep)
    }),
    variadic("println", &[Type::Any], |_, arguments| {
        print::sprintln(arguments.0.iter().map(|slot| &slot.value)).map(Value::text).ok_or_else(too_deep)
    }),
    variadic("printf", &[Type::String, Type::Any], |_, arguments| {
        let values = arguments.rest(1);
        let limit = 64 << 20;
        print::sprintf(arguments.bytes(0), &values, limit).map(Value::text).ok_or_else(too_deep)
    }),
];

fn too_deep() -> Error {
    Error::new("value is nested too deep or too long to print")
}

/// The arguments as one text, which is what the escapers escape.
fn joined(arguments: &Arguments) -> Result<Text, Error> {
    if let [Slot { value: Value::Str(text), .. }] = arguments.0.as_slice() {
        return Ok(text.clone());
    }
    let no_value = Value::text("<no value>");
    let values = arguments.0.iter().map(|slot| if slot.value.is_nil() { &no_value } else { &slot.value });
    print::sprint(values).map(Text::from).ok_or_else(too_deep)
}

fn call(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let name = arguments.lossy(0).into_owned();
    match arguments.value(1) {
        Value::Nil => Err(Error::new("call of nil")),
        other => Err(Error::new(format!("non-function {name} of type {}", other.type_name()))),
    }
}

/// An index that is within `limit`, itself included.
fn checked_index(value: &Value, limit: usize) -> Result<usize, Error> {
    let number = match value {
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => *number as i64,
        Value::Nil => return Err(Error::new("cannot index slice/array with nil")),
        other => {
            return Err(Error::new(format!("cannot index slice/array with type {}", other.type_name())));
        }
    };
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= limit)
        .ok_or_else(|| Error::new(format!("index out of range: {number}")))
}

fn beyond(index: usize, length: usize, what: &str) -> Error {
    // What reflect panics with; the length is only named for slices of the language itself.
    let _ = (index, length);
    Error::new(format!("reflect: {what} index out of range"))
}

/// The type behind a pointer.
fn pointee(value: &Value) -> String {
    value.type_name().trim_start_matches('*').to_owned()
}

fn index(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut item = arguments.take(0);
    if item.is_nil() {
        return Err(Error::new("index of untyped nil"));
    }
    for key in arguments.rest(1) {
        if item.is_nil() {
            return Err(Error::new("index of nil pointer"));
        }
        let object = matches!(item, Value::Object(_));
        item = match item.base() {
            Value::Str(text) => {
                let at = checked_index(&key, text.len())?;
                let byte = text.get(at).ok_or_else(|| beyond(at, text.len(), "string"))?;
                Value::Uint(UintKind::Uint8, u64::from(*byte))
            }
            Value::Bytes(bytes) => {
                let at = checked_index(&key, bytes.len())?;
                let byte = bytes.get(at).ok_or_else(|| beyond(at, bytes.len(), "slice"))?;
                Value::Uint(UintKind::Uint8, u64::from(*byte))
            }
            Value::List(list) => {
                let at = checked_index(&key, list.items().len())?;
                list.items().get(at).cloned().ok_or_else(|| beyond(at, list.items().len(), "slice"))?
            }
            Value::Map(map) => {
                let Value::Str(key) = &key else {
                    return Err(Error::new(if key.is_nil() {
                        "value is nil; should be of type string".to_owned()
                    } else {
                        format!("value has type {}; should be string", key.type_name())
                    }));
                };
                match map.get(key) {
                    Some(value) => value,
                    None if object => Value::Bytes(Octets::default()),
                    None if map.map_type() == MapType::Strings => Value::text(""),
                    None => Value::Nil,
                }
            }
            _ => return Err(Error::new(format!("can't index item of type {}", pointee(&item)))),
        };
    }
    Ok(item)
}

fn slice(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let item = arguments.take(0);
    if item.is_nil() {
        return Err(Error::new("slice of untyped nil"));
    }
    let indexes = arguments.rest(1);
    if indexes.len() > 3 {
        return Err(Error::new(format!("too many slice indexes: {}", indexes.len())));
    }
    let base = item.base();
    let length = match &base {
        Value::Str(_) if indexes.len() == 3 => return Err(Error::new("cannot 3-index slice a string")),
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.items().len(),
        _ => return Err(Error::new(format!("can't slice item of type {}", pointee(&item)))),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(&indexes) {
        *bound = checked_index(index, length)?;
    }
    if bounds[0] > bounds[1] {
        return Err(Error::new(format!("invalid slice index: {} > {}", bounds[0], bounds[1])));
    }
    if indexes.len() == 3 && bounds[1] > bounds[2] {
        return Err(Error::new(format!("invalid slice index: {} > {}", bounds[1], bounds[2])));
    }
    let range = bounds[0]..bounds[1];
    Ok(match base {
        Value::Str(text) => Value::text(&text[range]),
        Value::Bytes(bytes) => Value::Bytes(bytes.slice(range)),
        Value::List(list) if list.is_nil() => Value::List(list),
        Value::List(list) => Value::List(List::new(list.elements(), list.items()[range].to_vec())),
        other => other,
    })
}

fn length(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let slot = arguments.slot(0);
    let length = match slot.value.base() {
        Value::Nil if slot.boxed => return Err(Error::new("len of nil pointer")),
        Value::Nil => return Err(Error::new("reflect: call of reflect.Value.Type on zero Value")),
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.len(),
        _ => return Err(Error::new(format!("len of type {}", pointee(&slot.value)))),
    };
    Ok(Value::int(length as i64))
}

pub(super) fn escape_html(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(byte),
        }
    }
    out
}

fn escape_js(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    while let Some((character, width)) = decode_rune(bytes) {
        match character {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\'' => out.extend_from_slice(b"\\'"),
            '"' => out.extend_from_slice(b"\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                out.extend_from_slice(format!("\\u{:04X}", character as u32).as_bytes());
            }
            _ if character.is_ascii() || sluice_version::number::is_printable(character) => {
                out.extend_from_slice(&bytes[..width]);
            }
            _ => out.extend_from_slice(format!("\\u{:04X}", character as u32).as_bytes()),
        }
        bytes = &bytes[width..];
    }
    out
}

/// Percent-encoding with `+` for the space.
pub(super) fn escape_query(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
