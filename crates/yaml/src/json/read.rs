//! YAML text to JSON values, by the rules of Go's yaml v2 under sigs.k8s.io/yaml.

use std::collections::BTreeSet;

use base64::Engine;
use serde_json::{Map, Value};

use super::anchors::{Anchors, Expansion};
use super::go_syntax::GoValue;
use super::number;
use super::parts::{Part, Parts};
use super::quick::Values;
use crate::error::{Dialect, Error};
use crate::fast::{self, Rest};
use crate::node::{Kind, Node, Style, Tag};
use crate::parse::{Limits, checked_source, checked_text, compose};
use crate::resolve::{self, Rules};
use crate::scan::Scanner;

/// The first document as `yaml.YAMLToJSON` has it; `null` when there is none.
/// The error is told as that function tells it (`yaml: line 3: ...`); `yaml.Unmarshal` puts
/// `error converting YAML to JSON: ` before it.
pub fn from_yaml(text: impl AsRef<[u8]>) -> Result<Value, Error> {
    from_yaml_with(text, Limits::default(), false)
}

/// As `yaml.YAMLToJSONStrict`: a key that is there twice is an error.
pub fn from_yaml_strict(text: impl AsRef<[u8]>) -> Result<Value, Error> {
    from_yaml_with(text, Limits::default(), true)
}

/// As `from_yaml`, but keys that are not wanted may be left out of maps; what is wrong with the text is told all the same.
/// A text that is out of the ordinary comes whole.
pub fn from_yaml_parts(text: &str, wanted: Part) -> Result<Value, Error> {
    let limits = Limits::default();
    let source = checked_text(text, limits)?;
    if source.broken.is_none() {
        let scanner = Scanner::new(&source.text, Dialect::V2, limits.depth);
        let depth = limits.depth.saturating_sub(1);
        if let Some(value) = fast::first(scanner, Parts::new(wanted), depth, true, Rest::Documents) {
            return Ok(value);
        }
    }
    from_yaml_with(text, limits, false)
}

pub fn from_yaml_with(text: impl AsRef<[u8]>, limits: Limits, strict: bool) -> Result<Value, Error> {
    let source = checked_source(text.as_ref(), limits)?;
    if source.broken.is_none() {
        let scanner = Scanner::new(&source.text, Dialect::V2, limits.depth);
        let build = Values { strict, keys: Vec::new() };
        let depth = limits.depth.saturating_sub(1);
        if let Some(value) = fast::first(scanner, build, depth, true, Rest::Documents) {
            return Ok(value);
        }
    }
    let document = compose(source, limits, Dialect::V2, |composer| composer.first())?;
    let Some(document) = document else { return Ok(Value::Null) };
    let mut decoder = Decoder {
        anchors: Anchors::of(&document.root),
        expansion: Expansion::new(limits.expanded),
        strict,
        duplicates: Vec::new(),
        late: None,
    };
    // Go counts the document itself.
    decoder.expansion.count()?;
    let value = decoder.value(&document.root)?;
    if !decoder.duplicates.is_empty() {
        return Err(Error::list(decoder.duplicates));
    }
    match decoder.late {
        Some(error) => Err(error),
        None => Ok(value),
    }
}

struct Decoder<'a> {
    anchors: Anchors<'a>,
    expansion: Expansion,
    strict: bool,
    duplicates: Vec<String>,
    /// What Go finds wrong only when the decoded value is turned into JSON.
    late: Option<Error>,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, node: &'a Node) -> Result<Value, Error> {
        self.expansion.count()?;
        match &node.kind {
            Kind::Alias(_) => {
                self.expansion.enter(node)?;
                let target = self.anchors.target(node)?;
                let value = self.value(target)?;
                self.expansion.leave();
                Ok(value)
            }
            Kind::Scalar(text) => {
                let scalar = scalar(node, text)?;
                Ok(self.json(scalar))
            }
            Kind::Sequence(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(item)).collect();
                Ok(Value::Array(items?))
            }
            Kind::Mapping(entries) => {
                let mut map = Map::new();
                let mut seen = BTreeSet::new();
                self.fill(entries, &mut map, &mut seen)?;
                Ok(Value::Object(map))
            }
        }
    }

    fn json(&mut self, scalar: GoValue) -> Value {
        match scalar {
            GoValue::Bool(value) => Value::Bool(value),
            GoValue::Int(value) => Value::Number(value.into()),
            GoValue::Uint(value) => Value::Number(value.into()),
            GoValue::Float(value) => match number::json_number(value) {
                Ok(number) => Value::Number(number),
                Err(error) => {
                    self.late.get_or_insert(error);
                    Value::Null
                }
            },
            GoValue::Str(text) => Value::String(text),
            _ => Value::Null,
        }
    }

    /// `seen` is kept in strict reading alone: keys by their Go syntax, so that `1` and `"1"` are two.
    fn fill(
        &mut self,
        entries: &'a [(Node, Node)],
        map: &mut Map<String, Value>,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        for (key, value) in entries {
            if is_merge(key) {
                self.merge(value, map, seen)?;
                continue;
            }
            let go_key = self.key(key)?;
            let decoded = self.value(value)?;
            if self.strict && !seen.insert(go_key.syntax()) {
                let text = go_key.syntax();
                self.duplicates.push(format!("line {}: key {text} already set in map", value.line));
                continue;
            }
            match key_text(&go_key) {
                Some(text) => {
                    map.insert(text, decoded);
                }
                None => {
                    if self.late.is_none() {
                        let shown = self.go_value(value).unwrap_or(GoValue::Nil);
                        self.late = Some(Error::verbatim(format!(
                            "unsupported map key of type: {}, key: {}, value: {}",
                            go_key.type_name(),
                            go_key.syntax(),
                            shown.syntax()
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    fn merge(
        &mut self,
        node: &'a Node,
        map: &mut Map<String, Value>,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        match &node.kind {
            Kind::Mapping(_) | Kind::Alias(_) => self.merge_one(node, map, seen),
            Kind::Sequence(items) => {
                // Backwards: the first has precedence.
                items.iter().rev().try_for_each(|item| self.merge_one(item, map, seen))
            }
            Kind::Scalar(_) => Err(no_map()),
        }
    }

    fn merge_one(
        &mut self,
        node: &'a Node,
        map: &mut Map<String, Value>,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        self.expansion.count()?;
        match &node.kind {
            Kind::Mapping(entries) => self.fill(entries, map, seen),
            Kind::Alias(_) => {
                let target = self.anchors.target(node)?;
                let Kind::Mapping(entries) = &target.kind else { return Err(no_map()) };
                self.expansion.enter(node)?;
                self.expansion.count()?;
                self.fill(entries, map, seen)?;
                self.expansion.leave();
                Ok(())
            }
            _ => Err(no_map()),
        }
    }

    fn key(&mut self, node: &'a Node) -> Result<GoValue, Error> {
        let key = self.go_value(node)?;
        key.check_as_key()?;
        Ok(key)
    }

    fn go_value(&mut self, node: &'a Node) -> Result<GoValue, Error> {
        self.expansion.count()?;
        match &node.kind {
            Kind::Alias(_) => {
                self.expansion.enter(node)?;
                let target = self.anchors.target(node)?;
                let value = self.go_value(target)?;
                self.expansion.leave();
                Ok(value)
            }
            Kind::Scalar(text) => scalar(node, text),
            Kind::Sequence(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.go_value(item)).collect();
                Ok(GoValue::Sequence(items?))
            }
            Kind::Mapping(entries) => {
                let mut found: Vec<(GoValue, GoValue)> = Vec::new();
                for (key, value) in entries {
                    if is_merge(key) && value.is_scalar() {
                        return Err(no_map());
                    }
                    let key = self.key(key)?;
                    let value = self.go_value(value)?;
                    found.retain(|(known, _)| *known != key);
                    found.push((key, value));
                }
                Ok(GoValue::Mapping(found))
            }
        }
    }
}

fn no_map() -> Error {
    Error::new("map merge requires map or sequence of maps as the value")
}

fn is_merge(key: &Node) -> bool {
    let Kind::Scalar(text) = &key.kind else { return false };
    text == "<<"
        && match &key.tag {
            Tag::Merge => true,
            Tag::Other(name) => **name == "!",
            _ => !key.tagged && key.style == Style::Default,
        }
}

fn key_text(key: &GoValue) -> Option<String> {
    match key {
        GoValue::Str(text) => Some(text.clone()),
        GoValue::Int(value) => Some(value.to_string()),
        GoValue::Float(value) => Some(number::format_float32(*value)),
        GoValue::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn scalar(node: &Node, text: &str) -> Result<GoValue, Error> {
    if !node.tagged {
        if node.style.is_quoting() {
            return Ok(GoValue::Str(text.to_owned()));
        }
        return Ok(go_value_of(resolve::v2(text), text));
    }
    tagged_scalar(Rules::V2, &node.tag, text)
        .map(|value| match value {
            // Go keeps a timestamp as its text.
            resolve::Value::Timestamp(_) => GoValue::Str(text.to_owned()),
            value => go_value_of(value, text),
        })
        .or_else(|error| match error {
            Tagged::Text(text) => Ok(GoValue::Str(text)),
            Tagged::Wrong(error) => Err(error),
        })
}

fn go_value_of(value: resolve::Value, text: &str) -> GoValue {
    match value {
        resolve::Value::Null => GoValue::Nil,
        resolve::Value::Bool(value) => GoValue::Bool(value),
        resolve::Value::Int(value) => GoValue::Int(value),
        resolve::Value::Uint(value) => GoValue::Uint(value),
        resolve::Value::Float(value) => GoValue::Float(value),
        resolve::Value::Timestamp(_) | resolve::Value::Str => GoValue::Str(text.to_owned()),
    }
}

/// What an explicit tag makes of a text when it is no plain value.
pub(super) enum Tagged {
    Text(String),
    Wrong(Error),
}

/// A scalar with an explicit tag: the text must be what the tag says.
pub(super) fn tagged_scalar(rules: Rules, tag: &Tag, text: &str) -> Result<resolve::Value, Tagged> {
    match tag {
        Tag::Str => return Err(Tagged::Text(text.to_owned())),
        Tag::Binary => return Err(binary(text)),
        Tag::Other(_) | Tag::Merge | Tag::Seq | Tag::Map => return Err(Tagged::Text(text.to_owned())),
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {}
    }
    let found = resolve::resolve_as(rules, text, *tag == Tag::Timestamp);
    match (&found, tag) {
        (resolve::Value::Int(value), Tag::Float) => return Ok(resolve::Value::Float(*value as f64)),
        (found, tag) if found.tag() == *tag => {}
        _ => {
            let message = format!("cannot decode {} `{text}` as a {}", found.tag().as_str(), tag.as_str());
            return Err(Tagged::Wrong(Error::new(message)));
        }
    }
    Ok(found)
}

fn binary(text: &str) -> Tagged {
    let compact: String = text.chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    match base64::engine::general_purpose::STANDARD.decode(compact) {
        // JSON replaces what is no UTF-8.
        Ok(bytes) => Tagged::Text(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => Tagged::Wrong(Error::new("!!binary value contains invalid base64 data")),
    }
}
