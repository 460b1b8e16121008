//! Numbers: whatever comes is cast, as sprig does; decimals for the float operations.

use super::{Outcome, fixed, variadic};
use crate::call::{Arguments, Function, Run, Type};
use crate::decimal::Decimal;
use crate::error::Error;
use crate::number::{IntError, parse_int};
use crate::print::display;
use crate::value::{Elements, List, Value};

const ANY: Type = Type::Any;
const I: Type = Type::Int;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("atoi", &[Type::String], |_, a| Ok(Value::int(atoi(&a.lossy(0))))),
    fixed("int", &[ANY], |_, a| Ok(Value::int(to_int64(a.value(0))))),
    fixed("int64", &[ANY], |_, a| Ok(Value::int64(to_int64(a.value(0))))),
    fixed("float64", &[ANY], |_, a| Ok(Value::Float(to_float64(a.value(0))))),
    fixed("toDecimal", &[ANY], |_, a| Ok(Value::int64(parse_int(&display(a.value(0)), 8).unwrap_or(0)))),
    fixed("add1", &[ANY], |_, a| Ok(Value::int64(to_int64(a.value(0)).wrapping_add(1)))),
    variadic("add", &[ANY], |_, a| Ok(Value::int64(fold(a, 0, 0, i64::wrapping_add)))),
    fixed("sub", &[ANY, ANY], |_, a| {
        Ok(Value::int64(to_int64(a.value(0)).wrapping_sub(to_int64(a.value(1)))))
    }),
    fixed("div", &[ANY, ANY], |_, a| divide(a, i64::wrapping_div)),
    fixed("mod", &[ANY, ANY], |_, a| divide(a, i64::wrapping_rem)),
    variadic("mul", &[ANY, ANY], |_, a| {
        Ok(Value::int64(fold(a, 1, to_int64(a.value(0)), i64::wrapping_mul)))
    }),
    variadic("max", &[ANY, ANY], |_, a| Ok(Value::int64(fold(a, 1, to_int64(a.value(0)), i64::max)))),
    variadic("biggest", &[ANY, ANY], |_, a| Ok(Value::int64(fold(a, 1, to_int64(a.value(0)), i64::max)))),
    variadic("min", &[ANY, ANY], |_, a| Ok(Value::int64(fold(a, 1, to_int64(a.value(0)), i64::min)))),
    variadic("maxf", &[ANY, ANY], |_, a| Ok(fold_floats(a, |x, y| pick_float(x, y, true)))),
    variadic("minf", &[ANY, ANY], |_, a| Ok(fold_floats(a, |x, y| pick_float(x, y, false)))),
    fixed("ceil", &[ANY], |_, a| Ok(Value::Float(to_float64(a.value(0)).ceil()))),
    fixed("floor", &[ANY], |_, a| Ok(Value::Float(to_float64(a.value(0)).floor()))),
    variadic("round", &[ANY, I, Type::Float], |_, a| {
        let edge = match a.value(2) {
            Value::Float(edge) => *edge,
            _ => 0.5,
        };
        Ok(Value::Float(round(to_float64(a.value(0)), a.integer(1), edge)))
    }),
    fixed("until", &[I], |run, a| {
        let count = a.integer(0);
        integers(run, 0, count, if count < 0 { -1 } else { 1 })
    }),
    fixed("untilStep", &[I, I, I], |run, a| integers(run, a.integer(0), a.integer(1), a.integer(2))),
    variadic("seq", &[I], seq),
    fixed("add1f", &[ANY], |_, a| decimals(a, 1, Decimal::add, true)),
    variadic("addf", &[ANY], |_, a| {
        let mut sum = Decimal::from_float(0.0)?;
        for slot in &a.0 {
            sum = sum.add(&Decimal::from_float(to_float64(&slot.value))?)?;
        }
        Ok(Value::Float(sum.to_float()))
    }),
    variadic("subf", &[ANY, ANY], |_, a| decimals(a, 1, Decimal::sub, false)),
    variadic("mulf", &[ANY, ANY], |_, a| decimals(a, 1, Decimal::mul, false)),
    variadic("divf", &[ANY, ANY], |_, a| decimals(a, 1, Decimal::div, false)),
    fixed("randInt", &[I, I], |run, a| {
        let (low, high) = (a.integer(0), a.integer(1));
        let gap = high.wrapping_sub(low);
        if gap <= 0 {
            return Err(Error::new("invalid argument to Intn"));
        }
        Ok(Value::int(super::random::below(run, gap as u64) as i64 + low))
    }),
];

fn atoi(text: &str) -> i64 {
    match parse_int(text, 10) {
        Ok(value) => value,
        Err(IntError::Syntax) => 0,
        Err(IntError::Range) if text.starts_with('-') => i64::MIN,
        Err(IntError::Range) => i64::MAX,
    }
}

/// A float as amd64 converts it: what does not fit is the smallest integer.
fn float_to_int(value: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

/// `12.00` without its zeros after the point.
fn without_zero_decimals(text: &str) -> &str {
    let trimmed = text.trim_end_matches('0');
    match trimmed.strip_suffix('.') {
        Some(whole) if trimmed.len() < text.len() => whole,
        _ => text,
    }
}

/// A value cast to int64; what cannot be cast is 0.
pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => *number as i64,
        Value::Float(number) => float_to_int(*number),
        Value::Str(text) => parse_int(without_zero_decimals(&text.to_lossy()), 0).unwrap_or(0),
        Value::Bool(flag) => i64::from(*flag),
        _ => 0,
    }
}

/// A value cast to float64; what cannot be cast is 0.
pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Int(_, number) => *number as f64,
        Value::Uint(_, number) => *number as f64,
        Value::Float(number) => *number,
        Value::Str(text) => sluice_version::number::parse_float(&text.to_lossy()).unwrap_or(0.0),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        _ => 0.0,
    }
}

fn fold(arguments: &Arguments, from: usize, start: i64, combine: fn(i64, i64) -> i64) -> i64 {
    arguments.0.iter().skip(from).fold(start, |sum, slot| combine(sum, to_int64(&slot.value)))
}

fn divide(arguments: &Arguments, operation: fn(i64, i64) -> i64) -> Outcome {
    let divisor = to_int64(arguments.value(1));
    if divisor == 0 {
        return Err(Error::new("runtime error: integer divide by zero"));
    }
    Ok(Value::int64(operation(to_int64(arguments.value(0)), divisor)))
}

fn fold_floats(arguments: &Arguments, combine: fn(f64, f64) -> f64) -> Value {
    let start = to_float64(arguments.value(0));
    Value::Float(arguments.0.iter().skip(1).fold(start, |sum, slot| combine(sum, to_float64(&slot.value))))
}

fn pick_float(left: f64, right: f64, larger: bool) -> f64 {
    if left.is_nan() || right.is_nan() {
        return f64::NAN;
    }
    if (left < right) == larger { right } else { left }
}

/// Go's Pow(10, n): by squaring, with the rounding that comes with it.
fn power_of_ten(exponent: i64) -> f64 {
    if exponent.abs() > 400 {
        return if exponent > 0 { f64::INFINITY } else { 0.0 };
    }
    let (mut mantissa, mut shift) = (1.0_f64, 0_i32);
    let (mut square, mut square_shift) = (10.0 / 16.0, 4_i32);
    let mut bits = exponent.unsigned_abs();
    while bits != 0 {
        if bits & 1 == 1 {
            mantissa *= square;
            shift += square_shift;
        }
        square *= square;
        square_shift *= 2;
        if square < 0.5 {
            square += square;
            square_shift -= 1;
        }
        bits >>= 1;
    }
    if exponent < 0 {
        mantissa = 1.0 / mantissa;
        shift = -shift;
    }
    let half = shift / 2;
    mantissa * 2.0_f64.powi(half) * 2.0_f64.powi(shift - half)
}

fn round(value: f64, places: i64, edge: f64) -> f64 {
    let power = power_of_ten(places);
    let scaled = power * value;
    let rounded = if scaled.fract() >= edge { scaled.ceil() } else { scaled.floor() };
    rounded / power
}

fn sequence(run: &Run<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Error> {
    let ascending = stop >= start;
    if ascending && step <= 0 || !ascending && step >= 0 {
        return Ok(Vec::new());
    }
    let count =
        (i128::from(stop) - i128::from(start)).unsigned_abs().div_ceil(i128::from(step).unsigned_abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    run.charge(count)?;
    run.charge_bytes(count.saturating_mul(std::mem::size_of::<Value>()))?;
    let mut numbers = Vec::with_capacity(count);
    let mut at = start;
    while if ascending { at < stop } else { at > stop } {
        numbers.push(at);
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(numbers)
}

fn integers(run: &Run<'_>, start: i64, stop: i64, step: i64) -> Outcome {
    let numbers = sequence(run, start, stop, step)?;
    Ok(Value::List(List::new(Elements::Ints, numbers.into_iter().map(Value::int).collect())))
}

fn seq(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let at = |index: usize| arguments.integer(index);
    let (start, end, step, increment) = match arguments.len() {
        1 => {
            let increment = if at(0) < 1 { -1 } else { 1 };
            (1, at(0), increment, increment)
        }
        2 => {
            let step = if at(1) < at(0) { -1 } else { 1 };
            (at(0), at(1), step, step)
        }
        3 => {
            let falling = at(2) < at(0);
            if falling && at(1) > 0 {
                return Ok("".into());
            }
            (at(0), at(2), at(1), if falling { -1 } else { 1 })
        }
        _ => return Ok("".into()),
    };
    let numbers = sequence(run, start, end.wrapping_add(increment), step)?;
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Ok(texts.join(" ").into())
}

fn decimals(
    arguments: &Arguments,
    from: usize,
    operation: fn(&Decimal, &Decimal) -> Result<Decimal, Error>,
    plus_one: bool,
) -> Outcome {
    let mut result = Decimal::from_float(to_float64(arguments.value(0)))?;
    for slot in arguments.0.iter().skip(from) {
        result = operation(&result, &Decimal::from_float(to_float64(&slot.value))?)?;
    }
    if plus_one {
        result = operation(&result, &Decimal::from_float(1.0)?)?;
    }
    Ok(Value::Float(result.to_float()))
}
