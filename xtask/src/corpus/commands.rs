//! Recording what Helm's command line prints: `crates/cli/tests/corpus/helm/commands.txt` holds the commands, `$ helm ...`,
//! and behind each what came of it: `1| ` standard output, `2| ` standard error, `[n]` the exit status. A last line
//! without its end is `1> ` or `2> `. The commands run in order, in a copy of `in/`; `$ cat`, `$ files` and `$ tar` look at
//! what they left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, peers, program};

pub fn record() -> Outcome {
    let corpus = program::workspace().join("crates/cli/tests/corpus/helm");
    let file = corpus.join("commands.txt");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let folder = std::env::temp_dir().join(format!("sluice-helm-{}", std::process::id()));
    program::run(Command::new("cp").arg("-r").arg(corpus.join("in")).arg(&folder))?;
    let outcome = record_in(&folder, &text);
    fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    let (recorded, count) = outcome?;
    fs::write(&file, recorded).map_err(|error| error.to_string())?;
    println!("{count} commands recorded");
    Ok(())
}

fn record_in(folder: &Path, text: &str) -> Result<(String, usize), String> {
    let home = folder.join(".home");
    let helm = peers::folder().join("helm");
    let (mut out, mut count) = (String::new(), 0);
    for line in text.lines().filter(|line| line.starts_with(['$', '#'])) {
        let Some(command) = line.strip_prefix("$ ") else {
            out.push_str(&format!("{line}\n"));
            continue;
        };
        let words = words(command);
        let (name, rest) = words.split_first().ok_or("an empty command")?;
        let (program, rest) = program(name, rest, &helm)?;
        let got = Command::new(program)
            .args(rest)
            .current_dir(folder)
            .env_clear()
            .env("HOME", &home)
            .env("TZ", "UTC")
            .env("PATH", "/usr/bin:/bin")
            .output()
            .map_err(|error| error.to_string())?;
        out.push_str(&format!("{line}\n"));
        for (mark, bytes) in [("1", &got.stdout), ("2", &got.stderr)] {
            let text = String::from_utf8_lossy(bytes).replace(&folder.display().to_string(), "$IN");
            for line in text.split_inclusive('\n') {
                let sign = if line.ends_with('\n') { "|" } else { ">" };
                out.push_str(&format!("{mark}{sign} {}\n", line.trim_end_matches('\n')));
            }
        }
        out.push_str(&format!("[{}]\n\n", got.status.code().unwrap_or(-1)));
        count += 1;
    }
    Ok((out, count))
}

/// Helm, or one of the looks at what it left.
fn program(name: &str, rest: &[String], helm: &Path) -> Result<(PathBuf, Vec<String>), String> {
    let shell = |script: &str| {
        let words = ["-c", script, "sh"].map(str::to_owned);
        (PathBuf::from("/bin/sh"), words.into_iter().chain(rest.iter().cloned()).collect())
    };
    Ok(match name {
        "helm" => (helm.to_owned(), rest.to_vec()),
        "cat" => shell(CAT),
        "files" => shell(FILES),
        "tar" => shell(TAR),
        other => return Err(format!("{other} is no command of the record")),
    })
}

/// Times differ from run to run.
const CAT: &str = "sed 's/^generated: .*/generated: TIME/' \"$1\"";
const FILES: &str = "cd \"$1\" && find . -type f | LC_ALL=C sort";
/// Names and contents of an archive, without its times.
const TAR: &str =
    "tar -tvzf \"$1\" | awk '{print $1, $3, $6}'; tar -xzOf \"$1\" | sed 's/^generated: .*/generated: TIME/'";

/// Words as a shell has them: blanks part them, single quotes keep them together.
fn words(line: &str) -> Vec<String> {
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
