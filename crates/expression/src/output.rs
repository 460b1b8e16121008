//! What can be said of an expression before it runs: the names it needs, and the kind of its answer.

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators};

use super::parts;

/// Names of types, which are values too.
const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "google",
    "int",
    "list",
    "map",
    "null_type",
    "optional",
    "optional_type",
    "sets",
    "base64",
    "string",
    "strings",
    "timestamp",
    "type",
    "uint",
];
const COMPARING: &[&str] = &[
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::IN,
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "hasValue",
    "bool",
];

const ARITHMETIC: &[&str] =
    &[operators::ADD, operators::SUBSTRACT, operators::MULTIPLY, operators::DIVIDE, operators::MODULO];

/// The first name that is neither a variable nor bound by a loop.
pub(super) fn undeclared(root: &IdedExpr, variables: &[&str]) -> Option<String> {
    let known: Vec<&str> = variables.iter().chain(TYPES).copied().collect();
    search(root, &known)
}

fn search(expression: &IdedExpr, known: &[&str]) -> Option<String> {
    if let Expr::Ident(name) = &expression.expr {
        return (!known.contains(&name.as_str()) && !name.starts_with('@')).then(|| name.clone());
    }
    let mut inner = known.to_vec();
    if let Expr::Comprehension(it) = &expression.expr {
        inner.extend([it.iter_var.as_str(), it.accu_var.as_str()]);
        inner.extend(it.iter_var2.as_deref());
    }
    let mut found = None;
    parts(expression, &mut |part, _| {
        if found.is_none() {
            found = search(part, &inner);
        }
    });
    found
}

/// Upstream's text about a name that is not declared: where it is, and its line with a mark under it.
pub(super) fn undeclared_text(text: &str, name: &str) -> String {
    let (line, column) = place(text, name);
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    let mark = ".".repeat(column - 1);
    format!(
        "ERROR: <input>:{line}:{column}: undeclared reference to '{name}' (in container '')\n | {shown}\n | {mark}^"
    )
}

/// Line and column of a name.
fn place(text: &str, name: &str) -> (usize, usize) {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    for (number, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices(name) {
            let (before, after) = (&line[..at], &line[at + name.len()..]);
            if !before.ends_with(|c| is_part(c) || c == '.') && !after.starts_with(is_part) {
                return (number + 1, before.chars().count() + 1);
            }
        }
    }
    (1, 1)
}

/// The kind of the answer, where it is plain to see.
pub(super) fn kind(expression: &IdedExpr) -> Option<&'static str> {
    match &expression.expr {
        Expr::Literal(literal) => Some(match literal {
            LiteralValue::Boolean(_) => "bool",
            LiteralValue::Bytes(_) => "bytes",
            LiteralValue::Double(_) => "double",
            LiteralValue::Int(_) => "int",
            LiteralValue::Null => "null",
            LiteralValue::String(_) => "string",
            LiteralValue::UInt(_) => "uint",
        }),
        Expr::Select(select) => Some(if select.test { "bool" } else { "dyn" }),
        Expr::Call(call) if COMPARING.contains(&call.func_name.as_str()) => Some("bool"),
        Expr::Call(call) if call.func_name == operators::INDEX => Some("dyn"),
        Expr::Call(call) if call.func_name == "size" => Some("int"),
        Expr::Call(call) if ARITHMETIC.contains(&call.func_name.as_str()) => {
            call.args.iter().find_map(|part| kind(part).filter(|kind| *kind != "dyn"))
        }
        _ => None,
    }
}
