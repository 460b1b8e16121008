//! Files that a pattern names, as Go's filepath finds them.

use std::path::{Path, PathBuf};

use sluice_kustomize::edit::{is_pattern, matches};

use crate::error::{CliError, CliResult};

/// No pattern names more.
const MOST: usize = 100_000;

/// What a pattern names, sorted within each folder; a path without anything special is itself, if it is there.
pub fn glob(pattern: &str) -> CliResult<Vec<String>> {
    matches(pattern, "").map_err(|error| CliError::new(error.to_string()))?;
    if !is_pattern(pattern) {
        let is_there = Path::new(pattern).symlink_metadata().is_ok();
        return Ok(if is_there { vec![pattern.to_owned()] } else { Vec::new() });
    }
    let (folder, name) = match pattern.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => ("", pattern),
    };
    let folders = if is_pattern(folder) { glob(folder)? } else { vec![folder.to_owned()] };
    let mut found = Vec::new();
    for folder in folders {
        for entry in names(&folder) {
            if matches(name, &entry).unwrap_or(false) {
                let path: PathBuf = Path::new(&folder).join(entry);
                found.push(path.display().to_string());
            }
        }
        if found.len() > MOST {
            return Err(CliError::new(format!("'{pattern}' names more than {MOST} files")));
        }
    }
    Ok(found)
}

fn names(folder: &str) -> Vec<String> {
    let folder = if folder.is_empty() { "." } else { folder };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
