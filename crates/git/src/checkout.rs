//! A commit's files as a layout: read from the pack, nothing written to disk.
//!
//! Links are left out, as artifacts have none; so are names that are not UTF-8 or hold a backslash. A submodule is an
//! empty folder until it is filled.

use bytes::Bytes;
use sluice_tree::layout::{LayoutError, is_clean};
use sluice_tree::{Layout, Node};

use crate::object::{BadObject, Commit, EntryKind, Kind, ObjectId, Tag, parse_tree};
use crate::pack::{Pack, PackError};

/// Trees that may be looked at: a small pack can name the same tree any number of times.
const MOST_TREES: usize = 200_000;
const DEEPEST: usize = 255;

/// Why a commit's files cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    #[error("{0}")]
    Object(#[from] BadObject),
    #[error("object {id} is a {got}, not a {want}")]
    WrongKind { id: ObjectId, want: &'static str, got: &'static str },
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error("the commit holds more than {MOST_TREES} folders")]
    TooManyTrees,
    #[error("the commit's folders are nested deeper than {DEEPEST}")]
    TooDeep,
}

/// Where a file's content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    pack: u32,
    id: ObjectId,
}

/// A submodule of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// In the whole layout.
    pub path: String,
    /// In its own repository.
    pub local: String,
    pub commit: ObjectId,
}

/// A commit that was fetched.
#[derive(Debug)]
pub struct Checkout {
    pub commit: Commit,
    pub tag: Option<Tag>,
    /// The reference that it was reached by; empty for a bare commit.
    pub name: String,
    pub layout: Layout<Blob>,
    packs: Vec<Pack>,
}

/// The object that an id names, if it is of that kind.
pub fn read_kind(pack: &mut Pack, id: ObjectId, want: Kind) -> Result<Bytes, CheckoutError> {
    let (kind, content) = pack.read(id)?;
    if kind != want {
        return Err(CheckoutError::WrongKind { id, want: want.name(), got: kind.name() });
    }
    Ok(content)
}

/// The commit that an id leads to, through tags if need be.
pub fn read_commit(pack: &mut Pack, id: ObjectId) -> Result<Commit, CheckoutError> {
    let mut at = id;
    for _ in 0..10 {
        let (kind, content) = pack.read(at)?;
        match kind {
            Kind::Tag => at = Tag::parse(at, &content)?.target,
            Kind::Commit => return Ok(Commit::parse(at, &content)?),
            kind => {
                return Err(CheckoutError::WrongKind { id: at, want: "commit", got: kind.name() });
            }
        }
    }
    Err(CheckoutError::WrongKind { id, want: "commit", got: "tag" })
}

impl Checkout {
    /// A commit without files yet.
    pub fn new(commit: Commit, tag: Option<Tag>, name: String) -> Self {
        Self { commit, tag, name, layout: Layout::default(), packs: Vec::new() }
    }

    /// Adds a commit's files below `prefix` (empty for the root); returns its submodules and its `.gitmodules`.
    /// With `sparse`, only files whose path in this repository begins with one of the texts.
    pub fn add(
        &mut self,
        mut pack: Pack,
        tree: ObjectId,
        prefix: &str,
        sparse: &[String],
    ) -> Result<(Vec<Submodule>, Option<Bytes>), CheckoutError> {
        let number = self.packs.len() as u32;
        let mut submodules = Vec::new();
        let mut modules = None;
        let mut waiting = vec![(String::new(), tree, 0_usize)];
        let mut trees = 0;
        while let Some((folder, id, depth)) = waiting.pop() {
            trees += 1;
            if trees > MOST_TREES {
                return Err(CheckoutError::TooManyTrees);
            }
            if depth > DEEPEST {
                return Err(CheckoutError::TooDeep);
            }
            for entry in parse_tree(&read_kind(&mut pack, id, Kind::Tree)?)? {
                let Some(name) = entry.name else { continue };
                let local = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if !is_clean(&local) {
                    continue;
                }
                let path = if prefix.is_empty() { local.clone() } else { format!("{prefix}/{local}") };
                match entry.kind {
                    EntryKind::Folder => {
                        if may_hold(sparse, &local) {
                            waiting.push((local, entry.id, depth + 1));
                        }
                    }
                    EntryKind::File { executable } => {
                        if local == ".gitmodules" {
                            modules = Some(read_kind(&mut pack, entry.id, Kind::Blob)?);
                        }
                        if is_wanted(sparse, &local) {
                            self.layout.add_file(&path, executable, Blob { pack: number, id: entry.id })?;
                        }
                    }
                    EntryKind::Link => {}
                    EntryKind::Submodule => {
                        if is_wanted(sparse, &local) {
                            self.layout.add_folder(&path)?;
                            submodules.push(Submodule { path, local, commit: entry.id });
                        }
                    }
                }
            }
        }
        self.packs.push(pack);
        submodules.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((submodules, modules))
    }

    /// A file's content.
    pub fn read(&mut self, blob: &Blob) -> Result<Bytes, CheckoutError> {
        let pack = self.packs.get_mut(blob.pack as usize).ok_or(PackError::NotFound(blob.id))?;
        read_kind(pack, blob.id, Kind::Blob)
    }

    /// Takes the layout out, so that it can be gone through while files are read.
    pub fn take_layout(&mut self) -> Layout<Blob> {
        std::mem::take(&mut self.layout)
    }

    /// Whether a folder or file of the checkout lies at a path, `./` and a trailing slash left aside.
    pub fn has(&self, path: &str) -> bool {
        let clean: Vec<&str> = path.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
        matches!(self.layout.at(&clean.join("/")), Some(Node::Folder | Node::File { .. }))
    }
}

fn is_wanted(sparse: &[String], path: &str) -> bool {
    sparse.is_empty() || sparse.iter().any(|start| path.starts_with(start.as_str()))
}

/// Whether something below a folder can be wanted.
fn may_hold(sparse: &[String], folder: &str) -> bool {
    let folder = format!("{folder}/");
    sparse.is_empty()
        || sparse.iter().any(|start| folder.starts_with(start.as_str()) || start.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_paths_are_prefixes() {
        let sparse = ["deep/er".to_owned(), "a".to_owned()];
        for (path, wanted, holds) in [
            ("deep/er/c.yaml", true, true),
            ("deep/er.yaml", true, true),
            ("deep", false, true),
            ("deep/x", false, false),
            ("abc", true, true),
            ("b", false, false),
        ] {
            assert_eq!((is_wanted(&sparse, path), may_hold(&sparse, path)), (wanted, holds), "{path}");
        }
        assert!(is_wanted(&[], "x") && may_hold(&[], "x"));
    }
}
