//! What an evaluation may cost. Parsed expressions are made to pay: each turn of a loop, each value that is copied, each
//! text that is made longer. The interpreter itself counts nothing.
//!
//! One unit is about what one operation on small values takes.

use std::cell::Cell;

use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::common::types::{
    CelBytes, CelInt, CelList, CelMap, CelString, DYN_TYPE, INT_TYPE, LIST_TYPE, STRING_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, IdedExpr};

use super::expand::{UNUSED, call, literal};
use super::parts;

/// Units of one evaluation, as in the real server.
const UNITS: u64 = 1_000_000;
/// What compiling a regular expression costs.
pub(super) const PATTERN: u64 = 2_000;
/// Bytes that are copied for one unit; so an evaluation makes 16 MB at the most.
const COPIED: u64 = 16;
/// Bytes that are looked at for one unit.
const SEEN: u64 = 256;
/// Functions that do not look at the whole of what they are asked about.
const QUICK: &[&str] = &[
    "size",
    "type",
    "dyn",
    "value",
    "hasValue",
    "orValue",
    "or",
    "of",
    "startsWith",
    operators::INDEX,
    operators::OPT_INDEX,
    operators::OPT_SELECT,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::NOT_STRICTLY_FALSE,
    operators::CONDITIONAL,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
];
/// What is said when nothing is left.
pub(super) const TOO_MUCH: &str = "operation cancelled: actual cost limit exceeded";

/// What stands before the name of a function and is no value.
const NAMESPACES: &[&str] = &["base64", "format", "ip", "lists", "optional", "sets", "strings"];

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// Fills up for an evaluation.
pub(super) fn fill() {
    LEFT.set(UNITS);
}

/// Whether the evaluation ended for want of fuel, whatever became of the error.
pub(super) fn is_spent() -> bool {
    LEFT.get() == 0
}

/// Takes units, or fails.
pub(super) fn charge(units: u64) -> Result<(), ExecutionError> {
    let left = LEFT.get().saturating_sub(units);
    LEFT.set(left);
    if left == 0 { Err(ExecutionError::function_error("fuel", TOO_MUCH)) } else { Ok(()) }
}

/// Takes what making so many bytes costs.
pub(super) fn charge_bytes(bytes: u64) -> Result<(), ExecutionError> {
    charge(bytes / COPIED)
}

/// Bytes of a value, about.
pub(super) fn size(value: &dyn Val) -> u64 {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return 1 + text.inner().len() as u64;
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return COPIED + list.inner().iter().map(|item| size(item.as_ref())).sum::<u64>();
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        let entries = map.inner().iter();
        let sizes = entries.map(|(key, value)| COPIED + size(key.inner()) + size(value.as_ref()));
        return COPIED + sizes.sum::<u64>();
    }
    COPIED + value.downcast_ref::<CelBytes>().map_or(0, |bytes| bytes.inner().len() as u64)
}

/// Makes an expression pay for what it does.
pub(super) fn meter(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => meter_call(call),
        Expr::Comprehension(it) => {
            let weight = if it.iter_var == UNUSED { None } else { Some(1 + nodes(&it.loop_step)) };
            meter(&mut it.iter_range);
            if weight.is_some() {
                see(&mut it.iter_range);
            }
            meter(&mut it.accu_init);
            meter(&mut it.loop_cond);
            meter_step(&mut it.loop_step);
            meter(&mut it.result);
            let Some(weight) = weight else { return };
            // The interpreter knows loops that gather items by their condition, which is a plain `true`.
            if let Expr::Call(CallExpr { func_name, args, .. }) = &mut it.loop_step.expr
                && func_name == operators::CONDITIONAL
                && let Some(condition) = args.first_mut()
            {
                return wrap(condition, weight);
            }
            match gathered(&mut it.loop_step.expr) {
                Some(item) => wrap(item, weight),
                None => wrap(&mut it.loop_cond, weight),
            }
        }
        Expr::List(list) => list.elements.iter_mut().for_each(meter_item),
        Expr::Select(select) => meter(&mut select.operand),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| meter_entry(&mut entry.expr)),
        Expr::Struct(fields) => fields.entries.iter_mut().for_each(|entry| meter_entry(&mut entry.expr)),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
    }
}

fn meter_call(called: &mut CallExpr) {
    if let Some(target) = &mut called.target {
        meter(target);
    }
    called.args.iter_mut().for_each(meter);
    let count = called.args.len();
    if !QUICK.contains(&called.func_name.as_str()) {
        match (&mut called.target, &mut called.args[..]) {
            (Some(target), _) => see(target),
            (None, [.., last]) if called.func_name == operators::IN => see(last),
            (None, [first, ..]) => see(first),
            (None, []) => {}
        }
    }
    match (called.func_name.as_str(), called.target.is_some(), count) {
        (operators::ADD, false, 2) => "@add".clone_into(&mut called.func_name),
        ("replace", true, 2 | 3) | ("join", true, 0 | 1) => {
            let target = called.target.take().map(|target| *target);
            called.args.splice(0..0, target);
            called.func_name.insert(0, '@');
        }
        ("format", true, 1) => {
            let list = std::mem::take(&mut called.args[0]);
            called.args[0] = call("@copied", vec![list]);
        }
        ("distinct", true, 0) => {
            if let Some(target) = &mut called.target {
                let list = std::mem::take(&mut **target);
                **target = call("@pairwise", vec![list]);
            }
        }
        _ => {}
    }
}

/// One turn of a loop, whose own adding to what is gathered stays as it is.
fn meter_step(step: &mut IdedExpr) {
    match &mut step.expr {
        Expr::Call(CallExpr { func_name, args, .. })
            if func_name == operators::ADD && is_hidden(args.first()) =>
        {
            args[1..].iter_mut().for_each(meter);
        }
        Expr::Call(CallExpr { func_name, args, .. })
            if func_name == operators::CONDITIONAL && args.len() == 3 =>
        {
            meter(&mut args[0]);
            meter_step(&mut args[1]);
            meter_step(&mut args[2]);
        }
        _ => meter(step),
    }
}

fn is_hidden(expression: Option<&IdedExpr>) -> bool {
    matches!(expression.map(|it| &it.expr), Some(Expr::Ident(name)) if name.starts_with('@'))
}

/// What a step adds to the list that a loop gathers.
fn gathered(step: &mut Expr) -> Option<&mut IdedExpr> {
    match step {
        Expr::Call(CallExpr { func_name, args, .. })
            if func_name == operators::ADD && is_hidden(args.first()) =>
        {
            match &mut args.get_mut(1)?.expr {
                Expr::List(list) => list.elements.first_mut(),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What is put into a list or map is copied.
fn meter_item(item: &mut IdedExpr) {
    meter(item);
    if !matches!(item.expr, Expr::Literal(_)) {
        let value = std::mem::take(item);
        *item = call("@copied", vec![value]);
    }
}

fn meter_entry(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::StructField(field) => meter_item(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            meter_item(&mut entry.key);
            meter_item(&mut entry.value);
        }
    }
}

/// What is looked at as a whole.
fn see(expression: &mut IdedExpr) {
    // Names can be of functions too: `sets.contains`.
    let is_name = matches!(&expression.expr, Expr::Ident(name) if NAMESPACES.contains(&name.as_str()));
    if !matches!(expression.expr, Expr::Literal(_)) && !is_name {
        let value = std::mem::take(expression);
        *expression = call("@seen", vec![value]);
    }
}

fn wrap(expression: &mut IdedExpr, weight: i64) {
    let value = std::mem::take(expression);
    *expression = call("@turn", vec![value, literal(LiteralValue::Int(weight.into()))]);
}

fn nodes(expression: &IdedExpr) -> i64 {
    let (mut count, mut left) = (0, vec![expression]);
    while let Some(next) = left.pop() {
        count += 1;
        parts(next, &mut |part, _| left.push(part));
    }
    count
}

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;
type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;

fn unlike() -> ExecutionError {
    ExecutionError::function_error("fuel", "no such overload")
}

fn taken<'b, 'v>(all: Arguments<'b, 'v>, at: usize) -> Answer<'b, 'v> {
    all.into_iter().nth(at).ok_or_else(unlike)
}

fn turn<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let weight =
        all.get(1).and_then(|weight| weight.downcast_ref::<CelInt>()).map_or(1, |weight| *weight.inner());
    charge(weight.unsigned_abs())?;
    taken(all, 0)
}

fn seen<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    charge(all.first().map_or(0, |value| size(value.as_ref())) / SEEN)?;
    taken(all, 0)
}

fn copied<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    charge_bytes(all.first().map_or(0, |value| size(value.as_ref())))?;
    taken(all, 0)
}

/// Each item of a list is to be compared with each other.
fn pairwise<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let length =
        all.first().and_then(|list| list.downcast_ref::<CelList>()).map_or(0, |list| list.inner().len());
    charge((length as u64).saturating_pow(2))?;
    taken(all, 0)
}

fn add<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let [one, other] = &all[..] else { return Err(unlike()) };
    if one.downcast_ref::<CelInt>().is_none() {
        charge_bytes(size(one.as_ref()).saturating_add(size(other.as_ref())))?;
    }
    let adder = one.as_adder().ok_or_else(unlike)?;
    adder.add(other.as_ref()).map(|sum| CowVal::Owned(sum.into_owned()))
}

fn text<'a>(all: &'a Arguments<'_, '_>, at: usize) -> Result<&'a str, ExecutionError> {
    all.get(at).and_then(|value| value.downcast_ref::<CelString>()).map(CelString::inner).ok_or_else(unlike)
}

fn replace<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let (whole, from, to) = (text(&all, 0)?, text(&all, 1)?, text(&all, 2)?);
    let places = whole.len() / from.len().max(1) + 1;
    charge_bytes((whole.len() as u64).saturating_add((places as u64).saturating_mul(to.len() as u64)))?;
    let most = all.get(3).and_then(|most| most.downcast_ref::<CelInt>()).map_or(-1, |most| *most.inner());
    let made = match usize::try_from(most) {
        Ok(most) => whole.replacen(from, to, most),
        Err(_) => whole.replace(from, to),
    };
    Ok(CowVal::owned(CelString::from(made)))
}

fn join<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let between = if all.len() > 1 { text(&all, 1)? } else { "" };
    let list = all.first().and_then(|list| list.as_iterable()).ok_or_else(unlike)?;
    let (mut items, mut parts) = (list.iter(), Vec::new());
    while let Some(item) = items.next() {
        parts.push(item.downcast_ref::<CelString>().ok_or_else(unlike)?.inner());
    }
    let bytes = parts.iter().map(|part| part.len() as u64).sum::<u64>();
    charge_bytes(bytes.saturating_add((parts.len() as u64).saturating_mul(between.len() as u64)))?;
    Ok(CowVal::owned(CelString::from(parts.join(between))))
}

/// Adds the functions that pay.
pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("@turn", "turn", vec![DYN_TYPE, INT_TYPE], turn)?;
    env.add_overload("@seen", "seen", vec![DYN_TYPE], seen)?;
    env.add_overload("@copied", "copied", vec![DYN_TYPE], copied)?;
    env.add_overload("@pairwise", "pairwise", vec![DYN_TYPE], pairwise)?;
    env.add_overload("@add", "add", vec![DYN_TYPE, DYN_TYPE], add)?;
    env.add_overload("@replace", "replace", vec![STRING_TYPE, STRING_TYPE, STRING_TYPE], replace)?;
    let limited = vec![STRING_TYPE, STRING_TYPE, STRING_TYPE, INT_TYPE];
    env.add_overload("@replace", "replace_limited", limited, replace)?;
    env.add_overload("@join", "join", vec![LIST_TYPE], join)?;
    env.add_overload("@join", "join_with", vec![LIST_TYPE, STRING_TYPE], join)
}
