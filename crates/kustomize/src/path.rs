//! Field paths of replacements and vars: plain lookup, and the search that matches many and creates.

use sluice_yaml::{Kind, Node};

use crate::error::{Error, Result, fail};
use crate::nodes;
use crate::selector::expression;

/// The step to one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Field(usize),
    Item(usize),
}

/// What a path creates at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    Scalar,
    Mapping,
    Sequence,
}

impl Made {
    pub(crate) fn like(node: &Node) -> Made {
        match node.kind {
            Kind::Mapping(_) => Made::Mapping,
            Kind::Sequence(_) => Made::Sequence,
            _ => Made::Scalar,
        }
    }

    fn node(self) -> Node {
        match self {
            Made::Scalar => nodes::untagged(""),
            Made::Mapping => nodes::mapping(),
            Made::Sequence => Node::sequence(Vec::new()),
        }
    }

    /// What stands before the next part.
    fn before(next: Option<&String>, last: Made) -> Made {
        match next {
            None => last,
            Some(next) if is_list_part(next) || is_index(next) => Made::Sequence,
            Some(_) => Made::Mapping,
        }
    }
}

fn is_list_part(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

fn is_index(part: &str) -> bool {
    part.parse::<i64>().is_ok_and(|index| index >= 0)
}

/// `[name=x]` to (`name`, `x`).
fn split_list_part(part: &str) -> Result<(&str, &str)> {
    let inside = part.strip_suffix(']').unwrap_or(part);
    let inside = inside.strip_prefix('[').unwrap_or(inside);
    inside
        .split_once('=')
        .ok_or_else(|| Error::new("list path element must contain fieldName=fieldValue for element to match"))
}

/// The node that a path names; nothing when a part is missing.
pub(crate) fn lookup<'a>(node: &'a Node, path: &[String]) -> Result<Option<&'a Node>> {
    nodes::check_path(path.len())?;
    let mut at = node;
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let found = if let Ok(index) = part.parse::<i64>() {
            if index < 0 {
                fail!("array index {index} cannot be negative");
            }
            nodes::expect_sequence(at)?;
            nodes::items(at).get(index as usize)
        } else if part == "-" {
            nodes::expect_sequence(at)?;
            nodes::items(at).last()
        } else if part == "*" {
            fail!("wildcard is not supported in PathGetter");
        } else if is_list_part(part) {
            let (name, value) = split_list_part(part)?;
            nodes::expect_sequence(at)?;
            nodes::items(at).iter().find(|item| {
                if name.is_empty() {
                    nodes::text(item) == value
                } else {
                    nodes::get(item, name).is_some_and(|field| nodes::text(field) == value)
                }
            })
        } else {
            nodes::expect_mapping(at)?;
            nodes::get(at, part)
        };
        match found {
            Some(found) => at = found,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// As `lookup`, for change; makes missing fields (not list positions) when told what stands at the end. Nothing is
/// made in a null.
pub(crate) fn lookup_create<'a>(
    node: &'a mut Node,
    path: &[String],
    last: Made,
) -> Result<Option<&'a mut Node>> {
    nodes::check_path(path.len())?;
    let mut at = node;
    for (index, part) in path.iter().enumerate() {
        if at.tag == sluice_yaml::Tag::Null {
            return Ok(None);
        }
        let made = Made::before(path.get(index + 1), last);
        if is_index(part) {
            nodes::expect_sequence(at)?;
            let Kind::Sequence(items) = &mut at.kind else { fail!("no element {part}") };
            let place = part.parse::<usize>().unwrap_or(usize::MAX);
            at = items.get_mut(place).ok_or_else(|| Error::new(format!("no element {part}")))?;
            continue;
        }
        if is_list_part(part) {
            let (name, value) = split_list_part(part)?;
            nodes::expect_sequence(at)?;
            if !matches!(at.kind, Kind::Sequence(_)) {
                *at = Node::sequence(Vec::new());
            }
            let Kind::Sequence(items) = &mut at.kind else { fail!("not a sequence") };
            let found = items.iter().position(|item| {
                if name.is_empty() {
                    nodes::text(item) == value
                } else {
                    nodes::get(item, name).is_some_and(|field| nodes::text(field) == value)
                }
            });
            let place = found.unwrap_or_else(|| {
                items.push(element(name, value));
                items.len() - 1
            });
            at = &mut items[place];
            continue;
        }
        let entries = nodes::entries_mut(at)?;
        let place = entries.iter().position(|(key, _)| nodes::text(key) == part).unwrap_or_else(|| {
            entries.push((nodes::key(part.as_str()), made.node()));
            entries.len() - 1
        });
        at = &mut entries[place].1;
    }
    Ok(Some(at))
}

fn element(name: &str, value: &str) -> Node {
    if name.is_empty() {
        nodes::untagged(value)
    } else {
        Node::mapping(vec![(nodes::key(name), nodes::untagged(value))])
    }
}

/// What a search has found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The steps to every node that matches.
    pub steps: Vec<Vec<Step>>,
    /// Matches in documents that the tree holds as text: they count as found, and writes to them are lost.
    pub in_text: usize,
}

impl Found {
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.in_text == 0
    }
}

/// Everything that a path matches. `create` makes what is missing.
pub(crate) fn search(node: &mut Node, path: &[String], create: Option<Made>) -> Result<Found> {
    nodes::check_path(path.len())?;
    let mut found = Found::default();
    descend(node, path, create, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn descend(
    node: &mut Node,
    path: &[String],
    create: Option<Made>,
    steps: &mut Vec<Step>,
    found: &mut Found,
) -> Result<()> {
    let Some((part, rest)) = path.split_first() else {
        found.steps.push(steps.clone());
        return Ok(());
    };
    if is_index(part) {
        return index(node, part, rest, create, steps, found);
    }
    if is_list_part(part) {
        return elements(node, part, rest, create, steps, found);
    }
    if part == "*" {
        nodes::expect_sequence(node)?;
        if let Kind::Sequence(items) = &mut node.kind {
            for (at, item) in items.iter_mut().enumerate() {
                steps.push(Step::Item(at));
                descend(item, rest, create, steps, found)?;
                steps.pop();
            }
        }
        return Ok(());
    }
    // A field. Nothing is found in a null.
    if node.tag != sluice_yaml::Tag::Null {
        nodes::expect_mapping(node)?;
    }
    let at = match &node.kind {
        Kind::Mapping(entries) => entries.iter().position(|(key, _)| nodes::text(key) == part),
        _ => None,
    };
    let at = match (at, create) {
        (Some(at), _) => at,
        (None, None) => return Ok(()),
        (None, Some(made)) => {
            let entries = nodes::entries_mut(node)?;
            entries.push((nodes::key(part.as_str()), Made::before(rest.first(), made).node()));
            entries.len() - 1
        }
    };
    let Kind::Mapping(entries) = &mut node.kind else { return Ok(()) };
    let value = &mut entries[at].1;
    if let (Some(next), Kind::Scalar(_)) = (rest.first(), &value.kind) {
        // Text that holds a document is searched, but what is found there is not part of this tree.
        let Some(mut inner) = crate::text::parse_first(nodes::text(value).as_bytes())? else {
            let is_list = is_index(next) || is_list_part(next) || next == "*";
            let wanted = if is_list { "SequenceNode" } else { "MappingNode" };
            fail!("wrong node kind: expected {wanted} but got : node contents:\nnull\n");
        };
        let mut inside = Found::default();
        descend(&mut inner, rest, create, &mut Vec::new(), &mut inside)?;
        found.in_text += inside.steps.len() + inside.in_text;
        return Ok(());
    }
    steps.push(Step::Field(at));
    descend(value, rest, create, steps, found)?;
    steps.pop();
    Ok(())
}

fn index(
    node: &mut Node,
    part: &str,
    rest: &[String],
    create: Option<Made>,
    steps: &mut Vec<Step>,
    found: &mut Found,
) -> Result<()> {
    let at: usize = part.parse().map_err(|_| Error::new(format!("index {part} is out of range")))?;
    nodes::expect_sequence(node)?;
    if let (Some(made), true) = (create, nodes::items(node).len() == at) {
        if !matches!(node.kind, Kind::Sequence(_)) {
            *node = Node::sequence(Vec::new());
        }
        if let Kind::Sequence(items) = &mut node.kind {
            items.push(Made::before(rest.first(), made).node());
        }
    }
    let length = nodes::items(node).len();
    let Kind::Sequence(items) = &mut node.kind else {
        fail!("index {at} specified but only {length} elements found");
    };
    let Some(item) = items.get_mut(at) else {
        fail!("index {at} specified but only {length} elements found")
    };
    steps.push(Step::Item(at));
    descend(item, rest, create, steps, found)?;
    steps.pop();
    Ok(())
}

fn elements(
    node: &mut Node,
    part: &str,
    rest: &[String],
    create: Option<Made>,
    steps: &mut Vec<Step>,
    found: &mut Found,
) -> Result<()> {
    let (name, pattern) = split_list_part(part)?;
    nodes::expect_sequence(node)?;
    let pattern_text = pattern;
    let pattern = expression(pattern)?;
    let before = found.steps.len() + found.in_text;
    for round in 0..2 {
        if let Kind::Sequence(items) = &mut node.kind {
            for (at, item) in items.iter_mut().enumerate() {
                let text = if name.is_empty() {
                    Some(crate::text::show(item))
                } else {
                    nodes::get(item, name).map(crate::text::show)
                };
                if !text.is_some_and(|text| pattern.is_match(text.trim())) {
                    continue;
                }
                steps.push(Step::Item(at));
                if name.is_empty() {
                    found.steps.push(steps.clone());
                } else {
                    descend(item, rest, create, steps, found)?;
                }
                steps.pop();
            }
        }
        if create.is_none() || found.steps.len() + found.in_text > before || round == 1 {
            break;
        }
        if !matches!(node.kind, Kind::Sequence(_)) {
            *node = Node::sequence(Vec::new());
        }
        if let Kind::Sequence(items) = &mut node.kind {
            items.push(element(name, pattern_text));
        }
    }
    Ok(())
}

/// The node at the end of some steps.
pub(crate) fn follow<'a>(node: &'a mut Node, steps: &[Step]) -> Option<&'a mut Node> {
    steps.iter().try_fold(node, |node, step| match (step, &mut node.kind) {
        (Step::Field(at), Kind::Mapping(entries)) => entries.get_mut(*at).map(|(_, value)| value),
        (Step::Item(at), Kind::Sequence(items)) => items.get_mut(*at),
        _ => None,
    })
}

/// As `follow`, for reading.
pub(crate) fn follow_to_read<'a>(node: &'a Node, steps: &[Step]) -> Option<&'a Node> {
    steps.iter().try_fold(node, |node, step| match (step, &node.kind) {
        (Step::Field(at), Kind::Mapping(entries)) => entries.get(*at).map(|(_, value)| value),
        (Step::Item(at), Kind::Sequence(items)) => items.get(*at),
        _ => None,
    })
}

/// The steps to a node of a tree: to this very one, not to one that is equal.
pub(crate) fn steps_to(tree: &Node, wanted: &Node) -> Option<Vec<Step>> {
    if std::ptr::eq(tree, wanted) {
        return Some(Vec::new());
    }
    let below = |step: Step, child: &Node| {
        let mut steps = steps_to(child, wanted)?;
        steps.insert(0, step);
        Some(steps)
    };
    match &tree.kind {
        Kind::Mapping(entries) => {
            entries.iter().enumerate().find_map(|(at, (_, value))| below(Step::Field(at), value))
        }
        Kind::Sequence(items) => items.iter().enumerate().find_map(|(at, item)| below(Step::Item(at), item)),
        _ => None,
    }
}
