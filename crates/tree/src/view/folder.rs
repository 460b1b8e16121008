//! A tree on disk below one root.

use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::walk::{Found, resolve};
use super::{Entry, EntryKind, Limits, ReadError, Tree};

/// A folder on disk. The root may itself be reached by links; below it, links may not lead out.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    limits: Limits,
}

impl Folder {
    /// Opens a folder; fails when it does not exist or is not one.
    pub fn open(root: &Path, limits: Limits) -> Result<Self, ReadError> {
        let shown = root.display().to_string();
        let root = fs::canonicalize(root).map_err(|error| translate(&shown, &error))?;
        if !root.is_dir() {
            return Err(ReadError::NotFolder(shown));
        }
        Ok(Self { root, limits })
    }

    /// The root's real path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn look(&self, path: &str, clean: &str) -> Result<Found, ReadError> {
        let full = self.root.join(clean);
        let meta = match fs::symlink_metadata(&full) {
            Ok(meta) => meta,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Found::Nothing);
            }
            Err(error) => return Err(translate(path, &error)),
        };
        if meta.is_dir() {
            return Ok(Found::Folder);
        }
        if meta.is_file() {
            return Ok(Found::File);
        }
        if !meta.is_symlink() {
            return Err(ReadError::Io { path: path.to_owned(), text: "not a regular file".to_owned() });
        }
        let target = fs::read_link(&full).map_err(|error| translate(path, &error))?;
        let inside = if target.is_absolute() {
            match target.strip_prefix(&self.root) {
                Ok(rest) => Path::new("/").join(rest),
                Err(_) => return Err(ReadError::Escapes(path.to_owned())),
            }
        } else {
            target
        };
        match inside.into_os_string().into_string() {
            Ok(text) => Ok(Found::Link(text)),
            Err(_) => {
                Err(ReadError::Io { path: path.to_owned(), text: "link target is not UTF-8".to_owned() })
            }
        }
    }

    /// The bytes of a file by its real path; `path` is what messages name.
    fn content(&self, path: &str, real: &str) -> Result<Bytes, ReadError> {
        let file = fs::File::open(self.root.join(real)).map_err(|error| translate(path, &error))?;
        let limit = self.limits.file_bytes;
        let size = file.metadata().map_or(0, |meta| meta.len());
        if size > limit {
            return Err(ReadError::TooLarge { path: path.to_owned(), limit });
        }
        let read = if size > 0 { sized(file, size as usize) } else { unsized_content(file, limit + 1) };
        let content = read.map_err(|error| translate(path, &error))?;
        if content.len() as u64 > limit {
            return Err(ReadError::TooLarge { path: path.to_owned(), limit });
        }
        Ok(content.into())
    }

    /// What is in a folder by its real path; `path` is what messages name.
    fn entries(&self, path: &str, real: &str) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::new();
        for item in fs::read_dir(self.root.join(real)).map_err(|error| translate(path, &error))? {
            let item = item.map_err(|error| translate(path, &error))?;
            if entries.len() >= self.limits.folder_entries {
                return Err(ReadError::TooMany { path: path.to_owned(), limit: self.limits.folder_entries });
            }
            // A name that is not UTF-8 cannot be written in a manifest either.
            let Ok(name) = item.file_name().into_string() else { continue };
            let Ok(kind) = item.file_type() else { continue };
            let entry = if kind.is_dir() {
                Entry { name, kind: EntryKind::Folder, link: false }
            } else if kind.is_file() {
                Entry { name, kind: EntryKind::File, link: false }
            } else {
                match self.resolve(&format!("{real}/{name}")) {
                    Ok((_, kind)) => Entry { name, kind, link: true },
                    Err(_) => continue,
                }
            };
            entries.push(entry);
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

impl Tree for Folder {
    fn resolve(&self, path: &str) -> Result<(String, EntryKind), ReadError> {
        if path.contains('\0') {
            return Err(ReadError::Io {
                path: path.replace('\0', "\\0"),
                text: "invalid argument".to_owned(),
            });
        }
        resolve(path, &mut |clean| self.look(path, clean))
    }

    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let (real, kind) = self.resolve(path)?;
        if kind == EntryKind::Folder {
            return Err(ReadError::IsFolder(path.to_owned()));
        }
        self.content(path, &real)
    }

    fn resolve_in(&self, folder: &str, name: &str) -> Result<(String, EntryKind), ReadError> {
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let is_one_name = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
        if is_one_name {
            match self.look(&path, &path)? {
                Found::File => return Ok((path, EntryKind::File)),
                Found::Folder => return Ok((path, EntryKind::Folder)),
                Found::Link(_) | Found::Nothing => {}
            }
        }
        self.resolve(&path)
    }

    fn read_real(&self, real: &str) -> Result<Bytes, ReadError> {
        self.content(real, real)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let (real, kind) = self.resolve(path)?;
        if kind == EntryKind::File {
            return Err(ReadError::NotFolder(path.to_owned()));
        }
        self.entries(path, &real)
    }

    fn list_real(&self, real: &str) -> Result<Vec<Entry>, ReadError> {
        self.entries(real, real)
    }
}

/// What a file of this size holds, in one piece: there is no more to be asked for.
fn sized(mut file: fs::File, size: usize) -> io::Result<Vec<u8>> {
    let mut content = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match file.read(&mut content[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    content.truncate(filled);
    Ok(content)
}

/// What a file holds that tells no size, as some that the system makes.
fn unsized_content(file: fs::File, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(limit).read_to_end(&mut content)?;
    Ok(content)
}

fn translate(path: &str, error: &std::io::Error) -> ReadError {
    match error.kind() {
        ErrorKind::NotFound => ReadError::NotFound(path.to_owned()),
        ErrorKind::NotADirectory => ReadError::NotFolder(path.to_owned()),
        ErrorKind::IsADirectory => ReadError::IsFolder(path.to_owned()),
        ErrorKind::PermissionDenied => {
            ReadError::Io { path: path.to_owned(), text: "permission denied".to_owned() }
        }
        _ => ReadError::Io { path: path.to_owned(), text: error.to_string() },
    }
}
