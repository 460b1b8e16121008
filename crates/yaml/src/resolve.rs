//! What plain text means: the rules of Go's yaml v3 (1.2-like) and of yaml v2 (1.1), which the JSON route uses.

use std::borrow::Cow;

use crate::node::Tag;
use crate::timestamp::Timestamp;

/// A scalar with its type known.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// Only what does not fit into an `i64`.
    Uint(u64),
    Float(f64),
    Timestamp(Timestamp),
    /// Text that is nothing else.
    Str,
}

impl Value {
    pub fn tag(&self) -> Tag {
        match self {
            Value::Null => Tag::Null,
            Value::Bool(_) => Tag::Bool,
            Value::Int(_) | Value::Uint(_) => Tag::Int,
            Value::Float(_) => Tag::Float,
            Value::Timestamp(_) => Tag::Timestamp,
            Value::Str => Tag::Str,
        }
    }
}

/// Which of the two Go resolvers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// `yes`, `on`, `y` are booleans.
    V2,
    /// Those are text; `0o17` is a number.
    V3,
}

/// What this plain text means by the v3 rules.
pub fn v3(text: &str) -> Value {
    resolve(Rules::V3, text)
}

/// What this plain text means by the v2 rules.
pub fn v2(text: &str) -> Value {
    resolve(Rules::V2, text)
}

/// The tag of plain text by the v3 rules.
pub fn v3_tag(text: &str) -> Tag {
    resolve(Rules::V3, text).tag()
}

/// What this plain text means by the given rules.
pub fn resolve(rules: Rules, text: &str) -> Value {
    resolve_as(rules, text, true)
}

/// As `resolve`; a text with an explicit tag that is no timestamp is not tried as one.
pub(crate) fn resolve_as(rules: Rules, text: &str, timestamps: bool) -> Value {
    let Some(&first) = text.as_bytes().first() else { return Value::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(rules, text),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Value::Float(f64::INFINITY),
            _ => go_decimal_float(text).map_or(Value::Str, Value::Float),
        },
        b'+' | b'-' | b'0'..=b'9' => number(rules, text, timestamps),
        _ => Value::Str,
    }
}

fn word(rules: Rules, text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "~" | "null" | "Null" | "NULL" => Value::Null,
        _ if rules == Rules::V2 && is_old_bool(text) => {
            Value::Bool(matches!(text.as_bytes(), [b'y' | b'Y', ..] | [b'o' | b'O', b'n' | b'N']))
        }
        _ => Value::Str,
    }
}

/// The words of YAML 1.1 that v3 reads as text, but still quotes.
pub(crate) fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

fn number(rules: Rules, text: &str, timestamps: bool) -> Value {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if timestamps && let Some(time) = Timestamp::parse(text) {
        return Value::Timestamp(time);
    }
    // Most of what starts with a digit and is no number says so early.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'x' | b'X' | b'o' | b'O' | b'+' | b'-' | b'.' | b'_'))
    {
        return Value::Str;
    }
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    let plain = plain.as_ref();
    match go_int(plain, 0) {
        Parsed::Int(value) => return Value::Int(value),
        Parsed::Uint(value) => return Value::Uint(value),
        Parsed::No => {}
    }
    if is_yaml_float(plain)
        && let Ok(value) = plain.parse::<f64>()
        && value.is_finite()
    {
        return Value::Float(value);
    }
    let prefixes: &[(&str, &str, u32)] = match rules {
        Rules::V2 => &[("0b", "-0b", 2)],
        Rules::V3 => &[("0b", "-0b", 2), ("0o", "-0o", 8)],
    };
    for (prefix, negative, radix) in prefixes {
        if let Some(rest) = plain.strip_prefix(prefix) {
            return match go_int(rest, *radix) {
                Parsed::Int(value) => Value::Int(value),
                Parsed::Uint(value) => Value::Uint(value),
                Parsed::No => Value::Str,
            };
        }
        if let Some(rest) = plain.strip_prefix(negative) {
            if !rest.starts_with(['+', '-'])
                && let Parsed::Int(value) = go_int(&format!("-{rest}"), *radix)
            {
                return Value::Int(value);
            }
            return Value::Str;
        }
    }
    Value::Str
}

enum Parsed {
    Int(i64),
    Uint(u64),
    No,
}

/// Go's `strconv.ParseInt`, then `ParseUint` (which takes no sign). Radix 0 reads the prefix.
fn go_int(text: &str, radix: u32) -> Parsed {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'+') => (Some(false), &text[1..]),
        Some(b'-') => (Some(true), &text[1..]),
        _ => (None, text),
    };
    let (radix, digits) = if radix != 0 {
        (radix, digits)
    } else {
        match digits.as_bytes() {
            [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
            [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
            [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
            [b'0', _, ..] => (8, &digits[1..]),
            _ => (10, digits),
        }
    };
    if digits.is_empty() || !digits.bytes().all(|byte| (byte as char).is_digit(radix)) {
        return Parsed::No;
    }
    let Ok(magnitude) = u64::from_str_radix(digits, radix) else { return Parsed::No };
    match sign {
        Some(true) if magnitude <= 1 << 63 => Parsed::Int((magnitude as i64).wrapping_neg()),
        Some(true) => Parsed::No,
        _ => match i64::try_from(magnitude) {
            Ok(value) => Parsed::Int(value),
            Err(_) if sign.is_none() => Parsed::Uint(magnitude),
            Err(_) => Parsed::No,
        },
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_yaml_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits_at(bytes, at);
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits_at(bytes, at + 1);
        at += 1 + fraction;
    }
    if whole == 0 && fraction == 0 {
        return false;
    }
    exponent_ends(bytes, at)
}

fn digits_at(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

fn exponent_ends(bytes: &[u8], mut at: usize) -> bool {
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let digits = digits_at(bytes, at);
        if digits == 0 {
            return false;
        }
        at += digits;
    }
    at == bytes.len()
}

/// Go's `strconv.ParseFloat` for text that begins with a dot: digits may be parted by single underscores.
fn go_decimal_float(text: &str) -> Option<f64> {
    let plain: Cow<'_, str> = if text.contains('_') {
        let bytes = text.as_bytes();
        let parted = bytes.iter().enumerate().all(|(at, byte)| {
            *byte != b'_'
                || (at > 0
                    && bytes[at - 1].is_ascii_digit()
                    && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
        });
        if !parted {
            return None;
        }
        text.replace('_', "").into()
    } else {
        text.into()
    };
    if !is_yaml_float(&plain) {
        return None;
    }
    plain.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Base 60 of YAML 1.1 (`190:20:30`): read as text, but quoted on the way out.
/// `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`
pub(crate) fn is_base60_float(text: &str) -> bool {
    if !text.contains(':') {
        return false;
    }
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    if !bytes.get(at).is_some_and(u8::is_ascii_digit) {
        return false;
    }
    while bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_') {
        at += 1;
    }
    let mut groups = 0;
    while bytes.get(at) == Some(&b':') {
        let digits = digits_at(bytes, at + 1);
        if digits == 0 || digits > 2 || (digits == 2 && bytes[at + 1] > b'5') {
            return false;
        }
        at += 1 + digits;
        groups += 1;
    }
    if groups == 0 {
        return false;
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        while bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_') {
            at += 1;
        }
    }
    at == bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_between_the_rules() {
        assert_eq!(v2("yes"), Value::Bool(true));
        assert_eq!(v2("Off"), Value::Bool(false));
        assert_eq!(v2("n"), Value::Bool(false));
        assert_eq!(v3("yes"), Value::Str);
        assert_eq!(v3("True"), Value::Bool(true));
        assert_eq!(v3(""), Value::Null);
        assert_eq!(v3("~"), Value::Null);
    }

    #[test]
    fn integers_follow_go() {
        for (text, want) in [
            ("0", 0),
            ("0777", 511),
            ("0o17", 15),
            ("0x_ff", 255),
            ("0b11", 3),
            ("-0b11", -3),
            ("1_000", 1000),
            ("+12", 12),
            ("-9223372036854775808", i64::MIN),
            ("0b-1", -1),
        ] {
            assert_eq!(v3(text), Value::Int(want), "{text}");
            assert_eq!(v2(text), Value::Int(want), "{text}");
        }
        assert_eq!(v3("18446744073709551615"), Value::Uint(u64::MAX));
        assert_eq!(v3("08"), Value::Float(8.0));
        assert_eq!(v3("0o-7"), Value::Int(-7));
        assert_eq!(v2("0o-7"), Value::Str);
        assert_eq!(v3("0x"), Value::Str);
    }

    #[test]
    fn floats_follow_go() {
        assert_eq!(v3("1."), Value::Float(1.0));
        assert_eq!(v3(".5"), Value::Float(0.5));
        assert_eq!(v3("1e3"), Value::Float(1000.0));
        assert_eq!(v3("1e999"), Value::Str);
        assert_eq!(v3("."), Value::Str);
        assert_eq!(v3("-.inf"), Value::Float(f64::NEG_INFINITY));
        assert_eq!(v3("1.2.3"), Value::Str);
    }

    #[test]
    fn base_60_is_seen() {
        assert!(is_base60_float("190:20:30"));
        assert!(is_base60_float("1:2"));
        assert!(is_base60_float("190:20:30.15"));
        assert!(!is_base60_float("1:60"));
        assert!(!is_base60_float("a:1"));
        assert!(!is_base60_float("1:2:"));
    }
}
