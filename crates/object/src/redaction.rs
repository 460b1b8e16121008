//! Keeping the values of Secrets out of what people read.

use serde_json::{Map, Value};

use crate::Object;

/// Stands for a value.
pub const MASK: &str = "***";
/// Stands for a value that another one replaces.
pub const MASK_BEFORE: &str = "*** (before)";
/// Stands for a value that replaces another one.
pub const MASK_AFTER: &str = "*** (after)";

/// Masks the values below `data` and `stringData` of two states of an object, so that a difference between them
/// still shows which keys change.
pub fn mask(old: Option<&mut Object>, new: Option<&mut Object>) {
    let (mut nothing_old, mut nothing_new) = (Object::default(), Object::default());
    let (old, new) = (old.unwrap_or(&mut nothing_old), new.unwrap_or(&mut nothing_new));
    for field in ["data", "stringData"] {
        let mut none_old = Map::new();
        let mut none_new = Map::new();
        let before = masked_map(old, field).unwrap_or(&mut none_old);
        let after = masked_map(new, field).unwrap_or(&mut none_new);
        for (key, value) in before.iter_mut() {
            match after.get_mut(key) {
                Some(other) if other != value => {
                    *value = MASK_BEFORE.into();
                    *other = MASK_AFTER.into();
                }
                Some(other) => {
                    *value = MASK.into();
                    *other = MASK.into();
                }
                None => *value = MASK.into(),
            }
        }
        after
            .iter_mut()
            .filter(|(key, _)| !before.contains_key(*key))
            .for_each(|(_, value)| *value = MASK.into());
    }
}

/// The map at a field; anything else there is masked as a whole.
fn masked_map<'a>(object: &'a mut Object, field: &str) -> Option<&'a mut Map<String, Value>> {
    match object.fields_mut().get_mut(field)? {
        Value::Object(fields) => Some(fields),
        Value::Null => None,
        other => {
            *other = MASK.into();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_values_are_told_apart_but_not_shown() {
        let mut old = Object::try_from(json!({"data": {"same": "a", "changed": "b", "gone": "c"}})).unwrap();
        let mut new = Object::try_from(
            json!({"data": {"same": "a", "changed": "x", "new": "y"}, "stringData": {"k": "v"}}),
        )
        .unwrap();
        mask(Some(&mut old), Some(&mut new));
        assert_eq!(
            old.to_value(),
            json!({"data": {"same": "***", "changed": "*** (before)", "gone": "***"}})
        );
        assert_eq!(
            new.to_value(),
            json!({"data": {"same": "***", "changed": "*** (after)", "new": "***"}, "stringData": {"k": "***"}})
        );
    }

    #[test]
    fn what_is_no_map_is_masked_as_a_whole() {
        let mut object = Object::try_from(json!({"data": "secret", "stringData": null})).unwrap();
        mask(None, Some(&mut object));
        assert_eq!(object.to_value(), json!({"data": "***", "stringData": null}));
    }
}
