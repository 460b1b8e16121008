//! JSON values out of YAML text and back, for documents of our own making.

use serde_json::{Map, Value};
use sluice_yaml::{Limits, Node, emit, parse};

/// The documents of a text.
pub fn read(text: &str) -> Result<Vec<Value>, String> {
    let nodes = parse(text, Limits::default()).map_err(|error| error.to_string())?;
    nodes.iter().map(value).collect()
}

/// One document, keys sorted.
pub fn write(value: &Value) -> String {
    emit(&node(value))
}

fn value(node: &Node) -> Result<Value, String> {
    if let Some(entries) = node.map() {
        let entries = entries.iter().map(|(key, entry)| {
            let key = key.as_str().ok_or("a key is no scalar")?;
            Ok((key.to_owned(), value(entry)?))
        });
        return entries.collect::<Result<Map<_, _>, String>>().map(Value::Object);
    }
    if let Some(items) = node.items() {
        return items.iter().map(value).collect::<Result<_, _>>().map(Value::Array);
    }
    if node.is_null() {
        return Ok(Value::Null);
    }
    if let Some(text) = node.as_string() {
        return Ok(text.into());
    }
    if let Some(flag) = node.as_bool() {
        return Ok(flag.into());
    }
    node.as_i64()
        .map(Value::from)
        .ok_or_else(|| format!("line {}: a scalar of an unexpected type", node.line))
}

fn node(value: &Value) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(flag) => Node::bool(*flag),
        Value::Number(number) => number.as_i64().map_or_else(|| Node::scalar(number.to_string()), Node::int),
        Value::String(text) => Node::string(text.as_str()),
        Value::Array(items) => Node::sequence(items.iter().map(node).collect()),
        Value::Object(fields) => Node::mapping(
            fields.iter().map(|(key, field)| (Node::string(key.as_str()), node(field))).collect(),
        ),
    }
}
