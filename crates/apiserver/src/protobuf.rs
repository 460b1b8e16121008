//! Bodies in protobuf, which generated clients send: read into the JSON that the same client would have written.
//!
//! How kinds are written was recorded from their Go types (`examples/record.rs`). Only reading: answers are JSON.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use base64::Engine;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::facts::{Later, unpacked};
use crate::print::Plan;

const PACKED: &[u8] = include_bytes!("protobuf.json.z");
const MAGIC: &[u8] = b"k8s\0";
/// Messages inside of messages.
const DEPTH_LIMIT: usize = 64;

/// Number, name, flags, shape.
#[derive(Deserialize)]
pub struct Field(pub u64, pub String, pub String, pub String);

#[derive(Deserialize)]
struct Tables {
    kinds: BTreeMap<String, String>,
    types: BTreeMap<String, Later<Message>>,
}

/// A type: its fields by number, and how Go prints them.
pub struct Message {
    pub fields: Vec<Field>,
    pub plan: OnceLock<Plan>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| unpacked(PACKED))
}

/// The fields of a kind, named `group/version/Kind`.
pub fn kind(name: &str) -> Option<&'static Message> {
    Some(rows(tables().kinds.get(name)?))
}

/// A type by its name; one that is not known has no fields.
pub fn rows(name: &str) -> &'static Message {
    static NONE: Message = Message { fields: Vec::new(), plan: OnceLock::new() };
    let read = |fields| Message { fields, plan: OnceLock::new() };
    tables().types.get(name).map_or(&NONE, |known| known.get(read))
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It is no protobuf, or ends too soon.
    Malformed(&'static str),
    /// Its kind has no protobuf form.
    UnknownKind(String),
}

const SHORT: Wrong = Wrong::Malformed("unexpected EOF");

/// Reads an object with the envelope that Kubernetes puts around it.
pub fn object(body: &[u8]) -> Result<Value, Wrong> {
    let inner = body.strip_prefix(MAGIC).ok_or(Wrong::Malformed(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    ))?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for part in Parts(inner) {
        match part? {
            (1, Wire::Bytes(type_meta)) => {
                for part in Parts(type_meta) {
                    match part? {
                        (1, Wire::Bytes(text)) => api_version = utf8(text)?,
                        (2, Wire::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let key = if api_version.contains('/') {
        format!("{api_version}/{kind}")
    } else {
        format!("/{api_version}/{kind}")
    };
    let name = tables().kinds.get(&key).ok_or_else(|| Wrong::UnknownKind(kind.clone()))?;
    let mut object = message(name, raw, DEPTH_LIMIT)?;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    Ok(object)
}

enum Wire<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, one after another.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn varint(&mut self) -> Result<u64, Wrong> {
        let mut out = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(SHORT)?;
            self.0 = rest;
            out |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(out);
            }
        }
        Err(Wrong::Malformed("integer overflow"))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Wrong> {
        let length = usize::try_from(length).map_err(|_| SHORT)?;
        if length > self.0.len() {
            return Err(SHORT);
        }
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(taken)
    }

    fn part(&mut self) -> Result<(u64, Wire<'a>), Wrong> {
        let key = self.varint()?;
        let little = |bytes: &[u8]| bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
        let wire = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed(little(self.take(8)?)),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed(little(self.take(4)?)),
            _ => return Err(Wrong::Malformed("illegal wireType")),
        };
        Ok((key >> 3, wire))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<(u64, Wire<'a>), Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_err() {
            self.0 = &[];
        }
        Some(part)
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Wrong> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Wrong::Malformed("a text is not UTF-8"))
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Value, Wrong> {
    let depth = depth.checked_sub(1).ok_or(Wrong::Malformed("it is nested too deep"))?;
    if !tables().types.contains_key(name) {
        return Err(Wrong::Malformed("a type is not known"));
    }
    let fields = &rows(name).fields;
    let mut out = Map::new();
    for part in Parts(bytes) {
        let (number, wire) = part?;
        let Ok(at) = fields.binary_search_by_key(&number, |field| field.0) else { continue };
        let Field(_, name, flags, shape) = &fields[at];
        if let Some(items) = shape.strip_prefix("[]") {
            let item = value(items, &wire, depth)?;
            let list = out.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(item);
            }
        } else if let Some(items) = shape.strip_prefix("{}") {
            let Wire::Bytes(entry) = wire else { return Err(SHORT) };
            let (mut key, mut found) = (String::new(), empty(items));
            for part in Parts(entry) {
                match part? {
                    (1, Wire::Bytes(text)) => key = utf8(text)?,
                    (2, wire) => found = value(items, &wire, depth)?,
                    _ => {}
                }
            }
            let map = out.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(map) = map {
                map.insert(key, found);
            }
        } else {
            let found = value(shape, &wire, depth)?;
            let is_absent = flags.contains('o') && !flags.contains('p') && is_zero(&found);
            if flags.contains('i') {
                if let Value::Object(inner) = found {
                    out.extend(inner);
                }
            } else if !is_absent {
                out.insert(name.clone(), found);
            }
        }
    }
    Ok(Value::Object(out))
}

/// What Go's `omitempty` leaves out; a struct it never does.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn empty(shape: &str) -> Value {
    match shape {
        "s" | "y" | "q" => "".into(),
        "i" => 0.into(),
        "b" => false.into(),
        _ => Value::Null,
    }
}

fn value(shape: &str, wire: &Wire, depth: usize) -> Result<Value, Wrong> {
    let bytes = match wire {
        Wire::Varint(number) => {
            return Ok(match shape {
                "b" => (*number != 0).into(),
                // Negative numbers are written as the 64 bits that they have.
                _ => number.cast_signed().into(),
            });
        }
        Wire::Fixed(bits) => return Ok(f64::from_bits(*bits).into()),
        Wire::Bytes(bytes) => *bytes,
    };
    if let Some(name) = shape.strip_prefix("m/") {
        return message(name, bytes, depth);
    }
    // Small messages with a form of their own in JSON.
    let mut numbers = [0_i64; 4];
    let mut texts: [&[u8]; 4] = [&[]; 4];
    let mut listed = Vec::new();
    if !matches!(shape, "s" | "y") {
        for part in Parts(bytes) {
            match part? {
                (at @ 1..=3, Wire::Varint(number)) => {
                    numbers[usize::try_from(at).unwrap_or(0)] = number.cast_signed();
                }
                (at @ 1..=3, Wire::Bytes(text)) => {
                    texts[usize::try_from(at).unwrap_or(0)] = text;
                    listed.push((at, text));
                }
                _ => {}
            }
        }
    }
    let schema = |bytes: &[u8]| {
        const NAME: &str = "apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps";
        message(NAME, bytes, depth)
    };
    Ok(match shape {
        "s" => utf8(bytes)?.into(),
        "y" => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
        "q" => utf8(texts[1])?.into(),
        "w" => listed.iter().map(|(_, text)| utf8(text).map(Value::from)).collect::<Result<_, _>>()?,
        "t" | "T" => {
            let places = if shape == "T" { 6 } else { 0 };
            let nanos = i32::try_from(numbers[2]).unwrap_or(0);
            match jiff::Timestamp::new(numbers[1], nanos) {
                // Go's zero time.
                Ok(time) if numbers[1] != -62_135_596_800 && !bytes.is_empty() => {
                    format!("{time:.places$}").into()
                }
                _ => Value::Null,
            }
        }
        "d" => crate::time::go_duration(numbers[1]).into(),
        "n" if numbers[1] == 0 => numbers[2].into(),
        "n" => utf8(texts[3])?.into(),
        "r" => serde_json::from_slice(texts[1]).unwrap_or(Value::Null),
        "B" if texts[2].is_empty() => (numbers[1] != 0).into(),
        "B" => schema(texts[2])?,
        "A" | "S" => {
            let many = listed
                .iter()
                .filter(|(at, _)| *at == 2)
                .map(|(_, bytes)| if shape == "A" { schema(bytes) } else { utf8(bytes).map(Value::from) });
            let many: Vec<Value> = many.collect::<Result<_, _>>()?;
            if many.is_empty() { schema(texts[1])? } else { many.into() }
        }
        _ => return Err(Wrong::Malformed("a type is not known")),
    })
}
