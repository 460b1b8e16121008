//! What a remote says that it has: names, what they point to, what it can do. Both protocol 2 and the older one.

use std::collections::BTreeMap;

use crate::object::ObjectId;
use crate::pkt::{Packet, PacketReader, PktError, text};

/// Most names that one remote may list.
const MOST_REFS: usize = 500_000;

/// Why a listing cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Packet(#[from] PktError),
    #[error("the server does not speak the Git protocol")]
    NotGit,
    #[error("malformed list of references")]
    Malformed,
    #[error("the server lists more than {MOST_REFS} references")]
    TooMany,
    #[error("the repository uses the object format {0}, which is not supported")]
    ObjectFormat(String),
}

/// One name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub id: ObjectId,
    /// What an annotated tag points to in the end.
    pub peeled: Option<ObjectId>,
}

impl Target {
    /// The commit, as far as the listing says.
    pub fn commit(&self) -> ObjectId {
        self.peeled.unwrap_or(self.id)
    }
}

/// Names by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refs {
    names: BTreeMap<String, Target>,
}

impl Refs {
    pub fn get(&self, name: &str) -> Option<&Target> {
        self.names.get(name)
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Names that begin with a prefix, sorted; without the prefix.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Target)> + 'a {
        self.names
            .range(prefix.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(move |(name, target)| (&name[prefix.len()..], target))
    }

    /// Puts a name; `^{}` at its end gives what the name before it is peeled to.
    pub fn put(&mut self, name: &str, id: ObjectId) -> Result<(), ListError> {
        if let Some(tag) = name.strip_suffix("^{}") {
            if let Some(target) = self.names.get_mut(tag) {
                target.peeled = Some(id);
            }
            return Ok(());
        }
        if self.names.len() >= MOST_REFS {
            return Err(ListError::TooMany);
        }
        self.names.insert(name.to_owned(), Target { id, peeled: None });
        Ok(())
    }
}

/// What a server can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Protocol 2, else the one before.
    pub v2: bool,
    values: BTreeMap<String, String>,
}

impl Capabilities {
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a command of protocol 2 has a feature: `fetch=shallow filter`.
    pub fn command_has(&self, command: &str, feature: &str) -> bool {
        self.values.get(command).is_some_and(|list| list.split(' ').any(|its| its == feature))
    }

    fn put(&mut self, text: &str) {
        if self.values.len() < 256 {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            self.values.insert(name.to_owned(), value.to_owned());
        }
    }

    fn check_format(&self) -> Result<(), ListError> {
        match self.values.get("object-format") {
            Some(format) if format != "sha1" => {
                Err(ListError::ObjectFormat(format.chars().take(20).collect()))
            }
            _ => Ok(()),
        }
    }
}

/// The first thing a server says. With the older protocol the names are in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advertisement {
    pub capabilities: Capabilities,
    pub refs: Option<Refs>,
}

/// Reads the first answer. `smart_http` is whether the service's name stands before it.
pub async fn read_advertisement(
    reader: &mut PacketReader,
    smart_http: bool,
) -> Result<Advertisement, ListError> {
    let mut first = first_line(reader).await?;
    if smart_http
        && let Some(line) = &first
        && line.starts_with("# service=")
    {
        if line != "# service=git-upload-pack" {
            return Err(ListError::NotGit);
        }
        match reader.expect().await? {
            Packet::Flush => first = first_line(reader).await?,
            Packet::Line(line) => first = Some(text(&line)),
            _ => return Err(ListError::Malformed),
        }
    }
    let mut found = Advertisement::default();
    if first.as_deref() == Some("version 2") {
        found.capabilities.v2 = true;
        while let Packet::Line(line) = reader.expect().await? {
            found.capabilities.put(&text(&line));
        }
        found.capabilities.check_format()?;
        return Ok(found);
    }
    if first.as_deref() == Some("version 1") {
        first = first_line(reader).await?;
    }
    let mut refs = Refs::default();
    let mut next = first;
    let mut is_first = true;
    while let Some(line) = next {
        let mut line = line.as_str();
        if is_first {
            is_first = false;
            if let Some((name, capabilities)) = line.split_once('\0') {
                capabilities.split(' ').for_each(|one| found.capabilities.put(one));
                found.capabilities.check_format()?;
                line = name;
            }
        }
        let (id, name) = line.split_once(' ').ok_or(ListError::NotGit)?;
        if id != "shallow" {
            let id: ObjectId = id.parse().map_err(|_| ListError::NotGit)?;
            if !(id.is_zero() && name == "capabilities^{}") {
                refs.put(name, id)?;
            }
        }
        next = match reader.expect().await? {
            Packet::Line(line) => Some(text(&line)),
            _ => None,
        };
    }
    found.refs = Some(refs);
    Ok(found)
}

/// The first line of a message; none where it is empty.
async fn first_line(reader: &mut PacketReader) -> Result<Option<String>, ListError> {
    match reader.expect().await {
        Ok(Packet::Line(line)) => Ok(Some(text(&line))),
        Ok(Packet::Flush) => Ok(None),
        Ok(_) => Err(ListError::Malformed),
        Err(PktError::Length) => Err(ListError::NotGit),
        Err(error) => Err(error.into()),
    }
}

/// Reads the answer to `ls-refs`.
pub async fn read_refs(reader: &mut PacketReader) -> Result<Refs, ListError> {
    let mut refs = Refs::default();
    while let Packet::Line(line) = reader.expect().await? {
        let line = text(&line);
        let mut words = line.split(' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            return Err(ListError::Malformed);
        };
        if id == "unborn" {
            continue;
        }
        refs.put(name, id.parse().map_err(|_| ListError::Malformed)?)?;
        for word in words {
            if let Some(peeled) = word.strip_prefix("peeled:") {
                refs.put(&format!("{name}^{{}}"), peeled.parse().map_err(|_| ListError::Malformed)?)?;
            }
        }
    }
    Ok(refs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pkt::{put_flush, put_line};

    const A: &str = "ce013625030ba8dba906f756967f9e9ca394464a";
    const B: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn message(lines: &[&str]) -> PacketReader {
        let mut out = Vec::new();
        for line in lines {
            if line.is_empty() {
                put_flush(&mut out);
            } else {
                put_line(&mut out, line);
            }
        }
        PacketReader::new(std::io::Cursor::new(out), 1 << 20)
    }

    #[tokio::test]
    async fn the_older_protocol_lists_names_at_once() {
        let first = format!("{A} HEAD\0side-band-64k symref=HEAD:refs/heads/main agent=x\n");
        let mut reader = message(&[
            "# service=git-upload-pack\n",
            "",
            &first,
            &format!("{A} refs/heads/main\n"),
            &format!("{B} refs/tags/v1\n"),
            &format!("{A} refs/tags/v1^{{}}\n"),
            "",
        ]);
        let found = read_advertisement(&mut reader, true).await.unwrap();
        assert!(!found.capabilities.v2 && found.capabilities.has("side-band-64k"));
        let refs = found.refs.unwrap();
        assert_eq!(refs.get("refs/tags/v1").unwrap().commit().to_string(), A);
        assert_eq!(refs.under("refs/heads/").map(|(name, _)| name).collect::<Vec<_>>(), ["main"]);
    }

    #[tokio::test]
    async fn protocol_2_lists_names_when_asked() {
        let mut reader = message(&["version 2\n", "agent=git\n", "fetch=shallow filter\n", ""]);
        let found = read_advertisement(&mut reader, true).await.unwrap();
        assert!(found.capabilities.v2 && found.capabilities.command_has("fetch", "filter"));
        let mut reader = message(&[&format!("{B} refs/tags/v1 peeled:{A}\n"), ""]);
        let refs = read_refs(&mut reader).await.unwrap();
        assert_eq!(refs.get("refs/tags/v1").unwrap().commit().to_string(), A);
    }

    #[tokio::test]
    async fn an_empty_repository_lists_nothing() {
        for lines in [
            &["# service=git-upload-pack\n", "", ""][..],
            &[
                "# service=git-upload-pack\n",
                "",
                "0000000000000000000000000000000000000000 capabilities^{}\0a b\n",
                "",
            ],
        ] {
            let found = read_advertisement(&mut message(lines), true).await.unwrap();
            assert!(found.refs.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn lies_and_other_protocols_are_errors() {
        let error = async |lines: &[&str]| {
            read_advertisement(&mut message(lines), true).await.unwrap_err().to_string()
        };
        assert_eq!(error(&["hello"]).await, "the server does not speak the Git protocol");
        assert_eq!(error(&["ERR access denied", ""]).await, "access denied");
        assert!(error(&["version 2", "object-format=sha256", ""]).await.contains("sha256"));
        let mut html = PacketReader::new(&b"<html>"[..], 100);
        assert!(matches!(read_advertisement(&mut html, true).await, Err(ListError::NotGit)));
        assert!(read_refs(&mut message(&["nonsense refs/heads/main", ""])).await.is_err());
        assert!(read_refs(&mut message(&[A])).await.is_err());
    }
}
