//! Names: words that say nothing are not used for files, modules, types and functions.

use super::Problem;

const BANNED: &[&str] = &[
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "handler",
    "handlers",
    "processor",
    "processors",
    "data",
    "info",
];

const DEFINES: &[&str] = &["mod ", "struct ", "enum ", "trait ", "type ", "fn "];

pub fn check(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for part in path.trim_end_matches(".rs").split('/') {
        if let Some(word) = banned(part) {
            problems.push(Problem::fault(format!("{path}: {word:?} says nothing about the file")));
        }
    }
    for (number, line) in text.lines().enumerate() {
        let Some(name) = defined(line) else { continue };
        if let Some(word) = banned(name) {
            problems.push(Problem::fault(format!("{path}:{}: {word:?} in {name} says nothing", number + 1)));
        }
        if name.starts_with("get_") {
            problems.push(Problem::fault(format!("{path}:{}: {name}: no get_ before a name", number + 1)));
        }
    }
    problems
}

/// The name that a line defines.
fn defined(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = DEFINES.iter().find_map(|word| rest.strip_prefix(word))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(&rest[..end])
}

/// The first banned word in a name, snake or camel.
fn banned(name: &str) -> Option<String> {
    let mut words = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()) {
        let mut word = String::new();
        for c in part.chars() {
            if c.is_uppercase() && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
        }
        words.push(word);
    }
    words.into_iter().find(|word| BANNED.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_found_in_both_spellings() {
        assert_eq!(banned("path_util"), Some("util".to_owned()));
        assert_eq!(banned("EventHandler"), Some("handler".to_owned()));
        assert_eq!(banned("information"), None);
        assert_eq!(defined("    pub async fn get_it(x: u8) {"), Some("get_it"));
        assert_eq!(check("src/a.rs", "fn get_it() {}\nstruct ObjectInfo;\n").len(), 2);
    }
}
