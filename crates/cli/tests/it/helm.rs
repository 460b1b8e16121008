//! Every command that Helm was seen to run, in the same order, in a copy of the same folder: the same text on the same
//! stream, the same exit status. What is known to differ stands in `DIFFERS` with its reason.
//!
//! `cargo xtask corpus record cli` writes what Helm does into the record; its commands and remarks stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sluice_testkit::peers;

use super::record;

/// Commands whose output differs, each with its reason. One that agrees fails the run, so that the list only shrinks.
const DIFFERS: &[(&str, &str)] = &[
    (
        "helm template r badyaml --debug",
        "Helm's order is random, and what it logs for people who mend it is not told",
    ),
    (
        "helm template r web --debug -s templates/service.yaml",
        "what Helm logs of schemas and dependencies is not told",
    ),
];

#[test]
fn sluice_helm_prints_what_helm_printed() {
    let (_folder, place) = copied();
    let (mut compared, mut different) = (0, Vec::new());
    for step in record::helm_steps(&commands()) {
        let got = run(&place, &step.command, &[env!("CARGO_BIN_EXE_sluice"), "helm"]);
        compared += 1;
        let agrees = (&step.out, &step.err, step.status) == (&got.out, &got.err, got.status);
        let listed = DIFFERS.iter().find(|(command, _)| *command == step.command);
        match (agrees, listed) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(_)) => different.push(format!("{} agrees and is still listed", step.command)),
            (false, None) => {
                different.push(format!("line {}: {}\nwant {step:#?}\ngot {got:#?}", step.line, step.command));
            }
        }
    }
    println!("{compared} commands compared, {} of them known to differ", DIFFERS.len());
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}

#[test]
#[ignore = "writes the corpus: cargo xtask corpus record cli"]
fn record() {
    let helm = peers::folder().join("helm").display().to_string();
    let (_folder, place) = copied();
    let mut text = String::new();
    for line in fs::read_to_string(commands()).unwrap().lines().filter(|line| line.starts_with(['$', '#'])) {
        text.push_str(&format!("{line}\n"));
        if let Some(command) = line.strip_prefix("$ ") {
            text.push_str(&record::told(&run(&place, command, &[&helm])));
        }
    }
    fs::write(commands(), text).unwrap();
}

fn commands() -> PathBuf {
    record::folder().join("helm/commands.txt")
}

/// The folder that the commands run in, copied; it lives as long as what comes first.
fn copied() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("in");
    let done =
        Command::new("cp").arg("-r").arg(record::folder().join("helm/in")).arg(&place).status().unwrap();
    assert!(done.success());
    let place = fs::canonicalize(&place).unwrap();
    (folder, place)
}

/// Runs one command of the record: Helm's by `program`, or a look at what was left behind.
fn run(place: &Path, command: &str, program: &[&str]) -> record::Step {
    let words = record::words(command);
    let (name, rest) = words.split_first().unwrap();
    let mut started = match name.as_str() {
        "helm" => {
            let mut started = Command::new(program[0]);
            started.args(&program[1..]);
            started
        }
        look => {
            let mut started = Command::new("/bin/sh");
            started.args(["-c", record::look(look), "sh"]);
            started
        }
    };
    let got = started
        .args(rest)
        .current_dir(place)
        .env_clear()
        .env("HOME", place.join(".home"))
        .env("TZ", "UTC")
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&place.display().to_string(), "$IN");
    record::Step {
        command: command.to_owned(),
        out: text(&got.stdout),
        err: text(&got.stderr),
        status: got.status.code().unwrap_or(-1),
        ..record::Step::default()
    }
}
