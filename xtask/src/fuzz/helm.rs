//! Charts composed at random, rendered by Helm's engine (`peers/ask/charts`) and by ours (`crates/helm/examples/ask.rs`).
//!
//! Both are programs that live for the whole run and answer questions a line each. `--planted` puts known defects into a
//! copy of our engine, one at a time, and shows how soon each is found.

mod compose;
mod functions;
mod planted;
mod shrink;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Settings;
use super::long_lived::{LongLived, Variable};
use crate::{Outcome, peers, program};
use compose::{Case, Composer, Uses};

/// Questions that are under way at a time.
const BATCH: usize = 32;
/// The most different differences that are shrunk and told.
const MOST_TOLD: usize = 60;

/// Two engines that answer the same questions.
pub struct Pair {
    helm: LongLived,
    ours: LongLived,
}

/// What came back: from Helm, then from us.
type Answers = (Value, Value);

impl Pair {
    /// `environment` is of ours alone.
    pub fn start(helm: &Path, ours: &Path, environment: Option<Variable>) -> Result<Self, String> {
        Ok(Self { helm: LongLived::start(helm, None)?, ours: LongLived::start(ours, environment)? })
    }

    fn ask(&mut self, questions: &[String]) -> Result<Vec<Answers>, String> {
        for question in questions {
            // A program that died is heard of when its answer is awaited.
            let _ = self.helm.ask(question);
            let _ = self.ours.ask(question);
        }
        let mut found = Vec::new();
        let mut is_lost = false;
        for _ in questions {
            let helm = if is_lost { Value::Null } else { read(self.helm.answer()) };
            let ours = if is_lost { Value::Null } else { read(self.ours.answer()) };
            if !is_lost && (helm.is_string() || ours.is_string()) {
                // One began anew, and will not answer what was asked before; the other must not answer it either.
                is_lost = true;
                if !ours.is_string() {
                    self.ours.restart()?;
                } else if !helm.is_string() {
                    self.helm.restart()?;
                }
            }
            found.push((helm, ours));
        }
        Ok(found)
    }

    /// Whether the two differ on one case.
    pub fn differs(&mut self, case: &Case) -> Result<Option<Answers>, String> {
        let answers = self.ask(&[case.question()])?.remove(0);
        Ok((!agree(&answers)).then_some(answers))
    }
}

/// An answer as JSON; a text where there was none.
fn read(answer: Result<String, String>) -> Value {
    answer.map_or_else(Value::String, |line| serde_json::from_str(&line).unwrap_or(Value::String(line)))
}

fn agree((helm, ours): &Answers) -> bool {
    helm == ours || is_incomparable(helm) || is_beyond_the_end(helm, ours)
}

/// Go slices lists to their capacity, which is what memory was to spare (DIFFERENCES.md): we refuse a call of `slice` or
/// `mustSlice`, and Helm does not.
fn is_beyond_the_end(helm: &Value, ours: &Value) -> bool {
    const REFUSED: [&str; 2] = [
        "error calling slice: reflect.Value.Slice: slice index out of bounds",
        "error calling mustSlice: reflect.Value.Slice: slice index out of bounds",
    ];
    let refused = |answer: &Value| {
        let text = answer.get("e").and_then(Value::as_str).unwrap_or_default();
        REFUSED.iter().any(|refused| text.contains(refused))
    };
    refused(ours) && !refused(helm)
}

/// Whether Helm itself died or told an address in memory, which is nobody's to reproduce.
fn is_incomparable(helm: &Value) -> bool {
    let text = helm.to_string();
    let is_address = |at: usize| {
        let digits = text[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        (10..=12).contains(&digits)
    };
    helm.is_string() || text.match_indices("0x").any(|(at, _)| is_address(at))
}

pub fn run(settings: &Settings) -> Outcome {
    let is_planted = settings.more.iter().any(|word| word == "--planted");
    if let Some(word) = settings.more.iter().find(|word| *word != "--planted") {
        return Err(format!("unknown word {word:?}"));
    }
    let helm = reference()?;
    if is_planted {
        return planted::run(&helm, settings);
    }
    let ours = engine()?;
    let mut composer = Composer::new(settings.seed);
    check_names(&helm, &composer)?;
    let mut pair = Pair::start(&helm, &ours, None)?;
    let begun = Instant::now();
    let mut told = Told::default();
    while begun.elapsed() < settings.time && told.differences.len() < MOST_TOLD {
        round(&mut composer, &mut pair, &mut told)?;
    }
    told.report(settings, begun.elapsed())
}

/// One batch: composed and asked.
fn batch(composer: &mut Composer, pair: &mut Pair) -> Result<Vec<(Case, Uses, Answers)>, String> {
    let cases: Vec<_> = (0..BATCH).map(|_| composer.case()).collect();
    let questions: Vec<String> = cases.iter().map(|(case, _)| case.question()).collect();
    let mut answers = pair.ask(&questions)?;
    for (question, answers) in questions.iter().zip(&mut answers) {
        if answers.0.is_null() && answers.1.is_null() {
            // Lost with a program that died on another question.
            *answers = pair.ask(std::slice::from_ref(question))?.remove(0);
        }
    }
    Ok(cases.into_iter().zip(answers).map(|((case, uses), answers)| (case, uses, answers)).collect())
}

/// One batch compared; what differs is shrunk.
fn round(composer: &mut Composer, pair: &mut Pair, told: &mut Told) -> Outcome {
    for (case, uses, answers) in batch(composer, pair)? {
        if is_incomparable(&answers.0) {
            told.incomparable += 1;
            continue;
        }
        told.cases += 1;
        let completed = answers.0.get("o").is_some();
        told.completed += u64::from(completed);
        for (name, count) in uses {
            let row = told.uses.entry(name).or_default();
            if completed {
                row.0 += count;
            } else {
                row.1 += count;
            }
        }
        if agree(&answers) || pair.differs(&case)?.is_none() {
            continue;
        }
        let small = shrink::shrink(case, &mut |case| pair.differs(case).map(|found| found.is_some()))?;
        let Some((helm, ours)) = pair.differs(&small)? else { continue };
        told.add(&small, &helm, &ours);
    }
    Ok(())
}

/// An answer for a person.
fn shown(answer: &Value) -> String {
    match (answer.get("o"), answer.get("e")) {
        (Some(files), _) => {
            let rest: String = ["m", "h", "s"]
                .iter()
                .filter_map(|part| answer.get(*part).map(|value| format!(" {part}: {value}")))
                .collect();
            format!("prints {files}{rest}")
        }
        (_, Some(error)) => format!("fails {error}"),
        _ => answer.to_string(),
    }
}

/// What a run has seen.
#[derive(Default)]
struct Told {
    cases: u64,
    completed: u64,
    /// Charts on which Helm died, or told an address in memory.
    incomparable: u64,
    /// Uses in renders that completed, and in those that Helm refused.
    uses: BTreeMap<String, (u64, u64)>,
    /// By the shrunk templates, so that one defect is told once.
    differences: BTreeMap<String, String>,
}

impl Told {
    fn add(&mut self, case: &Case, helm: &Value, ours: &Value) {
        let texts: Vec<&String> =
            case.files.iter().filter(|(name, _)| name.contains("templates/")).map(|(_, text)| text).collect();
        let key = texts.iter().map(|text| text.trim()).collect::<Vec<_>>().join("\n");
        let text = format!("{}\n  helm {}\n  ours {}\n", case.question(), shown(helm), shown(ours));
        if self.differences.insert(key, text.clone()).is_none() {
            println!("differs: {text}");
        }
    }

    fn report(&self, settings: &Settings, took: Duration) -> Outcome {
        println!("function, action or kind            completed   refused");
        for (name, (completed, refused)) in &self.uses {
            println!("{name:34} {completed:10} {refused:9}");
        }
        for (family, name) in [("function ", "function"), ("action ", "action"), ("kind ", "kind")] {
            let rows = || self.uses.iter().filter(|(used, _)| used.starts_with(family));
            let least = rows().map(|(used, (a, b))| (a + b, used)).min();
            let rendered = rows().map(|(used, (a, _))| (a, used)).min();
            if let (Some((count, used)), Some((completed, rarest))) = (least, rendered) {
                println!(
                    "least used {name}: {used}, {count} times; in renders that completed: {rarest}, {completed}"
                );
            }
        }
        println!(
            "seed {}: {} charts in {} s, {} rendered, {} refused, {} differ; {} more on which Helm died or told an address",
            settings.seed,
            self.cases,
            took.as_secs(),
            self.completed,
            self.cases - self.completed,
            self.differences.len(),
            self.incomparable
        );
        if self.differences.is_empty() { Ok(()) } else { Err(format!("{} differ", self.differences.len())) }
    }
}

/// Every function that Helm offers has to be composed.
fn check_names(helm: &Path, composer: &Composer) -> Outcome {
    let known: BTreeSet<&str> = composer.functions().into_iter().collect();
    let all = program::output(Command::new(helm).arg("names"))?;
    let missing: Vec<&str> = all.lines().filter(|name| !known.contains(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("not composed: {}", missing.join(" "))) }
}

/// Helm's engine as a program that answers; built when its source is newer.
pub fn reference() -> Result<PathBuf, String> {
    if !peers::has_go() {
        return Err("the reference has to be built, and there is no Go on this machine (1.26 is asked for)"
            .to_owned());
    }
    let out = program::target().join("ask/charts");
    program::run(
        Command::new("go")
            .current_dir(program::workspace().join("peers/ask/charts"))
            .args(["build", "-mod=readonly", "-trimpath", "-o"])
            .arg(&out)
            .arg("."),
    )?;
    Ok(out)
}

/// What `cargo` builds our engine with.
const ENGINE: &[&str] =
    &["--profile", "quick", "-p", "sluice-helm", "--example", "ask", "--features", "certificates"];

/// Our engine likewise; a copy, since the next build may take its place while it runs.
fn engine() -> Result<PathBuf, String> {
    program::cargo(&[&["build", "--quiet"], ENGINE].concat())?;
    copied(&program::target().join("fuzz/helm/ask"))
}

fn copied(to: &Path) -> Result<PathBuf, String> {
    let told = |error: std::io::Error| format!("{}: {error}", to.display());
    std::fs::create_dir_all(to.parent().unwrap_or(to)).map_err(told)?;
    // What runs keeps the file that it was started from.
    let _ = std::fs::remove_file(to);
    std::fs::copy(program::target().join("quick/examples/ask"), to).map_err(told)?;
    Ok(to.to_path_buf())
}
