//! A field spec: which kinds, which path, whether to create it; and the walk to what it names.

use std::sync::Arc;

use sluice_yaml::{Kind, Node, Style, Tag};

use crate::error::{Error, Result, fail};
use crate::ids::{Gvk, ResId};
use crate::nodes;

/// One step of a path. `list` is the hint `[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    name: String,
    list: bool,
}

/// A field of some kinds.
#[derive(Debug, Clone)]
pub struct FieldSpec {
    pub gvk: Gvk,
    pub path: String,
    pub create: bool,
    parts: Arc<[Part]>,
}

impl PartialEq for FieldSpec {
    fn eq(&self, other: &Self) -> bool {
        self.gvk == other.gvk && self.path == other.path && self.create == other.create
    }
}

/// What stands at the end of a path that has to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// Nothing is made, whatever the spec says.
    Never,
    Mapping,
    String,
    /// A scalar whose meaning its text decides.
    Untagged,
    Int,
}

impl Create {
    fn node(self) -> Node {
        match self {
            Create::Mapping | Create::Never => nodes::mapping(),
            // kyaml makes the place without a tag; the value brings one.
            Create::String | Create::Untagged | Create::Int => nodes::untagged(""),
        }
    }

    fn tag(self) -> Tag {
        match self {
            Create::Mapping | Create::Never => Tag::Map,
            Create::String => Tag::Str,
            Create::Untagged => nodes::no_tag(),
            Create::Int => Tag::Int,
        }
    }
}

impl FieldSpec {
    pub fn new(gvk: Gvk, path: &str, create: bool) -> Self {
        let parts = nodes::split_path(path, '/')
            .into_iter()
            .map(|part| match part.strip_suffix("[]") {
                Some(name) => Part { name: name.to_owned(), list: true },
                None => Part { name: part, list: false },
            })
            .collect();
        Self { gvk, path: path.to_owned(), create, parts }
    }

    /// True when a spec of the other kind would say the same about us.
    pub(crate) fn is_covered_by(&self, other: &FieldSpec) -> bool {
        self.path == other.path && self.gvk.is_selected(&other.gvk)
    }

    /// Calls `set` on every node that the path names in an object of this kind.
    pub(crate) fn apply(
        &self,
        id: &ResId,
        object: &mut Node,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<()>,
    ) -> Result<()> {
        if !id.gvk.is_selected(&self.gvk) {
            return Ok(());
        }
        nodes::check_path(self.parts.len())?;
        let create = if self.create { create } else { Create::Never };
        walk(object, &self.parts, create, set)
            .map_err(|error| error.within(format_args!("considering field '{}' of object {id}", self.path)))
    }
}

fn walk(
    node: &mut Node,
    parts: &[Part],
    create: Create,
    set: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    let Some((part, rest)) = parts.split_first() else { return set(node) };
    if node.tag == Tag::Null {
        return Ok(());
    }
    match &mut node.kind {
        Kind::Sequence(items) => {
            for item in items {
                walk(item, parts, create, set).map_err(|error| {
                    let path: Vec<String> = parts.iter().map(Part::to_string).collect();
                    error.within(format_args!("visit traversal on path: [{}]", path.join(" ")))
                })?;
            }
            Ok(())
        }
        Kind::Mapping(entries) => {
            if part.name.is_empty() {
                fail!("cannot set or create an empty field name");
            }
            if let Some(error) = not_a_name(&part.name) {
                return Err(error.within(format_args!("fieldName: {}", part.name)));
            }
            // What a null on the way becomes; nothing where the path does not create.
            let (made, tag): (Option<Node>, Option<Tag>) = if create == Create::Never || part.list {
                (None, None)
            } else if rest.is_empty() {
                (Some(create.node()), Some(create.tag()))
            } else {
                (Some(nodes::mapping()), Some(Tag::Map))
            };
            let at = match entries.iter().position(|(key, _)| nodes::text(key) == part.name) {
                Some(at) => at,
                None => {
                    let Some(made) = made else { return Ok(()) };
                    entries.push((nodes::key(part.name.as_str()), made));
                    entries.len() - 1
                }
            };
            let field = &mut entries[at].1;
            if field.tag == Tag::Null {
                if let Some(tag) = tag {
                    become_kind(field, if rest.is_empty() { create } else { Create::Mapping }, tag);
                } else if part.list {
                    field.kind = Kind::Sequence(Vec::new());
                    field.tag = Tag::Seq;
                    field.style = Style::Default;
                }
            }
            walk(field, rest, create, set)
        }
        _ => Err(Error::new("expected sequence or mapping node")),
    }
}

/// A null that a path creates into keeps its text and takes the kind's tag.
fn become_kind(node: &mut Node, create: Create, tag: Tag) {
    if create == Create::Mapping {
        node.kind = Kind::Mapping(Vec::new());
        node.style = Style::Default;
    }
    node.tag = tag;
}

/// Path parts that kyaml takes for list positions fail on a mapping.
fn not_a_name(name: &str) -> Option<Error> {
    let trimmed = name.trim();
    if trimmed == "*" {
        return Some(Error::new("wildcard is not supported in PathGetter"));
    }
    if trimmed == "-" || trimmed.parse::<i64>().is_ok() {
        return Some(Error::new("wrong node kind: expected SequenceNode but got MappingNode"));
    }
    None
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.name, if self.list { "[]" } else { "" })
    }
}
