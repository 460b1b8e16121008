//! The `.git` of a folder: what is checked out, branches and tags, remotes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Id;
use super::object::Object;
use super::odb::Odb;

/// References that are listed at most.
const MOST: usize = 100_000;
const LARGEST: u64 = 16 << 20;

#[derive(Clone)]
pub struct GitFolder {
    /// Of this work tree.
    pub folder: PathBuf,
    /// Of all work trees.
    pub common: PathBuf,
    odb: Arc<Odb>,
}

/// What is checked out.
pub struct Head {
    pub branch: String,
    pub commit: Option<Id>,
}

fn read(path: &Path) -> Option<String> {
    path.metadata().ok().filter(|metadata| metadata.len() <= LARGEST)?;
    std::fs::read_to_string(path).ok()
}

impl GitFolder {
    pub fn open(root: &Path) -> Option<Self> {
        let at = root.join(".git");
        let folder = if at.is_dir() {
            at
        } else {
            // A second work tree names the place.
            root.join(read(&at)?.strip_prefix("gitdir:")?.trim())
        };
        if !folder.join("HEAD").is_file() {
            return None;
        }
        let common =
            read(&folder.join("commondir")).map_or_else(|| folder.clone(), |text| folder.join(text.trim()));
        let odb = Arc::new(Odb::new(&common.join("objects")));
        Some(Self { folder, common, odb })
    }

    pub fn object(&self, id: &Id) -> Option<Object> {
        self.odb.read(id)
    }

    pub fn head(&self) -> Head {
        let text = read(&self.folder.join("HEAD")).unwrap_or_default();
        match text.trim().strip_prefix("ref: ") {
            Some(name) => Head {
                branch: name.strip_prefix("refs/heads/").unwrap_or(name).to_owned(),
                commit: self.refs().get(name).copied(),
            },
            None => Head { branch: "HEAD".to_owned(), commit: Id::parse(text.trim()) },
        }
    }

    /// Branches and tags.
    pub fn refs(&self) -> BTreeMap<String, Id> {
        let mut refs = BTreeMap::new();
        for line in read(&self.common.join("packed-refs")).unwrap_or_default().lines().take(MOST) {
            if let Some((id, name)) = line.split_once(' ')
                && let Some(id) = Id::parse(id)
            {
                refs.insert(name.to_owned(), id);
            }
        }
        for kind in ["refs/heads", "refs/tags"] {
            self.loose(kind, &mut refs, 0);
        }
        refs.retain(|name, _| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
        refs
    }

    fn loose(&self, below: &str, refs: &mut BTreeMap<String, Id>, depth: usize) {
        let entries = std::fs::read_dir(self.common.join(below)).into_iter().flatten();
        for entry in entries.filter_map(Result::ok).take(MOST) {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{below}/{name}");
            if entry.path().is_dir() && depth < 16 {
                self.loose(&path, refs, depth + 1);
            } else if let Some(id) = read(&entry.path()).and_then(|text| Id::parse(text.trim())) {
                refs.insert(path, id);
            }
        }
    }
}

/// The remotes of a folder, normalised.
pub fn remotes(root: &Path) -> Vec<String> {
    let Some(git) = GitFolder::open(root) else { return Vec::new() };
    let text = read(&git.common.join("config")).unwrap_or_default();
    let urls = text.lines().filter_map(|line| line.trim().strip_prefix("url"));
    urls.filter_map(|rest| rest.trim_start().strip_prefix('=')).map(|url| normalise(url.trim())).collect()
}

/// `ssh://git@host/a/b.git`, `git@host:a/b` and `https://host/a/b` are the same place.
pub fn normalise(url: &str) -> String {
    let rest = url.split_once("://").map_or_else(|| url.replacen(':', "/", 1), |(_, rest)| rest.to_owned());
    let rest = rest.split_once('@').map_or(rest.clone(), |(_, after)| after.to_owned());
    rest.trim_end_matches('/').trim_end_matches(".git").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_place_are_equal() {
        for url in [
            "ssh://git@GitHub.com/a/b.git",
            "git@github.com:a/b",
            "https://github.com/a/b/",
            "https://x@github.com/a/b.git",
        ] {
            assert_eq!(normalise(url), "github.com/a/b", "{url}");
        }
    }
}
