//! Recorded cases: files, commands run among them, and what each printed and left behind.
//!
//! One text holds many cases:
//!
//! ```text
//! === name
//! $ ["edit", "set", "namespace", "here"]
//! >>> in kustomization.yaml
//! resources: []
//! >>> exit 0 1
//! >>> out 0
//! >>> err 0
//! Error: ...
//! >>> now kustomization.yaml
//! ...
//! ```
//!
//! `in` is a file before the first command; `exit`, `out` and `err` are of the command with that number, left out where
//! there is nothing to say; `now` is a file that is new or changed afterwards, `gone` one that is not there any more. A
//! path that ends with `~` is that of a file without a last line end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use sluice_testkit::peers;

/// What a command printed and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

/// What came of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub said: Vec<Said>,
    /// New or changed files; without a text where they are gone.
    pub files: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    pub name: String,
    pub commands: Vec<Vec<String>>,
    pub files: BTreeMap<String, String>,
    pub want: Outcome,
}

enum Section {
    None,
    In(String),
    Out(usize),
    Err(usize),
    Now(String),
}

/// Reads all cases of a text.
pub fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    // One blank line is between two cases and after the last.
    let text = format!("\n\n{}", text.strip_suffix("\n\n").unwrap_or(text));
    for part in text.split("\n\n=== ").skip(1) {
        cases.push(read_one(part));
    }
    cases
}

fn read_one(text: &str) -> Case {
    let (name, text) = text.split_once('\n').unwrap_or((text, ""));
    let mut case = Case { name: name.to_owned(), ..Case::default() };
    let mut section = Section::None;
    for line in text.split('\n') {
        if let (Some(words), Section::None) = (line.strip_prefix("$ "), &section) {
            case.commands.push(serde_json::from_str(words).unwrap());
            case.want.said.push(Said::default());
            continue;
        }
        if let Some(words) = line.strip_prefix(">>> ") {
            let words: Vec<&str> = words.split(' ').collect();
            let number = |at: usize| words[at].parse().unwrap();
            section = match words[0] {
                "in" => {
                    case.files.insert(words[1].to_owned(), String::new());
                    Section::In(words[1].to_owned())
                }
                "out" => Section::Out(number(1)),
                "err" => Section::Err(number(1)),
                "now" => {
                    case.want.files.insert(words[1].to_owned(), Some(String::new()));
                    Section::Now(words[1].to_owned())
                }
                "exit" => {
                    case.want.said[number(1)].exit = words[2].parse().unwrap();
                    Section::None
                }
                "gone" => {
                    case.want.files.insert(words[1].to_owned(), None);
                    Section::None
                }
                other => panic!("{}: {other}", case.name),
            };
            continue;
        }
        let place = match &section {
            Section::None => continue,
            Section::In(path) => case.files.get_mut(path).unwrap(),
            Section::Out(at) => &mut case.want.said[*at].out,
            Section::Err(at) => &mut case.want.said[*at].err,
            Section::Now(path) => case.want.files.get_mut(path).unwrap().as_mut().unwrap(),
        };
        place.push_str(line);
        place.push('\n');
    }
    case.files = case.files.into_iter().map(|(path, text)| open(path, text)).collect();
    let files = std::mem::take(&mut case.want.files).into_iter();
    let files = files.map(|(path, text)| match text {
        Some(text) => {
            let (path, text) = open(path, text);
            (path, Some(text))
        }
        None => (path, None),
    });
    case.want.files = files.collect();
    case
}

/// Takes the last line end away where the path says that there is none.
fn open(path: String, text: String) -> (String, String) {
    match path.strip_suffix('~') {
        Some(path) => (path.to_owned(), text.trim_end_matches('\n').to_owned()),
        None => (path, text),
    }
}

/// Writes cases as they are read.
pub fn write(cases: &[Case]) -> String {
    let mut text = String::new();
    for case in cases {
        text.push_str(&format!("=== {}\n", case.name));
        for command in &case.commands {
            text.push_str(&format!("$ {}\n", serde_json::to_string(command).unwrap()));
        }
        for (path, content) in &case.files {
            section(&mut text, "in", path, content);
        }
        for (at, said) in case.want.said.iter().enumerate() {
            if said.exit != 0 {
                text.push_str(&format!(">>> exit {at} {}\n", said.exit));
            }
            for (kind, content) in [("out", &said.out), ("err", &said.err)] {
                if !content.is_empty() {
                    section(&mut text, kind, &at.to_string(), content);
                }
            }
        }
        for (path, content) in &case.want.files {
            match content {
                Some(content) => section(&mut text, "now", path, content),
                None => text.push_str(&format!(">>> gone {path}\n")),
            }
        }
        text.push('\n');
    }
    text
}

fn section(text: &mut String, kind: &str, of: &str, content: &str) {
    let mark = if content.is_empty() || content.ends_with('\n') { "" } else { "~" };
    text.push_str(&format!(">>> {kind} {of}{mark}\n{content}"));
    if !mark.is_empty() {
        text.push('\n');
    }
}

/// Runs a case's commands in a folder of their own. `words` come before those of each command.
pub fn run(case: &Case, program: &Path, words: &[&str]) -> Outcome {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("in");
    fs::create_dir_all(&place).unwrap();
    let place = fs::canonicalize(place).unwrap();
    for (path, text) in &case.files {
        let file = place.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let shown = place.display().to_string();
    let above = place.parent().unwrap().display().to_string();
    let log = Regex::new(r"(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ").unwrap();
    let masked = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace(&shown, "$IN").replace(&above, "$UP");
        let text = log.replace_all(&text, "TIME ").into_owned();
        // How flags are used is told in another layout.
        let end = text.find("\nUsage:").map_or(text.len(), |at| at + 1);
        let mut text = text[..end].trim_end_matches('\n').to_owned();
        if !text.is_empty() {
            text.push('\n');
        }
        text
    };
    let mut outcome = Outcome::default();
    for command in &case.commands {
        let helm = peers::folder().join("helm").display().to_string();
        let command = command.iter().map(|word| word.replace("$IN", &shown).replace("$HELM", &helm));
        let got = Command::new(program)
            .args(words)
            .args(command)
            .current_dir(&place)
            .env_clear()
            .env("HOME", home.path())
            .env("TZ", "UTC")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .output()
            .unwrap();
        let exit = got.status.code().unwrap_or(-1);
        outcome.said.push(Said { exit, out: masked(&got.stdout), err: masked(&got.stderr) });
    }
    let mut now = BTreeMap::new();
    collect(&place, "", &mut now);
    for (path, text) in &now {
        if case.files.get(path) != Some(text) {
            outcome.files.insert(path.clone(), Some(text.replace(&shown, "$IN")));
        }
    }
    for path in case.files.keys().filter(|path| !now.contains_key(*path)) {
        outcome.files.insert(path.clone(), None);
    }
    outcome
}

fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &path, files);
        } else {
            files.insert(path, String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned());
        }
    }
}
