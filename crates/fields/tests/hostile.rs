//! Bytes from anywhere, and the laws that hold for all sets.

use proptest::prelude::*;
use sluice_fields::FieldSet;

fn set() -> impl Strategy<Value = FieldSet> {
    let element = prop_oneof![
        "[a-c]".prop_map(|name| format!("f:{name}")),
        (0..3).prop_map(|index| format!("i:{index}")),
        "[a-c]".prop_map(|name| format!("k:{{\"name\":\"{name}\"}}")),
        (0..3).prop_map(|value| format!("v:{value}")),
    ];
    let paths = prop::collection::vec(prop::collection::vec(element, 1..4), 0..8);
    paths.prop_map(|paths| {
        let mut whole = FieldSet::default();
        for path in paths {
            let text = path.iter().rev().fold(String::from("{}"), |below, element| {
                format!("{{{}:{below}}}", serde_json::Value::from(element.as_str()))
            });
            whole = whole.union(&FieldSet::parse(&text).expect("made of elements"));
        }
        whole
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,64}") {
        let _ = FieldSet::parse(&text);
        let _ = FieldSet::parse(&format!("{{{}:{{}}}}", serde_json::Value::from(text.as_str())));
    }

    #[test]
    fn sets_obey_the_laws(a in set(), b in set()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert_eq!(a.union(&b).len() + a.intersection(&b).len(), a.len() + b.len());
        prop_assert_eq!(FieldSet::parse(&a.to_text()).unwrap(), a);
    }
}
