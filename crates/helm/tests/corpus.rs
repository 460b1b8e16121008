//! Charts of our own against what Helm 4.2.4 printed for them, byte for byte. `want.yaml` is its output, `want.err` its
//! error; `cargo xtask corpus record helm` writes both. Cases in `differs.toml` must differ: the list only shrinks.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it must be"
)]
#![allow(clippy::disallowed_methods)]

mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sluice_helm::build;
use sluice_helm::command::Environment;
use sluice_helm::command::template::template;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The words after `helm template` in a case's `from.toml`.
fn command(case: &Path) -> Vec<String> {
    let text = fs::read_to_string(case.join("from.toml")).unwrap();
    let line =
        text.lines().find_map(|line| line.strip_prefix("command = ")).expect("from.toml names a command");
    let words: Vec<String> = serde_json::from_str(line).unwrap();
    words.into_iter().skip(1).collect()
}

fn run(case: &Path) -> Result<String, String> {
    let base = case.join("in");
    let words = words::parse(&command(case), &base)?;
    let read = |name: &str| {
        let data =
            fs::read(base.join(name)).map_err(|_| format!("open {name}: no such file or directory"))?;
        Ok(String::from_utf8_lossy(&data).into_owned())
    };
    let values = words.options.merge(&read).map_err(|error| error.to_string())?;
    let chart = words::load(&words.chart, &base, None)?;
    let budget = build::budget();
    let now = "2024-01-02T03:04:05Z[UTC]".parse().unwrap();
    let environment =
        Environment { budget: &budget, now, random: &|bytes| bytes.fill(7), hooks: &sluice_gotmpl::NoHooks };
    let output =
        template(&chart, &values, &words.args, &environment, None).map_err(|error| error.to_string())?;
    output.error.map_or(Ok(output.text.to_string()), Err)
}

/// What is wrong with a case, if anything.
fn differs(case: &Path) -> Option<String> {
    let input = fs::canonicalize(case.join("in")).unwrap();
    let outcome = run(case).map_err(|text| text.replace(&input.display().to_string(), "$IN"));
    let (want, got) =
        match (fs::read_to_string(case.join("want.yaml")), fs::read_to_string(case.join("want.err"))) {
            (Ok(want), _) => (Ok(want), outcome),
            (_, Ok(want)) => (
                Err(want.trim_end_matches('\n').to_owned()),
                outcome.map_err(|text| text.trim_end_matches('\n').to_owned()),
            ),
            _ => return Some("nothing recorded".to_owned()),
        };
    (want != got).then(|| {
        let show = |result: &Result<String, String>| match result {
            Ok(text) => format!("output:\n{text}"),
            Err(text) => format!("error: {text}"),
        };
        format!("want {}\ngot {}", show(&want), show(&got))
    })
}

fn known_differences() -> BTreeMap<String, String> {
    let text = fs::read_to_string(corpus().join("differs.toml")).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(case, reason)| (case.trim_matches('"').to_owned(), reason.trim_matches('"').to_owned()))
        .collect()
}

/// Engines run on threads with large stacks; so do their tests.
#[test]
fn charts_render_as_in_helm() {
    let worker = std::thread::Builder::new().stack_size(build::STACK).spawn(compare).unwrap();
    if let Err(panic) = worker.join() {
        std::panic::resume_unwind(panic);
    }
}

fn compare() {
    let known = known_differences();
    let mut problems = Vec::new();
    let mut count = 0;
    for area in fs::read_dir(corpus()).unwrap().flatten().filter(|area| area.path().is_dir()) {
        for case in fs::read_dir(area.path()).unwrap().flatten() {
            let path = case.path();
            let name =
                format!("{}/{}", area.file_name().to_string_lossy(), case.file_name().to_string_lossy());
            count += 1;
            match (differs(&path), known.contains_key(&name)) {
                (Some(text), false) => problems.push(format!("== {name}\n{text}")),
                (None, true) => problems.push(format!("== {name} agrees now: take it off differs.toml")),
                _ => {}
            }
        }
    }
    assert!(count > 100, "only {count} cases found");
    problems.sort();
    assert!(problems.is_empty(), "{} of {count} cases differ\n{}", problems.len(), problems.join("\n"));
}
