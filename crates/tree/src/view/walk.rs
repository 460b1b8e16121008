//! The walk along a path with links, the same for memory and disk.

use super::{EntryKind, ReadError};

/// What one clean path holds itself, links not followed.
pub(super) enum Found {
    File,
    Folder,
    /// The target as written; made relative to the root with a leading `/` where the store knows that it is inside.
    Link(String),
    Nothing,
}

const MAX_LINKS: u32 = 40;
const MAX_PARTS: usize = 4096;

/// Follows `path` part by part. `look` answers for clean paths without links in their folders.
pub(super) fn resolve(
    path: &str,
    look: &mut dyn FnMut(&str) -> Result<Found, ReadError>,
) -> Result<(String, EntryKind), ReadError> {
    let mut todo: Vec<String> = parts(path).rev().map(str::to_owned).collect();
    let mut done: Vec<String> = Vec::new();
    let mut kind = EntryKind::Folder;
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if kind == EntryKind::File {
            return Err(ReadError::NotFolder(path.to_owned()));
        }
        if part == ".." {
            if done.pop().is_none() {
                return Err(ReadError::Escapes(path.to_owned()));
            }
            continue;
        }
        done.push(part);
        match look(&done.join("/"))? {
            Found::File => kind = EntryKind::File,
            Found::Folder => {}
            Found::Nothing => return Err(ReadError::NotFound(path.to_owned())),
            Found::Link(target) => {
                links += 1;
                if links > MAX_LINKS || todo.len() > MAX_PARTS {
                    return Err(ReadError::TooManyLinks(path.to_owned()));
                }
                done.pop();
                if target.starts_with('/') {
                    done.clear();
                }
                todo.extend(parts(&target).rev().map(str::to_owned));
            }
        }
    }
    Ok((done.join("/"), kind))
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}
