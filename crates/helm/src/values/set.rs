//! The grammar of `--set` and its kin: `a.b[0].c=1,d={x,y}`, with `\` escapes, into values that are there already.
//!
//! Bounded where Helm is (30 names deep, index 65,536) and where Helm is not: lists in lists and list slots in total.

mod items;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Number, Value};

use super::as_floats;
use super::graph::{List, Node, Table, get, new_table, put};

const MAX_INDEX: i64 = 65_536;
const MAX_NAMES: usize = 30;
const MAX_LISTS: usize = 100;
const MAX_SLOTS: usize = 1 << 21;

/// Why a line was refused, in the words of Helm's parser.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetError(pub String);

/// What follows the `=`.
#[derive(Clone, Copy)]
enum Mode<'a> {
    /// Numbers, booleans and null are told from text.
    Typed,
    Text,
    Json,
    /// The text is a name whose content is the value.
    File(&'a dyn Fn(&str) -> Result<String, String>),
    /// All the rest of the line, nothing escaped.
    Literal,
}

/// `--set`.
pub fn set(table: &Table, line: &str) -> Result<(), SetError> {
    run(table, line, Mode::Typed)
}

/// `--set-string`.
pub fn set_string(table: &Table, line: &str) -> Result<(), SetError> {
    run(table, line, Mode::Text)
}

/// `--set-json` with `key=json` pairs.
pub fn set_json(table: &Table, line: &str) -> Result<(), SetError> {
    run(table, line, Mode::Json)
}

/// `--set-file`; `read` gives a file's content.
pub fn set_file(
    table: &Table,
    line: &str,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<(), SetError> {
    run(table, line, Mode::File(read))
}

/// `--set-literal`.
pub fn set_literal(table: &Table, line: &str) -> Result<(), SetError> {
    run(table, line, Mode::Literal)
}

/// An inner result that stops the parse: the end of the line is no error.
enum Stop {
    End,
    Failed(String),
}

type Step<T> = Result<T, Stop>;

fn fail<T>(text: String) -> Step<T> {
    Err(Stop::Failed(text))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    mode: Mode<'a>,
    slots: usize,
}

fn run(table: &Table, line: &str, mode: Mode<'_>) -> Result<(), SetError> {
    let mut parser = Parser { text: line, at: 0, mode, slots: 0 };
    loop {
        match parser.key(table, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Failed(text)) => return Err(SetError(text)),
        }
    }
}

fn put_named(table: &Table, key: &str, node: Node) {
    if !key.is_empty() {
        put(table, key, node);
    }
}

/// A Go type assertion that fails, as the parser reports it.
fn wrong_type<T>(node: &Node, want: &str) -> Step<T> {
    fail(format!(
        "unable to parse key: interface conversion: interface {{}} is {}, not {want}",
        node.go_type()
    ))
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<char> {
        let character = self.text[self.at..].chars().next()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// Text up to one of `stops`, which is taken; none where the line ends first.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let escapes = !matches!(self.mode, Mode::Literal);
        let mut found = String::new();
        while let Some(character) = self.next() {
            if stops.contains(&character) {
                return (found, Some(character));
            }
            if character == '\\' && escapes {
                match self.next() {
                    Some(escaped) => found.push(escaped),
                    None => return (found, None),
                }
            } else {
                found.push(character);
            }
        }
        (found, None)
    }

    fn key(&mut self, table: &Table, names: usize) -> Step<()> {
        let stops: &[char] =
            if matches!(self.mode, Mode::Literal) { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, last) = self.until(stops);
        match last {
            None if key.is_empty() => Err(Stop::End),
            None => fail(format!("key {key:?} has no value")),
            Some('[') => self.indexed(table, &key, names),
            Some('=') => self.assign(table, &key),
            Some(',') => {
                put_named(table, &key, Node::Text("".into()));
                fail(format!("key {key:?} has no value (cannot end with ,)"))
            }
            Some(_) => {
                if names + 1 > MAX_NAMES {
                    return fail(format!(
                        "value name nested level is greater than maximum supported nested level of {MAX_NAMES}"
                    ));
                }
                let inner = match get(table, &key) {
                    None => new_table(),
                    Some(Node::Table(inner)) => inner,
                    Some(other) => return wrong_type(&other, "map[string]interface {}"),
                };
                let result = self.key(&inner, names + 1);
                let is_empty = inner.borrow().is_empty();
                if result.is_ok() && is_empty {
                    return fail(format!("key map {key:?} has no value"));
                }
                if !is_empty {
                    put_named(table, &key, Node::Table(inner));
                }
                result
            }
        }
    }

    fn indexed(&mut self, table: &Table, key: &str, names: usize) -> Step<()> {
        let index = self.index()?;
        let list = match get(table, key) {
            None => List::default(),
            Some(Node::List(list)) => list,
            Some(other) => return wrong_type(&other, "[]interface {}"),
        };
        let (list, result) = self.item(list, index, names, 0);
        put_named(table, key, Node::List(list));
        result
    }

    fn assign(&mut self, table: &Table, key: &str) -> Step<()> {
        match self.value()? {
            Found::Value(node) => {
                put_named(table, key, node);
                Ok(())
            }
            Found::Nothing => {
                put_named(table, key, Node::Text("".into()));
                Err(Stop::End)
            }
        }
    }

    /// What stands after `=`.
    fn value(&mut self) -> Step<Found> {
        match self.mode {
            Mode::Json => self.json().map(Found::Value),
            Mode::Literal => {
                let rest = &self.text[self.at..];
                self.at = self.text.len();
                Ok(Found::Value(Node::Text(rest.into())))
            }
            _ => match self.peek() {
                None => Ok(Found::Nothing),
                Some('{') => {
                    self.next();
                    self.braced().map(Found::Value)
                }
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    self.typed(text).map(Found::Value)
                }
            },
        }
    }

    fn braced(&mut self) -> Step<Node> {
        let mut list = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}']);
            match last {
                None => return fail("list must terminate with '}'".to_owned()),
                Some('}') => {
                    if self.peek() == Some(',') {
                        self.next();
                    }
                    list.push(self.typed(text)?);
                    return Ok(Node::List(Rc::new(RefCell::new(list))));
                }
                Some(_) => list.push(self.typed(text)?),
            }
        }
    }

    fn typed(&self, text: String) -> Step<Node> {
        let typed = match self.mode {
            Mode::File(read) => Node::Text(read(&text).map_err(Stop::Failed)?.into()),
            Mode::Typed => typed_value(&text),
            _ => Node::Text(text.into()),
        };
        Ok(typed)
    }

    /// A JSON value in the line; nothing before a comma is null.
    fn json(&mut self) -> Step<Node> {
        if self.skip_blank() {
            return Ok(Node::Null);
        }
        let rest = &self.text[self.at..];
        let mut stream = serde_json::Deserializer::from_str(&rest[..scalar_end(rest)]).into_iter::<Value>();
        let mut value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return fail(error.to_string()),
            None => return Err(Stop::End),
        };
        self.at += stream.byte_offset();
        as_floats(&mut value);
        self.skip_blank();
        Ok(Node::from_value(&value))
    }

    /// Skips blanks and a comma; true where nothing else stood before the comma or the end.
    fn skip_blank(&mut self) -> bool {
        loop {
            match self.peek() {
                None => return true,
                Some(',') => {
                    self.next();
                    return true;
                }
                Some(blank) if blank.is_whitespace() => {
                    self.next();
                }
                Some(_) => return false,
            }
        }
    }
}

/// Where a JSON number or word ends, whatever stands behind it; all of the text where it begins with something else.
fn scalar_end(text: &str) -> usize {
    if let Some(word) = ["true", "false", "null"].iter().find(|word| text.starts_with(**word)) {
        return word.len();
    }
    let digits = |at: usize| text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with('-'));
    let mut at = sign + if text[sign..].starts_with('0') { 1 } else { digits(sign) };
    if at == sign {
        return text.len();
    }
    if text[at..].starts_with('.') {
        at += 1 + digits(at + 1);
    }
    if text[at..].starts_with(['e', 'E']) {
        at += 1;
        at += usize::from(text[at..].starts_with(['+', '-']));
        at += digits(at);
    }
    at
}

enum Found {
    Value(Node),
    /// The line ended after `=`.
    Nothing,
}

/// Tells numbers, booleans and null from text.
pub fn typed_value(text: &str) -> Node {
    if text.eq_ignore_ascii_case("true") {
        return Node::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Node::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Node::Null;
    }
    if text == "0" {
        return Node::Number(Number::from(0_i64));
    }
    if !text.is_empty()
        && !text.starts_with('0')
        && let Ok(integer) = text.parse::<i64>()
    {
        return Node::Number(Number::from(integer));
    }
    Node::Text(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::values::graph::{from_map, to_map};

    fn table(start: &Value) -> Table {
        from_map(start.as_object().unwrap())
    }

    fn apply(
        start: Value,
        line: &str,
        how: fn(&Table, &str) -> Result<(), SetError>,
    ) -> Result<Value, String> {
        let table = table(&start);
        how(&table, line).map_err(|error| error.to_string())?;
        Ok(Value::Object(to_map(&table)))
    }

    #[test]
    fn lines_are_set() {
        for (line, want) in [
            (
                "a=1,b=true,c=null,d=x,e=,f=0,g=007",
                json!({"a": 1, "b": true, "c": null, "d": "x", "e": "", "f": 0, "g": "007"}),
            ),
            ("a.b.c=x", json!({"a": {"b": {"c": "x"}}})),
            ("a={1,x,true}", json!({"a": [1, "x", true]})),
            ("a={}", json!({"a": [""]})),
            ("a={1,2},b=3", json!({"a": [1, 2], "b": 3})),
            ("a[2]=x", json!({"a": [null, null, "x"]})),
            ("a[0].b=1,a[0].c=2,a[1].b=3", json!({"a": [{"b": 1, "c": 2}, {"b": 3}]})),
            ("a[0][1]=x,a[0][0]=y", json!({"a": [["y", "x"]]})),
            ("a\\.b=c\\,d", json!({"a.b": "c,d"})),
            (
                "a=-5,b=+5,c=1.5,d=99999999999999999999",
                json!({"a": -5, "b": 5, "c": "1.5", "d": "99999999999999999999"}),
            ),
            ("", json!({})),
            ("a=b=c", json!({"a": "b=c"})),
            ("a[", json!({})),
            ("a[0]", json!({"a": []})),
            ("=x", json!({})),
        ] {
            assert_eq!(apply(json!({}), line, set), Ok(want), "{line}");
        }
    }

    #[test]
    fn wrong_lines_are_refused() {
        for (start, line, want) in [
            (json!({}), "a", "key \"a\" has no value"),
            (json!({}), "a,b=1", "key \"a\" has no value (cannot end with ,)"),
            (json!({}), "a={1,2", "list must terminate with '}'"),
            (json!({}), "a[x]=1", "error parsing index: strconv.Atoi: parsing \"x\": invalid syntax"),
            (json!({}), "a[-1]=1", "negative -1 index not allowed"),
            (json!({}), "a[65537]=1", "index of 65537 is greater than maximum supported index of 65536"),
            (json!({}), "a.=1", "key map \"a\" has no value"),
            (
                json!({"a": 1.5}),
                "a.b=1",
                "unable to parse key: interface conversion: interface {} is float64, not map[string]interface {}",
            ),
            (
                json!({"a": "x"}),
                "a[0]=1",
                "unable to parse key: interface conversion: interface {} is string, not []interface {}",
            ),
            (
                json!({}),
                "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f=1",
                "value name nested level is greater than maximum supported nested level of 30",
            ),
        ] {
            assert_eq!(apply(start, line, set), Err(want.to_owned()), "{line}");
        }
    }

    #[test]
    fn kin_of_set() {
        assert_eq!(apply(json!({}), "a=1,b=true", set_string), Ok(json!({"a": "1", "b": "true"})));
        assert_eq!(
            apply(json!({"a": {"k": 1}}), "a={\"b\": [1, null]}, c = 5,d=", set_json),
            Ok(json!({"a": {"b": [1.0, null]}, " c ": 5.0, "d": null}))
        );
        assert!(apply(json!({}), "a={", set_json).is_err());
        assert_eq!(apply(json!({}), "a.b=x,y\\z={", set_literal), Ok(json!({"a": {"b": "x,y\\z={"}})));
        let table = table(&json!({}));
        set_file(&table, "a=one,b={two}", &|name| Ok(format!("<{name}>"))).unwrap();
        assert_eq!(to_map(&table), *json!({"a": "<one>", "b": ["<two>"]}).as_object().unwrap());
    }

    #[test]
    fn hostile_lines_end() {
        assert!(apply(json!({}), &format!("a{}=1", "[0]".repeat(100_000)), set).is_err());
        let many = (0..100).map(|n| format!("a{n}[65536]=1")).collect::<Vec<_>>().join(",");
        assert!(apply(json!({}), &many, set).is_err());
    }
}
