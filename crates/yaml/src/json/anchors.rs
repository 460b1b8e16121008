//! Which node each alias stands for: the last one before it that carries its anchor.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::error::Error;
use crate::node::{Kind, Node};

pub(super) struct Anchors<'a> {
    targets: HashMap<usize, &'a Node>,
}

fn address(node: &Node) -> usize {
    std::ptr::from_ref(node) as usize
}

impl<'a> Anchors<'a> {
    pub fn of(root: &'a Node) -> Self {
        let mut anchors = Anchors { targets: HashMap::new() };
        anchors.walk(root, &mut HashMap::new());
        anchors
    }

    fn walk(&mut self, node: &'a Node, known: &mut HashMap<SmolStr, &'a Node>) {
        if let Some(name) = &node.anchor {
            known.insert((**name).clone(), node);
        }
        match &node.kind {
            Kind::Alias(name) => {
                if let Some(target) = known.get(name) {
                    self.targets.insert(address(node), *target);
                }
            }
            Kind::Scalar(_) => {}
            Kind::Sequence(items) => items.iter().for_each(|item| self.walk(item, known)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    self.walk(key, known);
                    self.walk(value, known);
                }
            }
        }
    }

    pub fn target(&self, alias: &Node) -> Result<&'a Node, Error> {
        self.targets.get(&address(alias)).copied().ok_or_else(|| {
            let name = if let Kind::Alias(name) = &alias.kind { name.as_str() } else { "" };
            Error::new(format!("unknown anchor '{name}' referenced"))
        })
    }
}

/// Counts what is decoded, and refuses texts that consist of expanded aliases.
pub(super) struct Expansion {
    decoded: u64,
    through_alias: u64,
    limit: u64,
    /// The aliases that are being expanded, outermost first.
    open: Vec<usize>,
}

const FEW: u64 = 400_000;
const MANY: u64 = 4_000_000;

impl Expansion {
    pub fn new(limit: usize) -> Self {
        Expansion { decoded: 0, through_alias: 0, limit: limit as u64, open: Vec::new() }
    }

    pub fn count(&mut self) -> Result<(), Error> {
        self.decoded += 1;
        if self.open.is_empty() {
            return Ok(());
        }
        self.through_alias += 1;
        let allowed = match self.decoded {
            ..=FEW => 0.99,
            MANY.. => 0.10,
            decoded => 0.99 - 0.89 * ((decoded - FEW) as f64 / (MANY - FEW) as f64),
        };
        let bomb = self.through_alias > 100
            && self.decoded > 1000
            && self.through_alias as f64 / self.decoded as f64 > allowed;
        if bomb || self.through_alias > self.limit {
            return Err(Error::new("document contains excessive aliasing"));
        }
        Ok(())
    }

    pub fn enter(&mut self, alias: &Node) -> Result<(), Error> {
        let here = address(alias);
        if self.open.contains(&here) {
            let name = if let Kind::Alias(name) = &alias.kind { name.as_str() } else { "" };
            return Err(Error::new(format!("anchor '{name}' value contains itself")));
        }
        self.open.push(here);
        Ok(())
    }

    pub fn leave(&mut self) {
        self.open.pop();
    }
}
