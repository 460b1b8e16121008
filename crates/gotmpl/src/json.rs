//! JSON as Go's encoding/json writes and reads it, with its messages.

use crate::error::Error;
use crate::quote::quote;
use crate::text::{Runes, Text, decode_rune};
use crate::value::{MAX_DEPTH, Map, Value, marshalled_in_json};

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Compact,
    /// Two spaces a level.
    Pretty,
}

/// Go's Marshal; with `escape`, `<`, `>` and `&` are escaped.
pub(crate) fn encode(value: &Value, layout: Layout, escape: bool) -> Result<Vec<u8>, Error> {
    let mut writer = Writer { out: Vec::new(), layout, escape };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    layout: Layout,
    escape: bool,
}

/// What Go says of a map that holds itself; it looks for one after a thousand levels too.
pub(crate) fn cycle(value: &Value) -> Error {
    Error::new(format!("json: unsupported value: encountered a cycle via {}", value.type_name()))
}

/// A float as JSON has it.
pub(crate) fn float(value: f64) -> Result<String, Error> {
    sluice_yaml::json::json_float(value).ok_or_else(|| {
        Error::new(format!("json: unsupported value: {}", crate::float::format_float(value, b'g', -1)))
    })
}

impl Writer {
    fn line(&mut self, depth: u32) {
        if self.layout == Layout::Pretty {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', depth as usize * 2));
        }
    }

    fn value(&mut self, value: &Value, depth: u32) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(cycle(value));
        }
        match value {
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::Bool(flag) => self.out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Value::Int(_, number) => self.out.extend_from_slice(number.to_string().as_bytes()),
            Value::Uint(_, number) => self.out.extend_from_slice(number.to_string().as_bytes()),
            Value::Float(number) => self.out.extend_from_slice(float(*number)?.as_bytes()),
            Value::Complex(_) => return Err(Error::new("json: unsupported type: complex128")),
            Value::Str(text) => self.string(text),
            Value::Bytes(bytes) if bytes.is_nil() => self.out.extend_from_slice(b"null"),
            Value::Bytes(bytes) => self.string(crate::encode::base64(bytes).as_bytes()),
            Value::List(list) if list.is_nil() => self.out.extend_from_slice(b"null"),
            Value::List(list) => {
                self.out.push(b'[');
                for (index, item) in list.items().iter().enumerate() {
                    if index > 0 {
                        self.out.push(b',');
                    }
                    self.line(depth + 1);
                    self.value(item, depth + 1)?;
                }
                if !list.items().is_empty() {
                    self.line(depth);
                }
                self.out.push(b']');
            }
            Value::Map(map) if map.is_nil() => self.out.extend_from_slice(b"null"),
            Value::Map(map) => {
                self.out.push(b'{');
                for (index, (key, item)) in map.borrow().iter().enumerate() {
                    if index > 0 {
                        self.out.push(b',');
                    }
                    self.line(depth + 1);
                    self.string(key);
                    self.out.extend_from_slice(if self.layout == Layout::Pretty { b": " } else { b":" });
                    self.value(item, depth + 1)?;
                }
                if !map.is_empty() {
                    self.line(depth);
                }
                self.out.push(b'}');
            }
            Value::Object(object) => self.value(&marshalled_in_json(&**object)?, depth)?,
        }
        Ok(())
    }

    fn string(&mut self, mut bytes: &[u8]) {
        self.out.push(b'"');
        while let Some((character, width)) = decode_rune(bytes) {
            match character {
                '"' | '\\' => self.out.extend_from_slice(&[b'\\', character as u8]),
                '\n' => self.out.extend_from_slice(b"\\n"),
                '\r' => self.out.extend_from_slice(b"\\r"),
                '\t' => self.out.extend_from_slice(b"\\t"),
                '\x08' => self.out.extend_from_slice(b"\\b"),
                '\x0c' => self.out.extend_from_slice(b"\\f"),
                '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                    self.out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes());
                }
                '<' | '>' | '&' if self.escape => {
                    self.out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes());
                }
                '\u{fffd}' if width == 1 => self.out.extend_from_slice(b"\\ufffd"),
                _ => self.out.extend_from_slice(&bytes[..width]),
            }
            bytes = &bytes[width..];
        }
        self.out.push(b'"');
    }
}

/// What was read, and the first complaint about its meaning: Go keeps the rest of the value then.
pub(crate) struct Decoded {
    pub value: Value,
    pub complaint: Option<Error>,
}

/// Go's Unmarshal into an empty interface.
pub(crate) fn decode(text: &[u8]) -> Result<Decoded, Error> {
    let mut reader = Reader { text, at: 0, complaint: None };
    let value = reader.value(0)?;
    reader.spaces();
    if let Some(&byte) = reader.text.get(reader.at) {
        return Err(invalid(byte, "after top-level value"));
    }
    Ok(Decoded { value, complaint: reader.complaint })
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    complaint: Option<Error>,
}

fn invalid(byte: u8, place: &str) -> Error {
    let shown = match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let quoted = quote(char::from(byte).to_string().as_bytes());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    };
    Error::new(format!("invalid character {shown} {place}"))
}

fn ended() -> Error {
    Error::new("unexpected end of JSON input")
}

impl Reader<'_> {
    fn spaces(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Result<u8, Error> {
        self.text.get(self.at).copied().ok_or_else(ended)
    }

    /// As `peek`; the end looks like a space, which is how Go tells what was cut off.
    fn peek_or_space(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(b' ')
    }

    fn value(&mut self, depth: u32) -> Result<Value, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new("exceeded max depth"));
        }
        self.spaces();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(Value::Str(self.string()?)),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Nil),
            b'-' | b'0'..=b'9' => self.number(),
            byte => Err(invalid(byte, "looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        for expected in word.bytes() {
            let byte = self.peek_or_space();
            if byte != expected {
                let place = format!("in literal {word} (expecting '{}')", char::from(expected));
                return Err(invalid(byte, &place));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, place: &str) -> Result<(), Error> {
        match self.peek_or_space() {
            b'0'..=b'9' => {}
            byte => return Err(invalid(byte, place)),
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek_or_space() == b'0' {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = crate::text::to_lossy(&self.text[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => {
                self.complaint.get_or_insert_with(|| {
                    Error::new(format!("json: cannot unmarshal number {text} into Go value of type float64"))
                });
                Ok(Value::Nil)
            }
        }
    }

    fn string(&mut self) -> Result<Text, Error> {
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => self.escape(&mut out)?,
                0..=0x1f => return Err(invalid(byte, "in string literal")),
                _ => out.push(byte),
            }
        }
        if std::str::from_utf8(&out).is_err() {
            return Ok(Runes(&out).collect::<String>().into());
        }
        Ok(out.into())
    }

    fn hexadecimal(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.peek_or_space();
            let digit = char::from(byte)
                .to_digit(16)
                .ok_or_else(|| invalid(byte, "in \\u hexadecimal character escape"))?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let byte = self.peek_or_space();
        self.at += 1;
        out.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut code = self.hexadecimal()?;
                // A high half takes the low half that follows it.
                if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with(b"\\u") {
                    let before = self.at;
                    self.at += 2;
                    let low = self.hexadecimal()?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    } else {
                        self.at = before;
                    }
                }
                let character = char::from_u32(code).unwrap_or('\u{fffd}');
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(invalid(byte, "in string escape code")),
        });
        Ok(())
    }

    fn array(&mut self, depth: u32) -> Result<Value, Error> {
        self.at += 1;
        let mut items = Vec::new();
        self.spaces();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.spaces();
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b',' => {}
                b']' => return Ok(Value::list(items)),
                _ => return Err(invalid(byte, "after array element")),
            }
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value, Error> {
        self.at += 1;
        let map = Map::new();
        self.spaces();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(Value::Map(map));
        }
        loop {
            self.spaces();
            let byte = self.peek()?;
            if byte != b'"' {
                return Err(invalid(byte, "looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.spaces();
            let byte = self.peek()?;
            if byte != b':' {
                return Err(invalid(byte, "after object key"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            self.spaces();
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b',' => {}
                b'}' => return Ok(Value::Map(map)),
                _ => return Err(invalid(byte, "after object key:value pair")),
            }
        }
    }
}

/// What JSON calls a value of the wrong kind.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}
