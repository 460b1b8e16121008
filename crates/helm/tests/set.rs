//! The grammar of `--set` and its kin against what Helm's own parser made of the same lines.
//!
//! `cd peers/ask/helm && go run . set > crates/helm/tests/corpus/set.jsonl` records. What is wrong with JSON is told in other
//! words; Helm's commands do not show them.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it must be")]

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sluice_helm::values::graph::{from_map, to_map};
use sluice_helm::values::{as_floats, set};

/// Numbers and long lists as the record has them.
fn marked(value: &Value) -> Value {
    match value {
        Value::Number(number) if !number.is_f64() => json!({"int": number}),
        Value::Array(items) if items.len() > 1000 => {
            json!({"length": items.len(), "last": marked(items.last().unwrap())})
        }
        Value::Array(items) => items.iter().map(marked).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), marked(item))).collect(),
        other => other.clone(),
    }
}

fn read(name: &str) -> Result<String, String> {
    if name.starts_with("no") {
        return Err(format!("open {name}: no such file or directory"));
    }
    Ok(format!("<{name}>"))
}

/// What is other at the top of the values after a line.
fn run(how: &str, base: &Map<String, Value>, line: &str) -> Result<Map<String, Value>, String> {
    let table = from_map(base);
    match how {
        "set" => set::set(&table, line),
        "string" => set::set_string(&table, line),
        "json" => set::set_json(&table, line),
        "file" => set::set_file(&table, line, &read),
        _ => set::set_literal(&table, line),
    }
    .map_err(|error| error.to_string())?;
    Ok(to_map(&table).into_iter().filter(|(key, value)| base.get(key) != Some(value)).collect())
}

fn is_about_json(text: &str) -> bool {
    ["invalid character ", "unexpected end of JSON", "unexpected EOF", "json: "]
        .iter()
        .any(|words| text.contains(words))
}

#[test]
fn lines_become_what_helm_makes_of_them() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/set.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut bases = lines.next().unwrap()["bases"].take();
    as_floats(&mut bases);
    let (mut count, mut report) = (0, String::new());
    for mut record in lines {
        let base = bases[record["b"].as_u64().unwrap() as usize].as_object().unwrap();
        let (how, line) = (record["h"].as_str().unwrap(), record["l"].as_str().unwrap());
        let got = run(how, base, line).map(|map| marked(&Value::Object(map)));
        let (how, line) = (how.to_owned(), line.to_owned());
        let is_alike = match (&got, record["e"].as_str()) {
            (Ok(got), None) => {
                let mut want = record["w"].take();
                floats(&mut want);
                *got == want
            }
            (Err(got), Some(want)) => got == want || how == "json" && is_about_json(want),
            // Half of a pair of code units is refused in JSON; Go replaces it.
            (Err(_), None) => how == "json" && line.contains("ud800"),
            _ => false,
        };
        count += 1;
        if !is_alike {
            writeln!(
                report,
                "{how} {base:?} {line:?}\n  want {}{}\n  got  {got:?}",
                record["w"], record["e"]
            )
            .unwrap();
        }
    }
    assert!(count > 6000, "only {count} lines");
    let wrong = report.lines().count() / 3;
    assert!(
        report.is_empty(),
        "{wrong} of {count} differ:\n{}",
        report.chars().take(8000).collect::<String>()
    );
}

/// Numbers that are not marked are floats, however they are written.
fn floats(value: &mut Value) {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("int") => {}
        Value::Object(map) if map.contains_key("length") => floats(&mut map["last"]),
        Value::Object(map) => map.values_mut().for_each(floats),
        Value::Array(items) => items.iter_mut().for_each(floats),
        Value::Number(_) => as_floats(value),
        _ => {}
    }
}
