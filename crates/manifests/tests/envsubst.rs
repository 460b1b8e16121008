//! Substitution against what Flux's own library has answered.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_manifests::envsubst;

#[test]
fn recorded_answers_agree() {
    let recorded: Value = serde_json::from_str(include_str!("corpus/envsubst.json")).unwrap();
    let variables: BTreeMap<String, String> = serde_json::from_value(recorded["variables"].clone()).unwrap();
    let mut wrong = Vec::new();
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let strict = case["strict"].as_bool().unwrap();
        let got = envsubst::substitute(text, &|name| match variables.get(name) {
            None if strict => None,
            value => Some(value.cloned().unwrap_or_default()),
        });
        let want = case["want"].as_str();
        match (got, want) {
            (Ok(got), Some(want)) if got == want => {}
            // Go's library panics on some bounds; an error says as much.
            (Err(_), None) if case["error"] == "panic" => {}
            (Err(error), None) if case["error"] == error.to_string() => {}
            (got, _) => {
                wrong.push(format!("{text} strict={strict}: want {want:?} {}, got {got:?}", case["error"]));
            }
        }
    }
    println!("{} answers agree", cases.len() - wrong.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
