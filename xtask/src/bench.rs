//! `cargo xtask bench WHAT`: the figures of BENCHMARKS.md, taken with what would be shipped.

pub mod figure;
mod helm;
mod kustomize;
pub mod process;

use crate::{Outcome, peers, program, testkit};

pub const USAGE: &str = "loop [--size N] | helm [--chart FOLDER] [--runs N] | kustomize [--runs N] [--most N]   the figures of BENCHMARKS.md";

pub fn run(arguments: &[String]) -> Outcome {
    match arguments.first().map(String::as_str) {
        Some("loop") => {
            peers::ensure(peers::PLANE)?;
            program::cargo(&["build", "--release", "--package", "sluice-cli"])?;
            testkit("bench", arguments)
        }
        Some("helm") => helm::run(&arguments[1..]),
        Some("kustomize") => kustomize::run(&arguments[1..]),
        _ => Err(format!("usage: cargo xtask bench {USAGE}")),
    }
}
