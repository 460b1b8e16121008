//! Recording what reference programs answer: `cargo xtask corpus record helm|kustomize [AREA/CASE...]`, and
//! `cargo xtask corpus record cli` for the cases of the command line, which its tests write themselves.
//!
//! A case is a folder with `in/` and `from.toml`; the words of its `command` are run in `in/`, and the output becomes
//! `want.yaml`, a failure `want.err`. Paths of this machine become `$IN`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, peers, program};

pub fn run(arguments: &[String]) -> Outcome {
    match arguments {
        [task, tool, cases @ ..] if task == "record" && matches!(tool.as_str(), "helm" | "kustomize") => {
            record_all(tool, cases)
        }
        [task, tool] if task == "record" && tool == "cli" => program::cargo(&[
            "test",
            "-p",
            "sluice-cli",
            "--test",
            "it",
            "--",
            "--ignored",
            "kustomize::record",
            "helm::record",
        ]),
        _ => Err("usage: cargo xtask corpus record helm|kustomize [AREA/CASE...] | record cli".to_owned()),
    }
}

fn record_all(tool: &str, wanted: &[String]) -> Outcome {
    let corpus = program::workspace().join("crates").join(tool).join("tests/corpus");
    let program = peers::folder().join(tool);
    let mut count = 0;
    for area in folders(&corpus)? {
        for case in folders(&area)? {
            let name = case.strip_prefix(&corpus).unwrap_or(&case).display().to_string();
            if wanted.is_empty() || wanted.contains(&name) {
                record(&program, &case).map_err(|error| format!("{name}: {error}"))?;
                count += 1;
            }
        }
    }
    println!("{count} cases recorded");
    Ok(())
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    Ok(found)
}

fn record(program: &Path, case: &Path) -> Outcome {
    let from = fs::read_to_string(case.join("from.toml")).map_err(|error| error.to_string())?;
    let line =
        from.lines().find_map(|line| line.strip_prefix("command = ")).ok_or("no command in from.toml")?;
    let words: Vec<String> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let input = fs::canonicalize(case.join("in")).map_err(|error| error.to_string())?;
    let home = std::env::temp_dir().join("sluice-corpus");
    let got = Command::new(program)
        .args(words)
        .current_dir(&input)
        .env_clear()
        .env("HOME", &home)
        .env("TZ", "UTC")
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let _ = fs::remove_file(case.join("want.yaml"));
    let _ = fs::remove_file(case.join("want.err"));
    let masked = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&input.display().to_string(), "$IN");
    let (name, text) = if got.status.success() {
        ("want.yaml", masked(&got.stdout))
    } else {
        let text = masked(&got.stderr);
        let at = text.find("Error: ").ok_or("failed without an error")?;
        ("want.err", text[at + "Error: ".len()..].to_owned())
    };
    fs::write(case.join(name), text).map_err(|error| error.to_string())
}
