//! Trees to values as Go's yaml v3 decodes them into maps with string keys.

use std::collections::HashMap;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::anchors::{Anchors, Expansion};
use super::go_syntax::{GoValue, quote};
use super::number;
use super::read::{Tagged, tagged_scalar};
use crate::error::Error;
use crate::node::{Kind, Node, Tag};
use crate::parse::Limits;
use crate::resolve::{self, Rules};

/// The tree as it was read: its lines are told in messages.
pub(super) fn decode(root: &Node) -> Result<Value, Error> {
    let mut decoder = Decoder {
        anchors: Anchors::of(root),
        expansion: Expansion::new(Limits::default().expanded),
        refused: Vec::new(),
        late: None,
    };
    let value = decoder.root(root)?;
    if !decoder.refused.is_empty() {
        return Err(Error::list(decoder.refused));
    }
    match decoder.late {
        Some(error) => Err(error),
        None => Ok(value),
    }
}

struct Decoder<'a> {
    anchors: Anchors<'a>,
    expansion: Expansion,
    /// What could not be decoded, one line each; Go goes on with the rest.
    refused: Vec<String>,
    /// What Go finds wrong only when the decoded value is turned into JSON.
    late: Option<Error>,
}

impl<'a> Decoder<'a> {
    /// Go decodes the root into a map with string keys, whatever its keys are, or into a list.
    fn root(&mut self, node: &'a Node) -> Result<Value, Error> {
        match &node.kind {
            Kind::Mapping(entries) => self.mapping(entries, true),
            Kind::Sequence(_) => self.value(node),
            Kind::Scalar(_) if node.is_null() => Ok(Value::Null),
            Kind::Scalar(text) | Kind::Alias(text) => {
                let shown = if text.len() > 10 {
                    let whole = text.floor_char_boundary(7);
                    // Go cuts bytes: what is left of a character shows as so many replacements.
                    format!("{}{}...", &text[..whole], "\u{FFFD}".repeat(7 - whole))
                } else {
                    text.to_string()
                };
                self.refused.push(format!(
                    "line {}: cannot unmarshal {} `{shown}` into map[string]interface {{}}",
                    node.line,
                    node.tag.as_str()
                ));
                Ok(Value::Null)
            }
        }
    }

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
            Kind::Scalar(text) => self.scalar(node, text),
            Kind::Sequence(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(item)).collect();
                Ok(Value::Array(items?))
            }
            Kind::Mapping(entries) => {
                let mut strings = true;
                for (key, _) in entries {
                    let key = if key.is_alias() { self.anchors.target(key)? } else { key };
                    strings &= key.is_scalar() && matches!(key.tag, Tag::Str | Tag::Merge);
                }
                self.mapping(entries, strings)
            }
        }
    }

    fn scalar(&mut self, node: &Node, text: &SmolStr) -> Result<Value, Error> {
        let value = match typed(node, text)? {
            Ok(value) => value,
            Err(text) => return Ok(Value::String(text)),
        };
        Ok(match value {
            resolve::Value::Null => Value::Null,
            resolve::Value::Bool(value) => Value::Bool(value),
            resolve::Value::Int(value) => Value::Number(value.into()),
            resolve::Value::Uint(value) => Value::Number(value.into()),
            resolve::Value::Float(value) => match number::json_number(value) {
                Ok(number) => Value::Number(number),
                Err(error) => {
                    self.late.get_or_insert(error);
                    Value::Null
                }
            },
            resolve::Value::Timestamp(time) => Value::String(time.to_json_text()),
            resolve::Value::Str => Value::String(text.to_string()),
        })
    }

    /// `strings`: the keys are decoded into strings; else into whatever they are, which JSON cannot hold.
    fn mapping(&mut self, entries: &'a [(Node, Node)], strings: bool) -> Result<Value, Error> {
        if self.refuse_duplicates(entries) {
            return Ok(Value::Null);
        }
        if !strings {
            let message = "json: unsupported type: map[interface {}]interface {}";
            self.late.get_or_insert_with(|| Error::verbatim(message.to_owned()));
        }
        let mut map = Map::new();
        let mut merge = None;
        for (key, value) in entries {
            if is_merge(key) {
                merge = Some(value);
                continue;
            }
            let Some(text) = self.key(key, strings)? else { continue };
            let value = self.value(value)?;
            map.insert(text.to_string(), value);
        }
        if let Some(merge) = merge {
            self.refuse_unhashable(entries)?;
            self.merge(merge, &mut map)?;
        }
        Ok(Value::Object(map))
    }

    /// `None`: Go leaves the entry out.
    fn key(&mut self, key: &'a Node, strings: bool) -> Result<Option<SmolStr>, Error> {
        self.expansion.count()?;
        let key = if key.is_alias() { self.anchors.target(key)? } else { key };
        if let Kind::Scalar(text) = &key.kind {
            return Ok(match typed(key, text)? {
                Ok(resolve::Value::Null) if strings => None,
                Ok(_) => Some(text.clone()),
                Err(text) => Some(text.into()),
            });
        }
        if strings {
            let value = if matches!(key.tag, Tag::Seq | Tag::Map) { "" } else { " ``" };
            let tag = key.tag.as_str();
            self.refused.push(format!("line {}: cannot unmarshal {tag}{value} into string", key.line));
            return Ok(None);
        }
        self.go_value(key)?.check_as_key()?;
        Ok(None)
    }

    fn go_value(&mut self, node: &'a Node) -> Result<GoValue, Error> {
        self.expansion.count()?;
        Ok(match &node.kind {
            Kind::Alias(_) => {
                self.expansion.enter(node)?;
                let target = self.anchors.target(node)?;
                let value = self.go_value(target)?;
                self.expansion.leave();
                value
            }
            Kind::Scalar(text) => match typed(node, text)? {
                Err(text) => GoValue::Str(text),
                Ok(resolve::Value::Null) => GoValue::Nil,
                Ok(resolve::Value::Bool(value)) => GoValue::Bool(value),
                Ok(resolve::Value::Int(value)) => GoValue::Int(value),
                Ok(resolve::Value::Uint(value)) => GoValue::Uint(value),
                Ok(resolve::Value::Float(value)) => GoValue::Float(value),
                Ok(resolve::Value::Timestamp(_) | resolve::Value::Str) => GoValue::Str(text.to_string()),
            },
            Kind::Sequence(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.go_value(item)).collect();
                GoValue::Sequence(items?)
            }
            Kind::Mapping(entries) => {
                let mut found = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    if is_merge(key) && value.is_scalar() {
                        return Err(no_map());
                    }
                    let key = self.go_value(key)?;
                    key.check_as_key()?;
                    found.push((key, self.go_value(value)?));
                }
                if found.iter().all(|(key, _)| matches!(key, GoValue::Str(_))) {
                    GoValue::StringMapping(found)
                } else {
                    GoValue::Mapping(found)
                }
            }
        })
    }

    /// Go remembers the keys of a mapping that merges, and panics at what cannot be a key.
    fn refuse_unhashable(&mut self, entries: &'a [(Node, Node)]) -> Result<(), Error> {
        for (key, _) in entries {
            let key = if key.is_alias() { self.anchors.target(key)? } else { key };
            if !key.is_scalar() {
                let name = self.go_value(key)?.type_name();
                return Err(Error::new(format!("runtime error: hash of unhashable type {name}")));
            }
        }
        Ok(())
    }

    /// Adds what is not there yet.
    fn merge(&mut self, node: &'a Node, map: &mut Map<String, Value>) -> Result<(), Error> {
        let sources = match &node.kind {
            Kind::Sequence(items) => items.iter().collect(),
            _ => vec![node],
        };
        for source in sources {
            let target = if source.is_alias() { self.anchors.target(source)? } else { source };
            let Kind::Mapping(entries) = &target.kind else {
                return Err(no_map());
            };
            self.expansion.enter(source)?;
            if let Value::Object(found) = self.mapping(entries, true)? {
                for (key, value) in found {
                    map.entry(key).or_insert(value);
                }
            }
            self.expansion.leave();
        }
        Ok(())
    }

    fn refuse_duplicates(&mut self, entries: &[(Node, Node)]) -> bool {
        let before = self.refused.len();
        let mut seen: HashMap<(u8, &str), Vec<u32>> = HashMap::with_capacity(entries.len());
        let mut found = Vec::new();
        for (at, (key, _)) in entries.iter().enumerate() {
            let lines = seen.entry(identity(key)).or_default();
            found.extend(lines.iter().enumerate().map(|(nth, line)| (*line, nth, at)));
            lines.push(key.line);
        }
        // As Go compares them: each key with all that follow it.
        found.sort_unstable();
        for (line, _, at) in found.into_iter().take(1000) {
            let key = &entries[at].0;
            let text = quote(key.as_str().unwrap_or_default());
            self.refused
                .push(format!("line {}: mapping key {text} already defined at line {line}", key.line));
        }
        self.refused.len() > before
    }
}

fn no_map() -> Error {
    Error::new("map merge requires map or sequence of maps as the value")
}

fn is_merge(key: &Node) -> bool {
    key.is_merge() && key.as_str() == Some("<<")
}

/// The value of a scalar; in `Err` the text of one that is no plain value.
fn typed(node: &Node, text: &SmolStr) -> Result<Result<resolve::Value, String>, Error> {
    if node.tag == Tag::Str {
        return Ok(Err(text.to_string()));
    }
    match tagged_scalar(Rules::V3, &node.tag, text) {
        Ok(value) => Ok(Ok(value)),
        Err(Tagged::Text(text)) => Ok(Err(text)),
        Err(Tagged::Wrong(error)) => Err(error),
    }
}

fn identity(key: &Node) -> (u8, &str) {
    match &key.kind {
        Kind::Scalar(text) => (0, text),
        Kind::Sequence(_) => (1, ""),
        Kind::Mapping(_) => (2, ""),
        Kind::Alias(name) => (3, name),
    }
}
