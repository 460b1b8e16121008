//! What an expression may cost with the values at hand.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, operators};
use serde_json::Value as Json;

use super::parts;

/// Steps that an evaluation may take, as estimated.
const STEPS: u64 = 4_000_000;
/// What one use of a regular expression counts for: it is compiled anew each time.
const PATTERN_STEPS: u64 = 8_000;
/// Bytes of text, and values, that can be compared in one step.
const COMPARED: (u64, u64) = (2048, 64);
/// Bytes of text that an evaluation may make, as estimated.
const TEXT: u64 = 64 << 20;
/// Functions whose result can be as long as the product of what they are given.
const MULTIPLYING: &[&str] = &["replace", "join", "format"];
/// Functions that make lists from texts.
const SPLITTING: &[&str] = &["split"];

/// What an expression looks like, as far as cost goes.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Levels of the tree.
    pub(super) height: usize,
    /// Every name that may be a variable.
    pub(super) names: BTreeSet<String>,
    nodes: u64,
    /// Steps of one turn.
    steps: u64,
    /// Loops in loops.
    loops: u32,
    /// A function compares each item of a list with each of another.
    pairs: bool,
    multiplying: u32,
    adds: bool,
    /// A loop makes a list of more than its own items.
    builds: bool,
    splits: bool,
    /// Bytes of texts in the expression itself.
    text: u64,
}

impl Shape {
    pub(super) fn of(root_expression: &IdedExpr) -> Self {
        let mut shape = Self::default();
        let mut left = vec![(root_expression, 1, 0)];
        let mut loop_names = BTreeSet::new();
        while let Some((expression, height, loops)) = left.pop() {
            shape.nodes += 1;
            shape.steps += 1;
            shape.height = shape.height.max(height);
            shape.loops = shape.loops.max(loops);
            match &expression.expr {
                Expr::Ident(name) => {
                    shape.pairs |= name == "sets";
                    shape.names.insert(name.clone());
                }
                Expr::Call(call) => {
                    let name = call.func_name.as_str();
                    shape.multiplying += u32::from(MULTIPLYING.contains(&name));
                    shape.splits |= SPLITTING.contains(&name);
                    match collected(call) {
                        Some(item) => {
                            shape.builds |= !root(item).is_some_and(|name| loop_names.contains(name));
                        }
                        None => shape.adds |= name == operators::ADD,
                    }
                    if name == "matches" {
                        shape.steps += PATTERN_STEPS;
                    }
                }
                Expr::Comprehension(it) => {
                    loop_names.insert(it.iter_var.as_str());
                }
                Expr::Literal(cel::common::ast::LiteralValue::String(text)) => {
                    shape.text += text.inner().len() as u64;
                }
                _ => {}
            }
            parts(expression, &mut |part, is_repeated| {
                left.push((part, height + 1, loops + u32::from(is_repeated)));
            });
        }
        shape
    }

    /// Whether it may be evaluated with these variables.
    pub(super) fn check<'a>(&self, variables: impl Iterator<Item = &'a Json>) -> Result<(), &'static str> {
        let mut size = Size { text: self.text, longest: self.nodes, values: self.nodes };
        variables.for_each(|value| size.add(value));
        let mut turns = size.longest;
        if self.splits {
            turns = turns.max(size.text);
        }
        if self.adds {
            // Lists can be put together, once for each time that it is written.
            turns = turns.saturating_mul(self.nodes);
        }
        let repeated = turns.saturating_pow(self.loops);
        let pairs = if self.pairs { turns.saturating_pow(2) } else { 1 };
        let is_repeated = self.loops > 0 || self.pairs;
        let each = if is_repeated { 1 + size.text / COMPARED.0 + size.values / COMPARED.1 } else { 1 };
        let steps = self.steps.saturating_mul(repeated).saturating_mul(pairs).saturating_mul(each);
        if steps > STEPS {
            return Err("it costs too much");
        }
        let factor = size.text.max(1).saturating_pow(self.multiplying);
        if (self.multiplying > 0 || self.adds || self.builds)
            && size.text.saturating_mul(factor).saturating_mul(repeated) > TEXT
        {
            return Err("it makes too much text");
        }
        Ok(())
    }
}

/// What a loop written as `map` or `filter` puts to its list in each turn.
fn collected(call: &CallExpr) -> Option<&IdedExpr> {
    match &call.args[..] {
        [IdedExpr { expr: Expr::Ident(list), .. }, IdedExpr { expr: Expr::List(items), .. }]
            if call.func_name == operators::ADD && list.starts_with('@') =>
        {
            items.elements.first()
        }
        _ => None,
    }
}

/// The name at the beginning of `name.field.field`.
fn root(mut expression: &IdedExpr) -> Option<&str> {
    loop {
        match &expression.expr {
            Expr::Ident(name) => return Some(name),
            Expr::Select(select) => expression = &select.operand,
            _ => return None,
        }
    }
}

/// How large values are.
struct Size {
    text: u64,
    /// Items of the longest list or map.
    longest: u64,
    /// Values in all.
    values: u64,
}

impl Size {
    fn add(&mut self, value: &Json) {
        self.values += 1;
        match value {
            Json::String(text) => self.text += text.len() as u64,
            Json::Array(items) => {
                self.longest = self.longest.max(items.len() as u64);
                for item in items {
                    self.add(item);
                }
            }
            Json::Object(map) => {
                self.longest = self.longest.max(map.len() as u64);
                for (name, value) in map {
                    self.text += name.len() as u64;
                    self.add(value);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
}
