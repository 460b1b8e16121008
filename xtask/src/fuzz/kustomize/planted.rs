//! Planted defects (`crates/fuzz/defects.json`) looked for by the program of `crates/fuzz`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::Settings;
use crate::Outcome;
use crate::fuzz::planted::{self, Ground, LIMIT, Look, Subject};

struct Trees<'a> {
    reference: &'a Path,
    out: &'a Path,
    settings: &'a Settings,
}

pub fn run(reference: &Path, out: &Path, settings: &Settings) -> Outcome {
    planted::run(&mut Trees { reference, out, settings }, out)
}

impl Ground for Trees<'_> {
    const DEFECTS: &'static str = "crates/fuzz/defects.json";
    const CRATE: &'static str = "fuzz";
    const BUILD: &'static [&'static str] = &["--package", "sluice-fuzz"];

    const CONTROL: u64 = 100;

    fn program(copy: &Path) -> PathBuf {
        copy.join("target/debug/fuzz")
    }

    fn look(&mut self, subject: &Subject, most: Option<u64>) -> Result<Look, String> {
        let output = match most {
            Some(trees) => self.ask(subject, &["--trees", &trees.to_string(), "--minutes", "60"])?,
            None => self.ask(subject, &["--first"])?,
        };
        let text = text_of(&output);
        let failed = most.is_some() && !output.status.success();
        Ok(Look { input: tree_of(&text).or(failed.then_some(0)), text })
    }
}

impl Trees<'_> {
    fn ask(&self, subject: &Subject, more: &[&str]) -> Result<Output, String> {
        Command::new(&subject.program)
            .envs(subject.environment.clone())
            .arg(self.reference)
            .arg(self.out.join("found"))
            .args(["--seconds", &LIMIT.as_secs().to_string()])
            .args(["--seed", &self.settings.seed.to_string()])
            .args(more)
            .output()
            .map_err(|error| format!("{}: {error}", subject.program.display()))
    }
}

fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The number of the tree that showed the first difference.
fn tree_of(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("difference 1 in tree "))?;
    line.split(' ').nth(4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_still_fits_to_the_sources() {
        planted::tests::fits::<Trees<'_>>();
    }

    #[test]
    fn the_tree_of_the_first_difference_is_read() {
        assert_eq!(tree_of("x\ndifference 1 in tree 12 after 2.4 s: want\n"), Some(12));
        assert_eq!(tree_of("none"), None);
    }
}
