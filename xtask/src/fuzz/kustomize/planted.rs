//! Planted defects (`crates/fuzz/defects.json`): each is put into a copy of the crates, built there, and looked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Settings;
use crate::{Outcome, program};

/// How long each defect may stay hidden.
const LIMIT: Duration = Duration::from_mins(10);
/// Trees on which the copy without a defect has to agree with kustomize first.
const CONTROL: u64 = 100;

/// One change of one file.
struct Defect {
    name: String,
    file: String,
    find: String,
    replace: String,
}

pub fn run(reference: &Path, out: &Path, settings: &Settings) -> Outcome {
    let defects = read()?;
    let copy = out.join("planted");
    copy_crates(&copy)?;
    build(&copy)?;
    let begin = |program: &Path, more: &[&str]| look(program, reference, out, settings, more);
    let sound = copy.join("sound");
    std::fs::copy(built(&copy), &sound).map_err(|error| format!("{}: {error}", sound.display()))?;
    control(&begin(&sound, &["--trees", &CONTROL.to_string()])?, CONTROL)?;
    let (mut hidden, mut furthest) = (0, CONTROL);
    for defect in &defects {
        let path = copy.join(&defect.file);
        let sound = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if !sound.contains(&defect.find) {
            return Err(format!("{}: {} no longer holds what was to be changed", defect.name, defect.file));
        }
        write(&path, &sound.replacen(&defect.find, &defect.replace, 1))?;
        let found = build(&copy).and_then(|()| {
            let begun = Instant::now();
            let got = begin(&built(&copy), &["--first"])?;
            Ok((begun.elapsed(), text_of(&got)))
        });
        write(&path, &sound)?;
        let (time, text) = found.map_err(|error| format!("{}: {error}", defect.name))?;
        match tree_of(&text) {
            Some(tree) => {
                furthest = furthest.max(tree);
                println!("{:6.1} s {tree:6} trees  {}", time.as_secs_f64(), defect.name);
            }
            None => {
                hidden += 1;
                println!("not found in {} s  {}\n{text}", time.as_secs(), defect.name);
            }
        }
    }
    println!("{} of {} defects found", defects.len() - hidden, defects.len());
    // Up to its first difference a run composes the trees that a run without a defect composes.
    control(&begin(&sound, &["--trees", &furthest.to_string(), "--minutes", "60"])?, furthest)?;
    if hidden == 0 { Ok(()) } else { Err(format!("{hidden} defects stayed hidden")) }
}

/// What the copy without a defect came to: without differences none of the others are due to anything but the defects.
fn control(output: &Output, trees: u64) -> Outcome {
    if !output.status.success() {
        return Err(format!("without a defect there are differences:\n{}", text_of(output)));
    }
    println!("without a defect: no difference in {trees} trees");
    Ok(())
}

fn built(copy: &Path) -> PathBuf {
    copy.join("target/debug/fuzz")
}

fn read() -> Result<Vec<Defect>, String> {
    let path = program::workspace().join("crates/fuzz/defects.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let part = |defect: &Value, name: &str| defect[name].as_str().unwrap_or_default().to_owned();
    Ok(value
        .as_array()
        .into_iter()
        .flatten()
        .map(|defect| Defect {
            name: part(defect, "name"),
            file: part(defect, "file"),
            find: part(defect, "find"),
            replace: part(defect, "replace"),
        })
        .collect())
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The crates that the fuzzer is made of, as a workspace of their own. Files that are the same are left alone, so that
/// a second run builds little.
fn copy_crates(copy: &Path) -> Outcome {
    let root = program::workspace();
    let mut wanted = vec!["fuzz".to_owned()];
    let mut known = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !known.insert(name.clone()) {
            continue;
        }
        let folder = root.join("crates").join(&name);
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml"))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let own = manifest.lines().filter_map(|line| line.strip_prefix("sluice-"));
        wanted.extend(own.filter_map(|line| line.split('.').next()).map(str::to_owned));
        copy_file(&folder.join("Cargo.toml"), &copy.join("crates").join(&name).join("Cargo.toml"))?;
        copy_folder(&folder.join("src"), &copy.join("crates").join(&name).join("src"))?;
        let examples = folder.join("examples");
        if examples.is_dir() {
            copy_folder(&examples, &copy.join("crates").join(&name).join("examples"))?;
        }
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).map_err(|error| error.to_string())?;
    let alone = manifest.replace("members = [\"crates/*\", \"xtask\"]", "members = [\"crates/*\"]");
    if std::fs::read_to_string(copy.join("Cargo.toml")).ok().as_ref() != Some(&alone) {
        write(&copy.join("Cargo.toml"), &alone)?;
    }
    for name in ["Cargo.lock", "rust-toolchain.toml"] {
        copy_file(&root.join(name), &copy.join(name))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    let entries = std::fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let target: PathBuf = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            copy_file(&path, &target)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Outcome {
    let told = |error: std::io::Error| format!("{}: {error}", from.display());
    let bytes = std::fs::read(from).map_err(told)?;
    if std::fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    std::fs::create_dir_all(to.parent().unwrap_or(to)).map_err(told)?;
    std::fs::write(to, bytes).map_err(told)
}

fn build(copy: &Path) -> Outcome {
    program::run(
        Command::new(program::cargo_program())
            .args(["build", "--quiet", "--package", "sluice-fuzz"])
            .env("CARGO_TARGET_DIR", copy.join("target"))
            .current_dir(copy),
    )
}

fn look(
    program: &Path,
    reference: &Path,
    out: &Path,
    settings: &Settings,
    more: &[&str],
) -> Result<Output, String> {
    Command::new(program)
        .arg(reference)
        .arg(out.join("found"))
        .args(["--seconds", &LIMIT.as_secs().to_string()])
        .args(["--seed", &settings.seed.to_string()])
        .args(more)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))
}

fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The number of the tree that showed the first difference.
fn tree_of(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("difference 1 in tree "))?;
    line.split(' ').nth(4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_still_fits_to_the_sources() {
        let defects = read().unwrap();
        assert!(defects.len() >= 20);
        for defect in defects {
            let text = std::fs::read_to_string(program::workspace().join(&defect.file)).unwrap();
            assert!(text.contains(&defect.find), "{}: {}", defect.file, defect.name);
        }
    }

    #[test]
    fn the_tree_of_the_first_difference_is_read() {
        assert_eq!(tree_of("x\ndifference 1 in tree 12 after 2.4 s: want\n"), Some(12));
        assert_eq!(tree_of("none"), None);
    }
}
