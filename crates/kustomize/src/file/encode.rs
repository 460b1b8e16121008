//! Records into values by the rules of Go's encoding/json for these types: what is empty is left out, but for the few
//! fields that upstream always prints.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A value that can be written as JSON.
pub(crate) trait Encode {
    fn encode(&self) -> Value;

    /// Left out of the record that it is a field of.
    fn is_omitted(&self) -> bool {
        false
    }

    /// Left out even where a field may be absent: Go has no pointers to lists and maps.
    fn is_omitted_when_given(&self) -> bool {
        false
    }
}

/// Puts a field of a record, if it is to be seen.
pub(crate) fn put(entries: &mut Map<String, Value>, record: &str, name: &str, field: &impl Encode) {
    let always = matches!(
        (record, name),
        ("types.Replica", "count")
            | ("types.Var" | "types.Target", "name")
            | ("types.TargetSelector", "select")
            | ("types.LegacySortOptions", _)
    );
    if always || !field.is_omitted() {
        entries.insert(name.to_owned(), field.encode());
    }
}

impl Encode for String {
    fn encode(&self) -> Value {
        Value::from(self.as_str())
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }
}

impl Encode for bool {
    fn encode(&self) -> Value {
        Value::from(*self)
    }

    fn is_omitted(&self) -> bool {
        !self
    }
}

impl Encode for i64 {
    fn encode(&self) -> Value {
        Value::from(*self)
    }

    fn is_omitted(&self) -> bool {
        *self == 0
    }
}

impl Encode for Value {
    fn encode(&self) -> Value {
        self.clone()
    }

    fn is_omitted(&self) -> bool {
        self.is_null()
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::encode)
    }

    fn is_omitted(&self) -> bool {
        self.as_ref().is_none_or(T::is_omitted_when_given)
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self) -> Value {
        Value::Array(self.iter().map(T::encode).collect())
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn is_omitted_when_given(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Encode> Encode for BTreeMap<String, T> {
    fn encode(&self) -> Value {
        Value::Object(self.iter().map(|(name, item)| (name.clone(), item.encode())).collect())
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn is_omitted_when_given(&self) -> bool {
        self.is_empty()
    }
}
