//! Between trees and JSON values, with the v3 rules on the side of the tree: what kustomize does to its result.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};
use smol_str::SmolStr;

use super::anchors::{Anchors, Expansion};
use super::number::{self, Integral};
use super::order::sort_naturally;
use super::read::{Tagged, tagged_scalar};
use super::write::{Emit, YamlWriter};
use crate::emit;
use crate::error::Error;
use crate::node::{Kind, Node, Tag};
use crate::parse::{Limits, parse_first};
use crate::resolve::{self, Rules};

/// The tree as JSON, as kyaml's `RNode.MarshalJSON` has it: v3 rules, merges and aliases followed.
pub fn from_node(node: &Node) -> Result<Value, Error> {
    match Decoder::of(node).root(node) {
        // Go reads the text that it has just written, so the lines of the message are of that text.
        Err(Problem::Duplicate) => {
            let document = parse_first(emit::emit(node), Limits::default())?;
            let Some(document) = document else { return Ok(Value::Null) };
            let mut list = Vec::new();
            list_duplicates(&document.root, &mut list);
            Err(Error::list(list))
        }
        Err(Problem::Error(error)) => Err(error),
        Ok(value) => Ok(value),
    }
}

/// The tree as kustomize prints it: `from_node`, then `to_yaml`.
pub fn node_to_yaml(node: &Node) -> Result<String, Error> {
    let mut writer = YamlWriter::new();
    if write_plainly(node, &mut writer, true).is_some() {
        return writer.try_finish();
    }
    let mut writer = YamlWriter::new();
    from_node(node)?.emit(&mut writer);
    writer.try_finish()
}

/// A tree of the value, in plain styles.
pub fn from_value(value: &Value) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(value) => Node::bool(*value),
        Value::Number(number) => {
            if let Some(value) = number.as_i64() {
                Node::int(value)
            } else if let Some(value) = number.as_u64() {
                Node::new(Kind::Scalar(smol_str::format_smolstr!("{value}")), Tag::Int)
            } else {
                let value = number.as_f64().unwrap_or(f64::NAN);
                Node::new(Kind::Scalar(number::format_float(value).into()), Tag::Float)
            }
        }
        Value::String(text) => Node::string(text.as_str()),
        Value::Array(items) => Node::sequence(items.iter().map(from_value).collect()),
        Value::Object(map) => {
            let mut entries: Vec<(&str, &Value)> =
                map.iter().map(|(key, value)| (key.as_str(), value)).collect();
            sort_naturally(&mut entries, |(key, _)| key);
            Node::mapping(
                entries.into_iter().map(|(key, value)| (Node::string(key), from_value(value))).collect(),
            )
        }
    }
}

/// Writes a tree of ordinary nodes. `None` where there is a tag, an alias, a merge, a key that is no string or a key
/// twice: then the long way is taken.
fn write_plainly(node: &Node, out: &mut YamlWriter, root: bool) -> Option<()> {
    if node.tagged || node.anchor.is_some() {
        return None;
    }
    match &node.kind {
        Kind::Alias(_) => None,
        Kind::Scalar(_) if root => None,
        Kind::Scalar(text) => {
            match node.tag {
                Tag::Str => out.string(text),
                Tag::Null => out.null(),
                Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => match resolve::v3(text) {
                    resolve::Value::Bool(value) if node.tag == Tag::Bool => out.bool(value),
                    resolve::Value::Int(value) if node.tag == Tag::Int => out.int(value),
                    resolve::Value::Uint(value) if node.tag == Tag::Int => out.uint(value),
                    resolve::Value::Float(value) if node.tag == Tag::Float && value.is_finite() => {
                        out.float(value);
                    }
                    resolve::Value::Timestamp(time) if node.tag == Tag::Timestamp => {
                        out.string(&time.to_json_text());
                    }
                    _ => return None,
                },
                _ => return None,
            }
            Some(())
        }
        Kind::Sequence(items) => {
            if node.tag != Tag::Seq {
                return None;
            }
            out.begin_sequence(items.len());
            for item in items {
                write_plainly(item, out, false)?;
            }
            out.end();
            Some(())
        }
        Kind::Mapping(entries) => {
            if node.tag != Tag::Map {
                return None;
            }
            let mut sorted: Vec<(&str, &Node)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                if key.tagged || key.anchor.is_some() || key.tag != Tag::Str {
                    return None;
                }
                sorted.push((key.as_str()?, value));
            }
            sort_naturally(&mut sorted, |(key, _)| key);
            if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return None;
            }
            out.begin_mapping(sorted.len());
            for (key, value) in sorted {
                out.key(key);
                write_plainly(value, out, false)?;
            }
            out.end();
            Some(())
        }
    }
}

enum Problem {
    /// A key twice; the message needs lines.
    Duplicate,
    Error(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Problem::Error(error)
    }
}

struct Decoder<'a> {
    anchors: Anchors<'a>,
    expansion: Expansion,
}

impl<'a> Decoder<'a> {
    fn of(node: &'a Node) -> Self {
        Decoder { anchors: Anchors::of(node), expansion: Expansion::new(Limits::default().expanded) }
    }

    /// Go decodes the root into a map with string keys, whatever its keys are, or into a list.
    fn root(&mut self, node: &'a Node) -> Result<Value, Problem> {
        match &node.kind {
            Kind::Mapping(entries) => self.mapping(entries, true),
            Kind::Sequence(_) => self.value(node),
            Kind::Scalar(_) if node.is_null() => Ok(Value::Object(Map::new())),
            Kind::Scalar(text) => {
                let shown: String = if text.len() > 10 {
                    format!("{}...", text.get(..7).unwrap_or(text))
                } else {
                    text.to_string()
                };
                let message = format!(
                    "line 1: cannot unmarshal {} `{shown}` into map[string]interface {{}}",
                    node.tag.as_str()
                );
                Err(Error::list(vec![message]).into())
            }
            Kind::Alias(name) => Err(Error::new(format!("unknown anchor '{name}' referenced")).into()),
        }
    }

    fn value(&mut self, node: &'a Node) -> Result<Value, Problem> {
        self.expansion.count()?;
        match &node.kind {
            Kind::Alias(_) => {
                self.expansion.enter(node)?;
                let target = self.anchors.target(node)?;
                let value = self.value(target)?;
                self.expansion.leave();
                Ok(value)
            }
            Kind::Scalar(text) => scalar(node, text).map_err(Problem::Error),
            Kind::Sequence(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(item)).collect();
                Ok(Value::Array(items?))
            }
            Kind::Mapping(entries) => self.mapping(entries, false),
        }
    }

    fn mapping(&mut self, entries: &'a [(Node, Node)], any_key: bool) -> Result<Value, Problem> {
        if has_duplicates(entries) {
            return Err(Problem::Duplicate);
        }
        let mut map = Map::new();
        let mut merge = None;
        for (key, value) in entries {
            if key.is_merge() {
                merge = Some(value);
                continue;
            }
            let Some(text) = self.key(key, any_key)? else { continue };
            let value = self.value(value)?;
            map.insert(text.to_string(), value);
        }
        if let Some(merge) = merge {
            self.merge(merge, &mut map)?;
        }
        Ok(Value::Object(map))
    }

    /// `None`: Go leaves the entry out.
    fn key(&mut self, key: &'a Node, any_key: bool) -> Result<Option<SmolStr>, Problem> {
        let key = if key.is_alias() { self.anchors.target(key)? } else { key };
        match (&key.kind, &key.tag) {
            (Kind::Scalar(text), Tag::Str) => Ok(Some(text.clone())),
            (Kind::Scalar(_), Tag::Null) if any_key => Ok(None),
            (Kind::Scalar(text), _) if any_key => Ok(Some(text.clone())),
            _ => {
                let message = "json: unsupported type: map[interface {}]interface {}";
                Err(Error::verbatim(message.to_owned()).into())
            }
        }
    }

    /// Adds what is not there yet.
    fn merge(&mut self, node: &'a Node, map: &mut Map<String, Value>) -> Result<(), Problem> {
        let sources = match &node.kind {
            Kind::Sequence(items) => items.iter().collect(),
            _ => vec![node],
        };
        for source in sources {
            let target = if source.is_alias() { self.anchors.target(source)? } else { source };
            let Kind::Mapping(entries) = &target.kind else {
                return Err(Error::new("map merge requires map or sequence of maps as the value").into());
            };
            self.expansion.enter(source)?;
            let Value::Object(found) = self.mapping(entries, true)? else { continue };
            self.expansion.leave();
            for (key, value) in found {
                map.entry(key).or_insert(value);
            }
        }
        Ok(())
    }
}

fn scalar(node: &Node, text: &SmolStr) -> Result<Value, Error> {
    if node.tag == Tag::Str {
        return Ok(Value::String(text.to_string()));
    }
    let value = match tagged_scalar(Rules::V3, &node.tag, text) {
        Ok(value) => value,
        Err(Tagged::Text(text)) => return Ok(Value::String(text)),
        Err(Tagged::Wrong(error)) => return Err(error),
    };
    Ok(match value {
        resolve::Value::Null => Value::Null,
        resolve::Value::Bool(value) => Value::Bool(value),
        resolve::Value::Int(value) => Value::Number(value.into()),
        resolve::Value::Uint(value) => Value::Number(value.into()),
        resolve::Value::Float(value) => match number::integral(value) {
            Some(Integral::Int(value)) => Value::Number(value.into()),
            Some(Integral::Uint(value)) => Value::Number(value.into()),
            None => {
                let name = if value.is_nan() {
                    "NaN"
                } else if value > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                };
                let number = Number::from_f64(value)
                    .ok_or_else(|| Error::verbatim(format!("json: unsupported value: {name}")))?;
                Value::Number(number)
            }
        },
        resolve::Value::Timestamp(time) => Value::String(time.to_json_text()),
        resolve::Value::Str => Value::String(text.to_string()),
    })
}

fn key_identity(key: &Node) -> (u8, &str) {
    match &key.kind {
        Kind::Scalar(text) => (0, text),
        Kind::Sequence(_) => (1, ""),
        Kind::Mapping(_) => (2, ""),
        Kind::Alias(name) => (3, name),
    }
}

fn has_duplicates(entries: &[(Node, Node)]) -> bool {
    if entries.len() <= 8 {
        return entries.iter().enumerate().any(|(at, (key, _))| {
            entries[at + 1..].iter().any(|(other, _)| key_identity(key) == key_identity(other))
        });
    }
    let mut seen = HashSet::with_capacity(entries.len());
    !entries.iter().all(|(key, _)| seen.insert(key_identity(key)))
}

/// The keys that are there twice, in every mapping, as Go lists them.
fn list_duplicates(node: &Node, list: &mut Vec<String>) {
    match &node.kind {
        Kind::Mapping(entries) => {
            let before = list.len();
            for (at, (key, _)) in entries.iter().enumerate() {
                for (other, _) in &entries[at + 1..] {
                    if key_identity(key) == key_identity(other) {
                        let text = super::go_syntax::quote(other.as_str().unwrap_or_default());
                        list.push(format!(
                            "line {}: mapping key {text} already defined at line {}",
                            other.line, key.line
                        ));
                    }
                }
            }
            if list.len() == before {
                for (_, value) in entries {
                    list_duplicates(value, list);
                }
            }
        }
        Kind::Sequence(items) => items.iter().for_each(|item| list_duplicates(item, list)),
        Kind::Scalar(_) | Kind::Alias(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use serde_json::json;

    fn one(text: &str) -> Node {
        parse(text, Limits::default()).unwrap().remove(0)
    }

    #[test]
    fn v3_values_become_json() {
        let node = one(
            "a: yes\nb: 0o17\nc: 2001-01-01\nd: ~\ne: 1.0\nbase: &b {x: 1, y: 2}\nm:\n  <<: *b\n  y: 3\n",
        );
        assert_eq!(
            from_node(&node).ok(),
            Some(json!({
                "a": "yes", "b": 15, "c": "2001-01-01T00:00:00Z", "d": null, "e": 1,
                "base": {"x": 1, "y": 2}, "m": {"x": 1, "y": 3}
            }))
        );
    }

    #[test]
    fn both_ways_to_text_agree() {
        let node = one("b: [1, two, {z: 1, a: }]\na: \"on\"\nlong: |\n  x\n  y\n");
        let text = node_to_yaml(&node).unwrap();
        assert_eq!(text, super::super::to_yaml(&from_node(&node).unwrap()));
        assert_eq!(text, "a: \"on\"\nb:\n- 1\n- two\n- a: null\n  z: 1\nlong: |\n  x\n  y\n");
    }

    #[test]
    fn a_key_twice_is_told_with_the_lines_of_the_written_text() {
        let error = from_node(&one("\n\na: 1\nb:\n  c: 1\n  c: 2\n")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "yaml: unmarshal errors:\n  line 4: mapping key \"c\" already defined at line 3"
        );
    }
}
