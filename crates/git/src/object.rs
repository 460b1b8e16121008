//! Git's objects as bytes say them: ids, commits, tags and trees. Everything is checked, nothing is trusted.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use sha1::{Digest as _, Sha1};

/// The SHA-1 name of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 20]);

impl ObjectId {
    /// The name that Git gives to these bytes.
    pub fn of(kind: Kind, content: &[u8]) -> Self {
        let mut hasher = IdHasher::new(kind, content.len() as u64);
        hasher.update(content);
        hasher.finish()
    }

    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub fn is_zero(&self) -> bool {
        self.0 == [0; 20]
    }
}

/// Makes an id while content passes.
pub struct IdHasher(Sha1);

impl IdHasher {
    pub fn new(kind: Kind, size: u64) -> Self {
        let mut hasher = Sha1::new();
        hasher.update(format!("{} {size}\0", kind.name()));
        Self(hasher)
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> ObjectId {
        ObjectId(self.0.finalize().into())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sluice_tree::to_hex(&self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no object id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an object id")]
pub struct NotAnId;

impl FromStr for ObjectId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            b'A'..=b'F' => Ok(byte - b'A' + 10),
            _ => Err(NotAnId),
        };
        let text = text.as_bytes();
        if text.len() != 40 {
            return Err(NotAnId);
        }
        let mut id = [0; 20];
        for (i, pair) in text.chunks_exact(2).enumerate() {
            id[i] = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(id))
    }
}

/// The four kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }
}

/// The bytes are not what their kind promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadObject {
    #[error("malformed {0}")]
    Malformed(&'static str),
    #[error("tree holds the name {0:?}")]
    Name(String),
    #[error("tree entry {0:?} has an unknown mode")]
    Mode(String),
}

/// What is used of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: ObjectId,
    pub tree: ObjectId,
    /// Seconds since 1970 as the committer gave them.
    pub committed: i64,
    pub message: String,
    /// The signature as written, if there is one.
    pub signature: Option<String>,
    /// The commit without its signature: what was signed.
    pub signed: Bytes,
}

/// What is used of an annotated tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub id: ObjectId,
    pub target: ObjectId,
    pub name: String,
    pub message: String,
    pub signature: Option<String>,
    pub signed: Bytes,
}

/// The header lines of a commit or tag, continuations joined; and where the message begins.
fn headers(content: &[u8]) -> (Vec<(String, String)>, usize) {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut at = 0;
    while at < content.len() && content[at] != b'\n' {
        let end = content[at..].iter().position(|byte| *byte == b'\n').map_or(content.len(), |n| at + n);
        let line = String::from_utf8_lossy(&content[at..end]);
        if let Some(more) = line.strip_prefix(' ') {
            if let Some((_, value)) = found.last_mut() {
                value.push('\n');
                value.push_str(more);
            }
        } else if let Some((key, value)) = line.split_once(' ') {
            found.push((key.to_owned(), value.to_owned()));
        }
        at = end + 1;
    }
    (found, (at + 1).min(content.len()))
}

fn first<'a>(headers: &'a [(String, String)], key: &str) -> Option<&'a str> {
    headers.iter().find(|(its, _)| its == key).map(|(_, value)| value.as_str())
}

/// The seconds of a line `Name <mail> 1767225600 +0000`.
fn seconds(line: &str) -> i64 {
    let after = line.rsplit_once('>').map_or("", |(_, after)| after);
    after.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Commit {
    pub fn parse(id: ObjectId, content: &[u8]) -> Result<Self, BadObject> {
        let bad = BadObject::Malformed("commit");
        let (headers, body) = headers(content);
        let tree = first(&headers, "tree").and_then(|text| text.parse().ok()).ok_or(bad)?;
        Ok(Self {
            id,
            tree,
            committed: first(&headers, "committer").map_or(0, seconds),
            message: String::from_utf8_lossy(&content[body..]).into_owned(),
            signature: first(&headers, "gpgsig").map(|text| format!("{text}\n")),
            signed: without_signature(content),
        })
    }

    /// The first 50 characters of the first line, as events show them.
    pub fn subject(&self) -> String {
        let subject = self.message.split('\n').next().unwrap_or_default();
        if subject.chars().count() > 50 {
            let cut: String = subject.chars().take(50).collect();
            return format!("{cut}...");
        }
        subject.to_owned()
    }
}

/// A commit's bytes without its `gpgsig` lines.
fn without_signature(content: &[u8]) -> Bytes {
    let mut kept = Vec::with_capacity(content.len());
    let mut at = 0;
    let mut inside = false;
    while at < content.len() {
        let end = content[at..].iter().position(|byte| *byte == b'\n').map_or(content.len(), |n| at + n + 1);
        let line = &content[at..end];
        if line == b"\n" {
            kept.extend_from_slice(&content[at..]);
            break;
        }
        inside = line.starts_with(b"gpgsig ")
            || line.starts_with(b"gpgsig-sha256 ")
            || (inside && line.starts_with(b" "));
        if !inside {
            kept.extend_from_slice(line);
        }
        at = end;
    }
    Bytes::from(kept)
}

impl Tag {
    pub fn parse(id: ObjectId, content: &[u8]) -> Result<Self, BadObject> {
        let bad = || BadObject::Malformed("tag");
        let (headers, body) = headers(content);
        let target = first(&headers, "object").and_then(|text| text.parse().ok()).ok_or_else(bad)?;
        let name = first(&headers, "tag").ok_or_else(bad)?.to_owned();
        // The signature is the end of the message.
        let starts: [&[u8]; 3] = [
            b"-----BEGIN PGP SIGNATURE-----",
            b"-----BEGIN PGP MESSAGE-----",
            b"-----BEGIN SSH SIGNATURE-----",
        ];
        let mut split = content.len();
        let mut at = body;
        while at < content.len() {
            if starts.iter().any(|start| content[at..].starts_with(start)) {
                split = at;
                break;
            }
            at = content[at..].iter().position(|byte| *byte == b'\n').map_or(content.len(), |n| at + n + 1);
        }
        let signature =
            (split < content.len()).then(|| String::from_utf8_lossy(&content[split..]).into_owned());
        Ok(Self {
            id,
            target,
            name,
            message: String::from_utf8_lossy(&content[body..split]).into_owned(),
            signature,
            signed: Bytes::copy_from_slice(&content[..split]),
        })
    }
}

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Folder,
    File { executable: bool },
    Link,
    Submodule,
}

/// One entry of a tree. The name is none where it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    pub name: Option<String>,
    pub kind: EntryKind,
    pub id: ObjectId,
}

/// The entries of a tree. Names that could leave the tree or reach into `.git` are refused.
pub fn parse_tree(content: &[u8]) -> Result<Vec<TreeEntry>, BadObject> {
    let bad = || BadObject::Malformed("tree");
    let mut entries = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let blank = rest.iter().take(8).position(|byte| *byte == b' ').ok_or_else(bad)?;
        let mode = &rest[..blank];
        let zero = rest.iter().position(|byte| *byte == 0).filter(|zero| *zero > blank).ok_or_else(bad)?;
        let name = &rest[blank + 1..zero];
        let id = rest.get(zero + 1..zero + 21).and_then(ObjectId::from_slice).ok_or_else(bad)?;
        let shown = || String::from_utf8_lossy(name).into_owned();
        let git = name.eq_ignore_ascii_case(b".git");
        if name.is_empty() || name == b"." || name == b".." || git || name.contains(&b'/') {
            return Err(BadObject::Name(shown()));
        }
        let kind = match mode {
            b"40000" | b"040000" => EntryKind::Folder,
            b"100755" => EntryKind::File { executable: true },
            b"120000" => EntryKind::Link,
            b"160000" => EntryKind::Submodule,
            mode if mode.starts_with(b"100") => EntryKind::File { executable: false },
            _ => return Err(BadObject::Mode(shown())),
        };
        let name = std::str::from_utf8(name).ok().filter(|text| !text.contains('\\')).map(str::to_owned);
        entries.push(TreeEntry { name, kind, id });
        rest = &rest[zero + 21..];
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        let id = ObjectId::of(Kind::Blob, b"hello\n");
        assert_eq!(id.to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("ce01".parse::<ObjectId>(), Err(NotAnId));
        assert_eq!("zz013625030ba8dba906f756967f9e9ca394464a".parse::<ObjectId>(), Err(NotAnId));
    }

    #[test]
    fn a_signed_commit_is_taken_apart() {
        let text = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\n\
            committer B <b@c> 1767225601 +0100\ngpgsig -----BEGIN SSH SIGNATURE-----\n abc\n -----END SSH SIGNATURE-----\n\nsubject\n\nbody\n";
        let commit = Commit::parse(ObjectId([0; 20]), text).unwrap();
        assert_eq!((commit.committed, commit.subject().as_str()), (1_767_225_601, "subject"));
        assert_eq!(
            commit.signature.unwrap(),
            "-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n"
        );
        assert!(!String::from_utf8_lossy(&commit.signed).contains("gpgsig"));
        assert!(commit.signed.ends_with(b"+0100\n\nsubject\n\nbody\n"));
        assert!(Commit::parse(ObjectId([0; 20]), b"nothing").is_err());
    }

    #[test]
    fn a_long_subject_is_cut() {
        let mut commit =
            Commit::parse(ObjectId([0; 20]), b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\n").unwrap();
        commit.message = "ä".repeat(51);
        assert_eq!(commit.subject(), format!("{}...", "ä".repeat(50)));
    }

    #[test]
    fn an_annotated_tag_is_taken_apart() {
        let text = b"object ce013625030ba8dba906f756967f9e9ca394464a\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n\nhello\n-----BEGIN PGP SIGNATURE-----\nx\n";
        let tag = Tag::parse(ObjectId([0; 20]), text).unwrap();
        assert_eq!((tag.name.as_str(), tag.message.as_str()), ("v1", "hello\n"));
        assert!(tag.signature.unwrap().starts_with("-----BEGIN PGP"));
        assert!(tag.signed.ends_with(b"hello\n"));
    }

    #[test]
    fn hostile_trees_are_refused() {
        let entry = |mode: &str, name: &[u8]| [mode.as_bytes(), b" ", name, b"\0", &[7; 20]].concat();
        for name in [&b".."[..], b".", b".git", b".GIT", b"a/b", b""] {
            assert!(matches!(parse_tree(&entry("100644", name)), Err(BadObject::Name(_))));
        }
        assert!(matches!(parse_tree(&entry("777", b"a")), Err(BadObject::Mode(_))));
        assert!(parse_tree(b"100644 a\0short").is_err());
        assert!(parse_tree(b"100644").is_err());
        let good = parse_tree(&[entry("40000", b"d"), entry("100755", b"\xff")].concat()).unwrap();
        assert_eq!(good[0].kind, EntryKind::Folder);
        assert_eq!((good[1].kind, &good[1].name), (EntryKind::File { executable: true }, &None));
    }
}
