//! Which touches each value of one object has had: a tree beside the object's own, carried along as the object changes.
//!
//! Nothing in the transformers knows of it. After each of them the object is held against what it was before: values
//! that stay keep their marks, and the others get the new touch.

use sluice_yaml::{Kind, Node, Tag};
use smol_str::SmolStr;

use crate::nodes;

/// Touches of the values below a node, first one first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// A scalar, or a collection with nothing in it.
    Leaf(Vec<u32>),
    Map(Vec<(SmolStr, Mark)>),
    List(Vec<Mark>),
}

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Field(SmolStr),
    /// A place in a list, and what tells the element apart from others.
    Item(usize, Name),
}

/// What tells an element of a list apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Name {
    Key(&'static str, SmolStr),
    Text(SmolStr),
    None,
}

/// Fields by which elements of lists are known, the surest first.
const KEYS: [&str; 12] = [
    "name",
    "mountPath",
    "devicePath",
    "containerPort",
    "port",
    "ip",
    "topologyKey",
    "key",
    "host",
    "path",
    "kind",
    "type",
];

impl Name {
    pub(crate) fn of(node: &Node) -> Name {
        match &node.kind {
            Kind::Scalar(text) => Name::Text(text.clone()),
            Kind::Mapping(_) => KEYS
                .into_iter()
                .find_map(|key| match nodes::get(node, key).map(|value| &value.kind) {
                    Some(Kind::Scalar(text)) => Some(Name::Key(key, text.clone())),
                    _ => None,
                })
                .unwrap_or(Name::None),
            _ => Name::None,
        }
    }

    fn is_of(&self, node: &Node) -> bool {
        *self != Name::None && Name::of(node) == *self
    }
}

/// An object as it was, and its marks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trace {
    pub node: Node,
    pub mark: Mark,
}

/// Finds the number of the touch for a value: the way to it, what it is, and what it was.
pub(crate) type Touching<'a> = dyn FnMut(&[Step], &Node, Option<(&Node, &[u32])>) -> u32 + 'a;

impl Trace {
    /// The first look at an object, or the next one.
    pub(crate) fn after(old: Option<&Trace>, new: &Node, touching: &mut Touching<'_>) -> Trace {
        let old = old.map(|trace| (&trace.node, &trace.mark));
        let mark = carry(old, new, &mut Vec::new(), touching);
        Trace { node: new.clone(), mark }
    }

    /// One object out of two: values that the newer one has are its own, the others those of the older one.
    pub(crate) fn join(older: &Trace, newer: &Trace, node: &Node) -> Trace {
        let mark = carry(Some((&older.node, &older.mark)), node, &mut Vec::new(), &mut |steps, _, old| {
            newer
                .chain(steps)
                .and_then(|chain| chain.last().copied())
                .or_else(|| old?.1.last().copied())
                .unwrap_or(0)
        });
        Trace { node: node.clone(), mark }
    }

    /// The touches of a value.
    pub(crate) fn chain(&self, steps: &[Step]) -> Option<&[u32]> {
        let mut mark = &self.mark;
        for step in steps {
            mark = match (step, mark) {
                (Step::Field(name), Mark::Map(fields)) => &fields.iter().find(|(field, _)| field == name)?.1,
                (Step::Item(at, _), Mark::List(items)) => items.get(*at)?,
                _ => return None,
            };
        }
        match mark {
            Mark::Leaf(chain) => Some(chain),
            _ => None,
        }
    }
}

fn is_same(old: &Node, new: &Node) -> bool {
    match (&old.kind, &new.kind) {
        (Kind::Scalar(a), Kind::Scalar(b)) => a == b || (old.tag == Tag::Null && new.tag == Tag::Null),
        (Kind::Mapping(a), Kind::Mapping(b)) => a.is_empty() && b.is_empty(),
        (Kind::Sequence(a), Kind::Sequence(b)) => a.is_empty() && b.is_empty(),
        _ => false,
    }
}

fn carry(
    old: Option<(&Node, &Mark)>,
    new: &Node,
    steps: &mut Vec<Step>,
    touching: &mut Touching<'_>,
) -> Mark {
    match &new.kind {
        Kind::Mapping(entries) if !entries.is_empty() => {
            let mut marks = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let name = nodes::smol(key);
                let before = old.and_then(|(node, mark)| match mark {
                    Mark::Map(fields) => {
                        let (_, mark) = fields.iter().find(|(field, _)| *field == name)?;
                        Some((nodes::get(node, &name)?, mark))
                    }
                    _ => None,
                });
                steps.push(Step::Field(name.clone()));
                marks.push((name, carry(before, value, steps, touching)));
                steps.pop();
            }
            Mark::Map(marks)
        }
        Kind::Sequence(items) if !items.is_empty() => {
            let before: Vec<(&Node, &Mark)> = match old {
                Some((node, Mark::List(marks))) => nodes::items(node).iter().zip(marks).collect(),
                _ => Vec::new(),
            };
            let partners = partners(&before, items);
            let mut marks = Vec::with_capacity(items.len());
            for (at, item) in items.iter().enumerate() {
                steps.push(Step::Item(at, Name::of(item)));
                marks.push(carry(partners[at].map(|partner| before[partner]), item, steps, touching));
                steps.pop();
            }
            Mark::List(marks)
        }
        _ => match old {
            Some((node, Mark::Leaf(chain))) if is_same(node, new) => Mark::Leaf(chain.clone()),
            Some((node, Mark::Leaf(chain))) => {
                let touch = touching(steps, new, Some((node, chain)));
                let mut chain = chain.clone();
                if chain.last() != Some(&touch) {
                    chain.push(touch);
                }
                Mark::Leaf(chain)
            }
            _ => Mark::Leaf(vec![touching(steps, new, None)]),
        },
    }
}

fn fits(old: &Node, new: &Node, by_name: bool) -> bool {
    if by_name { Name::of(new).is_of(old) } else { old.same_value(new) }
}

/// Which element of the old list each of the new one was: the same whole, else one of the same name, else the one at
/// its place where the lists are equally long.
fn partners(old: &[(&Node, &Mark)], new: &[Node]) -> Vec<Option<usize>> {
    let mut taken = vec![false; old.len()];
    let mut partners: Vec<Option<usize>> = vec![None; new.len()];
    for by_name in [false, true] {
        for (at, item) in new.iter().enumerate() {
            if partners[at].is_some() {
                continue;
            }
            let found = (0..old.len()).find(|&place| !taken[place] && fits(old[place].0, item, by_name));
            if let Some(place) = found {
                taken[place] = true;
                partners[at] = Some(place);
            }
        }
    }
    if old.len() == new.len() {
        for at in 0..new.len() {
            if partners[at].is_none() && !taken[at] {
                partners[at] = Some(at);
            }
        }
    }
    partners
}

/// Goes along a way in another tree as far as it leads: the last node on it, and whether that is the end.
pub(crate) fn follow<'a>(tree: &'a Node, steps: &[Step]) -> (&'a Node, bool) {
    let mut node = tree;
    for step in steps {
        let next = match step {
            Step::Field(name) => nodes::get(node, name),
            Step::Item(at, name) => {
                let items = nodes::items(node);
                let there = items.get(*at).filter(|item| *name == Name::None || name.is_of(item));
                there.or_else(|| items.iter().find(|item| name.is_of(item)))
            }
        };
        match next {
            Some(next) => node = next,
            None => return (node, false),
        }
    }
    (node, true)
}
