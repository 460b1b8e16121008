//! Merging a newer value over an older one: the newer wins, lists with keys and sets keep items of both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sluice_fields::PathElement;

use super::walk::{Atom, TypedError, are_paired, atom_of_both, item_element, items};
use crate::schema::{ANY, ListKind, Schema};

/// Merges a newer value over an older one.
pub fn merge(schema: &Schema, older: &mut Value, newer: &Value) -> Result<(), TypedError> {
    let failed = |message| TypedError { path: String::new(), message };
    let has_value = over(schema, older, newer).map_err(failed)?;
    if !has_value {
        *older = Value::Null;
    }
    Ok(())
}

/// Merges a newer value over an older one; whether anything is left.
fn over(schema: &Schema, older: &mut Value, newer: &Value) -> Result<bool, String> {
    match atom_of_both(schema, Some(older), Some(newer)) {
        Atom::Leaf => {
            if older != newer {
                older.clone_from(newer);
            }
        }
        Atom::Map(schema) => {
            if !older.is_object() {
                *older = Value::Object(Map::new());
            }
            let Value::Object(out) = older else { return Ok(true) };
            for (name, value) in newer.as_object().into_iter().flatten() {
                let Some(known) = out.get_mut(name) else {
                    // What only one of them has stays as it is.
                    out.insert(name.clone(), value.clone());
                    continue;
                };
                let below = schema.field(name).map_or(&ANY, |(field, _)| field);
                if !over(below, known, value)? {
                    out.remove(name);
                }
            }
        }
        Atom::List(below, list) => match (&mut *older, newer) {
            (Value::Array(old), Value::Array(new)) if are_paired(old, new, below, list) => {
                let mut left = Vec::with_capacity(old.len());
                for (old, new) in old.iter_mut().zip(new) {
                    left.push(over(below, old, new)?);
                }
                let mut left = left.into_iter();
                old.retain(|_| left.next().unwrap_or(true));
                return Ok(!old.is_empty());
            }
            _ => match list_of_both(below, list, items(Some(older)), items(Some(newer)))? {
                Some(merged) => *older = merged,
                None => return Ok(false),
            },
        },
    }
    Ok(true)
}

fn both(schema: &Schema, left: Option<&Value>, right: Option<&Value>) -> Result<Option<Value>, String> {
    let (Some(left), Some(right)) = (left, right) else {
        // What only one of them has stays as it is.
        return Ok(right.or(left).cloned());
    };
    let mut merged = left.clone();
    Ok(over(schema, &mut merged, right)?.then_some(merged))
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
