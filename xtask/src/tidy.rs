//! `cargo xtask tidy`: what no compiler checks. Layers, file sizes, names, headers, and nothing of one machine.
//!
//! Reads only what git knows, so that a stray file of one's own never fails the check.

mod files;
mod layers;
mod names;

use std::process::Command;

use crate::{Outcome, program};

pub fn run(_arguments: &[String]) -> Outcome {
    let listing = program::output(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(program::workspace()),
    )?;
    let mut problems = layers::check(&layers::metadata()?);
    for path in listing.lines() {
        let Ok(bytes) = std::fs::read(program::workspace().join(path)) else {
            continue; // deleted and not yet committed
        };
        problems.extend(files::check(path, &bytes));
        if path.ends_with(".rs") {
            problems.extend(names::check(path, &String::from_utf8_lossy(&bytes)));
        }
    }
    let (notes, faults): (Vec<_>, Vec<_>) = problems.into_iter().partition(|problem| problem.is_note);
    for note in &notes {
        println!("note: {}", note.text);
    }
    for fault in &faults {
        println!("{}", fault.text);
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("{} faults", faults.len())) }
}

/// One thing that is not as the plan says; a note asks, a fault fails.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    text: String,
    is_note: bool,
}

impl Problem {
    fn fault(text: String) -> Self {
        Self { text, is_note: false }
    }

    fn note(text: String) -> Self {
        Self { text, is_note: true }
    }
}
