//! Macros that the parser does not know: loops with two variables, `optMap`, `sortBy`. What they stand for is said in
//! loops with one variable, so that cost and names need no case of their own.
//!
//! Also turns calls to our own functions where the interpreter's would be unlike Go's (`matches`) or unbounded
//! (`lists.range`).

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, ListExpr, LiteralValue, operators};

/// The loop variable of what binds a name: it never runs.
pub(super) const UNUSED: &str = "#unused";
/// One entry of what is looped over: its key or index, and its value.
const PAIR: &str = "@pair";
/// What a loop has gathered.
const RESULT: &str = "@result";
/// What is sorted.
const SORTED: &str = "@sorted";
/// What an optional value is mapped from.
const TARGET: &str = "@target";

/// Says the macros of a parsed expression in plain terms.
pub(super) fn expand(expression: &mut IdedExpr) -> Result<(), String> {
    below(&mut expression.expr)?;
    let Expr::Call(call) = &mut expression.expr else { return Ok(()) };
    if let Some(expanded) = expanded(call)? {
        *expression = expanded;
    }
    Ok(())
}

fn below(expression: &mut Expr) -> Result<(), String> {
    match expression {
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                expand(target)?;
            }
            call.args.iter_mut().try_for_each(expand)
        }
        Expr::Comprehension(it) => {
            expand(&mut it.iter_range)?;
            expand(&mut it.accu_init)?;
            expand(&mut it.loop_cond)?;
            expand(&mut it.loop_step)?;
            expand(&mut it.result)
        }
        Expr::List(list) => list.elements.iter_mut().try_for_each(expand),
        Expr::Select(select) => expand(&mut select.operand),
        Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| entry_below(&mut entry.expr)),
        Expr::Struct(fields) => fields.entries.iter_mut().try_for_each(|entry| entry_below(&mut entry.expr)),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Ok(()),
    }
}

fn entry_below(entry: &mut EntryExpr) -> Result<(), String> {
    match entry {
        EntryExpr::StructField(field) => expand(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            expand(&mut entry.key)?;
            expand(&mut entry.value)
        }
    }
}

fn expanded(called: &mut CallExpr) -> Result<Option<IdedExpr>, String> {
    let count = called.args.len();
    match (called.func_name.as_str(), count, called.target.as_deref()) {
        ("matches", 2, None) | ("matches", 1, Some(_)) => {
            let mut args: Vec<IdedExpr> = called.target.take().map(|target| *target).into_iter().collect();
            args.append(&mut called.args);
            return Ok(Some(call("@matches", args)));
        }
        ("range", 1, Some(target)) if is_name(target, "lists") => {
            return Ok(Some(call("@range", std::mem::take(&mut called.args))));
        }
        ("all" | "exists" | "existsOne" | "exists_one" | "transformList" | "transformMap", 3, Some(_))
        | ("transformMapEntry", 3, Some(_))
        | ("transformList" | "transformMap" | "transformMapEntry", 4, Some(_))
        | ("optMap" | "optFlatMap" | "sortBy", 2, Some(_)) => {}
        _ => return Ok(None),
    }
    let Some(target) = called.target.take() else { return Ok(None) };
    let name = std::mem::take(&mut called.func_name);
    let mut args = std::mem::take(&mut called.args).into_iter();
    let mut next = || args.next().unwrap_or_default();
    if count == 2 {
        let variable = simple_name(&next())?;
        let body = next();
        return Ok(Some(match name.as_str() {
            "sortBy" => sorted(*target, variable, body),
            _ => mapped(*target, &variable, body, name == "optMap"),
        }));
    }
    let variables = [simple_name(&next())?, simple_name(&next())?];
    if variables[0] == variables[1] {
        return Err(format!("duplicate variable name: {}", variables[0]));
    }
    let entries = call("@pairs", vec![*target]);
    let with = |body: IdedExpr| {
        let [first, second] = &variables;
        bind(first, part(0), bind(second, part(1), body))
    };
    Ok(Some(match name.as_str() {
        "all" => quantified(entries, with(next()), true),
        "exists" => quantified(entries, with(next()), false),
        "existsOne" | "exists_one" => {
            let found = gathered(entries, PAIR, Some(with(next())), ident(PAIR));
            let is_one = vec![call("size", vec![found]), literal(LiteralValue::Int(1.into()))];
            call(operators::EQUALS, is_one)
        }
        _ => {
            let condition = (count == 4).then(|| with(next()));
            let body = next();
            let chosen = match condition {
                Some(condition) => gathered(entries, PAIR, Some(condition), ident(PAIR)),
                None => entries,
            };
            match name.as_str() {
                "transformList" => gathered(chosen, PAIR, None, with(body)),
                "transformMap" => {
                    let entry = list(vec![part(0), with(body)]);
                    call("@map", vec![gathered(chosen, PAIR, None, entry)])
                }
                _ => call("@merge", vec![gathered(chosen, PAIR, None, with(body))]),
            }
        }
    }))
}

/// `target.all(PAIR, holds)` or `target.exists(PAIR, holds)`.
fn quantified(entries: IdedExpr, holds: IdedExpr, all: bool) -> IdedExpr {
    let so_far = ident(RESULT);
    let goes_on = if all { so_far } else { call(operators::LOGICAL_NOT, vec![so_far]) };
    let fold = if all { operators::LOGICAL_AND } else { operators::LOGICAL_OR };
    looped(ComprehensionExpr {
        iter_range: entries,
        iter_var: PAIR.to_owned(),
        iter_var2: None,
        accu_var: RESULT.to_owned(),
        accu_init: literal(LiteralValue::Boolean(all.into())),
        loop_cond: call(operators::NOT_STRICTLY_FALSE, vec![goes_on]),
        loop_step: call(fold, vec![ident(RESULT), holds]),
        result: ident(RESULT),
    })
}

/// `target.map(variable, condition, item)`.
fn gathered(entries: IdedExpr, variable: &str, condition: Option<IdedExpr>, item: IdedExpr) -> IdedExpr {
    let more = call(operators::ADD, vec![ident(RESULT), list(vec![item])]);
    looped(ComprehensionExpr {
        iter_range: entries,
        iter_var: variable.to_owned(),
        iter_var2: None,
        accu_var: RESULT.to_owned(),
        accu_init: list(Vec::new()),
        loop_cond: literal(LiteralValue::Boolean(true.into())),
        loop_step: match condition {
            Some(condition) => call(operators::CONDITIONAL, vec![condition, more, ident(RESULT)]),
            None => more,
        },
        result: ident(RESULT),
    })
}

/// The items in the order of what `key` makes of each.
fn sorted(target: IdedExpr, variable: String, key: IdedExpr) -> IdedExpr {
    let keys = gathered(ident(SORTED), &variable, None, key);
    bind(SORTED, target, method(ident(SORTED), "@sortByAssociatedKeys", vec![keys]))
}

/// What becomes of an optional value, if there is one.
fn mapped(target: IdedExpr, variable: &str, body: IdedExpr, wraps: bool) -> IdedExpr {
    let value = bind(variable, method(ident(TARGET), "value", Vec::new()), body);
    let optional = |name: &str, args| method(ident("optional"), name, args);
    let some = if wraps { optional("of", vec![value]) } else { value };
    let has_value = method(ident(TARGET), "hasValue", Vec::new());
    bind(TARGET, target, call(operators::CONDITIONAL, vec![has_value, some, optional("none", Vec::new())]))
}

/// A name for a value within an expression: a loop over nothing.
fn bind(name: &str, value: IdedExpr, result: IdedExpr) -> IdedExpr {
    looped(ComprehensionExpr {
        iter_range: list(Vec::new()),
        iter_var: UNUSED.to_owned(),
        iter_var2: None,
        accu_var: name.to_owned(),
        accu_init: value,
        loop_cond: literal(LiteralValue::Boolean(false.into())),
        loop_step: ident(name),
        result,
    })
}

/// The key or the value of the entry at hand.
fn part(index: i64) -> IdedExpr {
    call(operators::INDEX, vec![ident(PAIR), literal(LiteralValue::Int(index.into()))])
}

fn simple_name(expression: &IdedExpr) -> Result<String, String> {
    match &expression.expr {
        Expr::Ident(name) => Ok(name.clone()),
        _ => Err("argument must be a simple name".to_owned()),
    }
}

fn is_name(expression: &IdedExpr, wanted: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == wanted)
}

fn node(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

fn ident(name: &str) -> IdedExpr {
    node(Expr::Ident(name.to_owned()))
}

pub(super) fn literal(value: LiteralValue) -> IdedExpr {
    node(Expr::Literal(value))
}

fn list(items: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::List(ListExpr::new(items)))
}

pub(super) fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }))
}

fn method(target: IdedExpr, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr { func_name: name.to_owned(), target: Some(Box::new(target)), args }))
}

fn looped(comprehension: ComprehensionExpr) -> IdedExpr {
    node(Expr::Comprehension(Box::new(comprehension)))
}
