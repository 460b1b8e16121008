//! Every recorded answer of Masterminds semver, compared with ours.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // tests

use serde_json::Value;
use sluice_version::{Constraint, Version};

fn answers() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/masterminds/answers.jsonl");
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn marks(constraint: &Constraint, versions: &[Version]) -> String {
    versions.iter().map(|version| if constraint.check(version) { '1' } else { '0' }).collect()
}

#[test]
fn all_answers_agree_with_the_reference() {
    let answers = answers();
    let mut versions: Vec<Version> = Vec::new();
    let (mut compared, mut differ) = (0_usize, Vec::new());
    let mut check = |what: String, ours: Value, theirs: &Value, count: usize| {
        compared += count;
        if ours != *theirs {
            differ.push(format!("{what}: ours {ours}, theirs {theirs}"));
        }
    };
    for answer in &answers {
        if let Some(list) = answer.get("versions") {
            versions = list
                .as_array()
                .unwrap()
                .iter()
                .map(|v| Version::parse(v.as_str().unwrap()).unwrap())
                .collect();
        } else if let Some(order) = answer.get("order").and_then(Value::as_str) {
            let version = Version::parse(order).unwrap();
            let ours: String = versions
                .iter()
                .map(|other| ['<', '=', '>'][(version.cmp(other) as i8 + 1) as usize])
                .collect();
            check(format!("order of {order}"), ours.into(), &answer["marks"], versions.len());
        } else if let Some(range) = answer.get("range").and_then(Value::as_str) {
            let constraint = match Constraint::parse(range) {
                Ok(constraint) => constraint,
                Err(error) => {
                    check(format!("range {range:?}"), error.to_string().into(), &answer["error"], 1);
                    continue;
                }
            };
            if let Some(version) = answer.get("version").and_then(Value::as_str) {
                let ours = constraint.validate(&Version::parse(version).unwrap()).unwrap_err();
                check(format!("{version} in {range:?}"), ours.into(), &answer["why"], 1);
                continue;
            }
            check(format!("text of {range:?}"), constraint.to_string().into(), &answer["text"], 1);
            let ours = marks(&constraint, &versions);
            check(format!("range {range:?}"), ours.into(), &answer["marks"], versions.len());
            let with = answer.get("with").unwrap_or(&answer["marks"]);
            let ours = marks(&constraint.including_prereleases(), &versions);
            check(format!("range {range:?} with prereleases"), ours.into(), with, versions.len());
        } else {
            let text = answer["version"].as_str().unwrap();
            match Version::parse(text) {
                Err(error) => {
                    check(format!("version {text:?}"), error.to_string().into(), &answer["error"], 1);
                }
                Ok(v) => {
                    let ours = serde_json::json!([
                        v.to_string(),
                        v.major(),
                        v.minor(),
                        v.patch(),
                        v.prerelease(),
                        v.metadata()
                    ]);
                    check(format!("version {text:?}"), ours, &answer["is"], 1);
                    if !answer["next"].is_null() {
                        let next = [v.increment_patch(), v.increment_minor(), v.increment_major()];
                        let ours: Vec<&str> = next.iter().map(Version::original).collect();
                        check(format!("after {text:?}"), ours.into(), &answer["next"], 1);
                    }
                }
            }
            let ours = match Version::parse_strict(text) {
                Ok(version) => serde_json::json!([version.to_string()]),
                Err(error) => error.to_string().into(),
            };
            check(format!("strict {text:?}"), ours, &answer["strict"], 1);
        }
    }
    println!("{compared} answers compared");
    assert!(compared > 50_000, "only {compared} answers");
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}
