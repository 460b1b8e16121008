//! A read-only view of files: one trait, in memory or on disk.
//!
//! Paths are relative to the root, separated by `/`; a leading `/` means the root. Symbolic links are followed,
//! `..` is taken after links as the kernel does, and nothing outside the root can be named: such a path is
//! `ReadError::Escapes`. Every read is bounded by `Limits`. Nothing here writes.

mod folder;
mod memory;
mod walk;

use bytes::Bytes;

pub use folder::Folder;
pub use memory::Memory;

/// What a path names after links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    File,
    Folder,
}

/// One name in a folder. `kind` is that of the link's target; a link that leads nowhere is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    pub link: bool,
}

/// Bounds of one view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub file_bytes: u64,
    pub folder_entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 50 << 20, folder_entries: 200_000 }
    }
}

/// Why a path could not be read. Paths are as the caller gave them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("{0}: no such file or directory")]
    NotFound(String),
    #[error("{0}: is a directory")]
    IsFolder(String),
    #[error("{0}: not a directory")]
    NotFolder(String),
    #[error("{0}: leads out of the root")]
    Escapes(String),
    #[error("{0}: too many levels of symbolic links")]
    TooManyLinks(String),
    #[error("{path}: larger than {limit} bytes")]
    TooLarge { path: String, limit: u64 },
    #[error("{path}: more than {limit} entries")]
    TooMany { path: String, limit: usize },
    #[error("{path}: {text}")]
    Io { path: String, text: String },
}

impl ReadError {
    /// True when the path, or a folder on the way to it, does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::NotFolder(_))
    }
}

/// A read-only tree of files, which several threads may read at once.
pub trait Tree: Sync {
    /// The real path of what `path` names: relative to the root, clean, links followed; `""` is the root.
    fn resolve(&self, path: &str) -> Result<(String, EntryKind), ReadError>;

    /// The bytes of a file.
    fn read(&self, path: &str) -> Result<Bytes, ReadError>;

    /// The names in a folder, sorted by bytes.
    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError>;

    /// As `resolve`, for one name in a folder whose real path `resolve` has given.
    fn resolve_in(&self, folder: &str, name: &str) -> Result<(String, EntryKind), ReadError> {
        if folder.is_empty() { self.resolve(name) } else { self.resolve(&format!("{folder}/{name}")) }
    }

    /// As `read`, for a file whose real path `resolve` has given.
    fn read_real(&self, real: &str) -> Result<Bytes, ReadError> {
        self.read(real)
    }

    /// As `list`, for a folder whose real path `resolve` has given.
    fn list_real(&self, real: &str) -> Result<Vec<Entry>, ReadError> {
        self.list(real)
    }

    /// File or folder.
    fn kind(&self, path: &str) -> Result<EntryKind, ReadError> {
        self.resolve(path).map(|(_, kind)| kind)
    }
}

impl<T: Tree + ?Sized> Tree for &T {
    fn resolve(&self, path: &str) -> Result<(String, EntryKind), ReadError> {
        (**self).resolve(path)
    }

    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        (**self).read(path)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        (**self).list(path)
    }

    fn resolve_in(&self, folder: &str, name: &str) -> Result<(String, EntryKind), ReadError> {
        (**self).resolve_in(folder, name)
    }

    fn read_real(&self, real: &str) -> Result<Bytes, ReadError> {
        (**self).read_real(real)
    }

    fn list_real(&self, real: &str) -> Result<Vec<Entry>, ReadError> {
        (**self).list_real(real)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(build: &[(&str, &str)], links: &[(&str, &str)]) -> (Memory, Folder, tempfile::TempDir) {
        let mut memory = Memory::default();
        let home = tempfile::tempdir().unwrap();
        for (path, text) in build {
            memory.insert(path, text.as_bytes().to_vec()).unwrap();
            let full = home.path().join(path);
            std::fs::create_dir_all(full.parent().unwrap()).unwrap();
            std::fs::write(full, text).unwrap();
        }
        for (path, target) in links {
            memory.insert_link(path, target).unwrap();
            std::os::unix::fs::symlink(target, home.path().join(path)).unwrap();
        }
        let folder = Folder::open(home.path(), Limits::default()).unwrap();
        (memory, folder, home)
    }

    #[test]
    fn memory_and_folder_answer_alike() {
        let (memory, folder, _home) = both(
            &[("a/b.yaml", "b"), ("a/c/d.yaml", "d"), ("e", "e")],
            &[
                ("a/up", "../e"),
                ("out", "../x"),
                ("abs", "/etc"),
                ("loop", "loop"),
                ("dir", "a/c"),
                ("gone", "nope"),
            ],
        );
        for path in [
            "a/b.yaml",
            "/a/./b.yaml",
            "a/up",
            "dir/../b.yaml",
            "dir/d.yaml",
            "a",
            "",
            ".",
            "loop",
            "out",
            "..",
            "a/../..",
            "abs",
            "abs/passwd",
            "gone",
            "nope",
            "e/x",
            "e/..",
            "a/c/../../e",
        ] {
            assert_eq!(memory.resolve(path), folder.resolve(path), "{path}");
            assert_eq!(memory.read(path), folder.read(path), "{path}");
            assert_eq!(memory.list(path), folder.list(path), "{path}");
        }
        for (real, name) in [
            ("", "e"),
            ("a", "b.yaml"),
            ("a", "up"),
            ("a", "c"),
            ("a", ".."),
            ("", "out"),
            ("a", "nope"),
            ("", ""),
        ] {
            assert_eq!(memory.resolve_in(real, name), folder.resolve_in(real, name), "{real} {name}");
            assert_eq!(
                folder.resolve_in(real, name),
                folder.resolve(format!("{real}/{name}").trim_start_matches('/')),
                "{real} {name}"
            );
        }
        assert_eq!(folder.read_real("a/b.yaml"), folder.read("a/b.yaml"));
        assert_eq!(memory.read("a/up").unwrap(), "e");
        assert_eq!(memory.read("dir/../b.yaml").unwrap(), "b");
        assert_eq!(memory.read("out"), Err(ReadError::Escapes("out".into())));
        assert_eq!(memory.read("nope"), Err(ReadError::NotFound("nope".into())));
        let names: Vec<_> = memory.list("").unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["a", "dir", "e"]);
    }

    #[test]
    fn a_large_file_is_refused() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("big"), vec![0; 11]).unwrap();
        let folder = Folder::open(home.path(), Limits { file_bytes: 10, folder_entries: 1 }).unwrap();
        assert_eq!(folder.read("big"), Err(ReadError::TooLarge { path: "big".into(), limit: 10 }));
        std::fs::write(home.path().join("more"), "").unwrap();
        assert_eq!(folder.list(""), Err(ReadError::TooMany { path: String::new(), limit: 1 }));
    }

    #[test]
    fn a_name_between_a_folder_and_what_is_in_it_ends_no_list() {
        let mut memory = Memory::new(Limits { folder_entries: 10, ..Limits::default() });
        memory.insert_folder("a").unwrap();
        for path in ["a/x", "a.yaml", "a-b/x", "a-b/y", "b"] {
            memory.insert(path, Bytes::new()).unwrap();
        }
        let names: Vec<_> = memory.list("").unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["a", "a-b", "a.yaml", "b"]);
    }
}
