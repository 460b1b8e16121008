//! Every recorded case says the same here as Go's libraries said (peers/ask/yaml), or is named in differs.toml.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use base64::Engine;
use serde_json::{Map, Value, json};
use sluice_yaml::json::{from_document, from_yaml, from_yaml_strict, node_to_yaml, to_yaml, try_to_yaml};
use sluice_yaml::{
    Comments, Document, Kind, Limits, Node, SequenceIndent, Style, Tag, emit_documents, parse_documents,
};

const CASES: &str = include_str!("corpus/cases.jsonl");
const DIFFERS: &str = include_str!("corpus/differs.toml");

#[test]
fn all_recorded_cases_agree() {
    let known = known_differences();
    let mut used = BTreeMap::new();
    let mut failures = Vec::new();
    let mut count = 0;
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = match case.get("base64") {
            Some(text) => base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap(),
            None => case.get("text").and_then(Value::as_str).unwrap_or_default().as_bytes().to_vec(),
        };
        let wrong = compare(&case, &text);
        count += 1;
        if wrong.is_empty() {
            continue;
        }
        let shown = String::from_utf8_lossy(&text).into_owned();
        if let Some(reason) = known.get(&shown) {
            used.insert(shown, reason);
            continue;
        }
        let name = case["name"].as_str().unwrap_or_default();
        failures.push(format!("{name}: {shown:?}\n{}", wrong.join("\n")));
    }
    let stale: Vec<_> = known.keys().filter(|text| !used.contains_key(*text)).collect();
    println!("{count} cases, {} differ as known", used.len());
    assert!(failures.is_empty(), "{} of {count} cases differ\n{}", failures.len(), failures.join("\n\n"));
    assert!(stale.is_empty(), "these agree by now: {stale:?}");
}

/// Texts of differs.toml with their reasons.
fn known_differences() -> BTreeMap<String, String> {
    let string = |line: &str| serde_json::from_str::<String>(line).unwrap();
    let mut found = BTreeMap::new();
    let mut reason = String::new();
    for line in DIFFERS.lines() {
        if let Some(rest) = line.strip_prefix("reason = ") {
            reason = string(rest);
        } else if let Some(rest) = line.trim().strip_suffix(',').filter(|rest| rest.starts_with('"')) {
            found.insert(string(rest), reason.clone());
        }
    }
    found
}

fn compare(case: &Value, text: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, want: Option<&Value>, got: Value| {
        let want = want.cloned().unwrap_or(Value::Null);
        if want != got {
            wrong.push(format!("  {what}\n    want {want}\n    got  {got}"));
        }
    };
    let parsed = parse_documents(text, Limits::default());
    match &parsed {
        Err(error) => check("error", case.get("error"), json!(error.to_string())),
        Ok(documents) => {
            check("error", case.get("error"), Value::Null);
            let nodes: Vec<_> = documents.iter().map(dump_document).collect();
            let want: Vec<_> = case["nodes"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
                .map(strip_place)
                .collect();
            check("nodes", Some(&Value::Array(want)), Value::Array(nodes));
            let compact = emit_documents(documents, SequenceIndent::Compact);
            let wide = emit_documents(documents, SequenceIndent::Wide);
            if !documents.is_empty() && !case["error"].is_string() {
                check("compact", case.get("compact"), json!(compact));
                check("wide", case.get("wide").or(case.get("compact")), json!(wide));
            }
            if let Some(first) = documents.first() {
                match from_document(first).and_then(|value| try_to_yaml(&value)) {
                    Ok(text) => check("kustomize", case.get("kustomize"), json!(text)),
                    Err(error) => {
                        check("kustomize error", case.get("kustomizeError"), json!(error.to_string()));
                    }
                }
                if first.head.is_empty() && first.foot.is_empty() {
                    let (text, error) = match node_to_yaml(&first.root) {
                        Ok(text) => (json!(text), Value::Null),
                        Err(error) => (Value::Null, json!(error.to_string())),
                    };
                    check("kustomize, straight", case.get("kustomize"), text);
                    check("kustomize error, straight", case.get("kustomizeError"), error);
                }
            }
        }
    }
    match from_yaml(text) {
        Err(error) => check("json error", case.get("jsonError"), json!(error.to_string())),
        Ok(value) => {
            check("json error", case.get("jsonError"), Value::Null);
            if let Some(again) = case.get("sigs") {
                check("sigs", Some(again), json!(to_yaml(&value)));
            } else {
                check("sigs fails", Some(&json!(true)), json!(try_to_yaml(&value).is_err()));
            }
            let want = case.get("json").map(normal_numbers);
            check("json", want.as_ref(), value);
            let strict = from_yaml_strict(text).err().map(|error| error.to_string());
            check("strict", case.get("strictError"), json!(strict));
        }
    }
    wrong
}

/// Go's JSON as numbers of one kind: the reference prints `1e+20` in digits.
fn normal_numbers(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(normal_numbers).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), normal_numbers(value))).collect())
        }
        Value::Number(number) if number.to_string() == "-0.0" => json!(0),
        other => other.clone(),
    }
}

fn dump_document(document: &Document) -> Value {
    let mut out = Map::new();
    out.insert("k".into(), json!("doc"));
    put(&mut out, "h", &document.head);
    put(&mut out, "f", &document.foot);
    out.insert("c".into(), json!([dump(&document.root)]));
    Value::Object(out)
}

fn put(out: &mut Map<String, Value>, key: &str, text: &str) {
    if !text.is_empty() {
        out.insert(key.into(), json!(text));
    }
}

fn dump(node: &Node) -> Value {
    let mut out = Map::new();
    let (kind, children): (_, Vec<Value>) = match &node.kind {
        Kind::Scalar(text) => {
            put(&mut out, "v", text);
            ("str", vec![])
        }
        Kind::Alias(name) => {
            put(&mut out, "v", name);
            ("alias", vec![])
        }
        Kind::Sequence(items) => ("seq", items.iter().map(dump).collect()),
        Kind::Mapping(entries) => {
            ("map", entries.iter().flat_map(|(key, value)| [dump(key), dump(value)]).collect())
        }
    };
    out.insert("k".into(), json!(kind));
    let usual = match node.kind {
        Kind::Scalar(_) => Tag::Str,
        Kind::Sequence(_) => Tag::Seq,
        Kind::Mapping(_) => Tag::Map,
        Kind::Alias(_) => node.tag.clone(),
    };
    if node.tag != usual {
        put(&mut out, "t", node.tag.as_str());
    }
    let style = match node.style {
        Style::Default => "",
        Style::DoubleQuoted => "double",
        Style::SingleQuoted => "single",
        Style::Literal => "literal",
        Style::Folded => "folded",
        Style::Flow => "flow",
    };
    put(&mut out, "s", style);
    if node.tagged {
        out.insert("x".into(), json!(true));
    }
    put(&mut out, "a", node.anchor().unwrap_or_default());
    out.insert("p".into(), json!([node.line, node.column]));
    if let Some(Comments { head, line, foot }) = node.comments.as_deref() {
        put(&mut out, "h", head);
        put(&mut out, "l", line);
        put(&mut out, "f", foot);
    }
    if !children.is_empty() {
        out.insert("c".into(), Value::Array(children));
    }
    Value::Object(out)
}

/// The document node of the reference has a place; ours has none.
fn strip_place(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(map) = document.as_object_mut() {
        map.remove("p");
    }
    document
}

#[test]
fn tags_have_one_name() {
    for tag in [Tag::Str, Tag::Null, Tag::Map, Tag::Other(Box::new("!x".into()))] {
        assert_eq!(Tag::from_name(tag.as_str()), tag);
    }
}
