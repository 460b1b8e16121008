//! Git's objects: what they are called, what is in them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1::{Digest, Sha1};

use super::files::Mode;

/// The mode of a folder in a tree.
const FOLDER: &str = "40000";

/// The SHA-1 of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; 20]);

impl Id {
    /// What Git calls an object.
    fn of(sort: Sort, bytes: &[u8]) -> Self {
        let mut hash = Sha1::new();
        hash.update(format!("{} {}\0", sort.word(), bytes.len()));
        hash.update(bytes);
        Self(hash.finalize().into())
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 20];
        if text.len() != 40 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(id))
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Sort {
    pub fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    /// As packs number them.
    pub fn number(self) -> u8 {
        match self {
            Self::Commit => 1,
            Self::Tree => 2,
            Self::Blob => 3,
            Self::Tag => 4,
        }
    }
}

/// Bytes of an object that is not packed: there are many of these, and the other end unpacks each of them.
const SMALL: usize = 4 << 10;

/// An object, packed where it is large; blobs are not kept otherwise.
#[derive(Debug, Clone)]
pub struct Object {
    id: Id,
    pub sort: Sort,
    pub size: usize,
    pub zipped: Vec<u8>,
    /// Of all but blobs.
    bytes: Option<Vec<u8>>,
}

impl Object {
    pub fn new(sort: Sort, bytes: &[u8]) -> Self {
        Self::with_id(Id::of(sort, bytes), sort, bytes)
    }

    fn with_id(id: Id, sort: Sort, bytes: &[u8]) -> Self {
        let effort = if bytes.len() <= SMALL { Compression::none() } else { Compression::fast() };
        let mut encoder = ZlibEncoder::new(Vec::new(), effort);
        encoder.write_all(bytes).expect("memory takes all");
        Self {
            id,
            sort,
            size: bytes.len(),
            zipped: encoder.finish().expect("memory takes all"),
            bytes: (sort != Sort::Blob).then(|| bytes.to_vec()),
        }
    }

    pub fn id(&self) -> Id {
        self.id
    }

    /// A commit without parents; the same tree at the same time is the same commit.
    pub fn commit(tree: Id, time: Option<i64>, subject: &str) -> Self {
        let who = format!("sluice dev <dev@localhost> {} +0000", time.unwrap_or(0));
        let text = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\n{subject}\n");
        Self::new(Sort::Commit, text.as_bytes())
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.as_deref()?).ok()
    }

    fn field(&self, name: &str) -> Option<&str> {
        let head = self.bytes.as_deref()?;
        let end = head.windows(2).position(|pair| pair == b"\n\n").unwrap_or(head.len());
        let head = std::str::from_utf8(&head[..end]).ok()?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    /// The tree of a commit.
    pub fn tree(&self) -> Option<Id> {
        (self.sort == Sort::Commit).then(|| Id::parse(self.field("tree")?)).flatten()
    }

    /// When a commit was made, in seconds.
    pub fn time(&self) -> Option<i64> {
        self.field("committer")?.rsplit(' ').nth(1)?.parse().ok()
    }

    /// What the object refers to and cannot do without; a commit's parents are not among it. `None`: it is broken.
    pub fn needs(&self, is_first: bool) -> Option<Vec<Id>> {
        match self.sort {
            Sort::Blob => Some(Vec::new()),
            Sort::Commit => Some(vec![self.tree()?]),
            Sort::Tag if is_first => {
                let target = self.text()?.lines().next()?.strip_prefix("object ")?;
                Some(vec![Id::parse(target)?])
            }
            Sort::Tag => None,
            Sort::Tree => {
                let mut needs = Vec::new();
                let mut rest = self.bytes.as_deref()?;
                while !rest.is_empty() {
                    let end = rest.iter().position(|byte| *byte == 0)?;
                    let id = rest.get(end + 1..end + 21)?;
                    // What a module points to is in another repository.
                    if !rest.starts_with(b"160000 ") {
                        needs.push(Id(id.try_into().ok()?));
                    }
                    rest = &rest[end + 21..];
                }
                Some(needs)
            }
        }
    }

    /// What a tag stands for in the end.
    pub fn tagged(&self) -> Option<Id> {
        (self.sort == Sort::Tag).then(|| Id::parse(self.field("object")?)).flatten()
    }
}

/// Makes the trees of sorted paths, of which so many bytes are those of the folder; gives the folder's own. Those that
/// are known are not packed again.
pub fn tree(
    entries: &[(&str, Mode, Id)],
    inside: usize,
    known: &BTreeMap<Id, Arc<Object>>,
    objects: &mut BTreeMap<Id, Arc<Object>>,
) -> Id {
    let mut rows: Vec<(&str, &str, Id)> = Vec::new();
    let mut at = 0;
    while at < entries.len() {
        let (path, mode, id) = entries[at];
        match path[inside..].find('/') {
            None => {
                rows.push((&path[inside..], mode.digits(), id));
                at += 1;
            }
            Some(length) => {
                let prefix = &path[..=inside + length];
                let count = entries[at..].iter().take_while(|(path, ..)| path.starts_with(prefix)).count();
                let id = tree(&entries[at..at + count], prefix.len(), known, objects);
                // Git sorts a folder as if its name ended with a slash.
                rows.push((&prefix[inside..], FOLDER, id));
                at += count;
            }
        }
    }
    rows.sort_unstable();
    let mut bytes = Vec::new();
    for (name, mode, id) in rows {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name.trim_end_matches('/').as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&id.0);
    }
    let id = Id::of(Sort::Tree, &bytes);
    let object = known.get(&id).map_or_else(|| Arc::new(Object::with_id(id, Sort::Tree, &bytes)), Arc::clone);
    objects.insert(id, object);
    id
}
