//! Planted defects: each is put into a copy of the crates, built there, and looked for.
//!
//! A tool has a list of them as JSON (name, file, what to find there, what to put in its place) and says how its
//! program is built and how a difference is looked for. Where the word `PLANTED` stands in each of the replacements,
//! all are put in at once and built once: the word is true in a process whose environment names that defect.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::long_lived::Variable;
use crate::{Outcome, program};

/// How long each defect may stay hidden.
pub const LIMIT: Duration = Duration::from_mins(10);

/// A tool into whose engine defects are planted.
pub trait Ground {
    /// Its list of defects, below the workspace.
    const DEFECTS: &'static str;
    /// The crate that its program is part of.
    const CRATE: &'static str;
    /// What `cargo` is told, so that the program is built in a copy.
    const BUILD: &'static [&'static str];

    /// Inputs on which the copy without a defect has to agree first.
    const CONTROL: u64;

    /// The program that was built.
    fn program(copy: &Path) -> PathBuf;

    /// Looks for a first difference: in so many inputs, or no longer than the limit.
    fn look(&mut self, subject: &Subject, most: Option<u64>) -> Result<Look, String>;
}

/// What is looked at.
pub struct Subject {
    pub program: PathBuf,
    /// What it has in its environment, so that one of the defects that it is built with is awake.
    pub environment: Option<Variable>,
}

/// What a look gave.
pub struct Look {
    /// The number of the input that showed a difference first.
    pub input: Option<u64>,
    /// For a person, where there was none.
    pub text: String,
}

/// One change of one file.
struct Defect {
    name: String,
    file: String,
    find: String,
    replace: String,
}

/// The word of a replacement that is true where its defect is awake, and the variable that names the defect.
const SWITCH: &str = "PLANTED";

pub fn run<G: Ground>(ground: &mut G, out: &Path) -> Outcome {
    let defects = read(G::DEFECTS)?;
    let copy = out.join("planted");
    copy_crates(&copy, G::CRATE)?;
    let has_switches = defects.iter().all(|defect| defect.replace.contains(SWITCH));
    if has_switches {
        for (at, defect) in defects.iter().enumerate() {
            defect.plant(&copy, &switch(at))?;
        }
    }
    build::<G>(&copy)?;
    let sound = Subject { program: copy.join("sound"), environment: None };
    std::fs::copy(G::program(&copy), &sound.program)
        .map_err(|error| format!("{}: {error}", sound.program.display()))?;
    control(ground, &sound, G::CONTROL)?;
    let (mut hidden, mut furthest, mut all) = (0, G::CONTROL, Duration::ZERO);
    for (at, defect) in defects.iter().enumerate() {
        let (time, look) = if has_switches {
            let environment = Some((SWITCH, at.to_string()));
            timed(ground, &Subject { program: sound.program.clone(), environment })
        } else {
            let before = defect.plant(&copy, "")?;
            let subject = Subject { program: G::program(&copy), environment: None };
            let found = build::<G>(&copy).and_then(|()| timed(ground, &subject));
            write(&copy.join(&defect.file), &before)?;
            found
        }
        .map_err(|error| format!("{}: {error}", defect.name))?;
        all += time;
        match look.input {
            Some(input) => {
                furthest = furthest.max(input);
                println!("{:6.1} s, input {input:6}  {}", time.as_secs_f64(), defect.name);
            }
            None => {
                hidden += 1;
                println!("not found in {} s  {}\n{}", time.as_secs(), defect.name, look.text);
            }
        }
    }
    println!("{} of {} defects found, in {} s", defects.len() - hidden, defects.len(), all.as_secs());
    // Up to its first difference a run composes the inputs that a run without a defect composes.
    control(ground, &sound, furthest)?;
    if hidden == 0 { Ok(()) } else { Err(format!("{hidden} defects stayed hidden")) }
}

fn timed<G: Ground>(ground: &mut G, subject: &Subject) -> Result<(Duration, Look), String> {
    let begun = Instant::now();
    let look = ground.look(subject, None)?;
    Ok((begun.elapsed(), look))
}

/// An expression that is true where the environment names the defect of this number.
fn switch(at: usize) -> String {
    format!(
        "{{ static IS: std::sync::LazyLock<bool> = \
         std::sync::LazyLock::new(|| std::env::var(\"{SWITCH}\").is_ok_and(|at| at == \"{at}\")); *IS }}"
    )
}

impl Defect {
    /// Puts it into the copy, and gives the file's text as it was.
    fn plant(&self, copy: &Path, switch: &str) -> Result<String, String> {
        let path = copy.join(&self.file);
        let before =
            std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if !before.contains(&self.find) {
            return Err(format!("{}: {} no longer holds what was to be changed", self.name, self.file));
        }
        write(&path, &before.replacen(&self.find, &self.replace.replace(SWITCH, switch), 1))?;
        Ok(before)
    }
}

/// Without a defect there must be no difference, so that none of the others is due to anything but the defects.
fn control<G: Ground>(ground: &mut G, sound: &Subject, inputs: u64) -> Outcome {
    let look = ground.look(sound, Some(inputs))?;
    if look.input.is_some() {
        return Err(format!("without a defect there are differences:\n{}", look.text));
    }
    println!("without a defect: no difference in {inputs} inputs");
    Ok(())
}

fn read(list: &str) -> Result<Vec<Defect>, String> {
    let path = program::workspace().join(list);
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
fn copy_crates(copy: &Path, tool: &str) -> Outcome {
    let root = program::workspace();
    let mut wanted = vec![tool.to_owned()];
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

fn build<G: Ground>(copy: &Path) -> Outcome {
    program::run(
        Command::new(program::cargo_program())
            .args(["build", "--quiet"])
            .args(G::BUILD)
            // Of its own: cargo takes the crates of a copy for those of the workspace.
            .env("CARGO_TARGET_DIR", copy.join("target"))
            .current_dir(copy),
    )
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Every defect of a list still fits to the sources, and there are enough of them.
    pub fn fits<G: Ground>() {
        let defects = read(G::DEFECTS).unwrap();
        assert!(defects.len() >= 20);
        for defect in defects {
            let text = std::fs::read_to_string(program::workspace().join(&defect.file)).unwrap();
            assert!(text.contains(&defect.find), "{}: {}", defect.file, defect.name);
        }
    }
}
