//! Aliases replaced by what they stand for, and merge keys (`<<`) by what they merge, as kyaml does after reading.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::error::Error;
use crate::node::{Kind, Node};
use crate::parse::Limits;

/// Replaces all aliases and merges in the tree and takes the anchors away.
/// Explicit keys win over merged ones, which are appended; of several sources the first wins.
pub fn expand_aliases(root: &mut Node, limits: Limits) -> Result<(), Error> {
    let mut expander = Expander { known: HashMap::new(), open: Vec::new(), left: limits.expanded };
    expander.expand(root)
}

struct Expander {
    known: HashMap<SmolStr, Node>,
    /// Anchors whose nodes are being expanded.
    open: Vec<SmolStr>,
    left: usize,
}

fn wrong(message: &str) -> Error {
    Error::verbatim(message.to_owned())
}

impl Expander {
    fn expand(&mut self, node: &mut Node) -> Result<(), Error> {
        let anchor = node.anchor.take();
        if let Some(name) = &anchor {
            self.open.push((**name).clone());
        }
        match &mut node.kind {
            Kind::Scalar(_) => {}
            Kind::Alias(name) => {
                let copy = self.copy_of(name)?;
                *node = copy;
            }
            Kind::Sequence(items) => {
                for item in items {
                    self.expand(item)?;
                }
            }
            Kind::Mapping(entries) => self.mapping(entries)?,
        }
        if let Some(name) = anchor {
            self.open.pop();
            let copy = self.copy(node)?;
            self.known.insert(*name, copy);
        }
        Ok(())
    }

    fn mapping(&mut self, entries: &mut Vec<(Node, Node)>) -> Result<(), Error> {
        let mut merge = None;
        for (key, value) in entries.iter_mut() {
            let kind_as_written = Written::of(value);
            self.expand(key)?;
            self.expand(value)?;
            if key.is_merge() {
                if merge.is_some() {
                    return Err(wrong("duplicate merge key"));
                }
                merge = Some((kind_as_written, value.clone()));
            }
        }
        if let Some(at) = entries.iter().position(|(key, _)| key.as_str() == Some("<<")) {
            entries.remove(at);
        }
        let Some((written, value)) = merge else { return Ok(()) };
        for source in sources(&written, value)? {
            for (key, value) in source {
                let known = entries.iter().any(|(known, _)| known.as_str() == key.as_str());
                if !known {
                    self.spend(1)?;
                    entries.push((key, value));
                }
            }
        }
        Ok(())
    }

    fn copy_of(&mut self, name: &SmolStr) -> Result<Node, Error> {
        if self.open.contains(name) {
            return Err(Error::new(format!("anchor '{name}' value contains itself")));
        }
        let Some(node) = self.known.get(name) else {
            return Err(Error::new(format!("unknown anchor '{name}' referenced")));
        };
        let size = size(node);
        let copy = node.clone();
        self.spend(size)?;
        Ok(copy)
    }

    fn copy(&mut self, node: &Node) -> Result<Node, Error> {
        self.spend(size(node))?;
        Ok(node.clone())
    }

    fn spend(&mut self, nodes: usize) -> Result<(), Error> {
        self.left =
            self.left.checked_sub(nodes).ok_or_else(|| Error::new("document contains excessive aliasing"))?;
        Ok(())
    }
}

/// How many nodes a tree has.
fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar(_) | Kind::Alias(_) => 0,
        Kind::Sequence(items) => items.iter().map(size).sum(),
        Kind::Mapping(entries) => entries.iter().map(|(key, value)| size(key) + size(value)).sum(),
    }
}

/// What stood in the text where a merge took its value: the messages differ.
enum Written {
    Alias,
    Sequence(Vec<Written>),
    Other,
}

impl Written {
    fn of(node: &Node) -> Written {
        match &node.kind {
            Kind::Alias(_) => Written::Alias,
            Kind::Sequence(items) => Written::Sequence(items.iter().map(Written::of).collect()),
            _ => Written::Other,
        }
    }
}

type Entries = Vec<(Node, Node)>;

/// The mappings to merge, the strongest first.
fn sources(written: &Written, value: Node) -> Result<Vec<Entries>, Error> {
    match (written, value.kind) {
        (Written::Sequence(written), Kind::Sequence(items)) => {
            let mut found = Vec::new();
            for (written, item) in written.iter().zip(items) {
                if matches!(written, Written::Sequence(_)) {
                    return Err(wrong("invalid map merge: received a nested sequence"));
                }
                found.extend(sources(written, item)?);
            }
            Ok(found)
        }
        (_, Kind::Mapping(entries)) => Ok(vec![entries]),
        (Written::Alias, _) => Err(wrong("invalid map merge: received alias for a non-map value")),
        _ => Err(wrong("map merge requires map or sequence of maps as the value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::emit;
    use crate::parse::parse;

    fn expanded(text: &str) -> Result<String, Error> {
        let mut node = parse(text, Limits::default())?.remove(0);
        expand_aliases(&mut node, Limits::default())?;
        Ok(emit(&node))
    }

    #[test]
    fn aliases_and_merges_become_plain() {
        let text = "a: &x {b: 1, c: 2}\nd: *x\ne:\n  <<: *x\n  c: 3\nf:\n  <<: [{b: 9}, *x]\n";
        assert_eq!(
            expanded(text).as_deref(),
            Ok("a: {b: 1, c: 2}\nd: {b: 1, c: 2}\ne:\n  c: 3\n  b: 1\nf:\n  b: 9\n  c: 2\n")
        );
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert_eq!(expanded(&text).unwrap_err().to_string(), "yaml: document contains excessive aliasing");
        assert_eq!(
            expanded("a: &x [*x]\n").unwrap_err().to_string(),
            "yaml: anchor 'x' value contains itself"
        );
    }

    #[test]
    fn a_merge_wants_mappings() {
        assert_eq!(
            expanded("a: &x [1]\nb: {<<: *x}\n").unwrap_err().to_string(),
            "invalid map merge: received alias for a non-map value"
        );
        assert_eq!(
            expanded("b: {<<: 1}\n").unwrap_err().to_string(),
            "map merge requires map or sequence of maps as the value"
        );
    }
}
