//! Normalisation against what fluxcd/pkg/ssa 0.77 and apimachinery 0.36 gave for the same input
//! (`peers/ask/normalize` records it).

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_object::normalize::{normalize, quantity};
use sluice_object::{GroupKind, Object};

fn lines(text: &str) -> impl Iterator<Item = (Value, Value)> {
    text.lines().map(|line| {
        let mut case: Value = serde_json::from_str(line).expect("the record is JSON");
        (case["in"].take(), case["want"].take())
    })
}

#[test]
fn manifests_become_what_upstream_makes_of_them() {
    let mut kinds = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (given, want) in lines(include_str!("corpus/normalize/recorded.jsonl")) {
        let mut object = Object::try_from(given.clone()).unwrap();
        kinds.insert(GroupKind::new(object.api_version(), object.kind()));
        normalize(&mut object);
        let got = Value::from(object);
        if got != want {
            wrong.push(format!("given {given}\n got  {got}\n want {want}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(kinds.len() >= 164, "{} kinds", kinds.len());
}

#[test]
fn normalising_twice_changes_nothing() {
    for (_, want) in lines(include_str!("corpus/normalize/recorded.jsonl")) {
        let mut object = Object::try_from(want.clone()).unwrap();
        normalize(&mut object);
        assert_eq!(Value::from(object), want);
    }
}

#[test]
fn quantities_are_printed_as_go_prints_them() {
    let mut wrong = Vec::new();
    for (given, want) in lines(include_str!("corpus/normalize/quantities.jsonl")) {
        let got = quantity::canonical(given.as_str().unwrap().trim()).ok();
        if got.as_deref() != want.as_str() {
            wrong.push(format!("{given}: {got:?} but {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                places(field, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

#[test]
fn whatever_stands_anywhere_nothing_panics() {
    let strange = [
        serde_json::json!(null),
        serde_json::json!(true),
        serde_json::json!(-1.5),
        serde_json::json!(u64::MAX),
        serde_json::json!("é\u{0}"),
        serde_json::json!([null, {}, []]),
        serde_json::json!({"": {}, "name": 1}),
    ];
    let mut tried = 0;
    for (number, (given, _)) in lines(include_str!("corpus/normalize/recorded.jsonl")).enumerate() {
        let mut all = Vec::new();
        places(&given, "", &mut all);
        for (index, place) in all.iter().enumerate().skip(1).step_by(5) {
            let mut changed = given.clone();
            *changed.pointer_mut(place).unwrap() = strange[(number + index) % strange.len()].clone();
            let mut object = Object::try_from(changed).unwrap();
            normalize(&mut object);
            // What did not fit may have been in what the first time took away; from the second on nothing changes.
            normalize(&mut object);
            let twice = object.clone();
            normalize(&mut object);
            assert_eq!(object, twice, "{place} of {given}");
            tried += 1;
        }
    }
    assert!(tried > 5000, "{tried}");
}
