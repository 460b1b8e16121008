//! Fields of applied objects that others may change: left out where drift is looked for, and where we write they keep
//! what others gave them.

use std::sync::Arc;

use serde_json::{Map, Value};
use sluice_object::Object;

/// The keys on the way to a field; a place in a list is its number.
pub type Pointer = Vec<String>;

type FieldsOf = dyn Fn(&Object) -> Vec<Pointer> + Send + Sync;

/// Which fields of which objects others may change.
#[derive(Clone, Default)]
pub struct Ignored(Option<Arc<FieldsOf>>);

impl std::fmt::Debug for Ignored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Ignored(some)" } else { "Ignored(none)" })
    }
}

impl Ignored {
    pub fn new(fields_of: impl Fn(&Object) -> Vec<Pointer> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(fields_of)))
    }

    pub(crate) fn of(&self, object: &Object) -> Vec<Pointer> {
        self.0.as_ref().map(|fields_of| fields_of(object)).unwrap_or_default()
    }

    /// Our entry of an object's managed fields, as text, without those fields: whoever changes one of them takes it out of
    /// there.
    pub(crate) fn text_without(&self, object: &Object, ours: &Value) -> String {
        if self.0.is_none() {
            return ours.to_string();
        }
        let mut fields = ours.clone();
        for pointer in self.of(object) {
            if let Some(path) = managed_path(object, &pointer, &[&fields]) {
                remove_managed(&mut fields, &path);
            }
        }
        fields.to_string()
    }
}

/// An object without some of its fields.
pub fn without(object: &Object, pointers: &[Pointer]) -> Object {
    let mut object = object.clone();
    for pointer in pointers {
        remove(object.fields_mut(), pointer);
    }
    object
}

/// Prepares what is to be applied: a field that would change is left out where another manager applies it too, else it
/// is given the live value, so that it stays ours and stays as it is.
pub(crate) fn yield_to(
    live: &Object,
    dry_run: &Object,
    pointers: &[Pointer],
    manager: &str,
    object: &mut Object,
) {
    let entries = live.at(&["metadata", "managedFields"]).and_then(Value::as_array);
    let applied = |is_ours: bool| -> Vec<&Value> {
        let entries = entries.into_iter().flatten();
        let whole = entries.filter(|entry| entry["operation"] == "Apply" && entry["subresource"].is_null());
        whole
            .filter(|entry| is_ours || entry["manager"] != *manager)
            .map(|entry| &entry["fieldsV1"])
            .collect()
    };
    let (all, others) = (applied(true), applied(false));
    for pointer in pointers {
        let value = get(live.fields(), pointer);
        if value == get(dry_run.fields(), pointer) {
            continue;
        }
        let path = managed_path(live, pointer, &all);
        let is_others = path.is_some_and(|path| others.iter().any(|fields| holds(fields, &path)));
        match value {
            Some(value) if !is_others => set(object.fields_mut(), pointer, value.clone()),
            _ => remove(object.fields_mut(), pointer),
        }
    }
}

fn get<'a>(fields: &'a Map<String, Value>, pointer: &[String]) -> Option<&'a Value> {
    let (first, rest) = pointer.split_first()?;
    rest.iter().try_fold(fields.get(first)?, |value, key| match value {
        Value::Array(items) => items.get(place(key)?),
        other => other.get(key),
    })
}

/// The value that holds a field, and the field's key in it.
fn parent<'a, 'k>(
    fields: &'a mut Map<String, Value>,
    pointer: &'k [String],
) -> Option<(&'a mut Value, &'k str)> {
    let (last, way) = pointer.split_last()?;
    let (first, rest) = way.split_first()?;
    let holder = rest.iter().try_fold(fields.get_mut(first)?, |value, key| match value {
        Value::Array(items) => items.get_mut(place(key)?),
        other => other.get_mut(key),
    })?;
    Some((holder, last))
}

fn remove(fields: &mut Map<String, Value>, pointer: &[String]) {
    if let [only] = pointer {
        fields.remove(only);
        return;
    }
    match parent(fields, pointer) {
        Some((Value::Object(map), key)) => {
            map.remove(key);
        }
        Some((Value::Array(items), key)) => {
            if let Some(at) = place(key).filter(|at| *at < items.len()) {
                items.remove(at);
            }
        }
        _ => {}
    }
}

/// Gives a field that is there, or whose holder is there, another value.
fn set(fields: &mut Map<String, Value>, pointer: &[String], value: Value) {
    if let [only] = pointer {
        fields.insert(only.clone(), value);
        return;
    }
    match parent(fields, pointer) {
        Some((Value::Object(map), key)) => {
            map.insert(key.to_owned(), value);
        }
        Some((Value::Array(items), key)) => {
            if let Some(item) = place(key).and_then(|at| items.get_mut(at)) {
                *item = value;
            }
        }
        _ => {}
    }
}

fn place(key: &str) -> Option<usize> {
    let is_number = key == "0" || (!key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit()));
    is_number.then(|| key.parse().ok())?
}

/// The way to a field as managed fields write it: items of lists by their keys, which the entries know.
fn managed_path(object: &Object, pointer: &[String], entries: &[&Value]) -> Option<Vec<String>> {
    let mut path: Vec<String> = Vec::with_capacity(pointer.len());
    let mut value = pointer.first().and_then(|key| object.fields().get(key));
    for (at, key) in pointer.iter().enumerate() {
        let holder = if at == 0 { None } else { value };
        if let Some(Value::Array(items)) = holder {
            let item = items.get(place(key)?)?;
            let named = entries.iter().filter_map(|fields| at_path(fields, &path)?.as_object());
            path.push(named.flat_map(Map::keys).find(|name| names(name, item))?.clone());
            value = Some(item);
        } else {
            path.push(format!("f:{key}"));
            if at > 0 {
                value = value.and_then(|value| value.get(key));
            }
        }
    }
    Some(path)
}

/// `k:{"name":"a"}` names the item of that name, `v:"a"` the value itself.
fn names(name: &str, item: &Value) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    match name.split_at_checked(2) {
        Some(("k:", keys)) => read(keys).is_some_and(|keys| {
            keys.as_object().is_some_and(|keys| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
        }),
        Some(("v:", value)) => read(value).as_ref() == Some(item),
        _ => false,
    }
}

fn at_path<'a>(fields: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(fields, |fields, key| fields.get(key))
}

fn holds(fields: &Value, path: &[String]) -> bool {
    at_path(fields, path).is_some()
}

/// Takes a field out, and what held nothing else.
fn remove_managed(fields: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    let Some(held) = fields.as_object_mut() else { return };
    if rest.is_empty() {
        held.remove(first);
        return;
    }
    if let Some(inner) = held.get_mut(first) {
        remove_managed(inner, rest);
        if inner.as_object().is_some_and(Map::is_empty) {
            held.remove(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointer(text: &str) -> Pointer {
        text.split('/').skip(1).map(str::to_owned).collect()
    }

    fn deployment(replicas: i64, image: &str, entries: &Value) -> Object {
        Object::try_from(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "managedFields": entries},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "c", "image": image}]}}},
        }))
        .unwrap()
    }

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "fieldsV1": fields})
    }

    #[test]
    fn what_another_applies_is_left_to_it_and_what_is_changed_otherwise_stays() {
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {"f:image": {}}}}}}});
        let pointers = [pointer("/spec/replicas"), pointer("/spec/template/spec/containers/0/image")];
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let entries = json!([
            entry("us", "Apply", &json!({"f:spec": {"f:replicas": {}}})),
            entry("scaler", "Update", &replicas),
            entry("updater", "Apply", &image),
        ]);
        let live = deployment(5, "b", &entries);
        let wanted = deployment(1, "a", &Value::Null);
        let mut sent = wanted.clone();
        yield_to(&live, &wanted, &pointers, "us", &mut sent);
        assert_eq!(get(sent.fields(), &pointers[0]), Some(&json!(5)), "the scaler does not apply");
        assert_eq!(get(sent.fields(), &pointers[1]), None, "the updater does");

        let mut sent = wanted.clone();
        yield_to(&wanted, &wanted, &pointers, "us", &mut sent);
        assert_eq!(sent, wanted, "nothing differs");
    }

    #[test]
    fn an_ignored_field_is_no_part_of_what_is_ours() {
        let ignored = Ignored::new(|_| {
            vec![pointer("/spec/replicas"), pointer("/spec/template/spec/containers/0/image")]
        });
        let object = deployment(1, "a", &Value::Null);
        let without = |fields: Value| ignored.text_without(&object, &fields);
        let both = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"c\"}": {"f:image": {}, "f:name": {}}}}}}});
        let rest = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {"f:name": {}}}}}}});
        assert_eq!(without(both), rest.to_string());
        assert_eq!(without(rest.clone()), rest.to_string());
        assert_eq!(without(json!({"f:spec": {"f:replicas": {}}})), "{}", "as if it were never there");
    }

    #[test]
    fn places_in_lists_and_missing_fields_are_left_out_without_harm() {
        let object = deployment(1, "a", &Value::Null);
        let shorter =
            without(&object, &[pointer("/spec/template/spec/containers/0"), pointer("/spec/none/x")]);
        assert_eq!(get(shorter.fields(), &pointer("/spec/template/spec/containers")), Some(&json!([])));
        let same =
            [pointer("/spec/template/spec/containers/7/image"), pointer("/spec/template/spec/containers/-")];
        assert_eq!(without(&object, &same), object);
        assert_eq!(without(&object, &[pointer("/spec")]).at(&["spec"]), None);
    }
}
