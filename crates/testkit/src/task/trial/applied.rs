//! What of a live object its applier has set: the object cut down to the fields that a manager owns.
//!
//! So objects of two planes can be compared, whatever servers and other controllers have added.

use serde_json::{Map, Value};

/// The fields of `object` that `manager` has applied, with what names the object; none when it has applied nothing.
pub fn by(manager: &str, object: &Value) -> Option<Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let entry = entries.iter().find(|entry| {
        entry["manager"] == manager && entry["operation"] == "Apply" && entry["subresource"].is_null()
    })?;
    let mut applied = restrict(object, &entry["fieldsV1"]);
    for key in ["apiVersion", "kind"] {
        applied[key] = object[key].clone();
    }
    Some(applied)
}

fn restrict(value: &Value, fields: &Value) -> Value {
    let named: Vec<(&String, &Value)> =
        fields.as_object().into_iter().flatten().filter(|(key, _)| *key != ".").collect();
    match value {
        Value::Object(map) if !named.is_empty() => {
            let mut kept = Map::new();
            for (key, below) in named {
                let Some(name) = key.strip_prefix("f:") else { continue };
                if let Some(child) = map.get(name) {
                    kept.insert(name.to_owned(), restrict(child, below));
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) if !named.is_empty() => {
            let below = |item: &Value, at: usize| {
                named.iter().find(|(key, _)| is_named(item, at, key)).map(|(_, below)| *below)
            };
            let items = items.iter().enumerate();
            items.filter_map(|(at, item)| below(item, at).map(|below| restrict(item, below))).collect()
        }
        Value::Object(_) if fields.get(".").is_some() => Value::Object(Map::new()),
        other => other.clone(),
    }
}

/// Does `key` (`k:{…}`, `v:…`, `i:N`) name this item of a list?
fn is_named(item: &Value, at: usize, key: &str) -> bool {
    let Some((form, text)) = key.split_once(':') else { return false };
    let Ok(wanted) = serde_json::from_str::<Value>(text) else { return false };
    match form {
        "k" => wanted.as_object().is_some_and(|keys| keys.iter().all(|(name, value)| item[name] == *value)),
        "v" => *item == wanted,
        "i" => wanted.as_u64() == Some(at as u64),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_manager_has_set_is_left() {
        let object = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "a", "uid": "1", "labels": {"a": "1", "b": "2"},
                "managedFields": [
                    {"manager": "other", "operation": "Apply", "fieldsV1": {"f:x": {}}},
                    {"manager": "us", "operation": "Apply", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:a": {}}},
                        "f:spec": {
                            "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
                            "f:selector": {},
                            "f:empty": {".": {}},
                        },
                    }},
                ],
            },
            "spec": {
                "clusterIP": "10.0.0.1",
                "empty": {"added": 1},
                "ports": [{"port": 79, "protocol": "TCP"}, {"port": 80, "protocol": "TCP", "nodePort": 3}],
                "selector": {"app": "a"},
            },
        });
        let want = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"labels": {"a": "1"}},
            "spec": {"ports": [{"port": 80}], "selector": {"app": "a"}, "empty": {}},
        });
        assert_eq!(by("us", &object), Some(want));
        assert_eq!(by("nobody", &object), None);
    }
}
