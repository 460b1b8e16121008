//! Merging a newer value over an older one: the newer wins, lists with keys and sets keep items of both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sluice_fields::PathElement;

use super::compare::pairs;
use super::walk::{Atom, TypedError, atom_of_both, item_element, items};
use crate::schema::{ANY, ListKind, Schema};

/// Merges a configuration over a whole object, of which `left_out` of its metadata is left out.
pub fn merge_object(
    schema: &Schema,
    left: &Value,
    right: &Value,
    left_out: &str,
) -> Result<Value, TypedError> {
    let failed = |message| TypedError { path: String::new(), message };
    let top = schema.resolved();
    let (Value::Object(old), Value::Object(new)) = (left, right) else {
        return both(schema, Some(left), Some(right)).map(Option::unwrap_or_default).map_err(failed);
    };
    let merged = maps(top, old, new, |name, left, right| {
        let (true, Some(Value::Object(old))) = (name == "metadata", left) else { return None };
        let none = Map::new();
        let new = right.and_then(Value::as_object).unwrap_or(&none);
        let below = top.field(name).map_or(&ANY, |(field, _)| field.resolved());
        Some(maps(below, old, new, |name, _, _| (name == left_out).then_some(Ok(None))).map(Some))
    });
    merged.map_err(failed)
}

/// Merges two maps; what `other` has an answer for is merged so.
fn maps<'a>(
    schema: &Schema,
    old: &'a Map<String, Value>,
    new: &'a Map<String, Value>,
    other: impl Fn(&str, Option<&'a Value>, Option<&'a Value>) -> Option<Result<Option<Value>, String>>,
) -> Result<Value, String> {
    let merged = pairs(old, new).map(|(name, left, right)| {
        let value = match (other(name, left, right), left, right) {
            (Some(value), ..) => value?,
            (None, Some(left), Some(right)) => {
                let below = schema.field(name).map_or(&ANY, |(field, _)| field);
                both(below, Some(left), Some(right))?
            }
            // What only one of them has stays as it is.
            (None, left, right) => right.or(left).cloned(),
        };
        Ok(value.map(|value| (name.clone(), value)))
    });
    Ok(Value::Object(merged.filter_map(Result::transpose).collect::<Result<_, String>>()?))
}

fn both(schema: &Schema, left: Option<&Value>, right: Option<&Value>) -> Result<Option<Value>, String> {
    let (Some(_), Some(_)) = (left, right) else {
        // What only one of them has stays as it is.
        return Ok(right.or(left).cloned());
    };
    Ok(match atom_of_both(schema, left, right) {
        Atom::Leaf => right.or(left).cloned(),
        Atom::Map(schema) => {
            let empty = Map::new();
            let old = left.and_then(Value::as_object).unwrap_or(&empty);
            let new = right.and_then(Value::as_object).unwrap_or(&empty);
            Some(maps(schema, old, new, |_, _, _| None)?)
        }
        Atom::List(below, list) => list_of_both(below, list, items(left), items(right))?,
    })
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
