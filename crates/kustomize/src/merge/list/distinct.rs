//! Lists of mappings in which every element has its keys, and no two have the same.

use std::collections::HashMap;

use sluice_yaml::Node;

use super::{Merger, says_nothing};
use crate::error::Result;
use crate::nodes;
use crate::schema::Place;

/// Where the elements that a patch brings stand already.
pub(super) struct Known {
    /// For each element of the patch, its place in the list.
    places: Vec<Option<usize>>,
    /// The elements are told apart by more than one key.
    has_many_keys: bool,
}

impl Known {
    /// Nothing where an element is no mapping, lacks a key that another one has, or is there twice.
    pub(super) fn of(items: &[Node], brought: &[Node], keys: &[String]) -> Option<Self> {
        let all = || items.iter().chain(brought);
        let keys: Vec<&str> = keys
            .iter()
            .map(String::as_str)
            .filter(|key| all().any(|item| !value(item, key).is_empty()))
            .collect();
        let is_whole = |item| keys.iter().all(|key| !value(item, key).is_empty());
        if keys.is_empty() || !all().all(is_whole) {
            return None;
        }
        let places = if items.len() + brought.len() <= FEW {
            places_of_few(items, brought, &keys)
        } else {
            places_of_many(items, brought, &keys)
        };
        Some(Self { places: places?, has_many_keys: keys.len() > 1 })
    }
}

/// So many elements are compared with each other.
const FEW: usize = 12;

fn places_of_few(items: &[Node], brought: &[Node], keys: &[&str]) -> Option<Vec<Option<usize>>> {
    let is_same = |left: &Node, right: &Node| keys.iter().all(|key| value(left, key) == value(right, key));
    let has_twice =
        |list: &[Node]| (1..list.len()).any(|at| list[..at].iter().any(|item| is_same(item, &list[at])));
    if has_twice(items) || has_twice(brought) {
        return None;
    }
    Some(brought.iter().map(|new| items.iter().position(|item| is_same(item, new))).collect())
}

fn places_of_many(items: &[Node], brought: &[Node], keys: &[&str]) -> Option<Vec<Option<usize>>> {
    let places = index(items, keys)?;
    index(brought, keys)?;
    Some(brought.iter().map(|new| places.get(&values(new, keys)).copied()).collect())
}

/// Nothing where an element is there twice.
fn index<'a>(list: &'a [Node], keys: &[&str]) -> Option<HashMap<Vec<&'a str>, usize>> {
    let mut places = HashMap::with_capacity(list.len());
    let mut is_first = |(at, item)| places.insert(values(item, keys), at).is_none();
    list.iter().enumerate().all(&mut is_first).then_some(places)
}

fn values<'a>(item: &'a Node, keys: &[&str]) -> Vec<&'a str> {
    keys.iter().map(|key| value(item, key)).collect()
}

/// The text of a field that is not null.
fn value<'a>(item: &'a Node, key: &str) -> &'a str {
    nodes::get(item, key).map_or("", nodes::value)
}

impl Merger<'_> {
    /// `alias` as in `walk`; nothing is brought then.
    pub(super) fn merge_distinct(
        &self,
        items: Vec<Node>,
        brought: Vec<Node>,
        known: &Known,
        place: Place,
        alias: bool,
    ) -> Result<Vec<Node>> {
        let elements = self.schema.elements(place);
        let mut old: Vec<Option<Node>> = items.into_iter().map(Some).collect();
        let mut is_merged = vec![false; old.len()];
        let mut result = Vec::with_capacity(old.len() + brought.len());
        for (new, at) in brought.into_iter().zip(&known.places) {
            let had = at.and_then(|at| old[at].take());
            let merged = self.walk(had, Some(new), elements, alias)?.filter(|value| !says_nothing(value));
            match at {
                Some(at) => {
                    is_merged[*at] = true;
                    // By one key, the patch's order leads; by many, what was there keeps its place behind what is new.
                    if known.has_many_keys {
                        old[*at] = merged;
                    } else {
                        result.extend(merged);
                    }
                }
                None => result.extend(merged),
            }
        }
        for (had, is_merged) in old.into_iter().zip(is_merged) {
            let Some(had) = had else { continue };
            if is_merged {
                result.push(had);
                continue;
            }
            let same = alias.then(|| had.clone());
            result.extend(self.walk(Some(had), same, elements, alias)?.filter(|value| !says_nothing(value)));
        }
        Ok(result)
    }
}
