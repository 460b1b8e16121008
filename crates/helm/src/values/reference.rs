//! `valuesFrom` of a HelmRelease: references in order, each merged or set at its target path, the inline values last.
//!
//! As in Flux, maps that only the inline values have are shared with the result, so a path set within them stays.

use serde_json::{Map, Value};

use super::graph::{Table, from_map, merge, new_table, to_map};
use super::{read_map, set};

/// The content of one reference, found by the caller.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    pub content: Vec<u8>,
    pub target_path: String,
    pub literal: bool,
}

/// Why a reference could not be taken; the caller adds which one it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("{0}")]
    Read(String),
    #[error("{0}")]
    Merge(String),
}

/// Merges references and inline values. An error comes with the reference's place in the list.
pub fn merge_references(
    inline: &Map<String, Value>,
    references: &[Reference],
) -> Result<Map<String, Value>, (usize, ReferenceError)> {
    let inline = from_map(inline);
    let mut result = new_table();
    for (at, reference) in references.iter().enumerate() {
        if reference.target_path.is_empty() {
            let read = read_map(&reference.content).map_err(|text| (at, ReferenceError::Read(text)))?;
            result = merge(&result, &from_map(&read));
        } else {
            result = merge(&result, &inline);
            let content = String::from_utf8_lossy(&reference.content);
            let set = if reference.literal { set_literal } else { set_path };
            set(&result, &reference.target_path, &content)
                .map_err(|error| (at, ReferenceError::Merge(error.0)))?;
        }
    }
    Ok(to_map(&merge(&result, &inline)))
}

fn set_path(table: &Table, path: &str, value: &str) -> Result<(), set::SetError> {
    let quoted_by = |mark: char| value.starts_with(mark) && value.ends_with(mark);
    if quoted_by('\'') || quoted_by('"') {
        let value = value.trim_matches(['\'', '"']);
        set::set_string(table, &format!("{path}={value}"))
    } else {
        set::set(table, &format!("{path}={value}"))
    }
}

fn set_literal(table: &Table, path: &str, value: &str) -> Result<(), set::SetError> {
    let mut line = format!("{path}=");
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '[' | ']' | '{' | '}') {
            line.push('\\');
        }
        line.push(character);
    }
    set::set_string(table, &line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(content: &str, path: &str, literal: bool) -> Reference {
        Reference { content: content.as_bytes().to_vec(), target_path: path.to_owned(), literal }
    }

    fn merged(inline: Value, references: &[Reference]) -> Value {
        Value::Object(merge_references(inline.as_object().unwrap(), references).unwrap())
    }

    #[test]
    fn references_merge_in_order_and_inline_wins() {
        let result = merged(
            json!({"a": {"x": 1.0}}),
            &[at("a: {x: 2, k: 3}\nb: [1]\n", "", false), at("b: [2]\nc: null\n", "", false)],
        );
        assert_eq!(result, json!({"a": {"x": 1.0, "k": 3.0}, "b": [2.0], "c": null}));
    }

    #[test]
    fn target_paths_are_set_with_types() {
        let result = merged(
            json!({}),
            &[
                at("8080", "a.port", false),
                at("'8080'", "a.text", false),
                at("{x,y}", "a.list", false),
                at("{x,y}", "a.raw", true),
            ],
        );
        assert_eq!(result, json!({"a": {"port": 8080, "text": "8080", "list": ["x", "y"], "raw": "{x,y}"}}));
    }

    #[test]
    fn a_path_within_inline_maps_stays_and_a_top_key_does_not() {
        assert_eq!(
            merged(json!({"a": {"x": "inline"}}), &[at("set", "a.x", false)]),
            json!({"a": {"x": "set"}})
        );
        assert_eq!(merged(json!({"a": "inline"}), &[at("set", "a", false)]), json!({"a": "inline"}));
        assert_eq!(
            merged(json!({"a": {"x": "inline"}}), &[at("a: {k: 1}", "", false), at("set", "a.x", false)]),
            json!({"a": {"x": "inline", "k": 1.0}})
        );
    }
}
