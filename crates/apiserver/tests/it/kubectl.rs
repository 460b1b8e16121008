//! kubectl says the same on this server as on the real one.
//!
//! `tests/corpus/kubectl/script.txt` are its commands, `want-VERSION.txt` beside it what each version of kubectl said on
//! the real control plane, written with `SLUICE_RECORD=1`. Differences are in `differs.toml` by number, for all versions.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;
use sluice_testkit::plane::{Options, Plane, Sort};

/// What `edit` opens instead of an editor.
/// No command takes longer, unless something has gone wrong.
const LONGEST: std::time::Duration = std::time::Duration::from_mins(2);
const EDITOR: &str = "sed -i s/large/huge/";

/// One command of the script.
struct Step {
    line: String,
    words: Vec<String>,
    input: String,
}

fn folder() -> PathBuf {
    super::folder().join("kubectl")
}

/// Files to write first, and commands.
fn script() -> (Vec<(String, String)>, Vec<Step>) {
    let text = std::fs::read_to_string(folder().join("script.txt")).unwrap();
    let (mut files, mut steps) = (Vec::new(), Vec::<Step>::new());
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((_, content)) = &mut open {
            if line.is_empty() {
                files.extend(open.take());
            } else {
                writeln!(content, "{line}").unwrap();
            }
        } else if let Some(name) = line.strip_prefix("@ ") {
            open = Some((name.to_owned(), String::new()));
        } else if let Some(line) = line.strip_prefix("$ ") {
            steps.push(Step { line: line.to_owned(), words: words(line), input: String::new() });
        } else if let Some(input) = line.strip_prefix("< ") {
            writeln!(steps.last_mut().unwrap().input, "{input}").unwrap();
        }
    }
    (files, steps)
}

/// Words between spaces; single quotes keep theirs.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => out.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    out.push(word);
    out
}

/// What differs from run to run.
struct Masks(Vec<(Regex, &'static str)>);

impl Masks {
    fn new() -> Self {
        let all = [
            (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uid>"),
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4})?", "<time>"),
            (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
            (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "<time>"),
            (r"[EIW]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "<log> "),
            (r"/tmp/[A-Za-z.]*/?(LIVE|MERGED)-\d+", "/tmp/$1"),
            (r#""?resourceVersion"?: "\d+""#, "resourceVersion: <revision>"),
            (r"\b10\.0\.\d+\.\d+\b", "<ip>"),
            (r"https://127\.0\.0\.1:\d+", "<url>"),
            (r"\b3[0-2]\d{3}\b", "<port>"),
            (r"\b(\d+m)?\d+s\b", "<age>"),
            (r"([a-z]+-[bcdfghjklmnpqrstvwxz2456789]{7,10})-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "$1-<id>"),
            (r"\b(web|demo)-[bcdfghjklmnpqrstvwxz2456789]{7,10}\b", "$1-<hash>"),
            (r"pod-template-hash=[a-z0-9]+", "pod-template-hash=<hash>"),
            (r"Resource Version: +\d+", "Resource Version: <revision>"),
            (r"\bonce-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "once-<id>"),
            (r"eyJ[A-Za-z0-9_.-]+", "<token>"),
            (r" {2,}", "  "),
            (r"-{5,}", "-----"),
        ];
        Masks(all.map(|(pattern, shown)| (Regex::new(pattern).unwrap(), shown)).into())
    }

    fn masked(&self, text: &str) -> String {
        let all = self.0.iter();
        all.fold(text.to_owned(), |text, (pattern, shown)| pattern.replace_all(&text, *shown).into_owned())
    }
}

/// What each command of the script says, masked.
fn run(kubectl: &Path, kubeconfig: &Path) -> Vec<(String, String)> {
    let place = tempfile::tempdir().unwrap();
    let (files, steps) = script();
    for (name, content) in files {
        std::fs::write(place.path().join(name), content).unwrap();
    }
    let masks = Masks::new();
    let mut out = Vec::new();
    for step in steps {
        let mut child = Command::new(kubectl)
            .args(&step.words)
            .current_dir(place.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", place.path())
            .env("KUBECONFIG", kubeconfig)
            .env("KUBE_EDITOR", EDITOR)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(step.input.as_bytes()).unwrap();
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || send.send(child.wait_with_output()));
        let done = receive.recv_timeout(LONGEST);
        assert!(done.is_ok(), "kubectl {} does not end", step.line);
        let done = done.unwrap().unwrap();
        let mut said = String::new();
        if !done.status.success() {
            writeln!(said, "[{}]", done.status.code().unwrap_or(-1)).unwrap();
        }
        said.push_str(&String::from_utf8_lossy(&done.stdout));
        if !done.stderr.is_empty() {
            writeln!(said, "[stderr]\n{}", String::from_utf8_lossy(&done.stderr).trim_end()).unwrap();
        }
        if step.words[0] == "explain" {
            said = without_descriptions(&said);
        }
        out.push((step.line, masks.masked(said.trim_end())));
    }
    out
}

/// What `explain` says of fields and their types.
fn without_descriptions(said: &str) -> String {
    let names = ["GROUP:", "KIND:", "VERSION:", "FIELD:", "FIELDS:", "error:", "["];
    let is_kept = |line: &&str| line.contains("\t<") || names.iter().any(|name| line.starts_with(name));
    let lines: Vec<&str> = said.lines().filter(is_kept).collect();
    lines.join("\n")
}

fn written(said: &[(String, String)]) -> String {
    said.iter().fold(String::new(), |mut all, (line, text)| {
        writeln!(all, "$ {line}\n{text}\n").unwrap();
        all
    })
}

/// The texts of a want file, by the number of their command.
fn wanted(path: &Path) -> BTreeMap<usize, String> {
    let text = format!("\n{}", std::fs::read_to_string(path).unwrap());
    let blocks = text.split("\n$ ").skip(1).enumerate();
    blocks.map(|(at, block)| (at, format!("$ {}", block.trim_end()))).collect()
}

/// Programs by their version: that of the peers, and another on the path.
fn programs() -> Vec<(&'static str, PathBuf)> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let known = std::env::split_paths(&on_path).map(|folder| folder.join("kubectl"));
    let all = sluice_testkit::peers::find("kubectl").into_iter().chain(known.filter(|path| path.is_file()));
    let mut out: Vec<(&'static str, PathBuf)> = Vec::new();
    for path in all {
        let Ok(said) = Command::new(&path).args(["version", "--client"]).output() else { continue };
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        for version in ["1.36", "1.32"] {
            if said.contains(&format!("v{version}.")) && out.iter().all(|(known, _)| *known != version) {
                out.push((version, path.clone()));
            }
        }
    }
    out
}

#[test]
fn kubectl_says_what_it_says_on_the_real_server() {
    let programs = programs();
    if programs.is_empty() {
        return sluice_testkit::peers::skip(
            "kubectl",
            "no kubectl 1.36 or 1.32 (cargo xtask peers kubernetes)",
        );
    }
    let mut differs = super::differences();
    differs.retain(|case, _| case.starts_with("kubectl/"));
    let mut agreeing: BTreeMap<String, usize> = BTreeMap::new();
    let versions = programs.len();
    let (mut same, mut problems) = (0, Vec::new());
    for (version, program) in programs {
        let path = folder().join(format!("want-{version}.txt"));
        if super::records("kubectl") {
            let plane = Plane::start(&Options { sort: Some(Sort::Real), ..Options::default() })
                .expect("recording needs the control plane (cargo xtask peers etcd kubernetes)");
            std::fs::write(&path, written(&run(&program, &plane.kubeconfig()))).unwrap();
        }
        let plane = Plane::start(&Options { sort: Some(Sort::Embedded), ..Options::default() }).unwrap();
        let got = run(&program, &plane.kubeconfig());
        let want = wanted(&path);
        assert_eq!(got.len(), want.len(), "kubectl {version} was not recorded since the script changed");
        for (at, (line, text)) in got.iter().enumerate() {
            let case = format!("kubectl-{version}/{at}");
            let got = format!("$ {line}\n{text}").trim_end().to_owned();
            let row = format!("kubectl/{at}");
            match (got == want[&at], differs.contains_key(&row)) {
                (true, false) => same += 1,
                (false, true) => {}
                (true, true) => *agreeing.entry(row).or_default() += 1,
                (false, false) => problems.push(format!("{case}\n<<< want\n{}\n>>> got\n{got}", want[&at])),
            }
        }
    }
    let gone = agreeing.into_iter().filter(|(_, count)| *count == versions);
    problems.extend(gone.map(|(row, _)| format!("{row} agrees now: take it out of differs.toml")));
    assert!(problems.is_empty(), "{same} agree, {} do not:\n{}", problems.len(), problems.join("\n"));
    println!("{same} commands said the same");
}
