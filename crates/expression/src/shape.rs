//! What an expression looks like before it runs: how deep it is, and of what it speaks.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::Expr;

use super::parts;

#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Levels of the tree.
    pub(super) height: usize,
    /// Every name that may be a variable.
    pub(super) names: BTreeSet<String>,
}

impl Shape {
    pub(super) fn of(root: &IdedExpr) -> Self {
        let mut shape = Self::default();
        let mut left = vec![(root, 1)];
        while let Some((expression, height)) = left.pop() {
            shape.height = shape.height.max(height);
            if let Expr::Ident(name) = &expression.expr {
                shape.names.insert(name.clone());
            }
            parts(expression, &mut |part, _| left.push((part, height + 1)));
        }
        shape
    }
}
