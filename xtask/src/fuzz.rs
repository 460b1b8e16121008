//! `cargo xtask fuzz helm|kustomize --minutes N [--seed S]`: made-up inputs, to the reference and to our engine; what differs is
//! shrunk and told, and the log ends with how often each feature was used.
//!
//! Each tool has a folder here. A tool composes inputs out of a seed, so that a run can be repeated.

mod chance;
mod helm;
mod kustomize;
mod long_lived;
mod planted;

use std::time::Duration;

use crate::Outcome;

/// What a person asked for.
pub struct Settings {
    pub time: Duration,
    pub seed: u64,
    /// Words that only the tool knows.
    pub more: Vec<String>,
}

pub fn run(arguments: &[String]) -> Outcome {
    let usage = || "usage: cargo xtask fuzz helm|kustomize [--minutes N] [--seed S] [--planted]".to_owned();
    let (tool, rest) = arguments.split_first().ok_or_else(usage)?;
    let mut settings = Settings { time: Duration::from_mins(1), seed: 1, more: Vec::new() };
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse::<u64>().ok()).ok_or_else(usage);
        match word.as_str() {
            "--minutes" => settings.time = Duration::from_mins(number()?),
            "--seed" => settings.seed = number()?,
            _ => settings.more.push(word.clone()),
        }
    }
    match tool.as_str() {
        "helm" => helm::run(&settings),
        "kustomize" => kustomize::run(&settings),
        _ => Err(usage()),
    }
}
