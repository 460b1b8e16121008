//! Comparisons, with Go's rules about which kinds compare.

use super::{fixed, variadic};
use crate::call::{Arguments, Function, Slot, Type};
use crate::error::Error;
use crate::print::{display, sprintf};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("eq", &[Type::Reflect, Type::Reflect], |_, arguments| eq(arguments).map(Value::Bool)),
    fixed("ne", &[Type::Reflect, Type::Reflect], |_, arguments| {
        eq(arguments).map(|equal| Value::Bool(!equal))
    }),
    fixed("lt", &[Type::Reflect, Type::Reflect], |_, arguments| less(arguments).map(Value::Bool)),
    fixed("le", &[Type::Reflect, Type::Reflect], |_, arguments| less_or_equal(arguments).map(Value::Bool)),
    fixed("gt", &[Type::Reflect, Type::Reflect], |_, arguments| {
        less_or_equal(arguments).map(|le| Value::Bool(!le))
    }),
    fixed("ge", &[Type::Reflect, Type::Reflect], |_, arguments| {
        less(arguments).map(|less| Value::Bool(!less))
    }),
];

#[derive(PartialEq, Eq, Clone, Copy)]
enum Basic {
    None,
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Complex(_) => Basic::Complex,
        Value::Int(..) => Basic::Int,
        Value::Float(_) => Basic::Float,
        Value::Str(_) => Basic::String,
        Value::Uint(..) => Basic::Uint,
        _ => Basic::None,
    }
}

fn incompatible(left: &Value, right: &Value) -> Error {
    Error::new(format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name()))
}

fn eq(arguments: &Arguments) -> Result<bool, Error> {
    let left = arguments.value(0);
    if arguments.len() < 2 {
        return Err(Error::new("missing argument for comparison"));
    }
    for Slot { value: right, .. } in &arguments.0[1..] {
        let equal = match (left, right) {
            (Value::Int(_, a), Value::Uint(_, b)) | (Value::Uint(_, b), Value::Int(_, a)) => {
                u64::try_from(*a).is_ok_and(|a| a == *b)
            }
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Complex(a), Value::Complex(b)) => a == b,
            (Value::Int(_, a), Value::Int(_, b)) => a == b,
            (Value::Uint(_, a), Value::Uint(_, b)) => a == b,
            #[allow(clippy::float_cmp)] // what Go's == does
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => a == b,
            _ if basic(left) != basic(right) => {
                if !left.is_nil() && !right.is_nil() {
                    return Err(incompatible(left, right));
                }
                false
            }
            _ => same_reference(left, right)?,
        };
        if equal {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `%s` of a value.
fn as_text(value: &Value) -> String {
    let text = sprintf(b"%s", std::slice::from_ref(value), usize::MAX).unwrap_or_default();
    crate::text::to_lossy(&text).into_owned()
}

fn is_nil_value(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Map(map) => map.is_nil(),
        Value::List(list) => list.is_nil(),
        Value::Bytes(bytes) => bytes.is_nil(),
        _ => false,
    }
}

/// Values without a basic kind: nil equals nil, maps and slices do not compare.
fn same_reference(left: &Value, right: &Value) -> Result<bool, Error> {
    let (left_kind, right_kind) = (left.kind_name(), right.kind_name());
    if left_kind != right_kind && !left.is_nil() && !right.is_nil() {
        return Err(Error::new(format!(
            "non-comparable types {}: {}, {}: {}",
            as_text(left),
            left.type_name(),
            right.type_name(),
            display(right)
        )));
    }
    if is_nil_value(left) || is_nil_value(right) {
        return Ok(is_nil_value(left) == is_nil_value(right));
    }
    match (left, right) {
        (Value::Object(a), Value::Object(b)) if right_kind != "map" && right_kind != "slice" => {
            Ok(std::rc::Rc::ptr_eq(a, b)
                || a.kind() == "struct" && a.type_name() == b.type_name() && a.text() == b.text())
        }
        _ => Err(Error::new(format!("non-comparable type {}: {}", as_text(right), right.type_name()))),
    }
}

fn less(arguments: &Arguments) -> Result<bool, Error> {
    let (left, right) = (arguments.value(0), arguments.value(1));
    let bad = || Error::new("invalid type for comparison");
    if basic(left) == Basic::None || basic(right) == Basic::None {
        return Err(bad());
    }
    match (left, right) {
        (Value::Int(_, a), Value::Uint(_, b)) => Ok(u64::try_from(*a).map_or(true, |a| a < *b)),
        (Value::Uint(_, a), Value::Int(_, b)) => Ok(u64::try_from(*b).is_ok_and(|b| *a < b)),
        (Value::Int(_, a), Value::Int(_, b)) => Ok(a < b),
        (Value::Uint(_, a), Value::Uint(_, b)) => Ok(a < b),
        (Value::Float(a), Value::Float(b)) => Ok(a < b),
        (Value::Str(a), Value::Str(b)) => Ok(a < b),
        _ if basic(left) != basic(right) => Err(incompatible(left, right)),
        _ => Err(bad()),
    }
}

fn less_or_equal(arguments: &Arguments) -> Result<bool, Error> {
    Ok(less(arguments)? || eq(arguments)?)
}
