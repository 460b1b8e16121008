//! Strings: cutting, searching, replacing, quoting. Lengths count bytes, as sprig's do.

use super::{Outcome, fixed, variadic};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::lex::find as find_bytes;
use crate::print::{self, sprintf};
use crate::quote::quote as quote_text;
use crate::text::{Runes, Text, decode_rune};
use crate::value::{Elements, Map, MapType, UintKind, Value};

const S: Type = Type::String;
const I: Type = Type::Int;
const ANY: Type = Type::Any;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("hello", &[], |_, _| Ok("Hello!".into())),
    fixed("trim", &[S], |_, a| Ok(Value::text(trim_space(a.bytes(0))))),
    fixed("upper", &[S], |_, a| Ok(map_runes(a.bytes(0), to_upper))),
    fixed("lower", &[S], |_, a| Ok(map_runes(a.bytes(0), to_lower))),
    fixed("title", &[S], |_, a| Ok(Value::text(title(a.bytes(0))))),
    fixed("trunc", &[I, S], |_, a| Ok(Value::text(truncate(a.integer(0), a.bytes(1))))),
    fixed("substr", &[I, I, S], |_, a| substring(a.integer(0), a.integer(1), a.bytes(2))),
    fixed("repeat", &[I, S], repeat),
    fixed("trimall", &[S, S], |_, a| Ok(Value::text(trim_set(a.bytes(1), a.bytes(0))))),
    fixed("trimAll", &[S, S], |_, a| Ok(Value::text(trim_set(a.bytes(1), a.bytes(0))))),
    fixed("trimSuffix", &[S, S], |_, a| {
        Ok(Value::text(a.bytes(1).strip_suffix(a.bytes(0)).unwrap_or(a.bytes(1))))
    }),
    fixed("trimPrefix", &[S, S], |_, a| {
        Ok(Value::text(a.bytes(1).strip_prefix(a.bytes(0)).unwrap_or(a.bytes(1))))
    }),
    fixed("contains", &[S, S], |_, a| Ok(find_bytes(a.bytes(1), a.bytes(0)).is_some().into())),
    fixed("hasPrefix", &[S, S], |_, a| Ok(a.bytes(1).starts_with(a.bytes(0)).into())),
    fixed("hasSuffix", &[S, S], |_, a| Ok(a.bytes(1).ends_with(a.bytes(0)).into())),
    variadic("quote", &[ANY], |_, a| Ok(join_given(a, |value| quote_text(&to_text(value)).into_bytes()))),
    variadic("squote", &[ANY], |_, a| {
        Ok(join_given(a, |value| {
            let mut out = b"'".to_vec();
            print::print_value(&mut out, value);
            out.push(b'\'');
            out
        }))
    }),
    variadic("cat", &[ANY], |_, a| Ok(cat(a))),
    fixed("indent", &[I, S], |run, a| indent(run, a.integer(0), a.bytes(1), b"")),
    fixed("nindent", &[I, S], |run, a| indent(run, a.integer(0), a.bytes(1), b"\n")),
    fixed("replace", &[S, S, S], |run, a| {
        run.charge(a.bytes(2).len())?;
        replace_limited(run, a.bytes(2), a.bytes(0), a.bytes(1)).map(Value::text)
    }),
    fixed("plural", &[S, S, I], |_, a| Ok(if a.integer(2) == 1 { a.take(0) } else { a.take(1) })),
    fixed("toString", &[ANY], |_, a| Ok(Value::Str(to_text(a.value(0))))),
    fixed("toStrings", &[ANY], |_, a| {
        Ok(match a.value(0) {
            // What holds strings already is given back, a nil list too.
            Value::List(list) if list.elements() == Elements::Strings => Value::List(list.clone()),
            other => Value::strings(to_strings(other)),
        })
    }),
    fixed("join", &[S, ANY], |run, a| {
        let items = to_strings(a.value(1));
        run.charge_bytes(items.iter().map(|item| item.len() + a.bytes(0).len()).sum())?;
        Ok(Value::text(items.join(a.bytes(0))))
    }),
    fixed("split", &[S, S], |run, a| split_map(run, a.bytes(1), a.bytes(0), -1)),
    fixed("splitn", &[S, I, S], |run, a| split_map(run, a.bytes(2), a.bytes(0), a.integer(1))),
    fixed("splitList", &[S, S], |run, a| {
        run.charge_bytes(a.bytes(1).len() * 24)?;
        Ok(Value::strings(split(a.bytes(1), a.bytes(0), -1)))
    }),
    fixed("b64enc", &[S], |_, a| Ok(crate::encode::base64(a.bytes(0)).into())),
    fixed("b32enc", &[S], |_, a| Ok(crate::encode::base32(a.bytes(0)).into())),
    fixed("b64dec", &[S], |_, a| {
        Ok(crate::encode::decode_base64(a.bytes(0))
            .map_or_else(|at| format!("illegal base64 data at input byte {at}").into(), Value::text))
    }),
    fixed("b32dec", &[S], |_, a| {
        Ok(crate::encode::decode_base32(a.bytes(0))
            .map_or_else(|at| format!("illegal base32 data at input byte {at}").into(), Value::text))
    }),
];

pub(super) fn to_upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

pub(super) fn to_lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

fn map_runes(bytes: &[u8], map: fn(char) -> char) -> Value {
    Value::text(Runes(bytes).map(map).collect::<String>())
}

/// Go's deprecated strings.Title.
fn title(bytes: &[u8]) -> String {
    let mut last = ' ';
    Runes(bytes)
        .map(|character| {
            let starts = if last.is_ascii() {
                !(last.is_ascii_alphanumeric() || last == '_')
            } else if last.is_alphanumeric() {
                false
            } else {
                last.is_whitespace()
            };
            last = character;
            if starts { to_upper(character) } else { character }
        })
        .collect()
}

fn truncate(count: i64, bytes: &[u8]) -> &[u8] {
    let length = bytes.len() as i64;
    if count < 0 && length + count > 0 {
        return &bytes[usize::try_from(length + count).unwrap_or(0)..];
    }
    match usize::try_from(count) {
        Ok(count) if bytes.len() > count => &bytes[..count],
        _ => bytes,
    }
}

fn bounds(what: String) -> Error {
    Error::new(format!("runtime error: slice bounds out of range {what}"))
}

fn substring(start: i64, end: i64, bytes: &[u8]) -> Outcome {
    let length = bytes.len() as i64;
    let cut = |from: i64, to: i64| {
        let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        Value::text(bytes.get(range).unwrap_or_default())
    };
    if start < 0 {
        if end < 0 {
            return Err(bounds(format!("[:{end}]")));
        }
        if end > length {
            return Err(bounds(format!("[:{end}] with length {length}")));
        }
        return Ok(cut(0, end));
    }
    let end = if end < 0 || end > length { length } else { end };
    if start > end {
        return Err(bounds(format!("[{start}:{end}]")));
    }
    Ok(cut(start, end))
}

fn repeat(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let Ok(count) = usize::try_from(arguments.integer(0)) else {
        return Err(Error::new("strings: negative Repeat count"));
    };
    let bytes = arguments.bytes(1);
    let total = bytes
        .len()
        .checked_mul(count)
        .filter(|total| i64::try_from(*total).is_ok())
        .ok_or_else(|| Error::new("strings: Repeat output length overflow"))?;
    run.charge_bytes(total)?;
    Ok(Value::text(bytes.repeat(count)))
}

/// Go's Trim: takes runes of `set` off both ends.
fn trim_set<'a>(bytes: &'a [u8], set: &[u8]) -> &'a [u8] {
    let set: Vec<char> = Runes(set).collect();
    let mut bytes = bytes;
    while let Some((character, width)) = decode_rune(bytes) {
        if !set.contains(&character) {
            break;
        }
        bytes = &bytes[width..];
    }
    while let Some((character, width)) = last_rune(bytes) {
        if !set.contains(&character) {
            break;
        }
        bytes = &bytes[..bytes.len() - width];
    }
    bytes
}

fn last_rune(bytes: &[u8]) -> Option<(char, usize)> {
    if bytes.is_empty() {
        return None;
    }
    for width in 1..=bytes.len().min(4) {
        let tail = &bytes[bytes.len() - width..];
        if let Some((character, decoded)) = decode_rune(tail)
            && decoded == width
            && (width > 1 || tail[0] < 0x80)
        {
            return Some((character, width));
        }
    }
    Some(('\u{fffd}', 1))
}

/// Go's TrimSpace.
pub(crate) fn trim_space(mut bytes: &[u8]) -> &[u8] {
    while let Some((character, width)) = decode_rune(bytes) {
        if !character.is_whitespace() {
            break;
        }
        bytes = &bytes[width..];
    }
    while let Some((character, width)) = last_rune(bytes) {
        if !character.is_whitespace() {
            break;
        }
        bytes = &bytes[..bytes.len() - width];
    }
    bytes
}

/// A value as sprig makes a string of it.
pub(crate) fn to_text(value: &Value) -> Text {
    match value {
        Value::Str(text) => text.clone(),
        Value::Bytes(bytes) => bytes.to_text(),
        _ => {
            let mut out = Vec::new();
            print::print_value(&mut out, value);
            out.into()
        }
    }
}

/// The items of a list as strings, nils left out; anything else is a list of itself.
pub(super) fn to_strings(value: &Value) -> Vec<Text> {
    match value.base() {
        Value::Nil => Vec::new(),
        Value::List(list) => list.items().iter().filter(|item| !item.is_nil()).map(to_text).collect(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| Text::from(byte.to_string())).collect(),
        _ => vec![to_text(value)],
    }
}

fn join_given(arguments: &Arguments, each: impl Fn(&Value) -> Vec<u8>) -> Value {
    let parts: Vec<Vec<u8>> =
        arguments.0.iter().filter(|slot| !slot.value.is_nil()).map(|slot| each(&slot.value)).collect();
    Value::text(parts.join(&b" "[..]))
}

fn cat(arguments: &mut Arguments) -> Value {
    let values: Vec<Value> = arguments.rest(0).into_iter().filter(|value| !value.is_nil()).collect();
    let format = vec![&b"%v"[..]; values.len()].join(&b" "[..]);
    Value::text(sprintf(&format, &values, usize::MAX).unwrap_or_default())
}

fn indent(run: &Run<'_>, spaces: i64, bytes: &[u8], before: &[u8]) -> Outcome {
    let Ok(spaces) = usize::try_from(spaces) else {
        return Err(Error::new("strings: negative Repeat count"));
    };
    let lines = bytes.split(|&b| b == b'\n').count();
    let total = spaces
        .checked_mul(lines)
        .and_then(|padding| padding.checked_add(bytes.len() + before.len()))
        .ok_or_else(|| Error::new("strings: Repeat output length overflow"))?;
    run.charge_bytes(total)?;
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(before);
    for (index, line) in bytes.split(|&b| b == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend(std::iter::repeat_n(b' ', spaces));
        out.extend_from_slice(line);
    }
    Ok(Value::text(out))
}

/// Go's ReplaceAll; an empty `old` matches before every rune and at the end.
fn replace_limited(run: &Run<'_>, bytes: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut charged = 0;
    let mut rest = bytes;
    let mut charge = |length: usize| {
        let grown = length.saturating_sub(charged);
        charged = length.max(charged);
        run.charge_bytes(grown)
    };
    if old.is_empty() {
        while let Some((_, width)) = decode_rune(rest) {
            out.extend_from_slice(new);
            out.extend_from_slice(&rest[..width]);
            rest = &rest[width..];
            charge(out.len())?;
        }
        out.extend_from_slice(new);
        return Ok(out);
    }
    while let Some(at) = find_bytes(rest, old) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
        charge(out.len())?;
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// Go's SplitN; a negative count means all.
pub(super) fn split<'a>(bytes: &'a [u8], separator: &[u8], count: i64) -> Vec<&'a [u8]> {
    if count == 0 {
        return Vec::new();
    }
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = bytes;
    if separator.is_empty() {
        while let Some((_, width)) = decode_rune(rest) {
            if parts.len() + 1 == limit {
                break;
            }
            parts.push(&rest[..width]);
            rest = &rest[width..];
        }
        if !rest.is_empty() {
            parts.push(rest);
        }
        return parts;
    }
    while parts.len() + 1 < limit
        && let Some(at) = find_bytes(rest, separator)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

fn split_map(run: &Run<'_>, bytes: &[u8], separator: &[u8], count: i64) -> Outcome {
    run.charge_bytes(bytes.len() * 24)?;
    let entries = split(bytes, separator, count)
        .into_iter()
        .enumerate()
        .map(|(index, part)| (Text::from(format!("_{index}")), Value::text(part)))
        .collect();
    Ok(Value::Map(Map::of(MapType::Strings, entries)))
}

/// The items of a slice of any type.
pub(super) fn items(value: &Value) -> Option<Vec<Value>> {
    match value.base() {
        Value::List(list) => Some(list.items().to_vec()),
        Value::Bytes(bytes) => {
            Some(bytes.iter().map(|byte| Value::Uint(UintKind::Uint8, u64::from(*byte))).collect())
        }
        _ => None,
    }
}
