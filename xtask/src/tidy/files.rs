//! Files: size, header, place, and no trace of the machine that they were written on.

use super::Problem;

/// Past this a file asks to be split.
const LINES_ASK: usize = 500;
/// Past this it has to be.
const LINES_MOST: usize = 900;
/// Larger files do not belong into the repository.
const BYTES_MOST: usize = 1 << 20;

/// Recorded answers may be larger, but not by much.
const CORPUS_BYTES_MOST: usize = 8 << 20;

/// Folders that exist on one machine only.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

pub fn check(path: &str, bytes: &[u8]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut fault = |text: &str| problems.push(Problem::fault(format!("{path}: {text}")));
    let most = if path.contains("/corpus/") { CORPUS_BYTES_MOST } else { BYTES_MOST };
    if bytes.len() > most {
        fault(&format!("is larger than {} MiB", most >> 20));
    }
    let text = String::from_utf8_lossy(bytes);
    let is_recorded = path.contains("/corpus/") || path.ends_with(".lock") || path.ends_with("go.sum");
    if !is_recorded {
        for (number, line) in text.lines().enumerate() {
            if MACHINE_PATHS.iter().any(|machine| line.contains(machine)) {
                fault(&format!("line {}: a path of one machine", number + 1));
            }
        }
    }
    if path.ends_with(".rs") && !is_recorded {
        if !text.starts_with("//!") {
            fault("does not open with //! saying what it is");
        }
        if path.ends_with("/mod.rs") {
            fault("is named mod.rs; put foo.rs beside foo/");
        }
        let lines = text.lines().count();
        let is_table = text.lines().take(12).any(|line| line.starts_with("//!") && line.contains("table"));
        if lines > LINES_MOST && !is_table {
            fault(&format!("{lines} lines; split it"));
        } else if lines > LINES_ASK && !is_table {
            problems.push(Problem::note(format!("{path}: {lines} lines ask to be split")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        check(path, text.as_bytes()).into_iter().map(|problem| problem.text).collect()
    }

    #[test]
    fn a_source_file_says_what_it_is() {
        assert!(texts("a.rs", "//! A.\n").is_empty());
        assert_eq!(texts("a.rs", "fn a() {}\n"), ["a.rs: does not open with //! saying what it is"]);
        assert_eq!(texts("a/mod.rs", "//! A.\n").len(), 1);
    }

    #[test]
    fn long_files_are_split_and_tables_are_not() {
        let long = format!("//! A.\n{}", "\n".repeat(900));
        assert_eq!(texts("a.rs", &long), ["a.rs: 901 lines; split it"]);
        let table = format!("//! The table of a.\n{}", "\n".repeat(900));
        assert!(texts("a.rs", &table).is_empty());
    }

    #[test]
    fn no_path_of_one_machine() {
        assert_eq!(
            texts("a.md", &format!("see {}x\n", MACHINE_PATHS[0])),
            ["a.md: line 1: a path of one machine"]
        );
    }
}
