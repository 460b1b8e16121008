//! `helm lint`.

use std::path::Path;

use sluice_helm::capabilities::KubeVersion;
use sluice_helm::command::lint::{self, Severity};

use super::words::{Global, LintArgs};
use super::{log, source, wrong_count};
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

pub fn run(ui: &Ui, global: &Global, args: &LintArgs) -> CliResult {
    if args.words.is_empty() {
        return Err(wrong_count("lint", "at least 1 argument", "PATH"));
    }
    let kube_version = match args.kube_version.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(
            KubeVersion::parse(text)
                .map_err(|error| CliError::new(format!("invalid kube version '{text}': {error}")))?,
        ),
        None => None,
    };
    let mut paths = args.words.clone();
    if args.with_subcharts {
        for path in &args.words {
            within(&Path::new(path).join("charts"), 0, &mut paths);
        }
    }
    let values = source::merged(&args.values)?;
    let lint_args = lint::LintArgs {
        namespace: source::namespace(global),
        skip_schema_validation: args.skip_schema_validation,
        kube_version,
    };
    let lowest = if args.strict { Severity::Warning } else { Severity::Error };
    let (mut text, mut failures, mut remarks) = (String::new(), 0, 0);
    for path in &paths {
        let outcome = one(path, |tree, place| {
            source::with_environment(false, |environment| {
                lint::lint(tree, place, place, &values, &lint_args, environment)
            })
        });
        let (messages, error) = match outcome {
            Ok(outcome) => {
                outcome.logged.iter().for_each(|line| log::remark(ui, line));
                (outcome.messages, None)
            }
            Err(error) => (Vec::new(), Some(error)),
        };
        let is_noted = error.is_some() || messages.iter().any(|message| message.severity > Severity::Info);
        let has_failed = error.is_some() || messages.iter().any(|message| message.severity >= lowest);
        remarks += usize::from(is_noted);
        failures += usize::from(has_failed);
        if args.quiet && !is_noted {
            continue;
        }
        text.push_str(&format!("==> Linting {path}\n"));
        if let Some(error) = error {
            text.push_str(&format!("Error {error}\n"));
        }
        for message in messages.iter().filter(|message| !args.quiet || message.severity > Severity::Info) {
            text.push_str(&format!("{message}\n"));
        }
        text.push('\n');
    }
    ui.print(&text)?;
    let summary = format!("{} chart(s) linted, {failures} chart(s) failed", paths.len());
    if failures > 0 {
        return Err(CliError::new(summary));
    }
    if args.quiet && remarks == 0 { Ok(()) } else { ui.print(&format!("{summary}\n")) }
}

/// Charts below a folder `charts`, in the order of a walk.
fn within(folder: &Path, depth: usize, found: &mut Vec<String>) {
    const MAX_DEPTH: usize = 200;
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    if depth > MAX_DEPTH {
        return;
    }
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let shown = path.to_string_lossy();
        if path.is_dir() && !path.is_symlink() {
            within(&path, depth + 1, found);
        } else if path.file_name().is_some_and(|name| name == "Chart.yaml") {
            found.push(folder.to_string_lossy().into_owned());
        } else if shown.ends_with(".tgz") || shown.ends_with(".tar.gz") {
            found.push(shown.into_owned());
        }
    }
}

/// A chart's folder, or an archive unpacked in memory.
fn one(
    path: &str,
    lint: impl FnOnce(&dyn sluice_tree::Tree, &str) -> lint::Outcome,
) -> Result<lint::Outcome, String> {
    if path.ends_with(".tgz") || path.ends_with(".tar.gz") {
        let (tree, place) = source::unpacked(path)?;
        return Ok(lint(&tree, &place));
    }
    if !Path::new(path).join("Chart.yaml").exists() {
        return Err(format!(
            "unable to check Chart.yaml file in chart: stat {path}/Chart.yaml: no such file or directory"
        ));
    }
    let (tree, place) = source::tree(path).map_err(|error| error.error)?;
    Ok(lint(&tree, &place))
}
