//! Dictionaries: shared maps that are changed in place.

use std::rc::Rc;

use super::{Outcome, fixed, variadic};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::funcs::lists::deep_equal;
use crate::funcs::strings::to_text;
use crate::text::Text;
use crate::value::{List, MAX_DEPTH, Map, MapType, Object, Value};

const ANY: Type = Type::Any;
const M: Type = Type::Map;
const S: Type = Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("dict", &[ANY], dict),
    fixed("get", &[M, S], |_, a| Ok(a.map(0).get(a.bytes(1)).unwrap_or_else(|| "".into()))),
    fixed("set", &[M, S, ANY], |_, a| {
        let map = a.map(0);
        if map.is_nil() {
            return Err(Error::new("assignment to entry in nil map"));
        }
        let value = a.take(2);
        map.insert(a.bytes(1), value);
        Ok(Value::Map(map))
    }),
    fixed("unset", &[M, S], |_, a| {
        let map = a.map(0);
        map.remove(a.bytes(1));
        Ok(Value::Map(map))
    }),
    fixed("hasKey", &[M, S], |_, a| Ok(a.map(0).contains(a.bytes(1)).into())),
    variadic("pluck", &[S, M], |_, a| {
        let key = a.bytes(0);
        Ok(Value::list((1..a.len()).filter_map(|index| a.map(index).get(key)).collect()))
    }),
    variadic("keys", &[M], |run, a| {
        let mut keys: Vec<Text> = Vec::new();
        for index in 0..a.len() {
            run.charge(a.map(index).len())?;
            keys.extend(a.map(index).borrow().keys().cloned());
        }
        Ok(Value::strings(keys))
    }),
    fixed("values", &[M], |run, a| {
        run.charge(a.map(0).len())?;
        Ok(Value::list(a.map(0).borrow().values().cloned().collect()))
    }),
    variadic("pick", &[M, S], |_, a| {
        let map = a.map(0);
        let picked = Map::new();
        for index in 1..a.len() {
            if let Some(value) = map.get(a.bytes(index)) {
                picked.insert(a.bytes(index), value);
            }
        }
        Ok(Value::Map(picked))
    }),
    variadic("omit", &[M, S], |run, a| {
        run.charge(a.map(0).len())?;
        let kept = a.map(0).entries().into_iter().collect();
        let kept = Map::of(MapType::Any, kept);
        for index in 1..a.len() {
            kept.remove(a.bytes(index));
        }
        Ok(Value::Map(kept))
    }),
    variadic("merge", &[M, M], |run, a| merge_or_blank(run, a, false)),
    variadic("mustMerge", &[M, M], |run, a| merge_all(run, a, false)),
    variadic("mergeOverwrite", &[M, M], |run, a| merge_or_blank(run, a, true)),
    variadic("mustMergeOverwrite", &[M, M], |run, a| merge_all(run, a, true)),
    variadic("dig", &[ANY], dig),
    fixed("deepCopy", &[ANY], copy),
    fixed("mustDeepCopy", &[ANY], copy),
    fixed("deepEqual", &[ANY, ANY], |_, a| Ok(deep_equal(a.value(0), a.value(1)).into())),
];

fn dict(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let map = Map::new();
    let mut values = arguments.rest(0).into_iter();
    while let Some(key) = values.next() {
        map.insert(to_text(&key), values.next().unwrap_or_else(|| "".into()));
    }
    Ok(Value::Map(map))
}

/// What mergo says of values whose types do not fit; what it dies of is told otherwise.
const DIFFERENT: &str = "src and dst must be of same type";

/// As `merge_all`, but what mergo says is not told.
fn merge_or_blank(run: &Run<'_>, arguments: &Arguments, overwrite: bool) -> Outcome {
    match merge_all(run, arguments, overwrite) {
        Err(error) if error.to_string() == DIFFERENT => Ok("".into()),
        merged => merged,
    }
}

fn merge_all(run: &Run<'_>, arguments: &Arguments, overwrite: bool) -> Outcome {
    let mut target = arguments.map(0);
    if target.is_nil() && (1..arguments.len()).any(|index| !arguments.map(index).is_nil()) {
        target = Map::new();
    }
    for index in 1..arguments.len() {
        merge(run, &target, &arguments.map(index), overwrite, 0)?;
    }
    Ok(Value::Map(target))
}

/// Merges as mergo does: what the target lacks or has empty is taken over (the very same maps and lists), maps are
/// merged in place; with `overwrite`, whatever else the source has wins, its empty values too.
fn merge(run: &Run<'_>, target: &Map, source: &Map, overwrite: bool, depth: u32) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::new("maps are nested too deep to merge"));
    }
    run.charge(source.len() + 1)?;
    for (key, from) in source.entries() {
        let into = target.get(&key);
        if from.is_nil() {
            if overwrite {
                target.insert(key, from);
            }
            continue;
        }
        match (&from, &into) {
            (_, Some(Value::Map(into))) if let Some(from) = go_map(&from) => {
                if !into.is_same(&from) {
                    merge(run, into, &from, overwrite, depth + 1)?;
                }
                if !into.is_empty() {
                    continue;
                }
            }
            (Value::Map(from), Some(Value::Object(into))) if merge_into_object(from, &**into, overwrite)? => {
                continue;
            }
            (Value::List(_) | Value::Bytes(_), Some(known)) if known.truth() => {
                if overwrite {
                    target.insert(key, from);
                }
                continue;
            }
            _ => {}
        }
        if overwrite || into.is_none_or(|known| !known.truth()) {
            target.insert(key, from);
        }
    }
    Ok(())
}

/// What is a map in Go: `.Files` too.
fn go_map(value: &Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(map.clone()),
        Value::Object(object) if object.kind() == "map" => object.underlying()?.as_map(),
        _ => None,
    }
}

/// What mergo says to a map that is merged into an object: nothing of it is taken over. Whether that is all.
fn merge_into_object(source: &Map, target: &dyn Object, overwrite: bool) -> Result<bool, Error> {
    match target.kind() {
        "ptr" if !overwrite => Err(Error::new(DIFFERENT)),
        "struct" if !target.fields().is_empty() => {
            Err(Error::new("reflect: call of reflect.Value.Field on map Value"))
        }
        "map" => {
            let own = target.underlying().and_then(|own| own.as_map()).unwrap_or_default();
            for (key, element) in source.entries() {
                merge_into_bytes(&own, &key, &element, overwrite)?;
            }
            Ok(!own.is_empty())
        }
        _ => Ok(false),
    }
}

/// One element that is merged into the map of bytes that `.Files` is.
fn merge_into_bytes(own: &Map, key: &[u8], element: &Value, overwrite: bool) -> Result<(), Error> {
    let refused = |name: &str| {
        let text = format!("value of type {name} is not assignable to type []uint8");
        Err(Error::new(format!("reflect.Value.SetMapIndex: {text}")))
    };
    let known = own.get(key);
    if element.is_nil() {
        return if overwrite { refused("interface {}") } else { Ok(()) };
    }
    let is_slice = element.kind_name() == "slice";
    if is_slice && (overwrite || known.is_none()) && !matches!(element, Value::Bytes(_)) {
        return refused(&element.type_name());
    }
    let is_kept = known.is_some_and(|known| known.truth()) && (is_slice || !overwrite);
    if is_kept { Ok(()) } else { refused("interface {}") }
}

fn conversion(value: &Value, wanted: &str) -> Error {
    let name = if value.is_nil() { "nil".into() } else { value.type_name() };
    Error::new(format!("interface conversion: interface {{}} is {name}, not {wanted}"))
}

/// A type assertion to `map[string]interface {}`, which named map types fail.
fn assert_map(value: &Value) -> Result<Map, Error> {
    match value {
        Value::Map(map) if map.map_type() == MapType::Any => Ok(map.clone()),
        other => Err(conversion(other, "map[string]interface {}")),
    }
}

fn dig(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let count = arguments.len();
    if count < 3 {
        return Err(Error::new("dig needs at least three arguments"));
    }
    let mut map = assert_map(arguments.value(count - 1))?;
    for index in 0..count - 2 {
        if !matches!(arguments.value(index), Value::Str(_)) {
            return Err(conversion(arguments.value(index), "string"));
        }
    }
    for index in 0..count - 2 {
        let Some(step) = map.get(arguments.bytes(index)) else { return Ok(arguments.take(count - 2)) };
        if index == count - 3 {
            return Ok(step);
        }
        map = assert_map(&step)?;
    }
    Ok(Value::Nil)
}

fn copy(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    if arguments.value(0).is_nil() {
        return Err(Error::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    deep_copy(run, arguments.value(0), 0)
}

fn deep_copy(run: &Run<'_>, value: &Value, depth: u32) -> Outcome {
    if depth > MAX_DEPTH {
        return Err(Error::new("deepCopy error: value is nested too deep"));
    }
    run.charge(1)?;
    Ok(match value {
        Value::List(list) if list.is_nil() => Value::List(List::nil(list.elements())),
        Value::List(list) => {
            let items =
                list.items().iter().map(|item| deep_copy(run, item, depth + 1)).collect::<Result<_, _>>()?;
            Value::List(List::new(list.elements(), items))
        }
        Value::Map(map) if map.is_nil() => value.clone(),
        Value::Map(map) => {
            run.charge_bytes(map.len() * 64)?;
            let entries = map
                .entries()
                .into_iter()
                .map(|(key, item)| Ok((key, deep_copy(run, &item, depth + 1)?)))
                .collect::<Result<_, Error>>()?;
            Value::Map(Map::of(map.map_type(), entries))
        }
        Value::Object(object) => object.deep_copied().unwrap_or_else(|| Value::Object(Rc::clone(object))),
        other => other.clone(),
    })
}
