//! `sluice kustomize` beside kustomize: every recorded case gives the same output, errors, exit status and files.
//!
//! `cargo xtask corpus record cli` writes what the reference does into the cases.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sluice_testkit::peers;

use super::cases::{self, Case};

/// Where the cases are, relative to the crate.
const CORPUS: &str = "tests/corpus/kustomize";

fn texts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(CORPUS);
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    found.sort();
    found
}

/// Cases that differ, each with its reason; the list only shrinks.
fn differences() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(CORPUS).join("differs.toml");
    let lines = fs::read_to_string(path).unwrap_or_default();
    let entries = lines.lines().filter_map(|line| line.split_once(" = "));
    entries.map(|(name, reason)| (name.trim_matches('"').to_owned(), reason.to_owned())).collect()
}

#[test]
fn recorded_cases_come_out_the_same() {
    let differs = differences();
    let (mut agreed, mut wrong) = (0, Vec::new());
    for path in texts() {
        let area = path.file_stem().unwrap().to_string_lossy().into_owned();
        for case in cases::read(&fs::read_to_string(&path).unwrap()) {
            let name = format!("{area}/{}", case.name);
            let got = cases::run(&case, Path::new(env!("CARGO_BIN_EXE_sluice")), &["kustomize"]);
            match (got == case.want, differs.contains_key(&name)) {
                (true, false) => agreed += 1,
                (true, true) => wrong.push(format!("{name}: is listed as a difference and agrees")),
                (false, true) => {}
                (false, false) => {
                    let shown = |outcome| {
                        cases::write(&[Case { want: outcome, files: BTreeMap::new(), ..case.clone() }])
                    };
                    let (want, got) = (shown(case.want.clone()), shown(got));
                    wrong.push(format!("{name}:\n--- want\n{want}\n--- got\n{got}"));
                }
            }
        }
    }
    println!("{agreed} cases agree, {} are listed as different", differs.len());
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(agreed > 100, "the corpus is there");
}

#[test]
#[ignore = "writes the corpus: cargo xtask corpus record cli"]
fn record() {
    let program = peers::folder().join("kustomize");
    for path in texts() {
        let mut cases = cases::read(&fs::read_to_string(&path).unwrap());
        for case in &mut cases {
            case.want = cases::run(case, &program, &[]);
        }
        fs::write(&path, cases::write(&cases)).unwrap();
    }
}
