//! Every function has recorded cases of each sort: one that succeeds, one given a wrong type, one at the edge.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // tests

use std::collections::{BTreeMap, BTreeSet};

use sluice_gotmpl::{Functions, function_names};

/// Functions that take any number of values of any type, so that no type is wrong for them: a value of an unlikely kind
/// stands for one.
const TAKE_ANYTHING: &[&str] = &[
    "add", "addf", "and", "any", "all", "cat", "coalesce", "dict", "list", "not", "or", "print", "println",
    "quote", "squote", "tuple", "urlquery",
];

#[derive(Default)]
struct Cases {
    success: usize,
    wrong: usize,
    edge: usize,
}

/// The words of a template outside of its strings, those after a dot or a dollar sign apart.
fn words(text: &str) -> BTreeSet<String> {
    let mut bare = String::new();
    let mut quoted: Option<char> = None;
    let mut is_escaped = false;
    for character in text.chars() {
        match quoted {
            Some('"') if is_escaped => is_escaped = false,
            Some('"') if character == '\\' => is_escaped = true,
            Some(open) => {
                if character == open {
                    quoted = None;
                }
            }
            None if character == '"' || character == '`' => {
                quoted = Some(character);
                bare.push(' ');
            }
            None => bare.push(character),
        }
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '$';
    bare.split(|c| !is_name(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether an argument is empty: nil, zero, or nothing in it.
fn has_edge(text: &str, words: &BTreeSet<String>) -> bool {
    ["nil", ".n", ".e", ".zero", ".empty", ".none", "0"].iter().any(|word| words.contains(*word))
        || ["\"\"", "(list)", "(dict)", "``"].iter().any(|part| text.contains(part))
}

#[test]
fn every_function_has_cases_of_each_sort() {
    let names = function_names(Functions::Helm);
    let mut cases: BTreeMap<&str, Cases> = names.iter().map(|name| (*name, Cases::default())).collect();
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")) {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let Some(text) = record["t"].as_str() else { continue };
            let words = words(text);
            let error = record["e"].as_str();
            for word in &words {
                let Some(found) = cases.get_mut(word.as_str()) else { continue };
                found.success += usize::from(error.is_none());
                found.edge += usize::from(has_edge(text, &words));
                found.wrong += usize::from(match error {
                    Some(error) => {
                        [&format!("calling {word}"), &format!("at <{word}"), "wrong type", "expected "]
                            .iter()
                            .any(|told| error.contains(*told))
                    }
                    None => {
                        TAKE_ANYTHING.contains(&word.as_str())
                            && [".list", ".map", ".t", ".s"].iter().any(|field| words.contains(*field))
                    }
                });
            }
        }
    }
    let lacks: Vec<String> = cases
        .iter()
        // A function that only ever fails has no case that succeeds.
        .filter(|(name, found)| found.success == 0 && **name != "fail" || found.wrong == 0 || found.edge == 0)
        .map(|(name, found)| {
            format!(
                "{name}: {} succeed, {} of a wrong type, {} at the edge",
                found.success, found.wrong, found.edge
            )
        })
        .collect();
    let total: usize = cases.values().map(|found| found.success + found.wrong).sum();
    println!("{} functions, {total} uses", names.len());
    assert!(lacks.is_empty(), "{} functions lack cases:\n{}", lacks.len(), lacks.join("\n"));
}
