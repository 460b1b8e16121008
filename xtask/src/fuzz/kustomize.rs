//! Kustomizations composed at random (`crates/fuzz`), built by kustomize itself (`peers/ask/kustomize`) and by our engine.
//!
//! `--planted` puts known defects into a copy of our engine, one at a time, and shows how soon each is found. Other
//! words are handed on: `--trees N`, `--most N` (different differences before it stops), `--first`.

mod planted;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Settings;
use crate::{Outcome, peers, program};

pub fn run(settings: &Settings) -> Outcome {
    let reference = reference()?;
    let out = program::workspace().join("target/fuzz/kustomize");
    if settings.more.iter().any(|word| word == "--planted") {
        return planted::run(&reference, &out, settings);
    }
    program::cargo(&["build", "--quiet", "--profile", "quick", "--package", "sluice-fuzz"])?;
    program::run(
        Command::new(program::workspace().join("target/quick/fuzz"))
            .arg(reference)
            .arg(out)
            .args(["--seconds", &settings.time.as_secs().to_string()])
            .args(["--seed", &settings.seed.to_string()])
            .args(&settings.more),
    )
}

/// The version that kustomize tells in `managedByLabel`.
const FLAGS: &str = "-s -w -X sigs.k8s.io/kustomize/api/provenance.version=v5.8.1";

/// Builds the program that asks kustomize.
fn reference() -> Result<PathBuf, String> {
    if !peers::has_go() {
        return Err("kustomize is asked by a program in Go, and there is no Go on this machine".to_owned());
    }
    let built = program::workspace().join("target/ask/kustomize");
    build(&program::workspace().join("peers/ask/kustomize"), &built)?;
    Ok(built)
}

fn build(module: &Path, built: &Path) -> Outcome {
    program::run(
        Command::new("go")
            .current_dir(module)
            .args(["build", "-mod=readonly", "-trimpath", "-ldflags", FLAGS])
            .arg("-o")
            .arg(built)
            .arg("."),
    )
}
