//! Chart values: reading files, merging them, Helm's `--set` grammar, and what they become for a chart.
//!
//! Numbers read from YAML and JSON are floats, as Go reads them into `interface{}`; only `--set` makes integers. A float is
//! a `serde_json::Number` made from an `f64`, an integer one made from an `i64`.

pub mod coalesce;
pub mod graph;
pub mod options;
pub mod reference;
pub mod set;

use serde_json::{Map, Number, Value};
use sluice_yaml::json::{Emit, YamlWriter, from_yaml, from_yaml_strict, split_reader, to_yaml};

/// The key whose values every chart within sees.
pub const GLOBAL: &str = "global";

/// Values nested deeper than this are refused.
pub const MAX_DEPTH: usize = 1_000;

/// Decodes one YAML document as sigs.k8s.io/yaml does.
pub fn decode(data: &[u8]) -> Result<Value, String> {
    from_yaml(data).map_err(|error| format!("error converting YAML to JSON: {error}"))
}

/// The same, refusing keys that come twice.
pub fn decode_strict(data: &[u8]) -> Result<Value, String> {
    from_yaml_strict(data).map_err(|error| format!("error converting YAML to JSON: {error}"))
}

/// Writes YAML with keys in plain byte order, as Flux does for its digests.
pub fn encode_sorted(values: &Map<String, Value>) -> String {
    let mut writer = YamlWriter::new();
    write_map(&mut writer, values);
    writer.finish()
}

fn write_map(writer: &mut YamlWriter, map: &Map<String, Value>) {
    writer.begin_mapping(map.len());
    for (key, value) in map {
        writer.key(key);
        write_value(writer, value);
    }
    writer.end();
}

fn write_value(writer: &mut YamlWriter, value: &Value) {
    match value {
        Value::Object(map) => write_map(writer, map),
        Value::Array(items) => {
            writer.begin_sequence(items.len());
            for item in items {
                write_value(writer, item);
            }
            writer.end();
        }
        plain => plain.emit(writer),
    }
}

/// Writes YAML as sigs.k8s.io/yaml does.
pub fn encode(value: &Value) -> String {
    to_yaml(value)
}

/// Reads a values file: every document must be a map, later ones are merged over earlier ones.
pub fn load(data: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(data);
    let mut merged = Map::new();
    let documents = split_reader(&text).map_err(|error| format!("error reading yaml document: {error}"))?;
    for document in documents {
        let read = read_map(document.as_bytes())
            .map_err(|text| format!("cannot unmarshal yaml document: {text}"))?;
        merge_maps(&mut merged, read);
    }
    Ok(Value::Object(merged))
}

/// Reads one document into a map of values, its numbers floats.
pub fn read_map(data: &[u8]) -> Result<Map<String, Value>, String> {
    let mut read = decode(data)?;
    as_floats(&mut read);
    match read {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => {
            let kind = match other {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                _ => "array",
            };
            Err(format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
            ))
        }
    }
}

/// Makes every number a float, as Go's decoder does.
pub fn as_floats(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_floats),
        Value::Object(map) => map.values_mut().for_each(as_floats),
        _ => {}
    }
}

/// Merges `over` into `base`: maps by key, everything else replaced, null kept.
pub fn merge_maps(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge_maps(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_files_are_read_as_helm_reads_them() {
        assert_eq!(
            load(b"a: {b: 1}\n---\na: {c: yes}\nd:\n").unwrap(),
            json!({"a": {"b": 1.0, "c": true}, "d": null})
        );
        assert_eq!(load(b"").unwrap(), json!({}));
        assert_eq!(load(b"--- # comment\na: 1\n").unwrap(), json!({"a": 1.0}));
        assert!(
            load(b"- a\n")
                .unwrap_err()
                .contains("cannot unmarshal array into Go value of type map[string]interface {}")
        );
        assert_eq!(
            load(b"--- x\n").unwrap_err(),
            "error reading yaml document: invalid Yaml document separator: x"
        );
    }
}
