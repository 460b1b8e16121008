//! Every command that Helm was seen to run, in the same order, in a copy of the same folder: the same text on the same
//! stream, the same exit status. What is known to differ stands in `DIFFERS` with its reason.

use std::path::Path;
use std::process::Command;

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
    (
        "helm template r web --dry-run -s templates/service.yaml",
        "that `--dry-run` alone is given up is not told",
    ),
    (
        "helm template r web --output-dir out --release-name --include-crds --no-hooks",
        "Helm puts definitions beside the release's folder, ours are in it",
    ),
    ("files out", "as above"),
    ("helm lint badyaml", "whether URLs are well formed is not told"),
    ("helm lint badyaml --quiet", "whether URLs are well formed is not told"),
    ("helm lint failing --set name=x", "a document that is only text is told in other words"),
];

#[test]
fn sluice_helm_prints_what_helm_printed() {
    let corpus = record::folder().join("helm");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("in");
    let copied = Command::new("cp").arg("-r").arg(corpus.join("in")).arg(&place).status().unwrap();
    assert!(copied.success());
    let place = std::fs::canonicalize(&place).unwrap();
    let (mut compared, mut different) = (0, Vec::new());
    for step in record::helm_steps(&corpus.join("commands.txt")) {
        let got = run(&place, &step.command);
        compared += 1;
        let agrees = (&step.out, &step.err, step.status) == (&got.out, &got.err, got.status);
        let listed = DIFFERS.iter().find(|(command, _)| *command == step.command);
        // The same look may be taken twice, before and after what differs.
        let listed = listed.filter(|_| step.command != "files out" || !agrees);
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

/// Runs one command of the record: ours for Helm's, or a look at what was left behind.
fn run(place: &Path, command: &str) -> record::Step {
    let words = record::words(command);
    let (name, rest) = words.split_first().unwrap();
    let mut program = match name.as_str() {
        "helm" => {
            let mut program = Command::new(env!("CARGO_BIN_EXE_sluice"));
            program.arg("helm");
            program
        }
        look => {
            let mut program = Command::new("/bin/sh");
            program.args(["-c", record::look(look), "sh"]);
            program
        }
    };
    let got = program
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
