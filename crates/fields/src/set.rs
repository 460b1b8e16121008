//! The set, and the algebra over sets.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::PathElement;

/// A set of field paths. A path can be in it without its parents, and a parent without its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// In order, each element once; none where there are none. What sets are made of is shared between them.
    nodes: Option<Arc<Vec<(PathElement, Node)>>>,
}

/// What stands below one step. Nodes that are neither in the set nor have children do not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Whether the path that ends here is in the set.
    pub is_member: bool,
    pub children: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.is_member && self.children.is_empty()
    }
}

impl FieldSet {
    fn of(nodes: Vec<(PathElement, Node)>) -> Self {
        Self { nodes: (!nodes.is_empty()).then(|| Arc::new(nodes)) }
    }

    /// Of nodes in any order, the same element perhaps more than once.
    pub(crate) fn of_any(nodes: Vec<(PathElement, Node)>) -> Self {
        if nodes.is_sorted_by(|(a, _), (b, _)| a < b) && nodes.iter().all(|(_, node)| !node.is_empty()) {
            return Self::of(nodes);
        }
        let mut set = FieldSet::default();
        for (element, node) in nodes {
            set.add(element, node.is_member, node.children);
        }
        set
    }

    pub(crate) fn nodes(&self) -> &[(PathElement, Node)] {
        self.nodes.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Whether no path is in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_none()
    }

    fn is_shared_with(&self, other: &FieldSet) -> bool {
        matches!((&self.nodes, &other.nodes), (Some(ours), Some(theirs)) if Arc::ptr_eq(ours, theirs))
    }

    /// How many paths are in it.
    pub fn len(&self) -> usize {
        self.nodes().iter().map(|(_, node)| usize::from(node.is_member) + node.children.len()).sum()
    }

    /// Adds a path; the empty path is in no set.
    pub fn insert(&mut self, path: impl IntoIterator<Item = PathElement>) {
        let mut path = path.into_iter();
        let Some(first) = path.next() else { return };
        let mut node = self.entry(first);
        for element in path {
            node = node.children.entry(element);
        }
        node.is_member = true;
    }

    /// Adds an element with all that stands below it, to what is there already. Where elements come in order, as they do
    /// out of a map, each costs the same.
    pub fn add(&mut self, element: PathElement, is_member: bool, children: FieldSet) {
        if !is_member && children.is_empty() {
            return;
        }
        let nodes = Arc::make_mut(self.nodes.get_or_insert_default());
        if nodes.last().is_none_or(|(last, _)| *last < element) {
            nodes.push((element, Node { is_member, children }));
            return;
        }
        let node = self.entry(element);
        node.is_member |= is_member;
        node.children = if node.children.is_empty() { children } else { node.children.union(&children) };
    }

    /// The node of an element, made where it is missing.
    fn entry(&mut self, element: PathElement) -> &mut Node {
        let is_last = self.nodes().last().is_none_or(|(last, _)| *last < element);
        let found = if is_last { Err(self.nodes().len()) } else { self.find(&element) };
        let nodes = Arc::make_mut(self.nodes.get_or_insert_default());
        let at = found.unwrap_or_else(|at| {
            nodes.insert(at, (element, Node::default()));
            at
        });
        &mut nodes[at].1
    }

    fn find(&self, element: &PathElement) -> Result<usize, usize> {
        self.nodes().binary_search_by(|(known, _)| known.cmp(element))
    }

    fn get(&self, element: &PathElement) -> Option<&Node> {
        self.find(element).ok().map(|at| &self.nodes()[at].1)
    }

    /// Whether a path is in it.
    pub fn has(&self, path: &[PathElement]) -> bool {
        self.node(path).is_some_and(|node| node.is_member)
    }

    /// Whether a path or anything below it is in it.
    pub fn touches(&self, path: &[PathElement]) -> bool {
        path.is_empty() && !self.is_empty() || self.node(path).is_some()
    }

    /// What stands below a path.
    pub fn below(&self, path: &[PathElement]) -> Option<&FieldSet> {
        if path.is_empty() { Some(self) } else { self.node(path).map(|node| &node.children) }
    }

    fn node(&self, path: &[PathElement]) -> Option<&Node> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.get(first)?, |node, element| node.children.get(element))
    }

    /// What is in this set, in the other or in both.
    pub fn union(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || self.is_shared_with(other) {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        let mut nodes = Vec::with_capacity(self.nodes().len().max(other.nodes().len()));
        let (mut ours, mut theirs) = (self.nodes().iter().peekable(), other.nodes().iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => return FieldSet::of(nodes),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let mine = if order.is_le() { ours.next() } else { None };
            let other = if order.is_ge() { theirs.next() } else { None };
            match (mine, other) {
                (Some((element, a)), Some((_, b))) => {
                    let children = a.children.union(&b.children);
                    nodes.push((element.clone(), Node { is_member: a.is_member || b.is_member, children }));
                }
                (Some(one), None) | (None, Some(one)) => nodes.push(one.clone()),
                (None, None) => {}
            }
        }
    }

    /// What is in both.
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || other.is_empty() {
            return FieldSet::default();
        }
        if self.is_shared_with(other) {
            return self.clone();
        }
        self.beside(other, |ours, theirs| {
            let theirs = theirs?;
            Some(Node {
                is_member: ours.is_member && theirs.is_member,
                children: ours.children.intersection(&theirs.children),
            })
        })
    }

    /// What is in this set and not in the other.
    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        if other.is_empty() {
            return self.clone();
        }
        self.beside(other, |ours, theirs| {
            let Some(theirs) = theirs else { return Some(ours.clone()) };
            Some(Node {
                is_member: ours.is_member && !theirs.is_member,
                children: ours.children.difference(&theirs.children),
            })
        })
    }

    /// Whether all that is in it is in the other.
    pub fn is_within(&self, other: &FieldSet) -> bool {
        let mut theirs = other.nodes().iter();
        self.is_shared_with(other)
            || self.nodes().iter().all(|(element, ours)| {
                theirs.by_ref().find(|(known, _)| known >= element).is_some_and(|(known, theirs)| {
                    known == element
                        && (theirs.is_member || !ours.is_member)
                        && ours.children.is_within(&theirs.children)
                })
            })
    }

    /// What is in this set and neither in the other nor below something in the other.
    pub fn recursive_difference(&self, other: &FieldSet) -> FieldSet {
        if other.is_empty() {
            return self.clone();
        }
        self.beside(other, |ours, theirs| match theirs {
            None => Some(ours.clone()),
            Some(theirs) if theirs.is_member => None,
            Some(theirs) => Some(Node {
                is_member: ours.is_member,
                children: ours.children.recursive_difference(&theirs.children),
            }),
        })
    }

    /// The paths below which no other path is in it.
    pub fn leaves(&self) -> FieldSet {
        self.beside(&FieldSet::default(), |ours, _| {
            Some(Node {
                is_member: ours.is_member && ours.children.is_empty(),
                children: ours.children.leaves(),
            })
        })
    }

    /// A set of what is made of each node and of its counterpart in another set.
    fn beside(
        &self,
        other: &FieldSet,
        mut make: impl FnMut(&Node, Option<&Node>) -> Option<Node>,
    ) -> FieldSet {
        let mut theirs = other.nodes().iter().peekable();
        let nodes = self.nodes().iter().filter_map(|(element, node)| {
            while theirs.next_if(|(known, _)| known < element).is_some() {}
            let counterpart = theirs.next_if(|(known, _)| known == element).map(|(_, node)| node);
            let made = make(node, counterpart).filter(|made| !made.is_empty())?;
            Some((element.clone(), made))
        });
        FieldSet::of(nodes.collect())
    }

    /// All paths, parents before children.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        fn walk(set: &FieldSet, path: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
            for (element, node) in set.nodes() {
                path.push(element.clone());
                if node.is_member {
                    out.push(path.clone());
                }
                walk(&node.children, path, out);
                path.pop();
            }
        }
        let mut out = Vec::new();
        walk(self, &mut Vec::new(), &mut out);
        out
    }
}

impl FromIterator<Vec<PathElement>> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Vec<PathElement>>>(paths: I) -> Self {
        let mut set = FieldSet::default();
        for path in paths {
            set.insert(path);
        }
        set
    }
}
