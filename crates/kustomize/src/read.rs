//! Text to objects: documents split as kustomize splits them, aliases resolved, lists taken apart.

use std::collections::HashMap;

use sluice_budget::Budget;
use sluice_yaml::{Kind, Node, Style, Tag};
use smol_str::SmolStr;

use crate::error::{Error, ErrorKind, Result, fail};
use crate::nodes;
use crate::resource::show_meta;
use crate::text;

/// The objects in a text.
pub(crate) fn objects(bytes: &[u8], budget: &Budget) -> Result<Vec<Node>> {
    objects_of(documents(bytes)?, budget)
}

/// The objects in documents.
pub(crate) fn objects_of(documents: impl Iterator<Item = Document>, budget: &Budget) -> Result<Vec<Node>> {
    take_lists_apart(drop_bad(roots(documents, budget)?)?, budget)
}

/// Names the file in what is wrong with its YAML.
pub(crate) fn in_file(error: Error, path: &str) -> Error {
    if error.kind == ErrorKind::MalformedYaml {
        return error.told(|text| format!("{text} in File: {path}"));
    }
    if error.text().contains("error converting YAML to JSON")
        || error.text().contains("error unmarshaling JSON")
    {
        return error.told(|text| format!("YAML file [{path}] encounters a format error.\n{text}\n"));
    }
    error
}

/// One document as the parser gives it.
pub(crate) struct Document {
    /// In bytes.
    length: usize,
    /// Its text may hold anchors, aliases or merge keys.
    may_refer: bool,
    /// It is the only one of its text.
    is_alone: bool,
    root: Result<Option<Node>>,
}

/// The documents of a text, each parsed when it is asked for.
pub(crate) fn documents(bytes: &[u8]) -> Result<impl Iterator<Item = Document>> {
    let text = String::from_utf8_lossy(bytes);
    // Text that is no UTF-8 is for the parser to refuse.
    let chunks: Vec<Chunk<'_>> = match text {
        std::borrow::Cow::Borrowed(text) => split(text)?,
        std::borrow::Cow::Owned(_) => vec![Chunk { text: String::new(), bytes }],
    };
    let is_alone = chunks.len() == 1;
    Ok(chunks.into_iter().map(move |chunk| {
        let bytes = if chunk.bytes.is_empty() { chunk.text.as_bytes() } else { chunk.bytes };
        Document {
            length: bytes.len(),
            may_refer: memchr::memchr2(b'&', b'*', bytes).is_some()
                || memchr::memmem::find(bytes, b"<<").is_some(),
            is_alone,
            root: sluice_yaml::parse_first_uncommented(bytes, sluice_yaml::Limits::default())
                .map_err(|error| error_of_kind(Error::new(error.to_string()).within("MalformedYAMLError"))),
        }
    }))
}

/// The roots of documents, empty ones left out, without aliases.
fn roots(documents: impl Iterator<Item = Document>, budget: &Budget) -> Result<Vec<Node>> {
    let mut result = Vec::new();
    for document in documents {
        budget.charge(document.length as u64 / 8 + 1)?;
        let Some(mut node) = document.root?.filter(|node| node.tag != Tag::Null) else { continue };
        tidy(&mut node, document.may_refer, budget)?;
        let kind = nodes::get(&node, "kind").map_or("", nodes::value);
        if document.is_alone
            && matches!(kind, "List" | "ResourceList")
            && (nodes::get(&node, "items").is_some() || nodes::get(&node, "functionConfig").is_some())
        {
            if let Some(Node { kind: Kind::Sequence(items), .. }) = nodes::clear(&mut node, "items") {
                result.extend(items);
            }
            continue;
        }
        result.push(node);
    }
    Ok(result)
}

fn error_of_kind(error: Error) -> Error {
    if error.is_stop() { error } else { Error::of(ErrorKind::MalformedYaml, error.text()) }
}

struct Chunk<'a> {
    text: String,
    /// The chunk where it needs no change.
    bytes: &'a [u8],
}

/// Splits at lines that begin with `---`, as a regular expression of kyaml's does: the newline before such a line
/// belongs to it, and a line directly after another one is not seen.
fn split(text: &str) -> Result<Vec<Chunk<'_>>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.contains("\r\n") {
        let text = text.replace("\r\n", "\n");
        let chunks = cut(&text)?;
        return Ok(chunks.into_iter().map(|part| Chunk { text: part.to_owned(), bytes: &[] }).collect());
    }
    Ok(cut(text)?.into_iter().map(|part| Chunk { text: String::new(), bytes: part.as_bytes() }).collect())
}

fn cut(text: &str) -> Result<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut from, mut seek) = (0, 0);
    while let Some(found) = text[seek..].find("\n---") {
        let at = seek + found;
        let Some(length) = text[at + 4..].find('\n') else { break };
        let end = at + 4 + length;
        let rest = text[at + 4..end].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            fail!("invalid document separator: {}", text[at..end].trim());
        }
        // The newline before the separator ends the document.
        parts.push(&text[from..=at]);
        from = end + 1;
        seek = from;
    }
    parts.push(&text[from..]);
    Ok(parts)
}

/// Takes anchors, aliases, merge keys, comments and columns out of a tree.
fn tidy(node: &mut Node, may_refer: bool, budget: &Budget) -> Result<()> {
    if may_refer {
        let mut anchors = Anchors { known: HashMap::new(), open: Vec::new(), budget };
        anchors.expand(node)?;
    }
    plain(node);
    Ok(())
}

fn plain(node: &mut Node) {
    node.column = 0;
    node.comments = None;
    node.anchor = None;
    match &mut node.kind {
        Kind::Mapping(entries) => {
            for (key, value) in entries {
                plain(key);
                plain(value);
            }
        }
        Kind::Sequence(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

struct Anchors<'a> {
    known: HashMap<SmolStr, (Node, u64)>,
    open: Vec<SmolStr>,
    budget: &'a Budget,
}

impl Anchors<'_> {
    fn expand(&mut self, node: &mut Node) -> Result<()> {
        if let Kind::Alias(name) = &node.kind {
            if self.open.contains(name) {
                fail!("anchor '{name}' value contains itself");
            }
            let Some((value, size)) = self.known.get(name) else {
                fail!("unknown anchor '{name}' referenced")
            };
            self.budget.charge(*size)?;
            self.budget.charge_bytes(*size * 64)?;
            *node = value.clone();
            return Ok(());
        }
        let anchor = node.anchor.take();
        if let Some(name) = &anchor {
            self.open.push((**name).clone());
        }
        match &mut node.kind {
            Kind::Mapping(entries) => {
                for (key, value) in entries.iter_mut() {
                    self.expand(key)?;
                    self.expand(value)?;
                }
                merge_keys(entries)?;
            }
            Kind::Sequence(items) => {
                for item in items {
                    self.expand(item)?;
                }
            }
            _ => {}
        }
        if let Some(name) = anchor {
            self.open.pop();
            self.known.insert((*name).clone(), (node.clone(), nodes::count(node)));
        }
        Ok(())
    }
}

/// Puts what `<<` names into the mapping; its own fields win, then earlier sources over later ones. A key `<<` in quotes
/// names nothing and goes all the same.
fn merge_keys(entries: &mut Vec<(Node, Node)>) -> Result<()> {
    let Some(at) = entries.iter().position(|(key, _)| nodes::text(key) == "<<") else { return Ok(()) };
    let mut merges = entries.iter().filter(|(key, _)| key.tag == Tag::Merge);
    let source = merges.next().map(|(_, value)| value.clone());
    if merges.next().is_some() {
        fail!("duplicate merge key");
    }
    entries.remove(at);
    let Some(source) = source else { return Ok(()) };
    let sources: Vec<Node> = match source.kind {
        Kind::Mapping(_) => vec![source],
        Kind::Sequence(items) => {
            for item in &items {
                match item.kind {
                    Kind::Mapping(_) => {}
                    Kind::Sequence(_) => fail!("invalid map merge: received a nested sequence"),
                    _ => fail!("map merge requires map or sequence of maps as the value"),
                }
            }
            items
        }
        _ => fail!("map merge requires map or sequence of maps as the value"),
    };
    for source in sources {
        let Kind::Mapping(fields) = source.kind else { continue };
        for (key, value) in fields {
            if !entries.iter().any(|(ours, _)| nodes::text(ours) == nodes::text(&key)) {
                entries.push((key, value));
            }
        }
    }
    Ok(())
}

/// Leaves out empty documents and refuses those that are no objects.
fn drop_bad(documents: Vec<Node>) -> Result<Vec<Node>> {
    let mut kept = Vec::with_capacity(documents.len());
    for node in documents {
        if nodes::is_empty(&node) {
            continue;
        }
        validate(&node)?;
        kept.push(node);
    }
    Ok(kept)
}

/// Fails on what has no kind or no name.
pub(crate) fn validate(node: &Node) -> Result<()> {
    let has = |path: &[&str]| nodes::at(node, path).is_some_and(|value| !nodes::is_empty(value));
    let any = [["apiVersion"], ["kind"]].iter().any(|path| has(path))
        || [
            ["metadata", "name"],
            ["metadata", "namespace"],
            ["metadata", "labels"],
            ["metadata", "annotations"],
        ]
        .iter()
        .any(|path| has(path));
    if !any {
        fail!("missing Resource metadata");
    }
    let kind = nodes::get(node, "kind").map_or("", nodes::value);
    if kind.is_empty() {
        fail!("missing kind in object {}", show_meta(node));
    }
    if kind.ends_with("List") {
        return Ok(());
    }
    if nodes::at(node, &["metadata", "name"]).map_or("", nodes::value).is_empty() {
        fail!("missing metadata.name in object {}", show_meta(node));
    }
    Ok(())
}

/// Replaces objects of a kind `...List` by their items, which go to the end.
fn take_lists_apart(documents: Vec<Node>, budget: &Budget) -> Result<Vec<Node>> {
    if !documents
        .iter()
        .any(|node| nodes::get(node, "kind").is_some_and(|kind| nodes::text(kind).ends_with("List")))
    {
        return Ok(documents);
    }
    let mut queue: std::collections::VecDeque<Node> = documents.into();
    let mut result = Vec::new();
    while let Some(node) = queue.pop_front() {
        budget.charge(1)?;
        let kind = nodes::get(&node, "kind").map(nodes::smol).unwrap_or_default();
        if !kind.ends_with("List") {
            result.push(node);
            continue;
        }
        if let Some(items) = nodes::get(&node, "items")
            && let Kind::Mapping(entries) = &items.kind
        {
            let is_text = entries.iter().all(|(key, _)| nodes::is_string(key) || key.tag == Tag::Null);
            let got = if is_text { "map[string]interface {}" } else { "map[interface {}]interface {}" };
            fail!("expected array in {kind}/items, but found {got}");
        }
        let value = text::to_value_as_read(&node).map_err(|error| {
            if error.text().starts_with("json: ") {
                return error;
            }
            error
                .told(|text| {
                    format!("received error {text} for the following resource:\n{}", text::show(&node))
                })
                .told(|text| format!("trouble expanding list of {kind}; {text}"))
        })?;
        match value.get("items") {
            None => result.push(node),
            Some(serde_json::Value::Null) => {}
            Some(serde_json::Value::Array(items)) => {
                let mut inner = Vec::with_capacity(items.len());
                for item in items {
                    let node = text::from_json(item);
                    if !nodes::is_empty(&node) {
                        inner.push(node);
                    }
                }
                queue.extend(drop_bad(inner)?);
            }
            Some(other) => {
                let got = match other {
                    serde_json::Value::String(_) => "string",
                    serde_json::Value::Bool(_) => "bool",
                    serde_json::Value::Number(number) if number.is_f64() => "float64",
                    serde_json::Value::Number(_) => "int",
                    _ => "map[string]interface {}",
                };
                fail!("expected array in {kind}/items, but found {got}");
            }
        }
    }
    Ok(result)
}

/// The style of nodes that came out of JSON.
pub(crate) const JSON_STRING: Style = Style::DoubleQuoted;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_separator_lines() {
        assert_eq!(cut("a: 1\n---\nb: 2\n").unwrap(), ["a: 1\n", "b: 2\n"]);
        assert_eq!(cut("a\n--- # x\nb").unwrap(), ["a\n", "b"]);
        assert_eq!(cut("a\n---\n---\nb").unwrap(), ["a\n", "---\nb"]);
        assert!(cut("a\n--- b\nc").is_err());
    }

    #[test]
    fn aliases_and_merge_keys_are_resolved() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n";
        let objects = objects(text.as_bytes(), &Budget::generous()).unwrap();
        assert_eq!(nodes::text(nodes::at(&objects[0], &["y", "a"]).unwrap()), "1");
        assert_eq!(nodes::text(nodes::at(&objects[0], &["y", "b"]).unwrap()), "3");
        assert_eq!(nodes::text(nodes::at(&objects[0], &["z", "b"]).unwrap()), "2");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let fails = |text: &str| objects(text.as_bytes(), &Budget::generous()).unwrap_err().to_string();
        assert_eq!(fails("a: b\n"), "missing Resource metadata");
        assert_eq!(fails("kind: X\n"), "missing metadata.name in object {{ X} {{ } map[] map[]}}");
    }
}
