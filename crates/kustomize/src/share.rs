//! Nodes that one object holds in several places at once.
//!
//! kustomize's label and annotation transformers put one and the same node under every field that they create. A
//! later patch, label, replacement or var that writes to one of those places writes to all of them: a patch of a
//! Deployment's own label also changes its selector. Users see that, so we do it too. Shared places carry a mark in
//! `Node::column`; a write leaves the mark, and `settle` carries the written value to the other places.

use sluice_yaml::{Kind, Node};

/// Marks that a tree holds, with the value each had when it was noted.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// By mark: the value before.
    before: Vec<(u32, Node)>,
}

impl Shares {
    /// Notes the shared values of a tree; nothing when it has none.
    pub(crate) fn note(tree: &Node, next_share: u32) -> Option<Shares> {
        if next_share <= 1 {
            return None;
        }
        let mut shares = Shares::default();
        visit(tree, &mut |node| {
            if !shares.before.iter().any(|(mark, _)| *mark == node.column) {
                shares.before.push((node.column, node.clone()));
            }
        });
        (!shares.before.is_empty()).then_some(shares)
    }

    /// Carries what has been written at one place of a share to its other places.
    pub(crate) fn settle(&self, tree: &mut Node) {
        let mut written: Vec<(u32, Node)> = Vec::new();
        visit(tree, &mut |node| {
            let Some((_, old)) = self.before.iter().find(|(mark, _)| *mark == node.column) else { return };
            if old.kind == node.kind && old.tag == node.tag {
                return;
            }
            // The last write wins.
            match written.iter_mut().find(|(mark, _)| *mark == node.column) {
                Some((_, value)) => *value = node.clone(),
                None => written.push((node.column, node.clone())),
            }
        });
        if !written.is_empty() {
            visit_mut(tree, &mut |node| {
                if let Some((_, value)) = written.iter().find(|(mark, _)| *mark == node.column) {
                    *node = value.clone();
                }
            });
        }
    }
}

fn visit(node: &Node, f: &mut impl FnMut(&Node)) {
    match &node.kind {
        Kind::Mapping(entries) => entries.iter().for_each(|(_, value)| visit(value, f)),
        Kind::Sequence(items) => items.iter().for_each(|item| visit(item, f)),
        _ => {
            if node.column != 0 {
                f(node);
            }
        }
    }
}

fn visit_mut(node: &mut Node, f: &mut impl FnMut(&mut Node)) {
    match &mut node.kind {
        Kind::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| visit_mut(value, f)),
        Kind::Sequence(items) => items.iter_mut().for_each(|item| visit_mut(item, f)),
        _ => {
            if node.column != 0 {
                f(node);
            }
        }
    }
}

/// Writes a value to every place of some shares.
pub(crate) fn write(tree: &mut Node, marks: &[u32], value: &Node) {
    visit_mut(tree, &mut |node| {
        if marks.contains(&node.column) {
            crate::nodes::overwrite(node, value.clone());
        }
    });
}
