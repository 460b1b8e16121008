//! Lists that merge element by element. What the patch brings comes first, then what was there. Here is kyaml's way
//! with all its turns; `distinct` is the short one to the same end, for lists whose elements all say who they are.

mod distinct;

use std::collections::HashSet;

use sluice_yaml::{Kind, Node, Tag};
use smol_str::SmolStr;

use super::{DIRECTIVE, Directive, Merger, directive, missing};
use crate::error::Result;
use crate::nodes;
use crate::schema::Place;

impl Merger<'_> {
    pub(super) fn walk_list(
        &self,
        dest: Option<Node>,
        mut patch: Option<Node>,
        place: Place,
        alias: bool,
    ) -> Result<Option<Node>> {
        let alias = alias || missing(dest.as_ref());
        let dest = if missing(dest.as_ref()) {
            patch.clone()
        } else if patch.as_ref().is_some_and(|patch| patch.tag == Tag::Null) {
            None
        } else {
            match patch.as_mut().map_or(Ok(Directive::Merge), list_directive)? {
                Directive::Delete => None,
                Directive::Replace => {
                    let keys = self.schema.keys(place);
                    return self.merge_list(patch.clone(), patch, keys, place, true);
                }
                Directive::Merge => {
                    let mut dest = dest;
                    if alias && let Some(dest) = dest.as_mut() {
                        list_directive(dest)?;
                    }
                    dest
                }
            }
        };
        let Some(dest) = dest else { return Ok(None) };
        self.merge_list(Some(dest), patch, self.schema.keys(place), place, alias)
    }

    fn merge_list(
        &self,
        dest: Option<Node>,
        patch: Option<Node>,
        keys: &[String],
        place: Place,
        alias: bool,
    ) -> Result<Option<Node>> {
        let Some(mut dest) = dest else { return Ok(None) };
        // One node in both roles is looked at where it changes.
        let mut patch = if alias { None } else { patch };
        if let Kind::Sequence(items) = &mut dest.kind {
            let known = distinct::Known::of(items, patch.as_ref().map_or(&[], nodes::items), keys);
            if let Some(known) = known {
                let brought =
                    patch.as_mut().and_then(Node::items_mut).map(std::mem::take).unwrap_or_default();
                *items = self.merge_distinct(std::mem::take(items), brought, &known, place, alias)?;
                return Ok(Some(dest));
            }
        }
        let patch_items = patch.as_ref().map_or(&[][..], nodes::items);
        let primitive = keys.is_empty();
        let own_keys = [String::new()];
        let keys = if primitive { &own_keys[..] } else { keys };
        let mut wanted: Vec<Vec<SmolStr>> = Vec::new();
        let mut seen: HashSet<Vec<SmolStr>> = HashSet::new();
        for item in patch_items.iter().chain(nodes::items(&dest)) {
            let values: Vec<SmolStr> = if primitive {
                vec![nodes::smol(item)]
            } else {
                keys.iter().map(|key| key_value(item, key)).collect()
            };
            if seen.insert(values.clone()) {
                wanted.push(values);
            }
        }
        if keys.len() > 1 {
            join_values(&mut wanted);
        }
        let elements = self.schema.elements(place);
        let mut added: Vec<Node> = Vec::new();
        let all: Vec<bool> = valid_keys(&wanted, keys);
        let mut last_keys: Vec<&str> = Vec::new();
        for values in &wanted {
            let (valid, valid_values) = choose(&all, keys, values);
            let (own, own_values) = {
                let alone = valid_keys(std::slice::from_ref(&valid_values), &owned(&valid));
                let names: Vec<String> = owned(&valid);
                let (chosen, values) = choose(&alone, &names, &valid_values);
                (chosen.into_iter().map(str::to_owned).collect::<Vec<String>>(), values)
            };
            let dest_at = find(nodes::items(&dest), &own, &own_values);
            let had = dest_at.map(|at| nodes::items(&dest)[at].clone());
            let brings = if alias {
                had.clone()
            } else {
                find(patch_items, &own, &own_values).map(|at| patch_items[at].clone())
            };
            let value = if primitive { brings.or(had) } else { self.walk(had, brings, elements, alias)? };
            last_keys.clone_from(&valid);
            let Some(mut value) = value.filter(|value| !says_nothing(value)) else {
                set_element(items_mut(&mut dest), None, &valid, &valid_values)?;
                continue;
            };
            for (key, text) in valid.iter().zip(&valid_values) {
                if !key.is_empty() && nodes::get(&value, key).is_none() && !text.is_empty() {
                    nodes::set_field(&mut value, key, nodes::untagged(text.clone()))?;
                }
            }
            // kyaml has changed the element in the old list as well: both are one node.
            if let Some(at) = dest_at {
                items_mut(&mut dest)[at] = value.clone();
            }
            set_element(&mut added, Some(value), &valid, &valid_values)?;
        }
        if !wanted.is_empty() {
            let Kind::Sequence(old) = std::mem::replace(&mut dest.kind, Kind::Sequence(Vec::new())) else {
                return Ok(Some(dest));
            };
            put_behind(&mut added, old, &last_keys)?;
            dest.kind = Kind::Sequence(added);
            if missing(Some(&dest)) {
                return Ok(None);
            }
        }
        Ok(Some(dest))
    }
}

/// True for a null and an empty mapping, which no list keeps.
fn says_nothing(element: &Node) -> bool {
    element.tag == Tag::Null || matches!(&element.kind, Kind::Mapping(entries) if entries.is_empty())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn items_mut(node: &mut Node) -> &mut Vec<Node> {
    if !matches!(node.kind, Kind::Sequence(_)) {
        node.kind = Kind::Sequence(Vec::new());
    }
    match &mut node.kind {
        Kind::Sequence(items) => items,
        _ => unreachable!("made a sequence above"),
    }
}

fn key_value(item: &Node, key: &str) -> SmolStr {
    nodes::get(item, key).filter(|value| !nodes::is_empty(value)).map(nodes::smol).unwrap_or_default()
}

/// Which keys have a value somewhere; all of them when none has.
fn valid_keys(wanted: &[Vec<SmolStr>], keys: &[String]) -> Vec<bool> {
    let mut valid = vec![false; keys.len()];
    for values in wanted {
        for (at, value) in values.iter().enumerate() {
            valid[at] |= !value.is_empty();
        }
    }
    if valid.iter().any(|valid| *valid) { valid } else { vec![true; keys.len()] }
}

fn choose<'a>(valid: &[bool], keys: &'a [String], values: &[SmolStr]) -> (Vec<&'a str>, Vec<SmolStr>) {
    let chosen = keys.iter().zip(valid).filter(|(_, valid)| **valid).map(|(key, _)| key.as_str()).collect();
    let values = values
        .iter()
        .zip(valid)
        .filter(|(value, valid)| **valid || !value.is_empty())
        .map(|(value, _)| value.clone());
    (chosen, values.collect())
}

/// Completes values that differ only where one of them says nothing.
fn join_values(wanted: &mut [Vec<SmolStr>]) {
    for first in 0..wanted.len() {
        // Complete values can only take part with incomplete ones; most lists have none of these.
        for second in 0..wanted.len() {
            if let Some(joined) = join_pair(&wanted[first], &wanted[second]) {
                wanted[first].clone_from(&joined);
                wanted[second] = joined;
            }
        }
    }
}

fn join_pair(first: &[SmolStr], second: &[SmolStr]) -> Option<Vec<SmolStr>> {
    let mut common = false;
    let mut joined = Vec::with_capacity(first.len());
    for (a, b) in first.iter().zip(second) {
        if a == b {
            common = true;
            joined.push(a.clone());
        } else if a.is_empty() {
            joined.push(b.clone());
        } else if b.is_empty() {
            joined.push(a.clone());
        } else {
            return None;
        }
    }
    common.then_some(joined)
}

/// The first element whose fields have these values.
fn find(items: &[Node], keys: &[String], values: &[SmolStr]) -> Option<usize> {
    if keys.first().is_none_or(String::is_empty) {
        return items.iter().position(|item| nodes::text(item) == values[0]);
    }
    items.iter().position(|item| {
        matches!(item.kind, Kind::Mapping(_))
            && keys.iter().zip(values).all(|(key, value)| has_value(item, key, value))
    })
}

/// kyaml's match of a field: the first of this name, by its text; nothing in a null.
fn has_value(item: &Node, key: &str, value: &str) -> bool {
    nodes::get(item, key).is_some_and(|field| nodes::text(field) == value)
}

/// Puts an element in the place of those with the same keys, or behind all; without one, takes them out.
/// Nulls and empty mappings go on the way.
fn set_element(
    items: &mut Vec<Node>,
    element: Option<Node>,
    keys: &[&str],
    values: &[SmolStr],
) -> Result<()> {
    if values.is_empty() {
        // kyaml takes nothing for a match of nothing, and keeps nothing.
        items.clear();
        items.extend(element.filter(|element| element.tag != Tag::Null));
        return Ok(());
    }
    let mapping_wanted =
        keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let mut kept = Vec::with_capacity(items.len() + 1);
    let mut placed = false;
    for item in std::mem::take(items) {
        if says_nothing(&item) {
            continue;
        }
        if !matches!(item.kind, Kind::Mapping(_)) && mapping_wanted {
            kept.push(item);
            continue;
        }
        let mut found = true;
        for (at, key) in keys.iter().enumerate() {
            let Some(value) = values.get(at) else { continue };
            let matches = if key.is_empty() {
                nodes::expect_scalar(&item)?;
                nodes::value(&item) == value
            } else {
                nodes::expect_mapping(&item)?;
                // An empty value asks for the field only.
                nodes::get(&item, key).is_some_and(|field| value.is_empty() || nodes::text(field) == value)
            };
            if !matches {
                found = false;
                break;
            }
        }
        if !found {
            kept.push(item);
            continue;
        }
        placed = true;
        if let Some(element) = &element {
            kept.push(element.clone());
        }
    }
    if let Some(element) = element.filter(|element| !placed && element.tag != Tag::Null) {
        kept.push(element);
    }
    *items = kept;
    Ok(())
}

/// Puts the old elements behind the new ones; those that are there take their place.
fn put_behind(added: &mut Vec<Node>, old: Vec<Node>, keys: &[&str]) -> Result<()> {
    // Elements of one key whose value is new to the list need no search.
    let single = match keys {
        [key] => Some(*key),
        _ => None,
    };
    let mut known: HashSet<SmolStr> = match single {
        Some("") => added.iter().map(nodes::smol).collect(),
        Some(key) => added.iter().map(|item| key_value(item, key)).collect(),
        None => HashSet::new(),
    };
    for element in old {
        if keys.first().is_none_or(|key| key.is_empty()) {
            let text = nodes::smol(&element);
            if known.insert(text.clone())
                && matches!(element.kind, Kind::Scalar(_))
                && element.tag != Tag::Null
            {
                added.push(element);
            } else {
                set_element(added, Some(element), &[""], &[text])?;
            }
            continue;
        }
        let mut values = Vec::with_capacity(keys.len());
        let mut appended = false;
        for key in keys {
            nodes::expect_mapping(&element)?;
            match nodes::get(&element, key) {
                None => {
                    added.push(element.clone());
                    appended = true;
                }
                Some(value) => values.push(nodes::smol(value)),
            }
        }
        if let (Some(_), [value]) = (single, &values[..])
            && !appended
            && !value.is_empty()
            && known.insert(value.clone())
        {
            added.push(element);
            continue;
        }
        if keys.len() > 1 {
            set_element(added, None, keys, &values)?;
        }
        set_element(added, Some(element), keys, &values)?;
    }
    Ok(())
}

/// Reads and takes out a list's directive: an element that has nothing else.
fn list_directive(patch: &mut Node) -> Result<Directive> {
    let Some(at) = nodes::items(patch).iter().position(|item| nodes::get(item, DIRECTIVE).is_some()) else {
        return Ok(Directive::Merge);
    };
    let item = &nodes::items(patch)[at];
    if matches!(&item.kind, Kind::Mapping(entries) if entries.len() > 1) {
        return Ok(Directive::Merge);
    }
    let text = nodes::get(item, DIRECTIVE).map(nodes::smol).unwrap_or_default();
    let directive = directive(&text)?;
    set_element(items_mut(patch), None, &[DIRECTIVE], &[text])?;
    Ok(directive)
}
