//! `cargo xtask bench WHAT`: the figures of BENCHMARKS.md, taken with what would be shipped.

pub mod figure;
mod helm;
mod kustomize;
pub mod process;

use std::process::Command;

use crate::{Outcome, peers, program};

pub const USAGE: &str = "loop [--size N] [--gogc PERCENT] | memory [--size N] [--budget SIZE] | apiserver [--alone] [--runs N] [--program FILE] | dev [--size N] [--only many|saved|most|once] [--repository FOLDER [--path P]] [--runs N] [--program FILE] | helm [--chart FOLDER] [--runs N] | kustomize [--runs N] [--most N]   the figures of BENCHMARKS.md";

pub fn run(arguments: &[String]) -> Outcome {
    match arguments.first().map(String::as_str) {
        Some(what @ ("loop" | "memory" | "apiserver" | "dev")) => {
            if what != "dev" && !arguments.iter().any(|word| word == "--alone") {
                peers::ensure(peers::PLANE)?;
            }
            // What measures shares the processors with what is measured, so it is optimised too.
            for package in ["sluice-cli", "sluice-testkit"] {
                program::cargo(&["build", "--release", "--package", package])?;
            }
            program::run(Command::new(program::target().join("release/testkit")).arg("bench").args(arguments))
        }
        Some("helm") => helm::run(&arguments[1..]),
        Some("kustomize") => kustomize::run(&arguments[1..]),
        _ => Err(format!("usage: cargo xtask bench {USAGE}")),
    }
}
