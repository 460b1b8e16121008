//! Which files of the folder count: those that Git tracks, and those that it would take.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sluice_tree::ignore::{Ignore, Pattern, read_patterns};

use super::index::Entry;
use super::refs::GitFolder;
use super::{RepositoryError, Stamp};

/// How deep folders may nest, and how many files there may be.
const DEEPEST: usize = 64;
const MOST_FILES: usize = 200_000;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    File,
    Program,
    Link,
    Module,
}

impl Mode {
    pub fn digits(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Program => "100755",
            Self::Link => "120000",
            Self::Module => "160000",
        }
    }

    pub fn of(metadata: &Metadata) -> Option<Self> {
        if metadata.is_symlink() {
            Some(Self::Link)
        } else if metadata.is_file() {
            Some(if metadata.permissions().mode() & 0o100 != 0 { Self::Program } else { Self::File })
        } else {
            None
        }
    }
}

pub fn stamp(metadata: &Metadata) -> Stamp {
    Stamp { changed: metadata.modified().ok(), size: metadata.len(), inode: metadata.ino() }
}

/// Paths with what they are, and the folders that were looked into.
#[derive(Default)]
pub struct Listed {
    pub files: BTreeMap<String, Mode>,
    pub folders: Vec<PathBuf>,
}

/// What counts, in order.
pub fn list(
    root: &Path,
    git: Option<&GitFolder>,
    tracked: &BTreeMap<String, Entry>,
) -> Result<Listed, RepositoryError> {
    let mut found = Listed::default();
    let mut patterns = Vec::new();
    if let Some(git) = git
        && let Ok(text) = std::fs::read(git.common.join("info/exclude"))
    {
        read(&text, "", &mut patterns)?;
    }
    walk(root, "", &patterns, tracked, 0, &mut found)?;
    for (path, _) in tracked.iter().filter(|(_, entry)| !entry.is_module()) {
        if !found.files.contains_key(path)
            && let Some(mode) = root.join(path).symlink_metadata().ok().and_then(|m| Mode::of(&m))
        {
            found.files.insert(path.clone(), mode);
        }
    }
    Ok(found)
}

fn read(text: &[u8], folder: &str, patterns: &mut Vec<Pattern>) -> Result<(), RepositoryError> {
    read_patterns(text, folder, patterns)
        .map_err(|_| RepositoryError::Patterns(format!("{folder}/.gitignore")))
}

fn walk(
    root: &Path,
    below: &str,
    inherited: &[Pattern],
    tracked: &BTreeMap<String, Entry>,
    depth: usize,
    found: &mut Listed,
) -> Result<(), RepositoryError> {
    let here = root.join(below);
    let failed = |source| RepositoryError::Read { path: here.display().to_string(), source };
    if depth > DEEPEST {
        return Err(RepositoryError::Broken(format!("{}: folders nest too deep", here.display())));
    }
    let mut patterns = inherited.to_vec();
    if let Ok(text) = std::fs::read(here.join(".gitignore")) {
        read(&text, below, &mut patterns)?;
    }
    let ignore = Ignore::only(patterns.clone());
    let entries = match std::fs::read_dir(&here) {
        Ok(entries) => entries,
        Err(error) if depth > 0 && error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    found.folders.push(here.clone());
    for entry in entries.filter_map(Result::ok) {
        // A name that is not UTF-8 is no manifest's.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let Ok(metadata) = entry.metadata() else { continue };
        if name == ".git" || ignore.excludes(&path, metadata.is_dir()) {
            continue;
        }
        if metadata.is_dir() {
            let is_module = tracked.get(&path).is_some_and(Entry::is_module);
            let is_other = entry.path().join(".git").exists();
            if !is_module && !is_other {
                walk(root, &path, &patterns, tracked, depth + 1, found)?;
            }
        } else if let Some(mode) = Mode::of(&metadata) {
            if found.files.len() >= MOST_FILES {
                return Err(RepositoryError::Broken(format!("more than {MOST_FILES} files")));
            }
            found.files.insert(path, mode);
        }
    }
    Ok(())
}
