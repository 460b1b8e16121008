//! A tree in memory: for tests, for bundles and for what was fetched but never written to disk.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::walk::{Found, resolve};
use super::{Entry, EntryKind, Limits, ReadError, Tree};

#[derive(Debug, Clone)]
enum Item {
    File(Bytes),
    Link(String),
    Folder,
}

/// Files by clean path. Folders exist as soon as something lies in them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    items: BTreeMap<String, Item>,
    limits: Limits,
}

impl Memory {
    pub fn new(limits: Limits) -> Self {
        Self { items: BTreeMap::new(), limits }
    }

    /// Puts a file; folders on the way are made. Fails when a file stands where a folder is needed, or the other way round.
    pub fn insert(&mut self, path: &str, content: impl Into<Bytes>) -> Result<(), ReadError> {
        let content = content.into();
        if content.len() as u64 > self.limits.file_bytes {
            return Err(ReadError::TooLarge { path: path.to_owned(), limit: self.limits.file_bytes });
        }
        self.put(path, Item::File(content))
    }

    /// Puts a symbolic link; its target may not exist.
    pub fn insert_link(&mut self, path: &str, target: &str) -> Result<(), ReadError> {
        self.put(path, Item::Link(target.to_owned()))
    }

    /// Makes an empty folder.
    pub fn insert_folder(&mut self, path: &str) -> Result<(), ReadError> {
        self.put(path, Item::Folder)
    }

    /// Takes a file or link away; folders stay.
    pub fn remove(&mut self, path: &str) -> bool {
        let clean = clean(path).unwrap_or_default();
        match self.items.get(&clean) {
            Some(Item::File(_) | Item::Link(_)) => self.items.remove(&clean).is_some(),
            _ => false,
        }
    }

    fn put(&mut self, path: &str, item: Item) -> Result<(), ReadError> {
        let clean = clean(path).ok_or_else(|| ReadError::Escapes(path.to_owned()))?;
        if clean.is_empty() {
            return match item {
                Item::Folder => Ok(()),
                _ => Err(ReadError::IsFolder(path.to_owned())),
            };
        }
        for (at, _) in clean.match_indices('/') {
            let folder = &clean[..at];
            match self.items.get(folder) {
                None => {
                    self.items.insert(folder.to_owned(), Item::Folder);
                }
                Some(Item::Folder) => {}
                Some(_) => return Err(ReadError::NotFolder(path.to_owned())),
            }
        }
        match (self.items.get(&clean), &item) {
            (Some(Item::Folder), Item::Folder) => return Ok(()),
            (Some(Item::Folder), _) => return Err(ReadError::IsFolder(path.to_owned())),
            _ => {}
        }
        self.items.insert(clean, item);
        Ok(())
    }

    fn look(&self, clean: &str) -> Found {
        match self.items.get(clean) {
            None => Found::Nothing,
            Some(Item::File(_)) => Found::File,
            Some(Item::Folder) => Found::Folder,
            // There is no outside that an absolute target could name.
            Some(Item::Link(target)) if target.starts_with('/') => Found::Link("../".repeat(4096)),
            Some(Item::Link(target)) => Found::Link(target.clone()),
        }
    }
}

fn clean(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

impl Tree for Memory {
    fn resolve(&self, path: &str) -> Result<(String, EntryKind), ReadError> {
        resolve(path, &mut |clean| Ok(self.look(clean)))
    }

    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let (real, _) = self.resolve(path)?;
        match self.items.get(&real) {
            Some(Item::File(content)) => Ok(content.clone()),
            _ => Err(ReadError::IsFolder(path.to_owned())),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let (real, kind) = self.resolve(path)?;
        if kind == EntryKind::File {
            return Err(ReadError::NotFolder(path.to_owned()));
        }
        let prefix = if real.is_empty() { String::new() } else { format!("{real}/") };
        let mut entries = Vec::new();
        let mut from = prefix.clone();
        while let Some((key, item)) = self.items.range(from.clone()..).next() {
            let Some(rest) = key.strip_prefix(&prefix) else { break };
            let name = rest.split('/').next().unwrap_or(rest).to_owned();
            if entries.len() >= self.limits.folder_entries {
                return Err(ReadError::TooMany { path: path.to_owned(), limit: self.limits.folder_entries });
            }
            let full = format!("{prefix}{name}");
            let link = matches!(item, Item::Link(_));
            if let Ok((_, kind)) = self.resolve(&full) {
                entries.push(Entry { name, kind, link });
            }
            // Names like `a-b` sort between `a` and `a/`, so a folder may come twice: by its own key and by one below it.
            from = if rest.contains('/') { format!("{full}0") } else { format!("{full}\0") };
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.dedup_by(|a, b| a.name == b.name);
        Ok(entries)
    }
}
