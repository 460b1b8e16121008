//! Every function has recorded cases: at least three that print, three that are refused or given a kind that the function
//! is not for, three at an edge (nothing, nil, negative, empty, not text). A function without them fails this test.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;

use sluice_gotmpl::{Functions, function_names};

/// How many cases of each class a function has.
#[derive(Debug, Default)]
struct Cases {
    printed: usize,
    refused: usize,
    edge: usize,
}

/// Arguments that stand at an edge of what a function takes.
const EDGES: &[&str] = &[
    "\"\"", "nil", ".n", ".nope", " -", " 0", "(list)", "(dict)", ".e", ".empty", ".none", "\\xff", "1e300",
    "1e18", "false", "922337",
];

/// Kinds that most functions are not for; a function that takes anything is asked with them, too.
const ODD: &[&str] = &[
    "(semver",
    "(toDate",
    ".people",
    "(chunk",
    "(list 1 \"a\" nil",
    ".map",
    "(dict \"a\"",
    "true",
    ".x",
    "(until",
    "(split ",
];

fn words(text: &str) -> Vec<&str> {
    let mut inside = text.split("{{").skip(1).map(|part| part.split("}}").next().unwrap_or(part));
    let mut found: Vec<&str> = inside
        .by_ref()
        .flat_map(|part| {
            part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '$'))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn every_function_has_cases_of_each_class() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
    let names = function_names(Functions::Helm);
    assert!(names.len() > 200, "only {} functions", names.len());
    let mut found: BTreeMap<&str, Cases> = names.iter().map(|name| (*name, Cases::default())).collect();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let Some(text) = record["t"].as_str() else { continue };
            let error = record["e"].as_str();
            for word in words(text) {
                let Some(cases) = found.get_mut(word) else { continue };
                match error {
                    None => cases.printed += 1,
                    // The refusal has to be about this function: it is named, or nothing stands around it.
                    Some(error)
                        if error.contains(&format!("<{word}"))
                            || error.contains(&format!("calling {word}:"))
                            || error.contains(&format!("for {word}:"))
                            || text.starts_with(&format!("{{{{ $r := {word} "))
                            || text.starts_with(&format!("{{{{ $r := ({word} ")) =>
                    {
                        cases.refused += 1;
                    }
                    Some(_) => {}
                }
                if error.is_none() && ODD.iter().any(|odd| text.contains(odd)) {
                    cases.refused += 1;
                }
                if EDGES.iter().any(|edge| text.contains(edge)) {
                    cases.edge += 1;
                }
            }
        }
    }
    let is_short = |cases: &Cases| cases.printed < 3 || cases.refused < 3 || cases.edge < 3;
    // These can only be refused: nothing that templates see is a function to call.
    let short: Vec<String> = found
        .iter()
        .filter(|(name, cases)| is_short(cases) && !(matches!(**name, "fail" | "call") && cases.refused >= 3))
        .map(|(name, cases)| format!("{name}: {cases:?}"))
        .collect();
    assert!(short.is_empty(), "{} functions have too few recorded cases:\n{}", short.len(), short.join("\n"));
}
