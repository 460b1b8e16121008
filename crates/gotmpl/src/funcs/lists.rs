//! Lists. Whatever changes a list makes a new one.

use super::{Outcome, fixed, variadic};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::funcs::math::to_int64;
use crate::funcs::strings::{items, to_strings};
use crate::value::{Elements, List, MAX_DEPTH, Value};

const ANY: Type = Type::Any;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("list", &[ANY], |_, a| Ok(new_list(a))),
    variadic("tuple", &[ANY], |_, a| Ok(new_list(a))),
    fixed("append", &[ANY, ANY], push),
    fixed("push", &[ANY, ANY], push),
    fixed("mustAppend", &[ANY, ANY], push),
    fixed("mustPush", &[ANY, ANY], push),
    fixed("prepend", &[ANY, ANY], prepend),
    fixed("mustPrepend", &[ANY, ANY], prepend),
    fixed("first", &[ANY], |run, a| {
        Ok(known(run, a, "Cannot find first on type")?.into_iter().next().unwrap_or_default())
    }),
    fixed("mustFirst", &[ANY], |run, a| {
        Ok(known(run, a, "Cannot find first on type")?.into_iter().next().unwrap_or_default())
    }),
    fixed("last", &[ANY], |run, a| Ok(known(run, a, "Cannot find last on type")?.pop().unwrap_or_default())),
    fixed("mustLast", &[ANY], |run, a| {
        Ok(known(run, a, "Cannot find last on type")?.pop().unwrap_or_default())
    }),
    fixed("rest", &[ANY], rest),
    fixed("mustRest", &[ANY], rest),
    fixed("initial", &[ANY], initial),
    fixed("mustInitial", &[ANY], initial),
    fixed("reverse", &[ANY], reverse),
    fixed("mustReverse", &[ANY], reverse),
    fixed("compact", &[ANY], compact),
    fixed("mustCompact", &[ANY], compact),
    fixed("uniq", &[ANY], uniq),
    fixed("mustUniq", &[ANY], uniq),
    variadic("without", &[ANY, ANY], without),
    variadic("mustWithout", &[ANY, ANY], without),
    fixed("has", &[ANY, ANY], has),
    fixed("mustHas", &[ANY, ANY], has),
    fixed("chunk", &[Type::Int, ANY], chunk),
    fixed("mustChunk", &[Type::Int, ANY], chunk),
    variadic("concat", &[ANY], concat),
    fixed("sortAlpha", &[ANY], sort_alpha),
];

/// sprig's `slice`, which hides the one of text/template.
pub(super) const SLICES: &[Function] =
    &[variadic("slice", &[ANY, ANY], slice), variadic("mustSlice", &[ANY, ANY], slice)];

pub(super) fn nil_dereference() -> Error {
    Error::new("runtime error: invalid memory address or nil pointer dereference")
}

fn new_list(arguments: &mut Arguments) -> Value {
    Value::list(arguments.rest(0))
}

/// The items of argument 0, or the reference's complaint.
fn known(run: &Run<'_>, arguments: &Arguments, complaint: &str) -> Result<Vec<Value>, Error> {
    known_at(run, arguments.value(0), complaint)
}

fn known_at(run: &Run<'_>, value: &Value, complaint: &str) -> Result<Vec<Value>, Error> {
    if value.is_nil() {
        return Err(nil_dereference());
    }
    let items = items(value).ok_or_else(|| Error::new(format!("{complaint} {}", value.kind_name())))?;
    run.charge(items.len() / 4)?;
    run.charge_bytes(items.len() * std::mem::size_of::<Value>())?;
    Ok(items)
}

fn push(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut items = known(run, arguments, "Cannot push on type")?;
    items.push(arguments.take(1));
    Ok(Value::list(items))
}

fn prepend(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut items = known(run, arguments, "Cannot prepend on type")?;
    items.insert(0, arguments.take(1));
    Ok(Value::list(items))
}

fn rest(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut items = known(run, arguments, "Cannot find rest on type")?;
    if items.is_empty() {
        return Ok(Value::List(List::nil(Elements::Any)));
    }
    items.remove(0);
    Ok(Value::list(items))
}

fn initial(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut items = known(run, arguments, "Cannot find initial on type")?;
    if items.pop().is_none() {
        return Ok(Value::List(List::nil(Elements::Any)));
    }
    Ok(Value::list(items))
}

fn reverse(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut items = known(run, arguments, "Cannot find reverse on type")?;
    items.reverse();
    Ok(Value::list(items))
}

fn compact(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut items = known(run, arguments, "Cannot compact on type")?;
    items.retain(Value::truth);
    Ok(Value::list(items))
}

fn uniq(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let items = known(run, arguments, "Cannot find uniq on type")?;
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        run.charge(kept.len())?;
        if !kept.iter().any(|other| deep_equal(&item, other)) {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn without(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut items = known(run, arguments, "Cannot find without on type")?;
    let omitted = arguments.rest(1);
    run.charge(items.len().saturating_mul(omitted.len()))?;
    items.retain(|item| !omitted.iter().any(|other| deep_equal(other, item)));
    Ok(Value::list(items))
}

fn has(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    if arguments.value(1).is_nil() {
        return Ok(Value::Bool(false));
    }
    let items = known_at(run, arguments.value(1), "Cannot find has on type")?;
    Ok(Value::Bool(items.iter().any(|item| deep_equal(arguments.value(0), item))))
}

fn chunk(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let size = arguments.integer(0);
    let items = known_at(run, arguments.value(1), "Cannot chunk type")?;
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        // The reference computes how many chunks there are before it looks at the size.
        if size < 0 && ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0 == 0.0 {
            return Ok(Value::List(List::new(Elements::Lists, Vec::new())));
        }
        if size < -1 && items.len() == 1 {
            // One chunk, of which only the rest is counted.
            return Ok(Value::List(List::new(Elements::Lists, vec![Value::list(items)])));
        }
        return Err(Error::new("runtime error: makeslice: len out of range"));
    };
    let chunks = items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect();
    Ok(Value::List(List::new(Elements::Lists, chunks)))
}

fn concat(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let mut all = Vec::new();
    for value in arguments.rest(0) {
        if value.is_nil() {
            return Err(nil_dereference());
        }
        let Some(mut more) = items(&value) else {
            return Err(Error::new(format!("Cannot concat type {} as list", value.kind_name())));
        };
        run.charge_bytes(more.len() * std::mem::size_of::<Value>())?;
        all.append(&mut more);
    }
    Ok(Value::List(if all.is_empty() { List::nil(Elements::Any) } else { List::new(Elements::Any, all) }))
}

fn slice(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let value = arguments.take(0);
    let items = known_at(run, &value, "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let length = items.len() as i64;
    let start = if arguments.len() > 1 { to_int64(arguments.value(1)) } else { 0 };
    let end = if arguments.len() > 2 { to_int64(arguments.value(2)) } else { length };
    if start < 0 || end > length || start > end {
        return Err(Error::new("reflect.Value.Slice: slice index out of bounds"));
    }
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    Ok(match value.base() {
        Value::Bytes(bytes) => Value::Bytes(bytes.slice(range)),
        Value::List(list) if list.is_nil() => Value::List(list),
        Value::List(list) => Value::List(List::new(list.elements(), items[range].to_vec())),
        other => other,
    })
}

fn sort_alpha(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let value = arguments.value(0);
    if items(value).is_none() {
        return Ok(Value::strings([super::strings::to_text(value)]));
    }
    if let Value::List(list) = value
        && list.elements() == Elements::Strings
    {
        // Go sorts what it is given, where it holds strings already.
        run.charge(list.items().len())?;
        list.sort_texts();
        return Ok(value.clone());
    }
    let mut texts = to_strings(value);
    run.charge(texts.len())?;
    texts.sort();
    Ok(Value::strings(texts))
}

/// Go's DeepEqual on two interfaces: types count, so 1 and 1.0 differ.
pub(super) fn deep_equal(left: &Value, right: &Value) -> bool {
    deep_equal_at(left, right, 0)
}

fn deep_equal_at(left: &Value, right: &Value, depth: u32) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(kind, a), Value::Int(other, b)) => kind == other && a == b,
        (Value::Uint(kind, a), Value::Uint(other, b)) => kind == other && a == b,
        #[allow(clippy::float_cmp)] // what Go's == does
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a), Value::Complex(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.elements() == b.elements()
                && a.is_nil() == b.is_nil()
                && a.items().len() == b.items().len()
                && (a.is_same(b)
                    || a.items().iter().zip(b.items()).all(|(a, b)| deep_equal_at(a, b, depth + 1)))
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.is_same(b) {
                return true;
            }
            a.map_type() == b.map_type() && a.is_nil() == b.is_nil() && a.len() == b.len() && {
                let (a, b) = (a.borrow(), b.borrow());
                a.iter().all(|(key, value)| {
                    b.get(key).is_some_and(|other| deep_equal_at(value, other, depth + 1))
                })
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            std::rc::Rc::ptr_eq(a, b)
                || a.type_name() == b.type_name()
                    && match (a.underlying(), b.underlying()) {
                        (Some(a), Some(b)) => deep_equal_at(&a, &b, depth + 1),
                        _ => a.text().is_some() && a.text() == b.text(),
                    }
        }
        _ => false,
    }
}
