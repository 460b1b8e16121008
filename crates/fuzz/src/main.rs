//! `fuzz REFERENCE OUT [--minutes N] [--seed S] [--trees N] [--first] [--until-complete]`: random trees, built by our engine and by kustomize.
//!
//! What differs is shrunk and written below OUT; the log ends with how often everything was used.
#![allow(clippy::disallowed_methods, reason = "a face of the tests: it starts programs and reads the clock")]
#![allow(clippy::print_stdout, reason = "a face: it talks to a person")]

mod compose;
mod coverage;
mod dice;
mod draft;
mod feature;
mod ours;
mod reference;
mod report;
mod run;
mod shrink;
mod tree;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let whole = std::thread::Builder::new().stack_size(64 << 20).spawn(move || start(&arguments));
    match whole.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(0))) => ExitCode::SUCCESS,
        Ok(Ok(Ok(_))) => ExitCode::FAILURE,
        Ok(Ok(Err(message))) => {
            eprintln!("fuzz: {message}");
            ExitCode::from(2)
        }
        _ => ExitCode::from(3),
    }
}

/// Gives the number of differences that were found.
fn start(arguments: &[String]) -> Result<usize, String> {
    let mut words = arguments.iter();
    let mut settings = run::Settings::default();
    let mut places = Vec::new();
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{word}: {value:?} is not a number"))
        };
        match word.as_str() {
            "--minutes" => settings.time = Duration::from_mins(number()?),
            "--seconds" => settings.time = Duration::from_secs(number()?),
            "--seed" => settings.seed = number()?,
            "--trees" => settings.trees = number()?,
            "--most" => settings.most_differences = number()? as usize,
            "--until-complete" => settings.until_complete = true,
            "--first" => settings.most_differences = 1,
            other if other.starts_with("--") => return Err(format!("there is no {other}")),
            other => places.push(PathBuf::from(other)),
        }
    }
    let [reference, out] = places.as_slice() else {
        return Err(
            "usage: fuzz REFERENCE OUT [--minutes N] [--seed S] [--trees N] [--first] [--until-complete]"
                .to_owned(),
        );
    };
    run::run(reference, out, &settings)
}
