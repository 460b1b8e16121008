//! A field spec: which kinds, which path, whether to create it; and the walk to what it names.

use std::sync::Arc;

use sluice_yaml::{Kind, Node, Style, Tag};

use crate::error::{Error, Result};
use crate::ids::{Gvk, ResId};
use crate::nodes;

/// One step of a path. `list` is the hint `[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    name: String,
    list: bool,
    /// What kyaml has against the name.
    flaw: Option<Flaw>,
}

/// Path parts that kyaml takes for list positions fail on a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    Empty,
    Wildcard,
    Position,
}

impl Part {
    fn new(text: String) -> Self {
        let (name, list) = match text.strip_suffix("[]") {
            Some(name) => (name.to_owned(), true),
            None => (text, false),
        };
        let flaw = match name.trim() {
            _ if name.is_empty() => Some(Flaw::Empty),
            "*" => Some(Flaw::Wildcard),
            trimmed if trimmed == "-" || trimmed.parse::<i64>().is_ok() => Some(Flaw::Position),
            _ => None,
        };
        Self { name, list, flaw }
    }

    fn refused(&self, flaw: Flaw) -> Error {
        let text = match flaw {
            Flaw::Empty => return Error::new("cannot set or create an empty field name"),
            Flaw::Wildcard => "wildcard is not supported in PathGetter",
            Flaw::Position => "wrong node kind: expected SequenceNode but got MappingNode",
        };
        Error::new(text).within(format_args!("fieldName: {}", self.name))
    }
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
        let parts = nodes::split_path(path, '/').into_iter().map(Part::new).collect();
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
        if id.gvk.is_selected(&self.gvk) { self.apply_to_any(id, object, create, set) } else { Ok(()) }
    }

    /// As `apply`, whatever kind the object is of.
    pub(crate) fn apply_to_any(
        &self,
        id: &ResId,
        object: &mut Node,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<()>,
    ) -> Result<()> {
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
            if let Some(flaw) = part.flaw {
                return Err(part.refused(flaw));
            }
            // What is made on the way, and what a null there becomes; nothing where the path does not create.
            let made = match create {
                Create::Never => None,
                _ if part.list => None,
                _ if rest.is_empty() => Some(create),
                _ => Some(Create::Mapping),
            };
            let at = match entries.iter().position(|(key, _)| nodes::text(key) == part.name) {
                Some(at) => at,
                None => {
                    let Some(made) = made else { return Ok(()) };
                    entries.push((nodes::key(part.name.as_str()), made.node()));
                    entries.len() - 1
                }
            };
            let field = &mut entries[at].1;
            if field.tag == Tag::Null {
                if let Some(made) = made {
                    become_kind(field, made);
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
fn become_kind(node: &mut Node, create: Create) {
    if create == Create::Mapping {
        node.kind = Kind::Mapping(Vec::new());
        node.style = Style::Default;
    }
    node.tag = create.tag();
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.name, if self.list { "[]" } else { "" })
    }
}
