//! `try --compare REPORT...`: of the Kustomizations that become Ready with Flux, which do so with Sluice, with which
//! objects. Reports are paired by folder and path; the output is the table of docs/public-repositories.md.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::Value;

/// The share that has to become Ready with the same objects, in percent.
const BAR: usize = 95;

#[derive(Debug, Default, PartialEq)]
struct Pair {
    flux: Option<Value>,
    sluice: Option<Value>,
}

/// What came of one folder.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    kustomizations: usize,
    with_flux: usize,
    with_both: usize,
    same: usize,
    objects: usize,
    /// One line each; what Flux could not do is not among them.
    differences: Vec<String>,
}

pub fn run(reports: &[String]) -> Result<ExitCode, String> {
    let mut pairs: BTreeMap<(String, String), Pair> = BTreeMap::new();
    for file in reports {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let report: Value = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
        let word = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
        let pair = pairs.entry((word("folder"), word("path"))).or_default();
        let side = if report["subject"] == "flux" { &mut pair.flux } else { &mut pair.sluice };
        *side = Some(report);
    }
    println!(
        "| folder | Kustomizations | Ready with Flux | with Sluice, too | with the same objects | objects |"
    );
    println!("|---|---|---|---|---|---|");
    let (mut with_flux, mut same, mut differences) = (0, 0, Vec::new());
    for ((folder, path), pair) in &pairs {
        let (Some(flux), Some(sluice)) = (&pair.flux, &pair.sluice) else {
            return Err(format!("{folder} {path}: two reports are needed, one of each"));
        };
        let outcome = compare(flux, sluice);
        println!(
            "| {folder} | {} | {} | {} | {} | {} |",
            outcome.kustomizations, outcome.with_flux, outcome.with_both, outcome.same, outcome.objects
        );
        with_flux += outcome.with_flux;
        same += outcome.same;
        differences.extend(outcome.differences.into_iter().map(|line| format!("- {folder}: {line}")));
    }
    println!("\n{same} of {with_flux} that Flux makes Ready are the same with Sluice.");
    for line in &differences {
        println!("{line}");
    }
    let is_met = with_flux > 0 && same * 100 >= with_flux * BAR;
    Ok(if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare(flux: &Value, sluice: &Value) -> Outcome {
    let mut outcome = Outcome::default();
    let theirs = kustomizations(flux);
    let ours = kustomizations(sluice);
    outcome.kustomizations = theirs.len();
    for (name, row) in &theirs {
        let other = ours.get(name);
        let message = |row: Option<&&Value>| {
            let message = row.and_then(|row| row["message"].as_str()).unwrap_or("(there is none)");
            message.replace('\n', " ")
        };
        if row["ready"] != true {
            if other.is_some_and(|other| other["ready"] == true) {
                let line = format!("{name}: Ready with Sluice only; Flux: {}", message(Some(row)));
                outcome.differences.push(line);
            }
            continue;
        }
        outcome.with_flux += 1;
        let Some(other) = other.filter(|other| other["ready"] == true) else {
            let line = format!("{name}: not Ready; Sluice: {}; Flux: {}", message(other), message(Some(row)));
            outcome.differences.push(line);
            continue;
        };
        outcome.with_both += 1;
        let differing = objects(row, other);
        outcome.objects += row["objects"].as_object().map_or(0, serde_json::Map::len);
        if differing.is_empty() && row["digest"] == other["digest"] {
            outcome.same += 1;
        } else if differing.is_empty() {
            outcome.differences.push(format!("{name}: the build has other bytes"));
        } else {
            outcome.differences.push(format!("{name}: {}", differing.join(", ")));
        }
    }
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        outcome.differences.push(format!("{name}: there is none with Flux"));
    }
    outcome
}

fn kustomizations(report: &Value) -> BTreeMap<String, &Value> {
    let rows = report["rows"].as_array().into_iter().flatten();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.filter(|row| row["kind"] == "Kustomization")
        .map(|row| (format!("{}/{}", word(row, "namespace"), word(row, "name")), row))
        .collect()
}

/// The ids of objects that only one side has, or that differ.
fn objects(theirs: &Value, ours: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let [theirs, ours] = [theirs, ours].map(|row| row["objects"].as_object().unwrap_or(&empty));
    let mut lines = Vec::new();
    for (id, value) in theirs {
        match ours.get(id) {
            None => lines.push(format!("{id} is missing")),
            Some(other) if other != value => lines.push(format!("{id} differs")),
            Some(_) => {}
        }
    }
    lines.extend(ours.keys().filter(|id| !theirs.contains_key(*id)).map(|id| format!("{id} is too much")));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(rows: &[(&str, bool, &str, Value)]) -> Value {
        let rows = rows.iter().map(|(name, ready, digest, objects)| {
            json!({"kind": "Kustomization", "namespace": "n", "name": name, "ready": ready,
                   "message": format!("{name} said so"), "digest": digest, "objects": objects})
        });
        json!({"rows": rows.collect::<Vec<_>>()})
    }

    #[test]
    fn only_what_flux_makes_ready_counts_and_each_difference_is_named() {
        let flux = report(&[
            ("same", true, "1", json!({"a": 1})),
            ("content", true, "1", json!({"a": 1, "b": 1})),
            ("bytes", true, "1", json!({"a": 1})),
            ("failed", true, "1", json!({})),
            ("both", false, "1", json!({})),
        ]);
        let sluice = report(&[
            ("same", true, "1", json!({"a": 1})),
            ("content", true, "1", json!({"a": 2, "c": 1})),
            ("bytes", true, "2", json!({"a": 1})),
            ("failed", false, "1", json!({})),
            ("both", false, "1", json!({})),
        ]);
        let outcome = compare(&flux, &sluice);
        assert_eq!((outcome.with_flux, outcome.with_both, outcome.same), (4, 3, 1));
        assert_eq!(
            outcome.differences,
            [
                "n/bytes: the build has other bytes",
                "n/content: a differs, b is missing, c is too much",
                "n/failed: not Ready; Sluice: failed said so; Flux: failed said so",
            ]
        );
    }
}
