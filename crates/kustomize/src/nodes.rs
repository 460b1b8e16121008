//! What kyaml does with nodes: looking up, creating on the way, setting and clearing fields.
//!
//! After reading, anchors are gone, so a tree holds no aliases. `Node::column` is then free and marks nodes that
//! kustomize shares between places of one object (see `share`): a write to one of them is a write to all.

use sluice_yaml::{Kind, Node, Style, Tag, resolve};
use smol_str::SmolStr;

use crate::error::{Error, Result, fail};

/// The tag of a scalar that means whatever its text and style mean when it is written out.
pub fn no_tag() -> Tag {
    Tag::Other(Box::new(SmolStr::new_static("")))
}

fn is_no_tag(tag: &Tag) -> bool {
    matches!(tag, Tag::Other(name) if name.is_empty())
}

/// A scalar with a tag.
pub fn scalar(text: impl Into<SmolStr>, tag: Tag) -> Node {
    let mut node = Node::string(text);
    node.tag = tag;
    node
}

/// A plain scalar without a tag, as kyaml makes them.
pub fn untagged(text: impl Into<SmolStr>) -> Node {
    scalar(text, no_tag())
}

/// A key. kyaml gives it no tag, so one that looks like a number is a number when the tree is read again, and the
/// object cannot be printed then; quotes, where the key has them, keep it text.
pub fn key(text: impl Into<SmolStr>) -> Node {
    let text = text.into();
    let tag = if resolve::v3_tag(&text) == Tag::Str { Tag::Str } else { no_tag() };
    scalar(text, tag)
}

/// An empty mapping.
pub fn mapping() -> Node {
    Node::mapping(Vec::new())
}

/// The text of a scalar; empty for everything else.
pub fn text(node: &Node) -> &str {
    match &node.kind {
        Kind::Scalar(text) => text,
        _ => "",
    }
}

/// As `text`, cheap to keep.
pub fn smol(node: &Node) -> SmolStr {
    match &node.kind {
        Kind::Scalar(text) => text.clone(),
        _ => SmolStr::default(),
    }
}

/// The text of a scalar that is not null.
pub fn value(node: &Node) -> &str {
    if node.tag == Tag::Null { "" } else { text(node) }
}

/// The value of the first field of this name, null included.
pub fn get<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match &node.kind {
        Kind::Mapping(entries) => entries.iter().find(|(key, _)| text(key) == name).map(|(_, value)| value),
        _ => None,
    }
}

pub fn get_mut<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    match &mut node.kind {
        Kind::Mapping(entries) => {
            entries.iter_mut().find(|(key, _)| text(key) == name).map(|(_, value)| value)
        }
        _ => None,
    }
}

/// A field along plain names.
pub fn at<'a>(node: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, name| get(node, name))
}

/// True for null and empty collections.
pub fn is_empty(node: &Node) -> bool {
    match &node.kind {
        Kind::Mapping(entries) => entries.is_empty(),
        Kind::Sequence(items) => items.is_empty(),
        _ => node.tag == Tag::Null,
    }
}

/// True where kyaml takes a scalar for a string.
pub fn is_string(node: &Node) -> bool {
    matches!(node.kind, Kind::Scalar(_)) && (node.tag == Tag::Str || is_no_tag(&node.tag))
}

/// The kind's name in kyaml's messages.
pub fn kind_name(node: &Node) -> &'static str {
    match node.kind {
        Kind::Scalar(_) => "ScalarNode",
        Kind::Sequence(_) => "SequenceNode",
        Kind::Mapping(_) => "MappingNode",
        Kind::Alias(_) => "AliasNode",
    }
}

/// kyaml's refusal of a node of the wrong kind.
pub fn wrong_kind(node: &Node, expected: &str) -> Error {
    Error::new(format!(
        "wrong node kind: expected {expected} but got {}: node contents:\n{}",
        kind_name(node),
        crate::text::show(node)
    ))
}

/// Fails unless the node is null or a mapping.
pub fn expect_mapping(node: &Node) -> Result<()> {
    if node.tag == Tag::Null || matches!(node.kind, Kind::Mapping(_)) {
        Ok(())
    } else {
        Err(wrong_kind(node, "MappingNode"))
    }
}

/// Fails unless the node is null or a sequence.
pub fn expect_sequence(node: &Node) -> Result<()> {
    if node.tag == Tag::Null || matches!(node.kind, Kind::Sequence(_)) {
        Ok(())
    } else {
        Err(wrong_kind(node, "SequenceNode"))
    }
}

/// Fails unless the node is null or a scalar.
pub fn expect_scalar(node: &Node) -> Result<()> {
    if node.tag == Tag::Null || matches!(node.kind, Kind::Scalar(_)) {
        Ok(())
    } else {
        Err(wrong_kind(node, "ScalarNode"))
    }
}

/// Makes a mapping out of a null, so that a field can be put into it.
pub fn entries_mut(node: &mut Node) -> Result<&mut Vec<(Node, Node)>> {
    if !matches!(node.kind, Kind::Mapping(_)) {
        expect_mapping(node)?;
        node.kind = Kind::Mapping(Vec::new());
        node.tag = Tag::Map;
        node.style = Style::Default;
    }
    match &mut node.kind {
        Kind::Mapping(entries) => Ok(entries),
        _ => fail!("not a mapping"),
    }
}

/// The field of this name, made as an empty mapping where it is missing.
pub fn mapping_field<'a>(node: &'a mut Node, name: &str) -> Result<&'a mut Node> {
    let entries = entries_mut(node)?;
    let at = match entries.iter().position(|(key, _)| text(key) == name) {
        Some(at) => at,
        None => {
            entries.push((key(name), mapping()));
            entries.len() - 1
        }
    };
    Ok(&mut entries[at].1)
}

/// Takes the first field of this name away.
pub fn clear(node: &mut Node, name: &str) -> Option<Node> {
    match &mut node.kind {
        Kind::Mapping(entries) => {
            let at = entries.iter().position(|(key, _)| text(key) == name)?;
            Some(entries.remove(at).1)
        }
        _ => None,
    }
}

/// True where yaml 1.1 would not read this text as a string.
pub fn is_not_text(text: &str) -> bool {
    !text.is_empty() && !text.contains('\n') && yaml11_is_not_text(text)
}

fn yaml11_is_not_text(text: &str) -> bool {
    match text.as_bytes()[0] {
        // Flow collections, comments, tags, quotes: what a parser would make of them is no plain string.
        b'[' | b'{' => crate::text::is_flow_collection(text),
        b'#' => true,
        _ => {
            let plain = text.trim_matches([' ', '\t']);
            resolve::v2(plain) != resolve::Value::Str
                || plain.ends_with(':')
                || plain.contains(": ")
                || plain.starts_with("- ")
                || plain == "-"
        }
    }
}

/// The style that kyaml gives to a new string which yaml 1.1 would take for something else.
fn quote_when_needed(node: &mut Node) {
    if is_string(node) && node.style == Style::Default && !node.tagged && is_not_text(text(node)) {
        node.style = Style::DoubleQuoted;
    }
}

/// Puts a value in the place of a scalar, keeping the place's style and share.
pub fn overwrite(place: &mut Node, mut new: Node) {
    new.style = place.style;
    // Whether the tag is written out is part of the style.
    new.tagged = place.tagged;
    new.column = place.column;
    new.line = place.line.max(new.line);
    *place = new;
}

/// Sets a scalar in place; fails on collections.
pub fn set_scalar(place: &mut Node, new: Node) -> Result<()> {
    expect_scalar(place)?;
    if new.tag == Tag::Null {
        return Ok(());
    }
    overwrite(place, new);
    Ok(())
}

/// Sets a field; null takes it away. An existing place keeps its style.
pub fn set_field(node: &mut Node, name: &str, new: Node) -> Result<()> {
    set_field_styled(node, name, new, Style::Default)
}

/// As `set_field`, with the style of the key where it is new.
pub fn set_field_styled(node: &mut Node, name: &str, mut new: Node, key_style: Style) -> Result<()> {
    quote_when_needed(&mut new);
    if new.tag == Tag::Null && matches!(new.kind, Kind::Scalar(_)) {
        expect_mapping(node)?;
        clear(node, name);
        return Ok(());
    }
    let entries = entries_mut(node)?;
    match entries.iter_mut().find(|(key, _)| text(key) == name) {
        Some((_, place)) => overwrite(place, new),
        None => entries.push((key(name).with_style(key_style), new)),
    }
    Ok(())
}

/// A map of strings as it stands in metadata, later keys winning.
pub fn string_map(node: Option<&Node>) -> std::collections::BTreeMap<SmolStr, SmolStr> {
    match node.map(|node| &node.kind) {
        Some(Kind::Mapping(entries)) => entries.iter().map(|(key, value)| (smol(key), smol(value))).collect(),
        _ => std::collections::BTreeMap::new(),
    }
}

/// Elements of a sequence; none for anything else.
pub fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::Sequence(items) => items,
        _ => &[],
    }
}

/// How many nodes a tree has.
pub fn count(node: &Node) -> u64 {
    match &node.kind {
        Kind::Sequence(items) => 1 + items.iter().map(count).sum::<u64>(),
        Kind::Mapping(entries) => 1 + entries.iter().map(|(_, value)| 1 + count(value)).sum::<u64>(),
        _ => 1,
    }
}

/// How deep trees may become by copying parts of them into each other.
pub const MAX_DEPTH: usize = 1024;

/// How many levels a tree has.
pub fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Mapping(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 1,
    }
}

/// How many parts a field path may have.
pub const MAX_PARTS: usize = 256;

/// Fails on a path that would make a tree too deep.
pub fn check_path(length: usize) -> Result<()> {
    if length > MAX_PARTS {
        fail!("the field path has more than {MAX_PARTS} parts");
    }
    Ok(())
}

/// Splits a path at a delimiter, `\` before it keeping it.
pub fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts: Vec<&str> = path.split(delimiter).collect();
    if parts.len() > 1 && parts[0].is_empty() {
        parts.remove(0);
    }
    let mut result: Vec<String> = vec![parts[0].to_owned()];
    for part in &parts[1..] {
        let last = result.last_mut().expect("the list starts with one part");
        if last.ends_with('\\') {
            last.pop();
            last.push(delimiter);
            last.push_str(part);
        } else {
            result.push((*part).to_owned());
        }
    }
    result
}

/// Splits a dotted path, keeping what stands in brackets together: `[a=b.c]` stays, `[a.b]` loses its brackets.
pub fn split_field_path(path: &str) -> Vec<String> {
    let split = split_path(path, '.');
    let mut result = Vec::new();
    let mut at = 0;
    while at < split.len() {
        let part = &split[at];
        if part.starts_with('[') && !part.ends_with(']') {
            let mut bracketed = part.clone();
            while at + 1 < split.len() {
                at += 1;
                bracketed.push('.');
                bracketed.push_str(&split[at]);
                if split[at].ends_with(']') {
                    break;
                }
            }
            if bracketed.contains('=') {
                result.push(bracketed);
            } else {
                result.push(bracketed.trim_matches(['[', ']']).to_owned());
            }
        } else {
            result.push(part.clone());
        }
        at += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_as_kustomize_splits_them() {
        assert_eq!(split_path("/a/b\\/c/d", '/'), ["a", "b/c", "d"]);
        assert_eq!(
            split_field_path("metadata.annotations.[a.b/c].x"),
            ["metadata", "annotations", "a.b/c", "x"]
        );
        assert_eq!(
            split_field_path("spec.containers.[name=a.b].image"),
            ["spec", "containers", "[name=a.b]", "image"]
        );
    }

    #[test]
    fn a_new_number_like_string_is_quoted_and_an_old_place_keeps_its_style() {
        let mut node = mapping();
        set_field(&mut node, "a", untagged("8080")).unwrap();
        assert_eq!(get(&node, "a").unwrap().style, Style::DoubleQuoted);
        get_mut(&mut node, "a").unwrap().style = Style::Default;
        set_field(&mut node, "a", untagged("9090")).unwrap();
        assert_eq!(get(&node, "a").unwrap().style, Style::Default);
    }
}
