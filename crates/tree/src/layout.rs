//! What an artifact will hold: folders and files by path, in the order in which they are packed.
//!
//! A layout knows where each file's content is (`C`), not the content itself: a tree of ten thousand files is a small
//! map. Paths are relative, clean, `/` between segments. Nothing here reads or writes files.

use std::collections::BTreeMap;

/// Bounds of one layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub entries: usize,
    pub path_bytes: usize,
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 200_000, path_bytes: 4096, depth: 255 }
    }
}

/// Why a path cannot be in a layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    #[error("more than {0} files and folders")]
    TooMany(usize),
    #[error("'{0}' is too long or too deep")]
    TooDeep(String),
    #[error("'{0}' is not a clean relative path")]
    BadPath(String),
    #[error("'{0}' is both a file and a folder")]
    Conflict(String),
}

/// One path of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<C> {
    Folder,
    File { executable: bool, content: C },
}

/// A path as it is ordered: a folder comes before what lies in it, and that before the folder's next sibling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key(String);

impl Key {
    fn of(path: &str) -> Self {
        Self(path.replace('/', "\0"))
    }

    fn path(&self) -> String {
        self.0.replace('\0', "/")
    }
}

/// Folders and files by path.
#[derive(Debug, Clone)]
pub struct Layout<C> {
    nodes: BTreeMap<Key, Node<C>>,
    limits: Limits,
}

impl<C> Default for Layout<C> {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl<C> Layout<C> {
    pub fn new(limits: Limits) -> Self {
        Self { nodes: BTreeMap::new(), limits }
    }

    /// How many folders and files there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What lies at a path; the root is always a folder.
    pub fn at(&self, path: &str) -> Option<&Node<C>> {
        if path.is_empty() { Some(&Node::Folder) } else { self.nodes.get(&Key::of(path)) }
    }

    /// Makes a folder, and those above it.
    pub fn add_folder(&mut self, path: &str) -> Result<(), LayoutError> {
        self.check(path)?;
        self.add_above(path)?;
        self.put_folder(path)
    }

    /// Puts a file, in place of one that was there.
    pub fn add_file(&mut self, path: &str, executable: bool, content: C) -> Result<(), LayoutError> {
        self.check(path)?;
        self.add_above(path)?;
        let key = Key::of(path);
        if matches!(self.nodes.get(&key), Some(Node::Folder)) {
            return Err(LayoutError::Conflict(path.to_owned()));
        }
        self.insert(key, Node::File { executable, content })
    }

    /// All paths in packing order.
    pub fn iter(&self) -> impl Iterator<Item = (String, &Node<C>)> {
        self.nodes.iter().map(|(key, node)| (key.path(), node))
    }

    fn put_folder(&mut self, path: &str) -> Result<(), LayoutError> {
        let key = Key::of(path);
        match self.nodes.get(&key) {
            Some(Node::Folder) => Ok(()),
            Some(Node::File { .. }) => Err(LayoutError::Conflict(path.to_owned())),
            None => self.insert(key, Node::Folder),
        }
    }

    fn add_above(&mut self, path: &str) -> Result<(), LayoutError> {
        // From below: most often the folder is there already.
        let mut missing = Vec::new();
        let mut above = path;
        while let Some((folder, _)) = above.rsplit_once('/') {
            match self.nodes.get(&Key::of(folder)) {
                Some(Node::Folder) => break,
                Some(Node::File { .. }) => return Err(LayoutError::Conflict(folder.to_owned())),
                None => missing.push(folder),
            }
            above = folder;
        }
        missing.into_iter().try_for_each(|folder| self.put_folder(folder))
    }

    fn insert(&mut self, key: Key, node: Node<C>) -> Result<(), LayoutError> {
        if self.nodes.len() >= self.limits.entries && !self.nodes.contains_key(&key) {
            return Err(LayoutError::TooMany(self.limits.entries));
        }
        self.nodes.insert(key, node);
        Ok(())
    }

    fn check(&self, path: &str) -> Result<(), LayoutError> {
        if path.len() > self.limits.path_bytes || path.matches('/').count() >= self.limits.depth {
            let shown: String = path.chars().take(80).collect();
            return Err(LayoutError::TooDeep(shown));
        }
        if !is_clean(path) {
            return Err(LayoutError::BadPath(path.to_owned()));
        }
        Ok(())
    }
}

/// Whether a path is relative, without empty, `.` and `..` segments, NUL and backslash.
pub fn is_clean(path: &str) -> bool {
    !path.contains(['\0', '\\']) && path.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_a_walk() {
        let mut layout = Layout::default();
        for path in ["a.b", "a/z", "a/b/c", "b", "a0", "a-"] {
            layout.add_file(path, false, ()).unwrap();
        }
        let paths: Vec<String> = layout.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a", "a/b", "a/b/c", "a/z", "a-", "a.b", "a0", "b"]);
    }

    #[test]
    fn what_cannot_be_packed_is_refused() {
        let mut layout = Layout::new(Limits { entries: 3, path_bytes: 20, depth: 4 });
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a\\b", "a\0b"] {
            assert_eq!(layout.add_file(path, false, ()), Err(LayoutError::BadPath(path.to_owned())));
        }
        assert_eq!(layout.add_folder("a/b/c/d/e"), Err(LayoutError::TooDeep("a/b/c/d/e".into())));
        assert!(layout.add_folder(&"n".repeat(21)).is_err());
        layout.add_file("f", false, ()).unwrap();
        assert_eq!(layout.add_file("f/g", false, ()), Err(LayoutError::Conflict("f".into())));
        layout.add_file("d/g", false, ()).unwrap();
        assert_eq!(layout.add_file("d", false, ()), Err(LayoutError::Conflict("d".into())));
        assert_eq!(layout.add_file("h", false, ()), Err(LayoutError::TooMany(3)));
        layout.add_file("f", true, ()).unwrap();
    }
}
