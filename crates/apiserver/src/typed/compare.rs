//! What was added, modified and removed between two values.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_fields::{FieldSet, PathElement};

use super::walk::{Atom, atom_of_both, item_element, items};
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
    let mut walk = Walk { path: Vec::new(), found: Comparison::default() };
    walk.compare(schema, Some(left), Some(right));
    walk.found
}

struct Walk {
    path: Vec<PathElement>,
    found: Comparison,
}

impl Walk {
    fn compare(&mut self, schema: &Schema, left: Option<&Value>, right: Option<&Value>) {
        match atom_of_both(schema, left, right) {
            Atom::Leaf => {
                if let (Some(left), Some(right)) = (left, right) {
                    if left != right {
                        self.found.modified.insert(self.path.iter().cloned());
                    }
                    return;
                }
            }
            Atom::Map(schema) => {
                let empty = serde_json::Map::new();
                let left = left.and_then(Value::as_object).unwrap_or(&empty);
                let right = right.and_then(Value::as_object).unwrap_or(&empty);
                let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
                names.sort();
                names.dedup();
                for name in names {
                    let below = schema.field(name).map_or(&ANY, |(field, _)| field);
                    self.descend(PathElement::Field(name.clone()), below, left.get(name), right.get(name));
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
                    if left.len() <= 1 && right.len() <= 1 {
                        self.descend(element, below, left.first().copied(), right.first().copied());
                        continue;
                    }
                    let path = self.path.iter().cloned().chain([element.clone()]);
                    match (left.len() >= 2, right.len() >= 2) {
                        (true, true) if left != right => self.found.modified.insert(path),
                        (true, false) => {
                            self.found.removed.insert(path);
                            if let Some(item) = right.first() {
                                self.descend(element, below, None, Some(item));
                            }
                        }
                        (false, true) => {
                            self.found.added.insert(path);
                            if let Some(item) = left.first() {
                                self.descend(element, below, Some(item), None);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        match (left, right) {
            (None, Some(_)) => self.found.added.insert(self.path.iter().cloned()),
            (Some(_), None) => self.found.removed.insert(self.path.iter().cloned()),
            _ => {}
        }
    }

    fn descend(
        &mut self,
        element: PathElement,
        schema: &Schema,
        left: Option<&Value>,
        right: Option<&Value>,
    ) {
        self.path.push(element);
        self.compare(schema, left, right);
        self.path.pop();
    }
}
