//! What all walks over typed values share: what a value is by its schema, and by what its items are found.

use serde_json::Value;
use sluice_fields::{PathElement, Scalar};

use crate::schema::{ANY, ListKind, Schema, Shape};

/// A value that its schema does not allow.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct TypedError {
    pub path: String,
    pub message: String,
}

impl TypedError {
    /// The same, one step further down.
    pub(super) fn below(self, step: &str) -> Self {
        Self { path: format!("{step}{}", self.path), ..self }
    }
}

/// What a value is.
#[derive(Clone, Copy)]
pub(super) enum Atom<'a> {
    /// Set as a whole.
    Leaf,
    /// Each item by itself.
    List(&'a Schema, &'a ListKind),
    /// Each field by itself.
    Map(&'a Schema),
}

pub(super) fn atom<'a>(schema: &'a Schema, value: Option<&Value>) -> Atom<'a> {
    let resolved = schema.resolved();
    match &resolved.shape {
        Shape::Array(items) => match &schema.list {
            ListKind::Atomic if resolved.list == ListKind::Atomic => Atom::Leaf,
            ListKind::Atomic => Atom::List(items, &resolved.list),
            list => Atom::List(items, list),
        },
        Shape::Object { .. } if schema.is_atomic || resolved.is_atomic => Atom::Leaf,
        Shape::Object { .. } => Atom::Map(resolved),
        Shape::Any if schema.is_atomic => Atom::Leaf,
        Shape::Any if value.is_some_and(Value::is_object) => Atom::Map(&ANY),
        _ => Atom::Leaf,
    }
}

/// Both sides together: if one of them is a map or list, so is the walk, unless both are empty.
pub(super) fn atom_of_both<'a>(schema: &'a Schema, left: Option<&Value>, right: Option<&Value>) -> Atom<'a> {
    let atom = match (atom(schema, left), atom(schema, right)) {
        (map @ Atom::Map(_), Atom::Map(_)) => map,
        (list @ Atom::List(..), Atom::List(..)) => list,
        (map @ Atom::Map(_), _) if right.is_none() => map,
        (_, map @ Atom::Map(_)) if left.is_none() => map,
        _ => Atom::Leaf,
    };
    if is_empty(left) && is_empty(right) { Atom::Leaf } else { atom }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}

pub(super) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// By what an item of a list is found. Absent keys take their default.
pub(super) fn item_element(item: &Value, schema: &Schema, list: &ListKind) -> Result<PathElement, String> {
    match list {
        ListKind::Atomic => Err("atomic lists have no elements".to_owned()),
        ListKind::Set => match item {
            Value::Object(_) | Value::Array(_) if item.is_array() => {
                Err("associative list without keys has an element that's a list".to_owned())
            }
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null".to_owned())
            }
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            _ => Ok(PathElement::Value(Scalar(item.clone()))),
        },
        ListKind::Map(keys) => {
            let Value::Object(fields) = item else {
                return Err("associative list with keys may not have non-map elements".to_owned());
            };
            let mut found = Vec::new();
            for key in keys {
                let default = || schema.field(key).and_then(|(field, _)| field.default.clone());
                match fields.get(key).cloned().or_else(default) {
                    Some(value) => found.push((key.clone(), Scalar(value))),
                    None if keys.len() == 1 => {
                        return Err(format!(
                            "associative list with keys has an element that omits key field {key:?} (and doesn't have default value)"
                        ));
                    }
                    None => {}
                }
            }
            if found.is_empty() {
                return Err("associative list with keys has an element that omits all key fields".to_owned());
            }
            found.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(PathElement::Key(found))
        }
    }
}

/// Lists that are compared with each other item by item, before it costs more than it saves.
const FEW: usize = 8;

/// Whether two lists have the same few items, found by plain keys, each once and in one order.
pub(super) fn are_paired(old: &[Value], new: &[Value], schema: &Schema, list: &ListKind) -> bool {
    let is_plain = |value: &Value| value.is_string() || value.is_boolean() || value.is_i64();
    let is_one = |old: &Value, new: &Value| match list {
        ListKind::Atomic => false,
        ListKind::Set => is_plain(old) && old == new,
        ListKind::Map(keys) => keys.iter().all(|key| {
            let default = || schema.field(key).and_then(|(field, _)| field.default.as_ref());
            let (old, new) = (old.get(key).or_else(default), new.get(key).or_else(default));
            old.is_some_and(is_plain) && old == new
        }),
    };
    old.len() == new.len()
        && old.len() <= FEW
        && old.iter().zip(new).all(|(old, new)| is_one(old, new))
        && (1..old.len()).all(|at| !old[..at].iter().any(|before| is_one(before, &old[at])))
}
