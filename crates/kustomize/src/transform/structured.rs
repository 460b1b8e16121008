//! Replacements into documents that a field holds as text: JSON or YAML inside of a string.

use sluice_yaml::{Kind, Node};

use crate::error::Result;
use crate::nodes;
use crate::path::{self, Made};
use crate::text;

/// Puts a value into a document inside of a scalar on the path. False when the path leads to none, or when anything
/// on the way does not fit; then the path is taken as an ordinary one.
pub(crate) fn put(tree: &mut Node, value: &Node, path: &[String], create: Option<Made>) -> Result<bool> {
    if path.len() < 2 {
        return Ok(false);
    }
    for end in 1..path.len() {
        let Ok(found) = path::lookup(tree, &path[..end]) else { continue };
        let Some(found) = found else { return Ok(false) };
        if !matches!(found.kind, Kind::Scalar(_)) {
            continue;
        }
        let original = nodes::smol(found);
        let Ok(Some(mut inner)) = text::parse_first(original.as_bytes()) else { continue };
        let is_null = inner.tag == sluice_yaml::Tag::Null;
        let Ok(places) = path::search(&mut inner, &path[end..], create) else { return Ok(false) };
        if places.is_empty() {
            return Ok(false);
        }
        if is_null {
            // What is made inside of a null is found and never written.
            return Ok(true);
        }
        for steps in places.steps {
            let Some(place) = path::follow(&mut inner, &steps) else { continue };
            if matches!(place.kind, Kind::Scalar(_)) {
                place.kind = Kind::Scalar(nodes::smol(value));
            } else {
                *place = value.clone();
            }
        }
        let Some(written) = write(&inner, &original) else { return Ok(false) };
        let Ok(steps) = path::search(tree, &path[..end], None) else { return Ok(false) };
        if let Some(place) = steps.steps.first().and_then(|steps| path::follow(tree, steps)) {
            place.kind = Kind::Scalar(written.into());
            return Ok(true);
        }
        return Ok(false);
    }
    Ok(false)
}

/// The document as text, in the manner of the old one.
fn write(inner: &Node, original: &str) -> Option<String> {
    if !original.trim_start().starts_with(['{', '[']) {
        return Some(text::show(inner).trim().to_owned());
    }
    let value = text::to_value(inner).ok()?;
    if original.contains('\n') && original.contains("  ") {
        return Some(indented(&value));
    }
    Some(text::to_go_json(&value))
}

/// Go's MarshalIndent with two spaces.
fn indented(value: &serde_json::Value) -> String {
    let mut out = String::new();
    write_indented(value, 0, &mut out);
    out
}

fn write_indented(value: &serde_json::Value, depth: usize, out: &mut String) {
    use serde_json::Value;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write_indented(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(entries) if !entries.is_empty() => {
            out.push('{');
            for (at, (name, value)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                text::write_go_string(name, out);
                out.push_str(": ");
                write_indented(value, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        other => out.push_str(&text::to_go_json(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_into_json_inside_of_a_string() {
        let mut tree = text::parse_first(b"data:\n  c.json: '{\"a\": {\"b\": \"1\"}}'\n").unwrap().unwrap();
        let path = nodes::split_field_path("data.c\\.json.a.b");
        assert!(put(&mut tree, &Node::string("x"), &path, None).unwrap());
        assert_eq!(text::show(&tree), "data:\n  c.json: '{\"a\":{\"b\":\"x\"}}'\n");
    }
}
