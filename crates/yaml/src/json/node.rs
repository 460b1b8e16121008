//! Between trees and JSON values, with the v3 rules on the side of the tree: what kustomize does to its result.

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::decode::decode;
use super::number;
use super::order::sort_naturally;
use super::write::{Emit, YamlWriter};
use crate::compose::Document;
use crate::emit::{self, SequenceIndent};
use crate::error::Error;
use crate::node::{Kind, Node, Style, Tag};
use crate::parse::{Limits, parse_first};
use crate::resolve;

/// The tree as JSON, as kyaml's `RNode.MarshalJSON` has it: v3 rules, merges and aliases followed.
pub fn from_node(node: &Node) -> Result<Value, Error> {
    match plain_root(node) {
        Some(value) => Ok(value),
        None => written_and_read(&emit::emit(node)),
    }
}

/// The tree as JSON without being written on the way: what Go's `Decode` makes of a node.
pub fn from_node_as_read(node: &Node) -> Result<Value, Error> {
    match plain_root(node) {
        Some(value) => Ok(value),
        None => decode(node),
    }
}

/// As `from_node`. The document's own comments matter only for the lines of messages, and hardly ever for more.
pub fn from_document(document: &Document) -> Result<Value, Error> {
    match plain_root(&document.root) {
        Some(value) if document.foot.is_empty() => Ok(value),
        _ => written_and_read(&emit::emit_documents(std::slice::from_ref(document), SequenceIndent::Compact)),
    }
}

fn plain_root(node: &Node) -> Option<Value> {
    if node.is_scalar() { None } else { plain_value(node, false) }
}

/// Go writes the tree and reads it again, which matters for what is not plain.
fn written_and_read(text: &str) -> Result<Value, Error> {
    match parse_first(text, Limits::default())? {
        Some(document) => decode(&document.root),
        None => Ok(Value::Object(Map::new())),
    }
}

/// The tree as kustomize prints it: `from_node`, then `to_yaml`.
pub fn node_to_yaml(node: &Node) -> Result<String, Error> {
    let mut writer = YamlWriter::with_capacity(1024);
    if !node.is_scalar() && write_plainly(node, &mut writer, false).is_some() {
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

/// What an ordinary scalar says. `None` where it must be written and read again to know.
pub(super) enum Plain<'a> {
    Text(&'a SmolStr),
    Known(resolve::Value),
}

pub(super) fn plain_scalar<'a>(node: &Node, text: &'a SmolStr, in_flow: bool) -> Option<Plain<'a>> {
    if node.tagged || node.anchor.is_some() {
        return None;
    }
    plain_scalar_of(&node.tag, node.style, text, in_flow)
}

/// As `plain_scalar`, for one whose tag is not written out.
pub(super) fn plain_scalar_of<'a>(
    tag: &Tag,
    style: Style,
    text: &'a SmolStr,
    in_flow: bool,
) -> Option<Plain<'a>> {
    let found = match tag {
        Tag::Str if may_come_back_changed(text, style) => return None,
        Tag::Str => return Some(Plain::Text(text)),
        // In flow style nothing at all is written as quotes, and so is a time of day.
        Tag::Null if text.is_empty() && in_flow => return Some(Plain::Text(text)),
        Tag::Timestamp if in_flow && text.contains(':') => return Some(Plain::Text(text)),
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => resolve::v3(text),
        _ => return None,
    };
    if style.is_quoting() && found.tag() == *tag {
        // The tag goes without saying, and then the quotes decide.
        return Some(Plain::Text(text));
    }
    let finite = !matches!(found, resolve::Value::Float(value) if !value.is_finite());
    (found.tag() == *tag && finite).then_some(Plain::Known(found))
}

/// Folded lines, and tabs that begin a line of a block.
fn may_come_back_changed(text: &str, style: Style) -> bool {
    match style {
        Style::DoubleQuoted | Style::SingleQuoted => false,
        Style::Folded if text.strip_suffix('\n').unwrap_or(text).contains('\n') => true,
        Style::Default | Style::Flow if !text.contains('\n') => false,
        _ => text.starts_with('\t') || text.contains("\n\t"),
    }
}

/// The entries by key, when all keys are ordinary strings, each there once.
fn plain_entries(entries: &[(Node, Node)]) -> Option<Vec<(&str, &Node)>> {
    let mut sorted: Vec<(&str, &Node)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if !is_plain_key(key) {
            return None;
        }
        sorted.push((key.as_str()?, value));
    }
    sort_naturally(&mut sorted, |(key, _)| key);
    let twice = sorted.windows(2).any(|pair| pair[0].0 == pair[1].0);
    (!twice).then_some(sorted)
}

/// True for a key that is an ordinary string.
pub(super) fn is_plain_key(key: &Node) -> bool {
    !key.tagged
        && key.anchor.is_none()
        && key.tag == Tag::Str
        && key.style != Style::Folded
        && key.is_scalar()
}

/// Writes a tree of ordinary nodes. `None` where there is a tag, an alias, a merge, a key that is no string or a key
/// twice: then the long way is taken.
fn write_plainly(node: &Node, out: &mut YamlWriter, in_flow: bool) -> Option<()> {
    let in_flow = in_flow || node.style == Style::Flow;
    match &node.kind {
        Kind::Alias(_) => return None,
        Kind::Scalar(text) => match plain_scalar(node, text, in_flow)? {
            Plain::Text(text) => out.string(text),
            Plain::Known(value) => match value {
                resolve::Value::Null => out.null(),
                resolve::Value::Bool(value) => out.bool(value),
                resolve::Value::Int(value) => out.int(value),
                resolve::Value::Uint(value) => out.uint(value),
                resolve::Value::Float(value) => out.float(value),
                resolve::Value::Timestamp(time) => out.string(&time.to_json_text()),
                resolve::Value::Str => out.string(text),
            },
        },
        _ if node.tagged || node.anchor.is_some() => return None,
        Kind::Sequence(items) => {
            out.begin_sequence(items.len());
            for item in items {
                write_plainly(item, out, in_flow)?;
            }
            out.end();
        }
        Kind::Mapping(entries) => {
            let entries = plain_entries(entries)?;
            out.begin_mapping(entries.len());
            for (key, value) in entries {
                out.key(key);
                write_plainly(value, out, in_flow)?;
            }
            out.end();
        }
    }
    Some(())
}

/// The same as a value.
fn plain_value(node: &Node, in_flow: bool) -> Option<Value> {
    let in_flow = in_flow || node.style == Style::Flow;
    Some(match &node.kind {
        Kind::Alias(_) => return None,
        Kind::Scalar(text) => match plain_scalar(node, text, in_flow)? {
            Plain::Text(text) => Value::String(text.to_string()),
            Plain::Known(value) => json(value, text).ok()?,
        },
        _ if node.tagged || node.anchor.is_some() => return None,
        Kind::Sequence(items) => {
            Value::Array(items.iter().map(|item| plain_value(item, in_flow)).collect::<Option<_>>()?)
        }
        Kind::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in plain_entries(entries)? {
                map.insert(key.to_owned(), plain_value(value, in_flow)?);
            }
            Value::Object(map)
        }
    })
}

pub(super) fn json(value: resolve::Value, text: &str) -> Result<Value, Error> {
    Ok(match value {
        resolve::Value::Null => Value::Null,
        resolve::Value::Bool(value) => Value::Bool(value),
        resolve::Value::Int(value) => Value::Number(value.into()),
        resolve::Value::Uint(value) => Value::Number(value.into()),
        resolve::Value::Float(value) => Value::Number(number::json_number(value)?),
        resolve::Value::Timestamp(time) => Value::String(time.to_json_text()),
        resolve::Value::Str => Value::String(text.to_owned()),
    })
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
        let node = one("b: [1, two, {z: 1, a: ~}]\na: \"on\"\nlong: |\n  x\n  y\n");
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
