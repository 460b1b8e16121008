//! The engine against what kustomize 5.8.1 itself has written, case by case.
//!
//! Our own cases lie in `tests/corpus`; shared ones beside the workspace, where they are skipped with a count when
//! they are absent. `tests/corpus/differs.toml` names cases that differ and why; one that starts to agree fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sluice_budget::Budget;
use sluice_kustomize::{Answers, Options, Outcome, Reorder};
use sluice_tree::{Folder, Limits};

struct Case {
    folder: PathBuf,
    run: String,
    unrestricted: bool,
    reorder: Reorder,
    own: bool,
}

impl Case {
    fn read(folder: &Path) -> Option<Case> {
        let text = std::fs::read_to_string(folder.join("from.toml")).ok()?;
        let value = |name: &str| {
            text.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                (key.trim() == name).then(|| value.split(" #").next().unwrap_or(value).trim().to_owned())
            })
        };
        // A case of our own holds the whole command; a shared one the folder and the flags.
        let (run, args) = match value("command") {
            Some(command) => {
                let words: Vec<&str> = command.trim_matches(['[', ']']).split(", ").collect();
                (words.get(1)?.trim_matches('"').to_owned(), command)
            }
            None => (value("run")?.trim_matches('"').to_owned(), value("args").unwrap_or_default()),
        };
        let reorder = if args.contains("\"none\"") { Reorder::None } else { Reorder::Legacy };
        Some(Case {
            folder: folder.to_path_buf(),
            run,
            unrestricted: args.contains("LoadRestrictionsNone"),
            reorder,
            own: text.contains("command = "),
        })
    }

    fn build(&self) -> Result<String, String> {
        let tree =
            Folder::open(&self.folder.join("in"), Limits::default()).map_err(|error| error.to_string())?;
        let options = Options {
            unrestricted: self.unrestricted,
            reorder: self.reorder,
            remote: false,
            shown_root: if self.own { "$IN" } else { "" },
            ..Options::default()
        };
        let run = if self.run == "." { "" } else { &self.run };
        let outcome = sluice_kustomize::build(&tree, run, &options, &Answers::default(), &Budget::generous())
            .map_err(|error| error.to_string())?;
        match outcome {
            Outcome::Done(built) => built.to_yaml(1).map_err(|error| error.to_string()),
            Outcome::Need(asks) => Err(format!("asks for {asks:?}")),
        }
    }

    /// What differs; nothing when all is well.
    fn verdict(&self) -> Option<String> {
        let got = self.build();
        if let Ok(want) = std::fs::read_to_string(self.folder.join("want.yaml")) {
            return match got {
                Ok(got) if got == want => None,
                Ok(got) => Some(first_difference(&want, &got)),
                Err(error) => Some(format!("failed: {error}")),
            };
        }
        if let Ok(want) = std::fs::read_to_string(self.folder.join("want.err")) {
            return match got {
                Ok(_) => Some("did not fail".to_owned()),
                Err(error) => match want.trim().strip_prefix("contains ") {
                    Some(words) => {
                        let words = words.trim_matches('"').replace("\\\"", "\"");
                        (!error.contains(&words)).then(|| format!("want {words:?} in: {error}"))
                    }
                    None if want.trim().is_empty() => None,
                    None => (error.trim() != want.trim()).then(|| format!("want: {want}got:  {error}")),
                },
            };
        }
        got.err().map(|error| format!("failed: {error}"))
    }
}

fn first_difference(want: &str, got: &str) -> String {
    let (want, got): (Vec<_>, Vec<_>) = (want.lines().collect(), got.lines().collect());
    let at = want.iter().zip(&got).position(|(want, got)| want != got).unwrap_or(want.len().min(got.len()));
    let around =
        |lines: &[&str]| lines[at.saturating_sub(3).min(lines.len())..(at + 4).min(lines.len())].join("\n");
    format!("line {}:\n--- want\n{}\n--- got\n{}", at + 1, around(&want), around(&got))
}

fn run(root: &Path, differs: &BTreeMap<String, String>) -> (usize, Vec<String>) {
    let (mut passed, mut wrong) = (0, Vec::new());
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    folders.sort();
    for folder in folders {
        let Some(case) = Case::read(&folder) else { continue };
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match (case.verdict(), differs.get(&name)) {
            (None, None) => passed += 1,
            (Some(_), Some(_)) => {}
            (None, Some(_)) => wrong.push(format!("{name}: agrees now; take it out of differs.toml")),
            (Some(difference), None) => wrong.push(format!("{name}: {difference}")),
        }
    }
    (passed, wrong)
}

fn differs() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/differs.toml");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, reason)| (name.trim().trim_matches('"').to_owned(), reason.trim().to_owned()))
        .collect()
}

#[test]
fn shared_cases_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/kustomize");
    if !root.is_dir() {
        println!("skipped 153 shared cases: they are not beside this checkout");
        return;
    }
    let (passed, wrong) = run(&root, &differs());
    println!("{passed} shared cases agree");
    assert!(wrong.is_empty(), "{} differ, {passed} agree:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn own_cases_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let (mut passed, mut wrong) = (0, Vec::new());
    for area in ["semantics", "composed"] {
        let (right, different) = run(&root.join(area), &differs());
        passed += right;
        wrong.extend(different);
    }
    println!("{passed} own cases agree");
    assert!(wrong.is_empty(), "{} differ, {passed} agree:\n{}", wrong.len(), wrong.join("\n\n"));
}
