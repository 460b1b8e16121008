//! JSON as the real server reads it: where Go's reader stops, and which fields come twice or are unknown.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::schema::{ANY, Schema, Shape};

/// How deep JSON may nest, as the reader has it; Go's takes 10,000 levels, for which no stack here is made.
const DEPTH_LIMIT: usize = 128;
/// Faults that are told of one body.
const FAULTS_LIMIT: usize = 100;

/// Reads a body; the error is Go's.
pub fn read(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| fault(text).unwrap_or_else(|| error.to_string()))
}

/// A body that is an object; otherwise Go's words for what it is.
pub fn read_map(text: &[u8]) -> Result<Value, String> {
    let value = read(text)?;
    let found = match &value {
        Value::Object(_) => return Ok(value),
        Value::Null => return Ok(Value::Object(Map::new())),
        other => kind(other),
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"))
}

/// As Go names kinds of JSON.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Where Go's scanner stops, in its words.
fn fault(text: &[u8]) -> Option<String> {
    let mut scan = Scan { text, at: 0 };
    let found = scan.value(0).and_then(|()| {
        scan.space();
        if scan.at < text.len() { Err(scan.invalid("after top-level value")) } else { Ok(()) }
    });
    found.err()
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn invalid(&self, place: &str) -> String {
        let Some(byte) = self.peek() else { return "unexpected end of JSON input".to_owned() };
        let shown = match byte {
            b'\'' => "'\\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            byte => format!("{:?}", char::from(byte)),
        };
        format!("invalid character {shown} {place}")
    }

    fn value(&mut self, depth: usize) -> Result<(), String> {
        if depth > DEPTH_LIMIT {
            return Err("exceeded max depth".to_owned());
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.invalid("looking for beginning of value")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        for wanted in word.bytes() {
            if self.peek() != Some(wanted) {
                let place = format!("in literal {word} (expecting {:?})", char::from(wanted));
                return Err(self.invalid(&place));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn digits(&mut self, place: &str) -> Result<(), String> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.invalid(place));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(self.invalid("in \\u hexadecimal character escape"));
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(self.invalid("in string escape code")),
                    }
                }
                Some(byte) if byte >= 0x20 => self.at += 1,
                _ => return Err(self.invalid("in string literal")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), String> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.invalid("looking for beginning of object key string"));
            }
            self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.invalid("after object key"));
            }
            self.at += 1;
            self.value(depth + 1)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.invalid("after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), String> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.invalid("after array element")),
            }
        }
    }
}

/// What a strict reader says of a body, in its order: fields that come twice, and, of a built-in kind, unknown ones.
pub fn strict(schema: Option<&Schema>, text: &[u8]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut path = String::new();
    let known = schema.unwrap_or(&ANY);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let _ = Strict { schema: known, faults: &mut faults, path: &mut path }.deserialize(&mut reader);
    faults
}

struct Strict<'a> {
    schema: &'a Schema,
    faults: &'a mut Vec<String>,
    path: &'a mut String,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        to.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (before, items) = (self.path.len(), self.schema.items());
        for index in 0_usize.. {
            self.path.push_str(&format!("[{index}]"));
            let item = Strict { schema: items, faults: self.faults, path: self.path };
            let more = list.next_element_seed(item)?;
            self.path.truncate(before);
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let before = self.path.len();
        let declares = matches!(self.schema.resolved().shape, Shape::Object { .. });
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            let field = self.schema.field(&key);
            let is_unknown = declares && field.is_none();
            if self.faults.len() < FAULTS_LIMIT {
                if is_unknown {
                    self.faults.push(format!("unknown field {:?}", self.path));
                } else if seen.contains(&key) {
                    self.faults.push(format!("duplicate field {:?}", self.path));
                }
            }
            let schema = field.map_or(&ANY, |(schema, _)| schema);
            map.next_value_seed(Strict { schema, faults: self.faults, path: self.path })?;
            self.path.truncate(before);
            seen.insert(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_in_gos_words() {
        for (text, want) in [
            ("", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("nope", "invalid character 'o' in literal null (expecting 'u')"),
            ("{x", "invalid character 'x' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{}{}", "invalid character '{' after top-level value"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("-x", "invalid character 'x' in numeric literal"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err(), want, "{text}");
        }
    }

    #[test]
    fn what_is_too_deep_is_refused_before_the_stack_ends() {
        for bomb in ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 20)] {
            assert_eq!(read(bomb.as_bytes()).unwrap_err(), "exceeded max depth");
        }
    }

    #[test]
    fn what_comes_twice_is_named_by_its_path() {
        let text = br#"{"a":{"b":1,"c":[{"d":1,"d":2}],"b":2},"a":1}"#;
        let want = ["a.c[0].d", "a.b", "a"].map(|path| format!("duplicate field {path:?}"));
        assert_eq!(strict(None, text), want);
    }
}
