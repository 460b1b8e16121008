//! Files of a long list, read and parsed on several threads before the build comes to them. What is wrong with one of
//! them is told when the build does.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use sluice_tree::EntryKind;

use crate::error::Result;
use crate::load::{Content, Found, Loader, resolve};
use crate::read::{self, Document};
use crate::spread;

/// So many files are read at a time.
const BATCH: usize = 512;

/// A batch reads no further file once it holds so many bytes.
const MOST_BYTES: u64 = 32 << 20;

/// One file.
pub(crate) struct Early {
    pub found: Found,
    pub content: Content,
    pub documents: Option<Result<Vec<Document>>>,
}

/// The files that come next in a list of resources.
#[derive(Default)]
pub(crate) struct Ahead {
    /// The last of them first.
    files: Vec<Option<Early>>,
}

impl Ahead {
    /// The file at the head of `rest`, which is what is left of the list.
    pub(crate) fn next(&mut self, loader: &Loader<'_>, rest: &[String]) -> Option<Early> {
        let threads = loader.shared().threads;
        if self.files.is_empty() && threads > 1 && rest.len() >= spread::MANY {
            self.files = read(loader, &rest[..rest.len().min(BATCH)], threads);
            self.files.reverse();
        }
        self.files.pop().flatten()
    }
}

fn read(loader: &Loader<'_>, paths: &[String], threads: usize) -> Vec<Option<Early>> {
    let places: Vec<Option<String>> = paths.iter().map(|path| loader.place_of_file(path)).collect();
    let (tree, root) = (loader.tree(), loader.root());
    let held = AtomicU64::new(0);
    spread::map(threads, &places, |place| {
        let place = place.as_deref()?;
        if held.load(Ordering::Relaxed) > MOST_BYTES {
            return None;
        }
        let found = resolve(tree, root, place);
        let content: Content = match &found {
            Ok((real, EntryKind::File)) => Some(tree.read_real(real)),
            _ => None,
        };
        let bytes: Option<&Bytes> = content.as_ref().and_then(|content| content.as_ref().ok());
        held.fetch_add(bytes.map_or(0, |bytes| bytes.len() as u64), Ordering::Relaxed);
        let documents = bytes.map(|bytes| read::documents(bytes).map(Iterator::collect));
        Some(Early { found, content, documents })
    })
}
