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
    "format",
    "ip",
    "lists",
    "net",
    "kubernetes",
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
    "@matches",
    "hasValue",
    "bool",
    "isQuantity",
    "isURL",
    "isIP",
    "isCIDR",
    "isSemver",
    "isSorted",
    "isGreaterThan",
    "isLessThan",
    "containsIP",
    "containsCIDR",
];

const ARITHMETIC: &[&str] = &[
    operators::ADD,
    "@add",
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
];

/// Names that are told of at the most.
const MOST: usize = 16;

/// Functions and methods that there are.
const FUNCTIONS: &[&str] = &[
    "add",
    "all",
    "allowed",
    "asApproximateFloat",
    "asInteger",
    "bool",
    "byte",
    "bytes",
    "charAt",
    "check",
    "cidr",
    "compareTo",
    "contains",
    "containsCIDR",
    "containsIP",
    "date",
    "datetime",
    "decode",
    "distinct",
    "dns1035Label",
    "dns1035LabelPrefix",
    "dns1123Label",
    "dns1123LabelPrefix",
    "dns1123Subdomain",
    "dns1123SubdomainPrefix",
    "double",
    "duration",
    "dyn",
    "encode",
    "endsWith",
    "equivalent",
    "exists",
    "exists_one",
    "existsOne",
    "family",
    "filter",
    "find",
    "findAll",
    "first",
    "flatten",
    "format",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getEscapedPath",
    "getFullYear",
    "getHost",
    "getHostname",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getPort",
    "getQuery",
    "getScheme",
    "getSeconds",
    "has",
    "hasValue",
    "indexOf",
    "int",
    "intersects",
    "ip",
    "isCIDR",
    "isCanonical",
    "isGlobalUnicast",
    "isGreaterThan",
    "isIP",
    "isInteger",
    "isLessThan",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isLoopback",
    "isQuantity",
    "isSemver",
    "isSorted",
    "isURL",
    "isUnspecified",
    "join",
    "labelValue",
    "last",
    "lastIndexOf",
    "lowerAscii",
    "major",
    "map",
    "masked",
    "matches",
    "max",
    "min",
    "minor",
    "named",
    "none",
    "of",
    "ofNonZeroValue",
    "optFlatMap",
    "optMap",
    "or",
    "orValue",
    "patch",
    "path",
    "prefixLength",
    "qualifiedName",
    "quantity",
    "quote",
    "range",
    "replace",
    "reverse",
    "semver",
    "sign",
    "size",
    "slice",
    "sort",
    "sortBy",
    "split",
    "startsWith",
    "string",
    "sub",
    "substring",
    "sum",
    "timestamp",
    "transformList",
    "transformMap",
    "transformMapEntry",
    "trim",
    "type",
    "uint",
    "unwrap",
    "unwrapOpt",
    "upperAscii",
    "uri",
    "url",
    "uuid",
    "validate",
    "value",
];

/// The names that are neither variables nor bound by a loop, nor functions (`name(`), in the order of the text.
pub(super) fn undeclared(root: &IdedExpr, variables: &[&str]) -> Vec<String> {
    let known: Vec<&str> = variables.iter().chain(TYPES).copied().collect();
    let mut out = Vec::new();
    search(root, &known, &mut out);
    out.truncate(MOST);
    out
}

fn search(expression: &IdedExpr, known: &[&str], out: &mut Vec<String>) {
    match &expression.expr {
        Expr::Ident(name) if !known.contains(&name.as_str()) && !name.starts_with('@') => {
            out.push(name.clone());
        }
        Expr::Call(call) => {
            let name = &call.func_name;
            if let Some(target) = &call.target {
                search(target, known, out);
            }
            if name.starts_with(|c: char| c.is_ascii_alphabetic()) && !FUNCTIONS.contains(&name.as_str()) {
                out.push(format!("{name}("));
            }
            call.args.iter().for_each(|part| search(part, known, out));
        }
        Expr::Comprehension(it) => {
            let mut inner = known.to_vec();
            inner.extend([it.iter_var.as_str(), it.accu_var.as_str()]);
            inner.extend(it.iter_var2.as_deref());
            parts(expression, &mut |part, _| search(part, &inner, out));
        }
        _ => parts(expression, &mut |part, _| search(part, known, out)),
    }
}

/// Upstream's text about names that are not declared: where each is, and its line with a mark under it.
pub(super) fn undeclared_text(text: &str, names: &[String]) -> String {
    let told = names.iter().enumerate().map(|(index, name)| {
        let before = names[..index].iter().filter(|other| *other == name).count();
        let (line, column) = place(text, name, before);
        let name = name.trim_end_matches('(');
        let shown = text.lines().nth(line - 1).unwrap_or_default();
        let mark = ".".repeat(column - 1);
        format!(
            "ERROR: <input>:{line}:{column}: undeclared reference to '{name}' (in container '')\n | {shown}\n | {mark}^"
        )
    });
    told.collect::<Vec<_>>().join("\n")
}

/// Line and column of a name, where it stands for the n-th time; a call is told by its bracket.
fn place(text: &str, name: &str, mut skipped: usize) -> (usize, usize) {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let is_call = name.ends_with('(');
    for (number, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices(name) {
            let (before, after) = (&line[..at], &line[at + name.len()..]);
            let is_whole = !before.ends_with(is_part)
                && (is_call || !(before.ends_with('.') || after.starts_with(is_part)));
            if is_whole && skipped == 0 {
                let column = if is_call { at + name.len() - 1 } else { at };
                return (number + 1, line[..column].chars().count() + 1);
            }
            skipped -= usize::from(is_whole);
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
