//! The hash of generated content that is put to names.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sluice_yaml::{Kind, Node};

use crate::error::Result;
use crate::nodes;
use crate::resmap::ResMap;
use crate::schema::Schemas;
use crate::text;

/// Puts content hashes to the names that want one.
pub(crate) fn add(map: &mut ResMap, schemas: &Schemas) -> Result<()> {
    if !map.list().iter().any(|resource| resource.memory.needs_hash) {
        return Ok(());
    }
    for resource in map.list_mut() {
        if !resource.memory.needs_hash || resource.node.is_none() {
            continue;
        }
        let hash = hash(resource.tree())?;
        resource.remember_id(schemas);
        let name = format!("{}-{hash}", resource.name());
        resource.set_name(&name)?;
    }
    Ok(())
}

/// The ten letters for one object.
fn hash(node: &Node) -> Result<String> {
    let kind = nodes::get(node, "kind").map_or("", nodes::text);
    let mut map = Map::new();
    let mut put = |name: &str, path: &[&str]| -> Result<()> {
        map.insert(name.to_owned(), field(node, path)?);
        Ok(())
    };
    let encoded = match kind {
        "ConfigMap" => {
            put("name", &["metadata", "name"])?;
            put("data", &["data"])?;
            put("binaryData", &["binaryData"])?;
            map.insert("kind".to_owned(), Value::from("ConfigMap"));
            drop_unless_map(&mut map, "binaryData");
            text::to_go_json(&Value::Object(map))
        }
        "Secret" => {
            put("name", &["metadata", "name"])?;
            put("type", &["type"])?;
            put("data", &["data"])?;
            put("stringData", &["stringData"])?;
            map.insert("kind".to_owned(), Value::from("Secret"));
            drop_unless_map(&mut map, "stringData");
            text::to_go_json(&Value::Object(map))
        }
        _ => node_json(node),
    };
    let digest = Sha256::digest(encoded.as_bytes());
    // Hexadecimal digits, with letters in place of those that could make words.
    let letters = b"gh2k456789mbcdtf";
    let digits = digest.iter().take(5).flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(digits.map(|digit| letters[usize::from(digit)] as char).collect())
}

/// kustomize looks up `metadata/name` as one field name, which no object has: the name is never part of the hash.
fn field(node: &Node, path: &[&str]) -> Result<Value> {
    let name = path.join("/");
    match nodes::get(node, &name) {
        None => Ok(Value::from("")),
        Some(value) if matches!(value.kind, Kind::Scalar(_)) => Ok(Value::from(nodes::text(value))),
        Some(value) => match text::to_value(value)? {
            Value::Object(map) => Ok(Value::Object(map)),
            // A list does not fit into the map that Go reads it into.
            _ => Ok(Value::Null),
        },
    }
}

fn drop_unless_map(map: &mut Map<String, Value>, name: &str) {
    if !map.get(name).is_some_and(Value::is_object) {
        map.remove(name);
    }
}

/// Go's JSON of a yaml node, which is what kustomize hashes for other kinds.
fn node_json(node: &Node) -> String {
    let mut out = String::new();
    write_node(node, &mut out);
    out
}

fn write_node(node: &Node, out: &mut String) {
    let (kind, value) = match &node.kind {
        Kind::Sequence(_) => (2, ""),
        Kind::Mapping(_) => (4, ""),
        Kind::Scalar(text) => (8, text.as_str()),
        Kind::Alias(name) => (16, name.as_str()),
    };
    let style = match node.style {
        sluice_yaml::Style::Default => 0,
        sluice_yaml::Style::DoubleQuoted => 2,
        sluice_yaml::Style::SingleQuoted => 4,
        sluice_yaml::Style::Literal => 8,
        sluice_yaml::Style::Folded => 16,
        sluice_yaml::Style::Flow => 32,
    };
    out.push_str(&format!("{{\"Kind\":{kind},\"Style\":{style},\"Tag\":"));
    text::write_go_string(node.tag.as_str(), out);
    out.push_str(",\"Value\":");
    text::write_go_string(value, out);
    out.push_str(",\"Anchor\":\"\",\"Alias\":null,\"Content\":");
    let children: Vec<&Node> = match &node.kind {
        Kind::Sequence(items) => items.iter().collect(),
        Kind::Mapping(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        _ => Vec::new(),
    };
    if children.is_empty() {
        out.push_str("null");
    } else {
        out.push('[');
        for (at, child) in children.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_node(child, out);
        }
        out.push(']');
    }
    out.push_str(",\"HeadComment\":\"\",\"LineComment\":\"\",\"FootComment\":\"\",");
    out.push_str(&format!("\"Line\":{},\"Column\":{}}}", node.line, node.column));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_not_part_of_the_hash() {
        let node = |name: &str| {
            text::parse_first(
                format!("kind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: b}}\n").as_bytes(),
            )
            .unwrap()
            .unwrap()
        };
        assert_eq!(hash(&node("a")).unwrap(), hash(&node("b")).unwrap());
    }
}
