//! Strategic merge: a patch onto an object, lists by the keys of the schema, `$patch` directives.
//!
//! The patch's own new parts are merged with themselves, as kyaml does by walking one node in both roles: directives
//! inside them take effect, nulls in them go, elements of a merging list that have one key become one.

mod list;

use sluice_yaml::{Kind, Node, Style, Tag};
use smol_str::SmolStr;

use crate::error::{Error, Result, fail};
use crate::nodes;
use crate::schema::{Place, Schema};

/// What a `$patch` field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

const DIRECTIVE: &str = "$patch";

/// Merges a patch into an object; `None` when the patch deletes it.
pub(crate) fn merge(object: Node, patch: Node, schema: &Schema) -> Result<Option<Node>> {
    Merger { schema }.walk(Some(object), Some(patch), None, false)
}

pub(crate) struct Merger<'a> {
    schema: &'a Schema,
}

fn missing(node: Option<&Node>) -> bool {
    node.is_none_or(|node| node.tag == Tag::Null)
}

impl Merger<'_> {
    /// `alias`: both sides are one node, so what is taken out of one is gone from the other.
    fn walk(
        &self,
        dest: Option<Node>,
        patch: Option<Node>,
        place: Option<Place>,
        alias: bool,
    ) -> Result<Option<Node>> {
        let place = place.or_else(|| self.place_of(dest.as_ref())).or_else(|| self.place_of(patch.as_ref()));
        let first = [dest.as_ref(), patch.as_ref()].into_iter().flatten().find(|node| node.tag != Tag::Null);
        match first.map(|node| &node.kind) {
            None | Some(Kind::Mapping(_)) => {
                if first.is_some() {
                    for node in [&dest, &patch].into_iter().flatten() {
                        nodes::expect_mapping(node)?;
                    }
                }
                self.walk_map(dest, patch, place, alias)
            }
            Some(Kind::Sequence(_)) => {
                for node in [&dest, &patch].into_iter().flatten() {
                    nodes::expect_sequence(node)?;
                }
                match place.filter(|place| self.schema.merges(*place)) {
                    Some(place) => self.walk_list(dest, patch, place, alias),
                    // Lists without keys are replaced whole.
                    None => Ok(patch.or(dest)),
                }
            }
            Some(Kind::Scalar(_)) => {
                for node in [&dest, &patch].into_iter().flatten() {
                    nodes::expect_scalar(node)?;
                }
                Ok(patch.or(dest))
            }
            Some(Kind::Alias(_)) => Ok(None),
        }
    }

    /// The schema of a node that says its kind itself.
    fn place_of(&self, node: Option<&Node>) -> Option<Place> {
        let node = node.filter(|node| node.tag != Tag::Null)?;
        let api_version = nodes::value(nodes::get(node, "apiVersion")?);
        let kind = nodes::value(nodes::get(node, "kind")?);
        if api_version.is_empty() || kind.is_empty() { None } else { self.schema.kind(api_version, kind) }
    }

    fn walk_map(
        &self,
        dest: Option<Node>,
        mut patch: Option<Node>,
        place: Option<Place>,
        alias: bool,
    ) -> Result<Option<Node>> {
        if missing(dest.as_ref()) {
            if let Some(patch) = patch.as_mut()
                && matches!(map_directive(patch), Ok(Directive::Delete))
            {
                return Ok(None);
            }
            return match (dest, patch) {
                // A null that was written out stays where the patch does not speak of it.
                (Some(dest), None) => Ok((!nodes::text(&dest).is_empty()).then(|| kept_null(&dest))),
                (_, None) => Ok(None),
                (_, Some(patch)) if patch.tag == Tag::Null => Ok(Some(patch)),
                (_, Some(patch)) => self.settle(patch, place),
            };
        }
        let Some(mut dest) = dest else { return Ok(None) };
        if let Some(patch) = patch.as_mut() {
            if patch.tag == Tag::Null {
                return Ok(None);
            }
            let directive = map_directive(patch)?;
            if alias {
                // One node in both roles: its directive is gone from both.
                nodes::clear(&mut dest, DIRECTIVE);
            }
            match directive {
                Directive::Delete => return Ok(None),
                Directive::Replace => {
                    let patch = patch.clone();
                    return self.settle(patch, place);
                }
                Directive::Merge => {}
            }
        }
        self.merge_fields(dest, patch, place, alias)
    }

    /// Merges a node with itself.
    fn settle(&self, node: Node, place: Option<Place>) -> Result<Option<Node>> {
        match &node.kind {
            Kind::Mapping(_) => self.merge_fields(node.clone(), Some(node), place, true),
            _ => Ok(Some(node)),
        }
    }

    fn merge_fields(
        &self,
        mut dest: Node,
        patch: Option<Node>,
        place: Option<Place>,
        alias: bool,
    ) -> Result<Option<Node>> {
        let Kind::Mapping(ours) = &mut dest.kind else { return Ok(Some(dest)) };
        let theirs = match patch.map(|patch| patch.kind) {
            Some(Kind::Mapping(theirs)) => theirs,
            _ => Vec::new(),
        };
        let mut gone = Vec::new();
        for Field { name, ours: at, theirs: patch } in fields(ours, theirs) {
            // Where the patch says nothing, a field that cannot change is left as it is.
            if let (Some(at), None) = (at, &patch)
                && matches!(ours[at].1.kind, Kind::Scalar(_))
                && ours[at].1.tag != Tag::Null
            {
                quote_odd_text(&mut ours[at].1);
                continue;
            }
            let place = place.and_then(|place| self.schema.field(place, &name));
            let (key_style, patch) = match patch {
                Some((key, value)) => (key.style, Some(value)),
                None => (Style::Default, None),
            };
            let had = at.map(|at| std::mem::replace(&mut ours[at].1, Node::null()));
            let (style, tagged, column) = had
                .as_ref()
                .map_or((Style::Default, false, 0), |node| (node.style, node.tagged, node.column));
            let value = self.walk(had, patch, place, alias)?;
            match (at, value.filter(|value| !is_gone(value))) {
                (Some(at), None) => gone.push(at),
                (Some(at), Some(mut value)) => {
                    unkeep(&mut value);
                    if matches!(value.kind, Kind::Scalar(_)) {
                        value.column = column;
                    }
                    (value.style, value.tagged) = (style, tagged);
                    ours[at].1 = value;
                }
                (None, Some(mut value)) => {
                    unkeep(&mut value);
                    quote_odd_text(&mut value);
                    ours.push((nodes::key(name).with_style(key_style), value));
                }
                (None, None) => {}
            }
        }
        gone.sort_unstable();
        for at in gone.into_iter().rev() {
            ours.remove(at);
        }
        Ok(Some(dest))
    }
}

/// A field of either side.
struct Field {
    name: SmolStr,
    /// Its place on our side.
    ours: Option<usize>,
    theirs: Option<(Node, Node)>,
}

/// The fields of both sides, each side's first of a name, in order of names, as kyaml goes; the order matters for which
/// mistake is told and for nothing else.
fn fields(ours: &[(Node, Node)], theirs: Vec<(Node, Node)>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::with_capacity(ours.len() + theirs.len());
    fields.extend(ours.iter().enumerate().map(|(at, (key, _))| Field {
        name: nodes::smol(key),
        ours: Some(at),
        theirs: None,
    }));
    fields.extend(theirs.into_iter().map(|entry| Field {
        name: nodes::smol(&entry.0),
        ours: None,
        theirs: Some(entry),
    }));
    fields.sort_by(|left, right| left.name.cmp(&right.name));
    fields.dedup_by(|next, first| {
        let is_same = next.name == first.name;
        if is_same && first.theirs.is_none() {
            first.theirs = next.theirs.take();
        }
        is_same
    });
    fields
}

/// Text that would be read as something else gets quotes, as kyaml gives them to every value that it sets.
fn quote_odd_text(value: &mut Node) {
    let is_unstyled = value.style == Style::Default && !value.tagged;
    if nodes::is_string(value) && is_unstyled && nodes::is_not_text(nodes::text(value)) {
        value.style = Style::DoubleQuoted;
    }
}

/// The mark of a null that stays.
const KEPT: u32 = u32::MAX;

fn kept_null(node: &Node) -> Node {
    let mut kept = nodes::scalar(nodes::text(node), Tag::Null);
    kept.column = KEPT;
    kept
}

fn is_gone(node: &Node) -> bool {
    node.tag == Tag::Null && node.column != KEPT
}

fn unkeep(node: &mut Node) {
    if node.column == KEPT {
        node.column = 0;
    }
}

/// Reads and takes out a mapping's directive.
fn map_directive(patch: &mut Node) -> Result<Directive> {
    if !matches!(patch.kind, Kind::Mapping(_)) {
        return Err(Error::new(format!(
            "no implemented strategic merge patch strategy for '{}' ('{}')",
            patch.tag.as_str(),
            crate::text::show(patch)
        )));
    }
    let Some(node) = nodes::get(patch, DIRECTIVE) else { return Ok(Directive::Merge) };
    let directive = directive(nodes::text(node))?;
    nodes::clear(patch, DIRECTIVE);
    Ok(directive)
}

fn directive(text: &str) -> Result<Directive> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => fail!("unknown patch strategy '{other}'"),
    }
}
