//! The comparison of traces and `compare.py`, its definition, give the same answers, also on traces that are wrong.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::trace::{Family, Scenario, compare, corpus};

/// Loads `compare.py` and prints how many differences it finds in each pair.
const DRIVER: &str = "
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location('compare', sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps([len(module.compare(want, got)) for want, got in json.load(open(sys.argv[2]))]))
";

const MUTATED: usize = 200;

#[test]
fn the_comparison_agrees_with_its_definition_on_mutated_traces() {
    let has_python = Command::new("python3").args(["-c", "import yaml"]).stderr(Stdio::null()).status();
    if !has_python.is_ok_and(|status| status.success()) {
        return peers::skip("the_comparison_agrees_with_its_definition", "there is no python3 with yaml");
    }
    let mut scenarios = Vec::new();
    for family in [Family::Kustomization, Family::Source, Family::HelmRelease] {
        scenarios.extend(Scenario::all(&corpus::folder(), family).unwrap());
    }
    let mut random = Random(20_260_101);
    let mut pairs = Vec::new();
    for _ in 0..MUTATED {
        let want = &scenarios[random.below(scenarios.len())].trace;
        let mut got = want.clone();
        for _ in 0..=random.below(2) {
            mutate(&mut got, &mut random);
        }
        pairs.push((want.clone(), got));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pairs.json");
    std::fs::write(&file, json!(pairs).to_string()).unwrap();
    let definition = corpus::folder().join("compare.py");
    let got = Command::new("python3").args(["-c", DRIVER]).args([&definition, &file]).output().unwrap();
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    let theirs: Vec<usize> = serde_json::from_slice(&got.stdout).unwrap();
    assert_eq!(theirs.len(), MUTATED);
    assert!(theirs.contains(&0) && theirs.iter().any(|count| *count > 0), "mutations of both sorts are made");
    for (at, ((want, got), theirs)) in pairs.iter().zip(theirs).enumerate() {
        let ours = compare::compare(want, got);
        assert_eq!(ours.len(), theirs, "pair {at}: {ours:#?}");
    }
}

/// A small generator with a fixed beginning: every run makes the same traces.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

fn mutate(rows: &mut Vec<Value>, random: &mut Random) {
    let at = random.below(rows.len());
    match random.below(9) {
        0 => {
            rows.remove(at);
        }
        1 => {
            let row = rows[at].clone();
            rows.insert(random.below(rows.len()), row);
        }
        2 => {
            let other = random.below(rows.len());
            rows.swap(at, other);
        }
        3 => change_text(&mut rows[at], random, "<time>"),
        4 => change_text(&mut rows[at], random, "changed"),
        5 => change_text(&mut rows[at], random, &format!("failed: {}", compare::LIMITER)),
        6 => change_text(&mut rows[at], random, "timeout waiting for: [Deployment/a/b status: 'InProgress']"),
        7 => {
            for row in rows.iter_mut().filter(|row| row.get("event").is_some()) {
                row["event"]["count"] = random.below(9).into();
            }
        }
        _ => rows.push(json!({"Kustomization/new": {"generation": 1, "status.observedGeneration": -1}})),
    }
    if rows.is_empty() {
        rows.push(json!({"step": 1, "did": "apply"}));
    }
}

/// Replaces one text somewhere in a value.
fn change_text(value: &mut Value, random: &mut Random, text: &str) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let at = random.below(map.len());
            if let Some(inner) = map.values_mut().nth(at) {
                change_text(inner, random, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = random.below(items.len());
            change_text(&mut items[at], random, text);
        }
        Value::String(old) => text.clone_into(old),
        _ => {}
    }
}
