//! The set, and the algebra over sets.

use std::collections::BTreeMap;

use crate::PathElement;

/// A set of field paths. A path can be in it without its parents, and a parent without its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    pub(crate) nodes: BTreeMap<PathElement, Node>,
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
    /// Whether no path is in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many paths are in it.
    pub fn len(&self) -> usize {
        self.nodes.values().map(|node| usize::from(node.is_member) + node.children.len()).sum()
    }

    /// Adds a path; the empty path is in no set.
    pub fn insert(&mut self, path: impl IntoIterator<Item = PathElement>) {
        let mut path = path.into_iter();
        let Some(first) = path.next() else { return };
        let mut node = self.nodes.entry(first).or_default();
        for element in path {
            node = node.children.nodes.entry(element).or_default();
        }
        node.is_member = true;
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
        rest.iter().try_fold(self.nodes.get(first)?, |node, element| node.children.nodes.get(element))
    }

    /// What is in this set, in the other or in both.
    pub fn union(&self, other: &FieldSet) -> FieldSet {
        let mut out = self.clone();
        for (element, theirs) in &other.nodes {
            let node = out.nodes.entry(element.clone()).or_default();
            node.is_member |= theirs.is_member;
            node.children = node.children.union(&theirs.children);
        }
        out
    }

    /// What is in both.
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        self.build(|element, ours| {
            let theirs = other.nodes.get(element)?;
            Some(Node {
                is_member: ours.is_member && theirs.is_member,
                children: ours.children.intersection(&theirs.children),
            })
        })
    }

    /// What is in this set and not in the other.
    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        self.build(|element, ours| {
            let Some(theirs) = other.nodes.get(element) else { return Some(ours.clone()) };
            Some(Node {
                is_member: ours.is_member && !theirs.is_member,
                children: ours.children.difference(&theirs.children),
            })
        })
    }

    /// What is in this set and neither in the other nor below something in the other.
    pub fn recursive_difference(&self, other: &FieldSet) -> FieldSet {
        self.build(|element, ours| match other.nodes.get(element) {
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
        self.build(|_, ours| {
            Some(Node {
                is_member: ours.is_member && ours.children.is_empty(),
                children: ours.children.leaves(),
            })
        })
    }

    fn build(&self, mut make: impl FnMut(&PathElement, &Node) -> Option<Node>) -> FieldSet {
        let nodes = self.nodes.iter().filter_map(|(element, node)| {
            let made = make(element, node).filter(|made| !made.is_empty())?;
            Some((element.clone(), made))
        });
        FieldSet { nodes: nodes.collect() }
    }

    /// All paths, parents before children.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        fn walk(set: &FieldSet, path: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
            for (element, node) in &set.nodes {
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
