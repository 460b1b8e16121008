//! Between text, trees and JSON values, as kustomize goes between them.

use serde_json::Value;
use sluice_yaml::{Kind, Limits, Node, Style, Tag, json, resolve};

/// Go's `%q`.
pub(crate) use sluice_version::number::quote;

use crate::error::{Error, Result};

/// The first document of a YAML text; nothing when there is none.
pub(crate) fn parse_first(bytes: &[u8]) -> Result<Option<Node>> {
    sluice_yaml::parse_first(bytes, Limits::default())
        .map(|document| document.map(|document| document.root))
        .map_err(|error| Error::new(error.to_string()))
}

/// A YAML text by the JSON route.
pub(crate) fn yaml_to_value(bytes: &[u8]) -> Result<Value> {
    json::from_yaml(bytes).map_err(|error| Error::new(error.to_string()))
}

/// As `yaml_to_value`, with the words that reading into a record puts before its errors.
pub(crate) fn yaml_to_record(bytes: &[u8]) -> Result<Value> {
    yaml_to_value(bytes).map_err(|error| error.within("error converting YAML to JSON"))
}

/// As `yaml_to_record`; a key that is there twice is an error.
pub(crate) fn yaml_to_record_strict(bytes: &[u8]) -> Result<Value> {
    json::from_yaml_strict(bytes)
        .map_err(|error| Error::new(error.to_string()).within("error converting YAML to JSON"))
}

/// Gives every scalar the tag that it will have once written and read again.
pub(crate) fn settle_tags(node: &mut Node) {
    match &mut node.kind {
        Kind::Mapping(entries) => {
            node.tag = Tag::Map;
            for (key, value) in entries {
                settle_scalar(key);
                settle_tags(value);
            }
        }
        Kind::Sequence(items) => {
            node.tag = Tag::Seq;
            items.iter_mut().for_each(settle_tags);
        }
        _ => settle_scalar(node),
    }
}

fn settle_scalar(node: &mut Node) {
    let Kind::Scalar(text) = &node.kind else { return };
    match &node.tag {
        Tag::Str => {}
        Tag::Other(name) if name.is_empty() => {
            node.tag = if node.style.is_quoting() { Tag::Str } else { resolve::v3_tag(text) };
            node.tagged = false;
        }
        Tag::Int | Tag::Float | Tag::Bool | Tag::Null | Tag::Timestamp => {
            if resolve::v3_tag(text) == node.tag {
                // The tag can be left away, and then quotes decide.
                if node.style.is_quoting() && !node.tagged {
                    node.tag = Tag::Str;
                }
            } else {
                node.tagged = true;
            }
        }
        _ => {}
    }
}

/// A tree as JSON.
pub(crate) fn to_value(node: &Node) -> Result<Value> {
    let mut node = node.clone();
    settle_tags(&mut node);
    json::from_node(&node).map_err(|error| Error::new(error.to_string()))
}

/// A tree as JSON where kustomize decodes it as it is, without writing it out first.
pub(crate) fn to_value_as_read(node: &Node) -> Result<Value> {
    let mut node = node.clone();
    settle_tags(&mut node);
    json::from_node_as_read(&node).map_err(|error| Error::new(error.to_string()))
}

/// A tree as kustomize prints an object.
pub(crate) fn to_yaml(mut node: Node) -> Result<String> {
    settle_tags(&mut node);
    json::node_to_yaml(&node).map_err(|error| Error::new(error.to_string()))
}

/// A tree as kyaml prints nodes in messages and compares them: styles kept.
pub(crate) fn show(node: &Node) -> String {
    if let (Kind::Scalar(text), Style::Default) = (&node.kind, node.style)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'))
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && (node.tag != Tag::Str || resolve::v3_tag(text) == Tag::Str)
    {
        return format!("{text}\n");
    }
    let mut node = node.clone();
    settle_tags(&mut node);
    sluice_yaml::emit(&node)
}

/// A tree as one line of JSON.
pub(crate) fn show_json(node: &Node) -> String {
    match to_value(node) {
        Ok(value) => value.to_string(),
        Err(error) => format!("<{error}>"),
    }
}

/// A tree out of a JSON value, as reading JSON text makes it: keys and strings quoted, collections in braces.
pub(crate) fn from_json(value: &Value) -> Node {
    let mut node = json::from_value(value);
    style_as_json(&mut node);
    node
}

fn style_as_json(node: &mut Node) {
    match &mut node.kind {
        Kind::Mapping(entries) => {
            node.style = Style::Flow;
            for (key, value) in entries {
                key.style = crate::read::JSON_STRING;
                style_as_json(value);
            }
        }
        Kind::Sequence(items) => {
            node.style = Style::Flow;
            items.iter_mut().for_each(style_as_json);
        }
        _ if node.tag == Tag::Str => node.style = crate::read::JSON_STRING,
        _ => {}
    }
}

/// A tree out of a map, as kyaml's FromMap makes it: by way of YAML text, plain where it can be. Numbers have gone
/// through Go's float64 by then.
pub fn from_map(value: &Value) -> Node {
    let mut node = json::from_value(value);
    style_strings(&mut node);
    node
}

/// Makes a tree what it is once it has been JSON, and then a tree again by `from_map`.
pub(crate) fn through_json(node: &mut Node) -> Result<()> {
    settle_tags(node);
    json::through_json(node).map_err(|error| Error::new(error.to_string()))?;
    style_strings(node);
    Ok(())
}

fn float_text(text: &str) -> Option<String> {
    text.parse::<f64>().ok().map(json::format_float)
}

/// The styles that kyaml's encoder gives to strings which would mean something else.
fn style_strings(node: &mut Node) {
    match &mut node.kind {
        Kind::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| style_strings(value)),
        Kind::Sequence(items) => items.iter_mut().for_each(style_strings),
        Kind::Scalar(text) if matches!(node.tag, Tag::Int | Tag::Float) => {
            if let Some(text) = float_text(text) {
                node.tag = resolve::v3_tag(&text);
                node.kind = Kind::Scalar(text.into());
            }
        }
        Kind::Scalar(text) if node.tag == Tag::Str => {
            node.style = if text.contains('\n') {
                Style::Literal
            } else if text.is_empty()
                || resolve::v3_tag(text) != Tag::Str
                || resolve::v2(text) != resolve::Value::Str
            {
                Style::DoubleQuoted
            } else {
                Style::Default
            };
            if !text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'))
            {
                node.style = written_style(node);
            }
        }
        _ => {}
    }
}

/// The style that a string is written in: what it should have, or quotes where it cannot stand so.
fn written_style(node: &Node) -> Style {
    match sluice_yaml::emit(node).bytes().next() {
        Some(b'"') => Style::DoubleQuoted,
        Some(b'\'') => Style::SingleQuoted,
        Some(b'|') => Style::Literal,
        _ => Style::Default,
    }
}

/// True for text that is a flow collection and nothing else.
pub(crate) fn is_flow_collection(text: &str) -> bool {
    matches!(parse_first(text.as_bytes()), Ok(Some(node)) if !matches!(node.kind, Kind::Scalar(_)))
}

/// Go's encoding/json of a value: sorted keys, `<`, `>` and `&` escaped, numbers as Go writes them.
pub(crate) fn to_go_json(value: &Value) -> String {
    let mut out = String::new();
    write_go_json(value, &mut out);
    out
}

fn write_go_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => out.push_str(&json::json_float(float).unwrap_or_default()),
            None => out.push_str(&number.to_string()),
        },
        Value::String(text) => write_go_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_go_json(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (at, (name, value)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_go_string(name, out);
                out.push(':');
                write_go_json(value, out);
            }
            out.push('}');
        }
    }
}

/// A string as Go's encoding/json writes it.
pub(crate) fn write_go_string(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let escape: Option<String> = match c {
            '"' => Some("\\\"".to_owned()),
            '\\' => Some("\\\\".to_owned()),
            '\n' => Some("\\n".to_owned()),
            '\r' => Some("\\r".to_owned()),
            '\t' => Some("\\t".to_owned()),
            '\u{8}' => Some("\\b".to_owned()),
            '\u{c}' => Some("\\f".to_owned()),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => Some(format!("\\u{:04x}", c as u32)),
            c if (c as u32) < 0x20 => Some(format!("\\u{:04x}", c as u32)),
            _ => None,
        };
        if let Some(escape) = escape {
            out.push_str(&text[from..at]);
            out.push_str(&escape);
            from = at + c.len_utf8();
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes;

    #[test]
    fn quotes_of_the_place_decide_what_a_number_is() {
        let mut node = nodes::scalar("8080", Tag::Int);
        node.style = Style::DoubleQuoted;
        let tree = Node::mapping(vec![(nodes::key("a"), node), (nodes::key("b"), nodes::untagged("8080"))]);
        assert_eq!(to_yaml(tree).unwrap(), "a: \"8080\"\nb: 8080\n");
    }

    #[test]
    fn go_strings_are_escaped() {
        assert_eq!(to_go_json(&serde_json::json!({"a<": "b\n\u{1}"})), "{\"a\\u003c\":\"b\\n\\u0001\"}");
        assert_eq!(quote("a\"\n\u{a0}"), "\"a\\\"\\n\\u00a0\"");
    }
}
