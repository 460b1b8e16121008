//! What the reference printed: `$ command`, `1| ` standard output, `2| ` standard error, `[n]` the exit status.

use std::path::{Path, PathBuf};

/// One command and what it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The line of the record at which it stands.
    pub line: usize,
    /// The words after the program's name.
    pub command: String,
    pub out: String,
    pub err: String,
    pub status: i32,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The steps of the record, in order.
pub fn steps() -> Vec<Step> {
    let text = std::fs::read_to_string(folder().join("commands.txt")).unwrap();
    let mut steps: Vec<Step> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(command) = line.strip_prefix("$ flux ") {
            steps.push(Step { line: index + 1, command: command.to_owned(), ..Step::default() });
            continue;
        }
        let Some(step) = steps.last_mut() else { continue };
        if let Some(out) = line.strip_prefix("1| ") {
            step.out.push_str(&format!("{out}\n"));
        } else if let Some(err) = line.strip_prefix("2| ") {
            step.err.push_str(&format!("{err}\n"));
        } else if let Some(status) = line.strip_prefix('[') {
            step.status = status.trim_end_matches(']').parse().unwrap();
        }
    }
    steps
}
