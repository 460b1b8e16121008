//! Which parts of an object are as they were in an older one. What was complete and has not changed still is, so that walks
//! over an object that was changed need not look at all of it.

use serde_json::{Map, Value};

/// What of a value is as it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Same<'a> {
    /// Nothing, as far as is known.
    Nothing,
    /// The value with all that is below it.
    All,
    /// A map, but for some of its fields.
    Fields {
        old: &'a Map<String, Value>,
        /// Those that it has lost, or has with another value, in order.
        changed: Vec<(&'a str, Same<'a>)>,
        /// Whether it has the fields that it had and no others.
        has_all: bool,
    },
    /// Of a list: each by its place.
    Items(Vec<Same<'a>>),
}

impl<'a> Same<'a> {
    pub fn between(old: &'a Value, new: &Value) -> Self {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => Self::between_maps(old, new),
            _ if old == new => Same::All,
            (Value::Array(old), Value::Array(new)) => {
                Same::Items(old.iter().zip(new).map(|(old, new)| Self::between(old, new)).collect())
            }
            _ => Same::Nothing,
        }
    }

    fn between_maps(old: &'a Map<String, Value>, new: &Map<String, Value>) -> Self {
        let has_all = old.len() == new.len() && old.keys().eq(new.keys());
        let mut changed = Vec::new();
        let mut note = |name: &'a str, same: Self| {
            if !same.is_all() {
                changed.push((name, same));
            }
        };
        if has_all {
            for ((name, old), new) in old.iter().zip(new.values()) {
                note(name, Self::between(old, new));
            }
        } else {
            for (name, old) in old {
                note(name, new.get(name).map_or(Same::Nothing, |new| Self::between(old, new)));
            }
        }
        if has_all && changed.is_empty() { Same::All } else { Same::Fields { old, changed, has_all } }
    }

    pub fn is_all(&self) -> bool {
        matches!(self, Same::All)
    }

    /// What of a field is as it was.
    pub fn field(&self, name: &str) -> &Self {
        match self {
            Same::All => &Same::All,
            Same::Fields { old, changed, .. } => {
                match changed.binary_search_by(|(known, _)| (*known).cmp(name)) {
                    Ok(at) => &changed[at].1,
                    Err(_) if old.contains_key(name) => &Same::All,
                    Err(_) => &Same::Nothing,
                }
            }
            _ => &Same::Nothing,
        }
    }

    /// What of an item is as it was.
    pub fn item(&self, index: usize) -> &Self {
        match self {
            Same::All => &Same::All,
            Same::Items(items) => items.get(index).unwrap_or(&Same::Nothing),
            _ => &Same::Nothing,
        }
    }

    /// Visits the fields of a map that are not as they were, with what of each is.
    pub fn each_changed(&self, map: &mut Map<String, Value>, mut visit: impl FnMut(&str, &mut Value, &Self)) {
        match self {
            Same::All => {}
            Same::Fields { old, changed, has_all: true } if map.len() == old.len() => {
                for (name, same) in changed {
                    if let Some(value) = map.get_mut(*name) {
                        visit(name, value, same);
                    }
                }
            }
            Same::Fields { old, changed, .. } => {
                let mut older = old.keys().peekable();
                for (name, value) in map {
                    while older.next_if(|other| *other < name).is_some() {}
                    match changed.binary_search_by(|(known, _)| (*known).cmp(name)) {
                        Ok(at) => visit(name, value, &changed[at].1),
                        Err(_) if older.peek() == Some(&name) => {}
                        Err(_) => visit(name, value, &Same::Nothing),
                    }
                }
            }
            _ => map.iter_mut().for_each(|(name, value)| visit(name, value, &Same::Nothing)),
        }
    }

    /// The items of a list that are not as they were, with what of each is.
    pub fn changed_items<'s>(
        &'s self,
        items: &'s mut [Value],
    ) -> impl Iterator<Item = (&'s mut Value, &'s Self)> {
        let items = items.iter_mut().enumerate().map(|(at, item)| (item, self.item(at)));
        items.filter(|(_, same)| !same.is_all())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_equal_is_the_same() {
        let old = json!({ "a": { "x": 1, "y": [1, { "z": 2 }] }, "b": [1], "gone": 1 });
        let new = json!({ "a": { "x": 2, "y": [1, { "z": 2 }] }, "b": [2, 1], "fresh": 1 });
        let same = Same::between(&old, &new);
        assert!(!same.is_all());
        assert!(!same.field("a").is_all());
        assert!(!same.field("a").field("x").is_all());
        assert!(same.field("a").field("y").is_all());
        assert!(same.field("a").field("y").item(1).field("z").is_all());
        assert!(!same.field("b").item(0).is_all());
        assert!(!same.field("b").item(1).is_all());
        assert!(!same.field("gone").is_all() && !same.field("fresh").is_all());
        assert!(Same::between(&old, &old).is_all());
        let names = |same: &Same, value: &Value| {
            let (mut out, mut value) = (Vec::new(), value.clone());
            same.each_changed(value.as_object_mut().unwrap(), |name, _, _| out.push(name.to_owned()));
            out
        };
        assert_eq!(names(&same, &new), ["a", "b", "fresh"]);
        assert_eq!(names(same.field("a"), &new["a"]), ["x"]);
        assert_eq!(names(same.field("a"), &json!({ "v": 0, "x": 2, "y": [1, { "z": 2 }] })), ["v", "x"]);
        assert_eq!(names(&Same::All, &new), [""; 0]);
        assert_eq!(names(&Same::Nothing, &new), ["a", "b", "fresh"]);
    }

    #[test]
    fn a_list_that_is_longer_is_not_the_same() {
        let (old, mut new) = (json!([1]), json!([1, 2]));
        let same = Same::between(&old, &new);
        assert!(!same.is_all());
        let changed: Vec<_> =
            same.changed_items(new.as_array_mut().unwrap()).map(|(item, _)| item.clone()).collect();
        assert_eq!(changed, [json!(2)]);
    }
}
