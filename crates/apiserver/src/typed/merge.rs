//! Merging a newer value over an older one: the newer wins, lists with keys and sets keep items of both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sluice_fields::PathElement;

use super::walk::{Atom, TypedError, are_paired, atom_of_both, item_element, items};
use crate::same::Same;
use crate::schema::{ANY, ListKind, Schema};

/// Merges a newer value over an older one, and tells what of it is as it was in `kept`, of which it is a copy.
pub fn merge<'a>(
    schema: &Schema,
    older: &mut Value,
    newer: &Value,
    kept: &'a Value,
) -> Result<Same<'a>, TypedError> {
    let failed = |message| TypedError { path: String::new(), message };
    let merged = over(schema, older, newer, Some(kept)).map_err(failed)?;
    if merged.is_none() {
        *older = Value::Null;
    }
    Ok(merged.unwrap_or(Same::Nothing))
}

/// Merges a newer value over an older one; `None` where nothing is left.
fn over<'a>(
    schema: &Schema,
    older: &mut Value,
    newer: &Value,
    kept: Option<&'a Value>,
) -> Result<Option<Same<'a>>, String> {
    match atom_of_both(schema, Some(older), Some(newer)) {
        Atom::Leaf if older == newer => Ok(Some(Same::All)),
        Atom::Leaf => {
            older.clone_from(newer);
            Ok(Some(Same::Nothing))
        }
        Atom::Map(schema) => maps(schema, older, newer, kept).map(Some),
        Atom::List(below, list) => match (&mut *older, newer) {
            (Value::Array(old), Value::Array(new)) if are_paired(old, new, below, list) => {
                let (mut items, mut is_all) = (Vec::with_capacity(old.len()), true);
                for (at, (old, new)) in old.iter_mut().zip(new).enumerate() {
                    let same = over(below, old, new, kept.and_then(|kept| kept.get(at)))?;
                    is_all &= same.as_ref().is_some_and(Same::is_all);
                    items.push(same);
                }
                let mut left = items.iter().map(Option::is_some);
                old.retain(|_| left.next().unwrap_or(true));
                if old.is_empty() {
                    return Ok(None);
                }
                let same = items.into_iter().collect::<Option<Vec<_>>>().map_or(Same::Nothing, Same::Items);
                Ok(Some(if is_all { Same::All } else { same }))
            }
            _ => match list_of_both(below, list, items(Some(older)), items(Some(newer)))? {
                Some(merged) if merged == *older => Ok(Some(Same::All)),
                Some(merged) => {
                    *older = merged;
                    Ok(Some(Same::Nothing))
                }
                None => Ok(None),
            },
        },
    }
}

fn maps<'a>(
    schema: &Schema,
    older: &mut Value,
    newer: &Value,
    kept: Option<&'a Value>,
) -> Result<Same<'a>, String> {
    if !older.is_object() {
        *older = Value::Object(Map::new());
    }
    let Value::Object(out) = older else { return Ok(Same::Nothing) };
    let old = kept.and_then(Value::as_object);
    let (mut changed, mut has_all) = (Vec::new(), old.is_some());
    for (name, value) in newer.as_object().into_iter().flatten() {
        let Some(known) = out.get_mut(name) else {
            // What only one of them has stays as it is.
            out.insert(name.clone(), value.clone());
            has_all = false;
            continue;
        };
        let below = schema.field(name).map_or(&ANY, |(field, _)| field);
        let (key, before) = old.and_then(|old| old.get_key_value(name)).unzip();
        let same = over(below, known, value, before)?;
        if same.is_none() {
            out.remove(name);
            has_all = false;
        }
        match (key, same.unwrap_or(Same::Nothing)) {
            (_, Same::All) => {}
            (Some(key), same) => changed.push((key.as_str(), same)),
            (None, _) => has_all = false,
        }
    }
    Ok(match old {
        _ if has_all && changed.is_empty() => Same::All,
        Some(old) => Same::Fields { old, changed, has_all },
        None => Same::Nothing,
    })
}

fn both(schema: &Schema, left: Option<&Value>, right: Option<&Value>) -> Result<Option<Value>, String> {
    let (Some(left), Some(right)) = (left, right) else {
        // What only one of them has stays as it is.
        return Ok(right.or(left).cloned());
    };
    let mut merged = left.clone();
    Ok(over(schema, &mut merged, right, None)?.map(|_| merged))
}

/// The newer list gives the order; items that only the older one has keep their place among their neighbours.
fn list_of_both(
    below: &Schema,
    list: &ListKind,
    left: &[Value],
    right: &[Value],
) -> Result<Option<Value>, String> {
    let elements = |side: &[Value]| -> Result<Vec<PathElement>, String> {
        side.iter().map(|item| item_element(item, below, list)).collect()
    };
    let (old, new) = (elements(left)?, elements(right)?);
    // An element that the older list has twice has no value of its own there.
    let mut in_old: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
    for (element, item) in old.iter().zip(left) {
        in_old.entry(element).and_modify(|known| *known = None).or_insert(Some(item));
    }
    let mut in_new: BTreeMap<&PathElement, &Value> = BTreeMap::new();
    for (element, item) in new.iter().zip(right) {
        if in_new.insert(element, item).is_some() {
            return Err(format!("duplicate entries for key {element}"));
        }
    }
    let mut shared = new.iter().filter(|element| in_old.contains_key(element));
    let mut next_shared = shared.next();
    let mut done: BTreeSet<&PathElement> = BTreeSet::new();
    let mut out = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    while at_old < old.len() || at_new < new.len() {
        if let (Some(older), Some(newer)) = (old.get(at_old), new.get(at_new)) {
            if older == newer {
                done.insert(older);
                out.extend(both(below, in_old[older], Some(in_new[older]))?);
                at_old += 1;
                at_new += 1;
                next_shared = shared.next();
                continue;
            }
            if in_new.contains_key(older) && next_shared.is_some_and(|next| next != older) {
                at_old += 1;
                continue;
            }
        }
        if let Some(older) = old.get(at_old) {
            if !in_new.contains_key(older) {
                out.extend(both(below, Some(&left[at_old]), None)?);
                at_old += 1;
                continue;
            }
            if done.contains(older) {
                at_old += 1;
            }
        }
        if let Some(newer) = new.get(at_new) {
            done.insert(newer);
            out.extend(both(below, in_old.get(newer).copied().flatten(), Some(in_new[newer]))?);
            at_new += 1;
            if next_shared == Some(newer) {
                next_shared = shared.next();
            }
        }
    }
    Ok((!out.is_empty()).then_some(Value::Array(out)))
}
