//! Nodes by field path: keys of mappings, places in sequences.

use crate::node::{Kind, Node};

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The value under a key.
    Key(&'a str),
    /// The item at a place, counted from 0.
    Index(usize),
    /// The first item that is a mapping with this text under this key (`[name=main]`).
    Item { key: &'a str, value: &'a str },
}

impl<'a> Step<'a> {
    /// `[3]`, `[name=main]`, `[=text]` (an item that is this scalar), else a key.
    pub fn parse(text: &'a str) -> Step<'a> {
        let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return Step::Key(text);
        };
        match inside.split_once('=') {
            Some((key, value)) => Step::Item { key, value },
            None => inside.parse().map_or(Step::Key(text), Step::Index),
        }
    }

    fn place(self, items: &[Node]) -> Option<usize> {
        match self {
            Step::Key(_) => None,
            Step::Index(at) => (at < items.len()).then_some(at),
            Step::Item { key: "", value } => items.iter().position(|item| item.as_str() == Some(value)),
            Step::Item { key, value } => items.iter().position(|item| item.get_str(key) == Some(value)),
        }
    }
}

impl<'a> From<&'a str> for Step<'a> {
    fn from(text: &'a str) -> Self {
        Step::parse(text)
    }
}

/// By path. The steps are what `Step::parse` makes of the texts.
impl Node {
    /// The node at the path: `node.at(&["spec", "containers", "[name=main]", "image"])`.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        let mut node = self;
        for text in path {
            let step = Step::parse(text);
            node = match (step, &node.kind) {
                (Step::Key(key), _) => node.get(key)?,
                (step, Kind::Sequence(items)) => items.get(step.place(items)?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Node> {
        let mut node = self;
        for text in path {
            let step = Step::parse(text);
            node = match step {
                Step::Key(key) => node.get_mut(key)?,
                step => {
                    let items = node.items_mut()?;
                    let place = step.place(items)?;
                    items.get_mut(place)?
                }
            };
        }
        Some(node)
    }

    /// The text of the scalar at the path.
    pub fn str_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// The node at the path of keys; mappings that are missing or null on the way are made, and a null at the end.
    /// `None` when something on the way is no mapping.
    pub fn make(&mut self, path: &[&str]) -> Option<&mut Node> {
        let mut node = self;
        for key in path {
            if node.is_null() {
                let line = node.line;
                *node = Node::mapping(Vec::new());
                node.line = line;
            }
            node = node.get_or_insert_with(key, Node::null)?;
        }
        Some(node)
    }

    /// Puts the value at the path of keys, making the mappings on the way. False when something there is no mapping.
    pub fn set_at(&mut self, path: &[&str], value: Node) -> bool {
        match self.make(path) {
            Some(node) => {
                *node = value;
                true
            }
            None => false,
        }
    }

    /// Takes the node at the path out of the mapping or sequence that holds it.
    pub fn remove_at(&mut self, path: &[&str]) -> Option<Node> {
        let (last, parents) = path.split_last()?;
        let parent = self.at_mut(parents)?;
        match Step::parse(last) {
            Step::Key(key) => parent.remove(key),
            step => {
                let items = parent.items_mut()?;
                let place = step.place(items)?;
                Some(items.remove(place))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::emit;
    use crate::parse::{Limits, parse};

    #[test]
    fn paths_reach_into_lists() {
        let text =
            "spec:\n  containers:\n  - name: a\n    image: x\n  - name: b\n    image: y\n  args: [p, q]\n";
        let mut node = parse(text, Limits::default()).unwrap().remove(0);
        assert_eq!(node.str_at(&["spec", "containers", "[name=b]", "image"]), Some("y"));
        assert_eq!(node.str_at(&["spec", "args", "[1]"]), Some("q"));
        assert!(node.at(&["spec", "args", "[=p]"]).is_some());
        assert!(node.at(&["spec", "none", "x"]).is_none());
        assert!(node.remove_at(&["spec", "containers", "[name=a]"]).is_some());
        assert!(node.set_at(&["spec", "deep", "er"], Node::int(1)));
        assert!(!node.set_at(&["spec", "args", "x"], Node::int(1)));
        assert_eq!(
            emit(&node),
            "spec:\n  containers:\n  - name: b\n    image: y\n  args: [p, q]\n  deep:\n    er: 1\n"
        );
    }
}
