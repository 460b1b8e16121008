//! What was added, modified and removed between two values.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sluice_fields::{FieldSet, PathElement};

use super::walk::{Atom, are_paired, atom_of_both, item_element, items};
use crate::same::Same;
use crate::schema::{ANY, Schema};

/// The outcome.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    pub added: FieldSet,
    pub modified: FieldSet,
    pub removed: FieldSet,
}

/// Compares an older value with a newer one.
pub fn compare(schema: &Schema, left: &Value, right: &Value) -> Comparison {
    compare_rest(schema, left, right, &Same::between(left, right))
}

/// As `compare`, where it is known what of the newer value is as it was.
pub fn compare_rest(schema: &Schema, left: &Value, right: &Value, same: &Same) -> Comparison {
    // The whole itself has no path.
    visit(schema, Some(left), Some(right), same).below
}

/// What was found at one place: about itself, and about what is below it.
#[derive(Default)]
struct Found {
    is_added: bool,
    is_modified: bool,
    is_removed: bool,
    below: Comparison,
}

impl Found {
    fn is_anything(&self) -> bool {
        let Comparison { added, modified, removed } = &self.below;
        let is_itself = self.is_added || self.is_modified || self.is_removed;
        is_itself || [added, modified, removed].iter().any(|below| !below.is_empty())
    }

    fn take(&mut self, element: &PathElement, found: Found) {
        let below = found.below;
        for (set, is_member, below) in [
            (&mut self.below.added, found.is_added, below.added),
            (&mut self.below.modified, found.is_modified, below.modified),
            (&mut self.below.removed, found.is_removed, below.removed),
        ] {
            if is_member || !below.is_empty() {
                set.add(element.clone(), is_member, below);
            }
        }
    }
}

/// The members of two maps, in order, those of one name together.
fn pairs<'a>(
    left: &'a Map<String, Value>,
    right: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a String, Option<&'a Value>, Option<&'a Value>)> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let old = if order.is_le() { left.next() } else { None };
        let new = if order.is_ge() { right.next() } else { None };
        let name = old.or(new)?.0;
        Some((name, old.map(|(_, value)| value), new.map(|(_, value)| value)))
    })
}

fn visit(schema: &Schema, left: Option<&Value>, right: Option<&Value>, same: &Same) -> Found {
    let mut found = Found::default();
    if same.is_all() || (*same == Same::Nothing && left.is_some() && left == right) {
        return found;
    }
    match atom_of_both(schema, left, right) {
        Atom::Leaf => {
            if let (Some(left), Some(right)) = (left, right) {
                found.is_modified = left != right;
                return found;
            }
        }
        Atom::Map(schema) => {
            let empty = Map::new();
            let left = left.and_then(Value::as_object).unwrap_or(&empty);
            let right = right.and_then(Value::as_object).unwrap_or(&empty);
            let mut take = |name: &str, left, right, same: &Same| {
                let below = schema.field(name).map_or(&ANY, |(field, _)| field);
                let one = visit(below, left, right, same);
                if one.is_anything() {
                    found.take(&PathElement::Field(name.to_owned()), one);
                }
            };
            match same {
                Same::Fields { changed, has_all: true, .. } => {
                    for (name, same) in changed {
                        take(name, left.get(*name), right.get(*name), same);
                    }
                }
                _ => {
                    for (name, left, right) in pairs(left, right) {
                        take(name, left, right, same.field(name));
                    }
                }
            }
        }
        Atom::List(below, list) if are_paired(items(left), items(right), below, list) => {
            for (at, (left, right)) in items(left).iter().zip(items(right)).enumerate() {
                let one = visit(below, Some(left), Some(right), same.item(at));
                if one.is_anything()
                    && let Ok(element) = item_element(right, below, list)
                {
                    found.take(&element, one);
                }
            }
        }
        Atom::List(below, list) => {
            let mut sides: BTreeMap<PathElement, [Vec<&Value>; 2]> = BTreeMap::new();
            for (side, value) in [left, right].into_iter().enumerate() {
                for item in items(value) {
                    if let Ok(element) = item_element(item, below, list) {
                        sides.entry(element).or_default()[side].push(item);
                    }
                }
            }
            for (element, [left, right]) in sides {
                let mut item = Found::default();
                match (left.len() >= 2, right.len() >= 2) {
                    (false, false) => {
                        item = visit(below, left.first().copied(), right.first().copied(), &Same::Nothing);
                    }
                    (true, true) => item.is_modified = left != right,
                    (true, false) => {
                        if let Some(right) = right.first() {
                            item = visit(below, None, Some(right), &Same::Nothing);
                        }
                        item.is_removed = true;
                    }
                    (false, true) => {
                        if let Some(left) = left.first() {
                            item = visit(below, Some(left), None, &Same::Nothing);
                        }
                        item.is_added = true;
                    }
                }
                found.take(&element, item);
            }
        }
    }
    found.is_added |= left.is_none() && right.is_some();
    found.is_removed |= left.is_some() && right.is_none();
    found
}
