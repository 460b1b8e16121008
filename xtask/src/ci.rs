//! `cargo xtask ci`: all that a commit has to pass, in the order in which it fails soonest.
//!
//! Without Go the control plane cannot be built, and that fails, unless SLUICE_CI=offline says that the machine has
//! none: then the stories that need it are left out, and the end says so.

use std::process::Command;

use crate::{Outcome, peers, program, tidy};

pub fn run(_arguments: &[String]) -> Outcome {
    step("fmt", || program::cargo(&["fmt", "--all", "--check"]))?;
    step("tidy", || tidy::run(&[]))?;
    step("clippy", || program::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let is_offline = std::env::var_os("SLUICE_CI").is_some_and(|value| value == "offline");
    if peers::has_go() || !is_offline {
        step("peers", || {
            peers::ensure(&[
                "etcd",
                "kubernetes",
                "kustomize",
                "source-controller",
                "kustomize-controller",
                "helm",
            ])
        })?;
    }
    let skipped = program::workspace().join("target/skipped.txt");
    let _ = std::fs::remove_file(&skipped);
    step("test", || {
        let mut test = Command::new(program::cargo_program());
        test.args(["test", "--workspace"]).current_dir(program::workspace()).env("SLUICE_SKIPPED", &skipped);
        program::run(&mut test)
    })?;
    step("docs", || program::cargo(&["doc", "--workspace", "--no-deps", "--quiet"]))?;
    let skipped = std::fs::read_to_string(&skipped).unwrap_or_default();
    println!("{} tests, stories and scenarios were left out", skipped.lines().count());
    for line in skipped.lines() {
        println!("  {line}");
    }
    Ok(())
}

fn step(name: &str, run: impl FnOnce() -> Outcome) -> Outcome {
    let begun = std::time::Instant::now();
    println!("== {name}");
    run().map_err(|message| format!("{name}: {message}"))?;
    println!("== {name}: {} s", begun.elapsed().as_secs());
    Ok(())
}
