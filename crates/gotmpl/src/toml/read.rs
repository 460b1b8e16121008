//! Reads TOML into Go's kinds.

mod strings;

use super::dotted;
use crate::error::Error;
use crate::value::{Elements, List, Map, Value};

use strings::shown;

/// Reads a document into a map.
pub(crate) fn decode(text: &[u8]) -> Result<Map, Error> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(Error::new("toml: line 1: files cannot contain invalid UTF-8"));
    };
    let mut reader = Reader { text, at: 0, last_key: String::new() };
    reader.document()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    last_key: String,
}

type Outcome<T> = Result<T, Error>;

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fail<T>(&self, message: impl AsRef<str>) -> Outcome<T> {
        let line = 1 + self.text[..self.at.min(self.text.len())].matches('\n').count();
        let key = if self.last_key.is_empty() {
            String::new()
        } else {
            format!(" (last key {})", crate::quote::quote(self.last_key.as_bytes()))
        };
        Err(Error::new(format!("toml: line {line}{key}: {}", message.as_ref())))
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn comment(&mut self) {
        if self.rest().starts_with('#') {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Blanks, comments and line ends.
    fn lines(&mut self) {
        loop {
            let before = self.at;
            self.blanks();
            self.comment();
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(['\n', '\r']).len();
            if self.at == before {
                return;
            }
        }
    }

    fn end_of_line(&mut self, after: &str) -> Outcome<()> {
        self.blanks();
        self.comment();
        match self.peek() {
            None | Some('\n') => Ok(()),
            Some('\r') if self.rest().starts_with("\r\n") => Ok(()),
            Some(other) => self.fail(format!(
                "expected a {after} to end with a newline, comment, or EOF, but got {} instead",
                shown(other)
            )),
        }
    }

    fn document(&mut self) -> Outcome<Map> {
        let root = Map::new();
        let mut table = root.clone();
        let mut defined: Vec<Vec<String>> = Vec::new();
        let mut context = String::new();
        loop {
            self.lines();
            if self.rest().is_empty() {
                return Ok(root);
            }
            context.clone_into(&mut self.last_key);
            if self.rest().starts_with('[') {
                let is_list = self.rest().starts_with("[[");
                self.at += if is_list { 2 } else { 1 };
                let path = self.key_path(']')?;
                let close = if is_list { "]]" } else { "]" };
                if !self.rest().starts_with(close) {
                    return self.fail("expected end of table name delimiter ']'");
                }
                self.at += close.len();
                self.last_key = path.join(".");
                self.last_key.clone_into(&mut context);
                self.end_of_line("top-level item")?;
                let (last, parents) = path.split_last().unwrap_or((&self.last_key, &[]));
                let holder = self.descend(&root, parents)?;
                table = Map::new();
                let known = holder.get(last.as_bytes());
                if is_list {
                    let mut items = match known {
                        None => Vec::new(),
                        Some(Value::List(list)) if list.elements() == Elements::Maps => list.items().to_vec(),
                        Some(_) => return self.defined(&path),
                    };
                    items.push(Value::Map(table.clone()));
                    holder.insert(last.as_str(), Value::List(List::new(Elements::Maps, items)));
                } else {
                    if defined.contains(&path) {
                        return self.defined(&path);
                    }
                    match known {
                        None => holder.insert(last.as_str(), Value::Map(table.clone())),
                        Some(Value::Map(map)) => table = map,
                        Some(_) => return self.defined(&path),
                    }
                    defined.push(path);
                }
                continue;
            }
            self.key_value(&table, 0)?;
            context.clone_into(&mut self.last_key);
            self.end_of_line("top-level item")?;
        }
    }

    fn defined<T>(&self, path: &[String]) -> Outcome<T> {
        self.fail(format!("Key '{}' has already been defined.", dotted(path)))
    }

    fn descend(&self, from: &Map, path: &[String]) -> Outcome<Map> {
        let mut map = from.clone();
        for (index, key) in path.iter().enumerate() {
            let next = match map.get(key.as_bytes()) {
                None => {
                    let next = Map::new();
                    map.insert(key.as_str(), Value::Map(next.clone()));
                    next
                }
                Some(Value::Map(next)) => next,
                Some(Value::List(list)) => match list.items().last() {
                    Some(Value::Map(next)) => next.clone(),
                    _ => return self.defined(&path[..=index]),
                },
                Some(_) => return self.defined(&path[..=index]),
            };
            map = next;
        }
        Ok(map)
    }

    fn key_path(&mut self, end: char) -> Outcome<Vec<String>> {
        let mut path = Vec::new();
        loop {
            self.blanks();
            path.push(self.key(end, path.is_empty())?);
            self.blanks();
            match self.peek() {
                Some('.') => self.at += 1,
                Some(other) if other == end => return Ok(path),
                None => {
                    return self.fail(if end == '=' {
                        "unexpected EOF; expected key separator '='"
                    } else {
                        "unexpected EOF; expected table name"
                    });
                }
                Some(other) => {
                    return self.fail(if end == '=' {
                        format!("expected '.' or '=', but got {} instead", shown(other))
                    } else {
                        format!("expected '.' or ']' to end table name, but got {} instead", shown(other))
                    });
                }
            }
        }
    }

    fn key(&mut self, end: char, is_first: bool) -> Outcome<String> {
        match self.peek() {
            Some('"') => {
                self.at += 1;
                self.basic_string()
            }
            Some('\'') => {
                self.at += 1;
                self.literal_string()
            }
            _ => {
                let rest = self.rest();
                let length = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
                    .unwrap_or(rest.len());
                self.at += length;
                if length > 0 {
                    return Ok(rest[..length].to_owned());
                }
                match self.peek() {
                    None if end != '=' => self.fail("unexpected EOF; expected key separator '='"),
                    None | Some('=') if end == '=' && is_first => {
                        self.fail("unexpected '=': key name appears blank")
                    }
                    None | Some('=') if end == '=' => self.fail("unexpected '='"),
                    Some('.') if end == '=' && is_first => {
                        self.fail("unexpected '.': keys cannot start with a '.'")
                    }
                    Some('.') if end == '=' => self.fail("unexpected '.'"),
                    Some(other) if end == '=' => {
                        self.fail(format!("expected '.' or '=', but got {} instead", shown(other)))
                    }
                    _ => self.fail("unexpected end of table name (table names cannot be empty)"),
                }
            }
        }
    }

    fn key_value(&mut self, table: &Map, depth: u32) -> Outcome<()> {
        let path = self.key_path('=')?;
        self.at += 1;
        self.last_key = path.join(".");
        self.blanks();
        let value = self.value(depth)?;
        let (last, parents) = path.split_last().unwrap_or((&self.last_key, &[]));
        let holder = self.descend(table, parents)?;
        if holder.contains(last.as_bytes()) {
            return self.defined(&path);
        }
        holder.insert(last.as_str(), value);
        Ok(())
    }

    fn value(&mut self, depth: u32) -> Outcome<Value> {
        if depth > 200 {
            return self.fail("value is nested too deep");
        }
        match self.peek() {
            None => self.fail("unexpected EOF; expected value"),
            Some('\n' | '\r') => self.fail("expected value but found '\\n' instead"),
            Some('"') => {
                if self.rest().starts_with("\"\"\"") {
                    self.at += 3;
                    return Ok(self.multiline(true)?.into());
                }
                self.at += 1;
                Ok(self.basic_string()?.into())
            }
            Some('\'') => {
                if self.rest().starts_with("'''") {
                    self.at += 3;
                    return Ok(self.multiline(false)?.into());
                }
                self.at += 1;
                Ok(self.literal_string()?.into())
            }
            Some('[') => self.array(depth),
            Some('{') => self.inline_table(depth),
            Some(_) => self.word(),
        }
    }

    fn array(&mut self, depth: u32) -> Outcome<Value> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.lines();
            match self.peek() {
                Some(']') => break,
                None => return self.fail("unexpected EOF; expected array terminator ']'"),
                Some(',') => return self.fail("unexpected comma"),
                Some(_) => items.push(self.value(depth + 1)?),
            }
            self.lines();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => break,
                None => return self.fail("unexpected EOF; expected array terminator ']'"),
                Some(other) => {
                    return self.fail(format!(
                        "expected a comma (',') or array terminator (']'), but got {}",
                        shown(other)
                    ));
                }
            }
        }
        self.at += 1;
        Ok(Value::list(items))
    }

    fn inline_table(&mut self, depth: u32) -> Outcome<Value> {
        self.at += 1;
        let map = Map::new();
        loop {
            self.lines();
            match self.peek() {
                Some('}') => break,
                None => return self.fail("unexpected EOF; expected inline table terminator '}'"),
                Some(_) => self.key_value(&map, depth + 1)?,
            }
            self.lines();
            match self.peek() {
                Some(',') => self.at += 1,
                Some('}') => break,
                None => return self.fail("unexpected EOF; expected inline table terminator '}'"),
                Some(other) => {
                    return self.fail(format!(
                        "expected a comma (',') or inline table terminator ('}}'), but got {} instead",
                        shown(other)
                    ));
                }
            }
        }
        self.at += 1;
        Ok(Value::Map(map))
    }

    /// A date, a time or both, as far as their characters go.
    fn date_and_time(&mut self) -> Outcome<Value> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_digit() || "-:Tt .Zz+".contains(c);
        let word = rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())].trim_end();
        let normal = word.replace(['t', ' '], "T").replace('z', "Z");
        match date(&normal) {
            Some(value) => {
                self.at += word.len();
                Ok(value)
            }
            None => self.fail(format!("invalid datetime: {}", crate::quote::quote(normal.as_bytes()))),
        }
    }

    /// Booleans and numbers.
    fn word(&mut self) -> Outcome<Value> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && rest[digits..].starts_with(['-', ':']) {
            return self.date_and_time();
        }
        let length = rest.find([',', ']', '}', '#', '\n', '\r', ' ', '\t']).unwrap_or(rest.len());
        let word = &rest[..length];
        let value = match word {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "inf" | "+inf" => Some(Value::Float(f64::INFINITY)),
            "-inf" => Some(Value::Float(f64::NEG_INFINITY)),
            "nan" | "+nan" | "-nan" => Some(Value::Float(f64::NAN)),
            _ => number(word),
        };
        match value {
            Some(value) => {
                self.at += length;
                Ok(value)
            }
            None => {
                let first = rest.chars().next().unwrap_or_default();
                if !first.is_alphanumeric() && !matches!(first, '+' | '-' | '_' | '.') {
                    return self.fail(format!("expected value but found {} instead", shown(first)));
                }
                self.fail(format!(
                    "expected value but found {} instead",
                    crate::quote::quote(word.as_bytes())
                ))
            }
        }
    }
}

fn number(word: &str) -> Option<Value> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let good = unsigned.bytes().enumerate().all(|(at, byte)| {
        let bytes = unsigned.as_bytes();
        byte != b'_'
            || at > 0
                && bytes[at - 1].is_ascii_hexdigit()
                && bytes.get(at + 1).is_some_and(u8::is_ascii_hexdigit)
    });
    if !good {
        return None;
    }
    let plain = word.replace('_', "");
    let digits = plain.trim_start_matches(['+', '-']);
    let prefixed = digits.starts_with("0x") || digits.starts_with("0o") || digits.starts_with("0b");
    if prefixed {
        return crate::number::parse_int(&plain, 0)
            .ok()
            .filter(|_| digits.len() == plain.len())
            .map(Value::int64);
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit() {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return crate::number::parse_int(&plain, 10).ok().map(Value::int64);
    }
    let shape = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let pointed = digits.split_once('.').is_none_or(|(whole, fraction)| {
        !whole.is_empty() && fraction.starts_with(|c: char| c.is_ascii_digit())
    });
    if !shape || !pointed {
        return None;
    }
    plain.parse().ok().map(Value::Float)
}

fn date(word: &str) -> Option<Value> {
    let utc = crate::time::Zone::utc();
    for layout in [
        "2006-01-02T15:04:05.999999999Z07:00",
        "2006-01-02T15:04:05.999999999",
        "2006-01-02",
        "15:04:05.999999999",
    ] {
        if let Ok(time) = crate::time::parse(layout, word, &utc) {
            return Some(Value::object(crate::funcs::dates::TimeObject(time)));
        }
    }
    None
}

/// The text of an error as a function that never fails returns it.
pub(crate) fn decode_or_error(text: &[u8]) -> Value {
    match decode(text) {
        Ok(map) => Value::Map(map),
        Err(error) => Value::map([("Error", error.to_string().into())]),
    }
}
