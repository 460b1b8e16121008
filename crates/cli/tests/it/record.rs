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

/// The steps of a record of Helm; a last line without its end is `1> ` or `2> `.
pub fn helm_steps(file: &Path) -> Vec<Step> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut steps: Vec<Step> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: index + 1, command: command.to_owned(), ..Step::default() });
            continue;
        }
        let Some(step) = steps.last_mut() else { continue };
        let (mark, text) = line.split_at(line.len().min(3));
        match mark {
            "1| " => step.out.push_str(&format!("{text}\n")),
            "2| " => step.err.push_str(&format!("{text}\n")),
            "1> " => step.out.push_str(text),
            "2> " => step.err.push_str(text),
            _ if line.starts_with('[') => {
                step.status = line.trim_matches(['[', ']']).parse().unwrap();
            }
            _ => {}
        }
    }
    steps
}

/// A step as it stands in a record of Helm, below its command.
pub fn told(step: &Step) -> String {
    let mut text = String::new();
    for (mark, stream) in [("1", &step.out), ("2", &step.err)] {
        for line in stream.split_inclusive('\n') {
            let sign = if line.ends_with('\n') { "|" } else { ">" };
            text.push_str(&format!("{mark}{sign} {}\n", line.trim_end_matches('\n')));
        }
    }
    text.push_str(&format!("[{}]\n\n", step.status));
    text
}

/// Words as a shell has them: blanks part them, single quotes keep them together.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_open, mut has_word) = (Vec::new(), String::new(), false, false);
    for character in line.chars() {
        match character {
            '\'' => {
                is_open = !is_open;
                has_word = true;
            }
            ' ' if !is_open => {
                if has_word {
                    words.push(std::mem::take(&mut word));
                }
                has_word = false;
            }
            other => {
                word.push(other);
                has_word = true;
            }
        }
    }
    if has_word {
        words.push(word);
    }
    words
}

/// What the looks at files run, as when they were recorded.
pub fn look(name: &str) -> &'static str {
    match name {
        "cat" => "sed 's/^generated: .*/generated: TIME/' \"$1\"",
        "files" => "cd \"$1\" && find . -type f | LC_ALL=C sort",
        // Helm packs the charts within in a random order, and a lock's size is that of the time in it.
        "tar" => concat!(
            "all=$(tar -tvzf \"$1\" | awk '{print $1, ($6 ~ /lock$/ ? \"SIZE\" : $3), $6}'); ",
            "all=$(echo \"$all\" | grep -v /charts/; echo \"$all\" | grep /charts/ | LC_ALL=C sort -k3); echo \"$all\"; ",
            "echo \"$all\" | while read _ _ name; do tar -xzOf \"$1\" \"$name\"; done | sed 's/^generated: .*/generated: TIME/'"
        ),
        other => panic!("{other} is no command of the record"),
    }
}
