//! Reading, writing and the algebra against structured-merge-diff (`peers/ask/fields` records it).

use serde_json::Value;
use sluice_fields::{FieldSet, FieldsError, PathElement};

fn field(name: &str) -> PathElement {
    PathElement::Field(name.into())
}

#[test]
fn sets_are_what_upstream_makes_of_them() {
    for line in include_str!("corpus/fields/recorded.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| case[name].as_str().unwrap();
        let (a, b) = (FieldSet::parse(text("a")).unwrap(), FieldSet::parse(text("b")).unwrap());
        assert_eq!(a.to_text(), text("same"), "{line}");
        assert_eq!(a.len() as u64, case["size"].as_u64().unwrap(), "{line}");
        assert_eq!(a.union(&b).to_text(), text("union"), "{line}");
        assert_eq!(a.intersection(&b).to_text(), text("intersection"), "{line}");
        assert_eq!(a.difference(&b).to_text(), text("difference"), "{line}");
        assert_eq!(a.recursive_difference(&b).to_text(), text("recursiveDifference"), "{line}");
        assert_eq!(a.leaves().to_text(), text("leaves"), "{line}");
        assert_eq!(FieldSet::from_value(&a.to_value()).unwrap(), a, "{line}");
        assert_eq!(a.paths().into_iter().collect::<FieldSet>(), a, "{line}");
    }
}

#[test]
fn a_path_can_be_in_a_set_without_its_parents() {
    let set = FieldSet::parse(r#"{"f:spec":{"f:replicas":{}},"f:metadata":{".":{},"f:labels":{"f:a":{}}}}"#)
        .unwrap();
    assert!(!set.has(&[field("spec")]));
    assert!(set.touches(&[field("spec")]));
    assert!(set.has(&[field("spec"), field("replicas")]));
    assert!(set.has(&[field("metadata")]));
    assert!(!set.touches(&[field("status")]));
    assert!(set.below(&[field("metadata")]).unwrap().touches(&[field("labels")]));
    assert_eq!(set.len(), 3);
}

#[test]
fn broken_text_is_an_error_and_unknown_steps_are_left_out() {
    for text in [
        "",
        "[]",
        "1",
        r#"{"a":{}}"#,
        r#"{"f":{}}"#,
        r#"{"f:a":1}"#,
        r#"{"i:x":{}}"#,
        r#"{"k:[]":{}}"#,
        r#"{"v:":{}}"#,
        r#"{"é:":{}}"#,
    ] {
        assert!(FieldSet::parse(text).is_err(), "{text}");
    }
    assert_eq!(FieldSet::parse(r#"{"x:a":{"f:b":{}},"f:c":{}}"#).unwrap().to_text(), r#"{"f:c":{}}"#);
    let mut deep = Value::Object(Default::default());
    for _ in 0..300 {
        deep = serde_json::json!({"f:a": deep});
    }
    assert!(matches!(FieldSet::from_value(&deep), Err(FieldsError::TooDeep)));
}
