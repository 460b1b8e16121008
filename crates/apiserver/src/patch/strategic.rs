//! Strategic merge patches: lists merge by the key that the schema names; directives delete, replace and order.

use serde_json::{Map, Value};

use crate::decode::shown_as_go;
use crate::schema::{ANY, Schema};
use crate::status::Failure;

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Applies a patch.
pub fn apply(schema: &Schema, live: &Value, patch: &Value) -> Result<Value, Failure> {
    let mut out = live.clone();
    merge(schema, &mut out, patch)?;
    Ok(out)
}

fn merge(schema: &Schema, target: &mut Value, patch: &Value) -> Result<(), Failure> {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    match fields.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            let kept = fields.iter().filter(|(key, _)| *key != DIRECTIVE);
            *target = Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect());
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(Failure::plain(format!(
                "unknown patch type: {other} in map: {}",
                shown_as_go(patch)
            )));
        }
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(out) = target else { return Ok(()) };
    if let Some(retained) = fields.get(RETAIN).and_then(Value::as_array) {
        out.retain(|key, _| retained.iter().any(|one| one == key.as_str()));
    }
    for (key, value) in fields {
        if key == DIRECTIVE || key == RETAIN || key.starts_with(ORDER) {
            continue;
        }
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (out.get_mut(name), value) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if value.is_null() {
            out.remove(key);
            continue;
        }
        let below = schema.field(key).map_or(&ANY, |(field, _)| field);
        let is_merged = below.strategies.iter().any(|strategy| strategy == "merge");
        match value {
            Value::Object(_) if below.strategies.iter().any(|strategy| strategy == "replace") => {
                out.insert(key.clone(), value.clone());
            }
            Value::Object(_) => merge(below, out.entry(key.clone()).or_insert(Value::Null), value)?,
            Value::Array(items) if is_merged => {
                let slot = out.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
                merge_list(below, slot, items)?;
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    for (key, order) in fields {
        let Some(name) = key.strip_prefix(ORDER) else { continue };
        let below = schema.field(name).map_or(&ANY, |(field, _)| field);
        if let (Some(Value::Array(items)), Value::Array(order)) = (out.get_mut(name), order) {
            sort(items, order, below.merge_key.as_deref());
        }
    }
    Ok(())
}

fn merge_list(schema: &Schema, target: &mut Value, patch: &[Value]) -> Result<(), Failure> {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Value::Array(out) = target else { return Ok(()) };
    let server = out.clone();
    let Some(merge_key) = &schema.merge_key else {
        for item in patch {
            if !out.contains(item) {
                out.push(item.clone());
            }
        }
        interleave(out, &server, patch, None);
        return Ok(());
    };
    if patch.iter().any(|item| item[DIRECTIVE] == "replace") {
        *out = patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect();
        return Ok(());
    }
    for item in patch {
        let key = &item[merge_key.as_str()];
        if key.is_null() {
            return Err(Failure::plain(format!(
                "map: {} does not contain declared merge key: {merge_key}",
                shown_as_go(item)
            )));
        }
        if item[DIRECTIVE] == "delete" {
            out.retain(|known| known[merge_key.as_str()] != *key);
            continue;
        }
        match out.iter_mut().find(|known| known[merge_key.as_str()] == *key) {
            Some(known) => merge(schema.items(), known, item)?,
            // As it is sent, with its directives, which are no fields then.
            None => out.push(item.clone()),
        }
    }
    interleave(out, &server, patch, Some(merge_key));
    Ok(())
}

/// What the patch names comes first, but not before what stood before it.
fn interleave(items: &mut Vec<Value>, server: &[Value], patch: &[Value], merge_key: Option<&str>) {
    let key = |item: &Value| merge_key.map_or_else(|| item.clone(), |name| item[name].clone());
    let at = |list: &[Value], item: &Value| list.iter().position(|known| key(known) == key(item));
    let (mut named, others): (Vec<Value>, Vec<Value>) =
        items.drain(..).partition(|item| at(patch, item).is_some());
    named.sort_by_key(|item| at(patch, item));
    let mut named = named.into_iter().peekable();
    for other in others {
        while let Some(next) = named.peek() {
            let stands_before = match (at(server, &other), at(server, next)) {
                (Some(other), Some(next)) => other < next,
                _ => false,
            };
            if stands_before {
                break;
            }
            items.extend(named.next());
        }
        items.push(other);
    }
    items.extend(named);
}

/// Items named in the order stand so; others stay behind the item that they stood behind.
fn sort(items: &mut Vec<Value>, order: &[Value], merge_key: Option<&str>) {
    let key = |item: &Value| merge_key.map_or_else(|| item.clone(), |name| item[name].clone());
    let place = |item: &Value| order.iter().position(|wanted| key(wanted) == key(item));
    let mut named: Vec<(usize, Value)> = Vec::new();
    let mut others: Vec<(Option<Value>, Value)> = Vec::new();
    let mut before = None;
    for item in items.drain(..) {
        match place(&item) {
            Some(at) => named.push((at, item.clone())),
            None => others.push((before, item.clone())),
        }
        before = Some(key(&item));
    }
    named.sort_by_key(|(at, _)| *at);
    *items = named.into_iter().map(|(_, item)| item).collect();
    for (before, item) in others {
        let at = before.and_then(|before| items.iter().position(|known| key(known) == before));
        items.insert(at.map_or(0, |at| at + 1), item);
    }
}
