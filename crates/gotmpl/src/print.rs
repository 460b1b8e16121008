//! Go's fmt: `%v` of every kind, and Printf with its verbs, flags and complaints.

use crate::text::{decode_rune, to_lossy};
use crate::value::{MAX_DEPTH, MapType, Value};

mod verbs;

/// Widths and precisions beyond this are refused, as in Go.
const TOO_LARGE: i64 = 1_000_000;

/// Appends the value as `%v` prints it. False when it nests too deep.
pub fn print_value(out: &mut Vec<u8>, value: &Value) -> bool {
    let mut printer = Printer::new(std::mem::take(out));
    printer.argument(value, 'v');
    *out = printer.out;
    !printer.too_deep
}

/// The value as `%v` prints it.
pub fn display(value: &Value) -> String {
    let mut out = Vec::new();
    print_value(&mut out, value);
    to_lossy(&out).into_owned()
}

/// The value as `%#v` prints it.
pub fn print_go_syntax(value: &Value) -> Vec<u8> {
    let mut printer = Printer::new(Vec::new());
    printer.sharp_v = true;
    printer.argument(value, 'v');
    printer.out
}

/// Go's Sprint: a space between two arguments when neither is a string. Nothing when a value nests too deep.
pub fn sprint<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<Vec<u8>> {
    let mut printer = Printer::new(Vec::new());
    let mut last_was_text = true;
    for (index, value) in values.into_iter().enumerate() {
        let is_text = matches!(value, Value::Str(_));
        if index > 0 && !is_text && !last_was_text {
            printer.out.push(b' ');
        }
        printer.argument(value, 'v');
        last_was_text = is_text;
    }
    (!printer.too_deep).then_some(printer.out)
}

/// Go's Sprintln.
pub fn sprintln<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<Vec<u8>> {
    let mut printer = Printer::new(Vec::new());
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            printer.out.push(b' ');
        }
        printer.argument(value, 'v');
    }
    printer.out.push(b'\n');
    (!printer.too_deep).then_some(printer.out)
}

/// Go's Sprintf. Nothing when a value nests too deep or the text grows beyond `limit`.
pub fn sprintf(format: &[u8], values: &[Value], limit: usize) -> Option<Vec<u8>> {
    let mut printer = Printer::new(Vec::new());
    printer.formatted(format, values, limit);
    (!printer.too_deep).then_some(printer.out)
}

#[derive(Default)]
struct Printer {
    out: Vec<u8>,
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    plus_v: bool,
    sharp_v: bool,
    erroring: bool,
    too_deep: bool,
}

/// A number in a format: what was read, and where reading ended.
fn parse_number(format: &[u8], start: usize) -> (Option<i64>, usize) {
    let (mut number, mut at) = (0_i64, start);
    let mut found = false;
    while let Some(digit) = format.get(at).filter(|b| b.is_ascii_digit()) {
        if number > TOO_LARGE {
            return (None, format.len());
        }
        number = number * 10 + i64::from(digit - b'0');
        found = true;
        at += 1;
    }
    (found.then_some(number), at)
}

struct Cursor {
    argument: usize,
    reordered: bool,
    good: bool,
}

impl Cursor {
    /// `[3]` at `at`: selects an argument. Gives where it ends and whether one was found.
    fn select(&mut self, format: &[u8], at: usize, count: usize) -> (usize, bool) {
        if format.get(at) != Some(&b'[') {
            return (at, false);
        }
        self.reordered = true;
        let rest = &format[at..];
        let close = if rest.len() < 3 { None } else { rest.iter().position(|&b| b == b']') };
        let Some(close) = close else {
            self.good = false;
            return (at + 1, false);
        };
        let (number, end) = parse_number(&rest[..close], 1);
        let number = number.filter(|_| end == close);
        match number {
            Some(number) if number >= 1 && usize::try_from(number).is_ok_and(|number| number <= count) => {
                self.argument = usize::try_from(number).unwrap_or(1) - 1;
                (at + close + 1, true)
            }
            _ => {
                self.good = false;
                (at + close + 1, number.is_some())
            }
        }
    }

    /// The integer argument of a `*`.
    fn star(&mut self, values: &[Value]) -> Option<i64> {
        let value = values.get(self.argument)?;
        self.argument += 1;
        let number = match value {
            Value::Int(_, number) => *number,
            Value::Uint(_, number) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (number.abs() <= TOO_LARGE).then_some(number)
    }
}

impl Printer {
    fn new(out: Vec<u8>) -> Self {
        Self { out, ..Self::default() }
    }

    fn clear(&mut self) {
        let out = std::mem::take(&mut self.out);
        *self = Self { out, too_deep: self.too_deep, ..Self::default() };
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn put_char(&mut self, character: char) {
        self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn formatted(&mut self, format: &[u8], values: &[Value], limit: usize) {
        let mut cursor = Cursor { argument: 0, reordered: false, good: true };
        let mut at = 0;
        while at < format.len() {
            if self.out.len() > limit {
                self.too_deep = true;
                return;
            }
            cursor.good = true;
            let plain = format[at..].iter().position(|&b| b == b'%').unwrap_or(format.len() - at);
            self.out.extend_from_slice(&format[at..at + plain]);
            at += plain;
            if at >= format.len() {
                break;
            }
            at += 1;
            self.clear();
            while let Some(&flag) = format.get(at) {
                match flag {
                    b'#' => self.sharp = true,
                    b'0' => self.zero = true,
                    b'+' => self.plus = true,
                    b'-' => self.minus = true,
                    b' ' => self.space = true,
                    _ => break,
                }
                at += 1;
            }
            let simple = format.get(at).is_some_and(u8::is_ascii_lowercase) && cursor.argument < values.len();
            if !simple {
                at = self.size(format, at, &mut cursor, values);
            }
            let Some((verb, width)) = decode_rune(&format[at.min(format.len())..]) else {
                self.put("%!(NOVERB)");
                break;
            };
            at += width;
            if verb == '%' {
                self.out.push(b'%');
            } else if !cursor.good {
                self.complain(verb, "(BADINDEX)");
            } else if let Some(value) = values.get(cursor.argument) {
                if verb == 'v' || verb == 'w' {
                    self.sharp_v = std::mem::take(&mut self.sharp);
                    self.plus_v = std::mem::take(&mut self.plus);
                }
                self.argument(value, verb);
                cursor.argument += 1;
            } else {
                self.complain(verb, "(MISSING)");
            }
        }
        if !cursor.reordered && cursor.argument < values.len() {
            self.clear();
            self.put("%!(EXTRA ");
            for (index, value) in values[cursor.argument..].iter().enumerate() {
                if index > 0 {
                    self.put(", ");
                }
                if value.is_nil() {
                    self.put("<nil>");
                } else {
                    let name = value.type_name();
                    self.put(&name);
                    self.out.push(b'=');
                    self.argument(value, 'v');
                }
            }
            self.out.push(b')');
        }
    }

    /// Width, precision and argument indexes; gives where the verb stands.
    fn size(&mut self, format: &[u8], start: usize, cursor: &mut Cursor, values: &[Value]) -> usize {
        let (mut at, mut after_index) = cursor.select(format, start, values.len());
        if format.get(at) == Some(&b'*') {
            at += 1;
            match cursor.star(values) {
                Some(number) => {
                    if number < 0 {
                        self.minus = true;
                        self.zero = false;
                    }
                    self.width = usize::try_from(number.abs()).ok();
                }
                None => self.put("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            let (number, end) = parse_number(format, at);
            at = end;
            self.width = number.and_then(|number| usize::try_from(number).ok());
            if after_index && number.is_some() {
                cursor.good = false;
            }
        }
        if at + 1 < format.len() && format[at] == b'.' {
            at += 1;
            if after_index {
                cursor.good = false;
            }
            (at, after_index) = cursor.select(format, at, values.len());
            if format.get(at) == Some(&b'*') {
                at += 1;
                self.precision = cursor.star(values).and_then(|number| usize::try_from(number).ok());
                if self.precision.is_none() {
                    self.put("%!(BADPREC)");
                }
                after_index = false;
            } else {
                let (number, end) = parse_number(format, at);
                at = end;
                self.precision = Some(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0));
            }
        }
        if !after_index {
            (at, _) = cursor.select(format, at, values.len());
        }
        at
    }

    fn complain(&mut self, verb: char, what: &str) {
        self.put("%!");
        self.put_char(verb);
        self.put(what);
    }

    fn bad_verb(&mut self, verb: char, value: &Value) {
        self.erroring = true;
        self.complain(verb, "(");
        if value.is_nil() {
            self.put("<nil>");
        } else {
            let name = value.type_name();
            self.put(&name);
            self.out.push(b'=');
            self.any(value, 'v', 0);
        }
        self.out.push(b')');
        self.erroring = false;
    }

    fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.bad_verb(verb, value),
            (Value::List(_) | Value::Map(_) | Value::Object(_), 'w') => self.bad_verb(verb, value),
            (_, 'T') => {
                let name = value.type_name();
                self.text(name.as_bytes());
            }
            (_, 'p') => match value {
                Value::Map(map) if map.is_nil() => self.put("0x0"),
                Value::List(list) if list.is_nil() => self.put("0x0"),
                Value::Bytes(bytes) if bytes.is_nil() => self.put("0x0"),
                Value::Map(_) | Value::List(_) | Value::Bytes(_) => self.put("0xc000000000"),
                Value::Object(object) if matches!(object.kind(), "ptr" | "map" | "slice") => {
                    self.put("0xc000000000");
                }
                _ => self.bad_verb(verb, value),
            },
            _ => self.any(value, verb, 0),
        }
    }

    fn any(&mut self, value: &Value, verb: char, depth: u32) {
        if depth > MAX_DEPTH {
            self.too_deep = true;
            return;
        }
        match value {
            Value::Nil => {
                // Only a nil inside something comes here.
                self.put(if self.sharp_v { "interface {}(nil)" } else { "<nil>" });
            }
            Value::Bool(flag) => match verb {
                't' | 'v' => self.pad(if *flag { b"true" } else { b"false" }),
                _ => self.bad_verb(verb, value),
            },
            Value::Int(_, number) => self.integer(number.unsigned_abs(), *number < 0, true, verb, value),
            Value::Uint(_, number) => self.integer(*number, false, false, verb, value),
            Value::Float(number) => self.float(*number, verb, value),
            Value::Complex(number) => match verb {
                'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E' => {
                    let plus = self.plus;
                    self.out.push(b'(');
                    self.float(number.0, verb, value);
                    self.plus = true;
                    self.float(number.1, verb, value);
                    self.put("i)");
                    self.plus = plus;
                }
                _ => self.bad_verb(verb, value),
            },
            Value::Str(text) => self.string(text, verb, value),
            Value::Bytes(bytes) => self.bytes(bytes, verb, depth),
            Value::List(list) => {
                if self.sharp_v {
                    self.put(list.elements().type_name());
                    if list.is_nil() {
                        return self.put("(nil)");
                    }
                }
                let (open, close) = if self.sharp_v { (b'{', b'}') } else { (b'[', b']') };
                self.out.push(open);
                for (index, item) in list.items().iter().enumerate() {
                    self.separate(index);
                    self.any(item, verb, depth + 1);
                    if self.too_deep {
                        return;
                    }
                }
                self.out.push(close);
            }
            Value::Map(map) => {
                if self.sharp_v {
                    let name = value.type_name();
                    self.put(&name);
                    if map.is_nil() {
                        return self.put("(nil)");
                    }
                    self.out.push(b'{');
                } else {
                    self.put("map[");
                }
                let strings = map.map_type() == MapType::Strings;
                for (index, (key, item)) in map.borrow().iter().enumerate() {
                    self.separate(index);
                    self.string(key, verb, &Value::Str(key.clone()));
                    self.out.push(b':');
                    if strings && item.is_nil() {
                        self.string(b"", verb, item);
                    } else {
                        self.any(item, verb, depth + 1);
                    }
                    if self.too_deep {
                        return;
                    }
                }
                self.out.push(if self.sharp_v { b'}' } else { b']' });
            }
            Value::Object(object) => {
                if !self.erroring
                    && !self.sharp_v
                    && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
                    && let Some(text) = object.text()
                {
                    return self.string(text.as_bytes(), verb, value);
                }
                if let Some(underlying) = object.underlying() {
                    return self.any(&underlying, verb, depth + 1);
                }
                if object.kind() == "ptr" {
                    if depth > 0 {
                        return self.put("0xc000000000");
                    }
                    self.out.push(b'&');
                }
                if self.sharp_v {
                    let name = object.type_name();
                    self.put(name.trim_start_matches('*'));
                }
                self.out.push(b'{');
                for (index, (name, field)) in object.fields().iter().enumerate() {
                    self.separate(index);
                    if self.sharp_v || self.plus_v {
                        self.put(name);
                        self.out.push(b':');
                    }
                    self.any(field, verb, depth + 1);
                }
                self.out.push(b'}');
            }
        }
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.put(if self.sharp_v { ", " } else { " " });
        }
    }
}
