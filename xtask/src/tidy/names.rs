//! Names: words that say nothing are not used for files, modules, types and functions.

use super::Problem;

/// Banned everywhere.
const BANNED: &[&str] =
    &["util", "utils", "helper", "helpers", "misc", "handler", "handlers", "processor", "processors"];

/// Banned for files and modules; a type or function may have them from the API that it is about (`commonMetadata`, a
/// Secret's `data`, a release's `info`).
const VAGUE: &[&str] = &["common", "data", "info"];

/// Names that begin with `get_` as the standard library's do (a `get` with a difference), or after the HTTP verb.
const GETTERS: &[&str] =
    &["get_mut", "get_or_insert", "get_or_insert_with", "get_str", "get_raw", "get_type", "get_keeping_name"];

const DEFINES: &[&str] = &["mod ", "struct ", "enum ", "trait ", "type ", "fn "];

pub fn check(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for part in path.trim_end_matches(".rs").split('/') {
        if let Some(word) = banned(part, true) {
            problems.push(Problem::fault(format!("{path}: {word:?} says nothing about the file")));
        }
    }
    for (number, line) in text.lines().enumerate() {
        let Some(name) = defined(line) else { continue };
        if let Some(word) = banned(name, line.contains("mod ")) {
            problems.push(Problem::fault(format!("{path}:{}: {word:?} in {name} says nothing", number + 1)));
        }
        if name.starts_with("get_") && !GETTERS.contains(&name) {
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
fn banned(name: &str, is_place: bool) -> Option<String> {
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
    words
        .into_iter()
        .find(|word| BANNED.contains(&word.as_str()) || is_place && VAGUE.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_found_in_both_spellings() {
        assert_eq!(banned("path_util", false), Some("util".to_owned()));
        assert_eq!(banned("EventHandler", false), Some("handler".to_owned()));
        assert_eq!(banned("information", true), None);
        assert_eq!(defined("    pub async fn get_it(x: u8) {"), Some("get_it"));
        assert_eq!(check("src/info.rs", "fn get_it() {}\nstruct CommonMetadata;\n").len(), 2);
    }
}
