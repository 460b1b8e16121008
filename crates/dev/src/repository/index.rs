//! Git's index: the paths that are tracked. A file that is not an index is one that tracks nothing.

use std::collections::BTreeMap;
use std::path::Path;

use super::Id;

const LARGEST: u64 = 256 << 20;

/// One tracked path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    mode: u32,
    pub id: Id,
}

impl Entry {
    /// Another repository is mounted here.
    pub fn is_module(&self) -> bool {
        self.mode & 0o170_000 == 0o160_000
    }
}

pub fn read(path: &Path) -> BTreeMap<String, Entry> {
    let is_small = path.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST);
    let bytes = if is_small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    parse(&bytes).unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Option<BTreeMap<String, Entry>> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != b"DIRC" {
        return None;
    }
    let (version, count) = (number(4)?, number(8)?);
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut entries = BTreeMap::new();
    let (mut at, mut last) = (12, Vec::new());
    for _ in 0..count {
        let mode = number(at + 24)?;
        let id = Id(bytes.get(at + 40..at + 60)?.try_into().ok()?);
        let flags = u16::from_be_bytes(bytes.get(at + 60..at + 62)?.try_into().ok()?);
        let begin = if flags & 0x4000 != 0 { at + 64 } else { at + 62 };
        let name = if version == 4 {
            let (strip, from) = offset(bytes, begin)?;
            let end = from + bytes.get(from..)?.iter().position(|byte| *byte == 0)?;
            last.truncate(last.len().checked_sub(strip)?);
            last.extend_from_slice(&bytes[from..end]);
            at = end + 1;
            last.clone()
        } else {
            let end = begin + bytes.get(begin..)?.iter().position(|byte| *byte == 0)?;
            let name = bytes[begin..end].to_vec();
            // Entries are padded with one to eight zeros to a multiple of eight.
            at += (end - at + 8) & !7;
            name
        };
        // Stages of a conflict have one path several times; the last one counts for the list of paths.
        if let Ok(name) = String::from_utf8(name) {
            entries.insert(name, Entry { mode, id });
        }
    }
    Some(entries)
}

/// A number as packs write offsets.
fn offset(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some((value, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_an_index_or_none() {
        let mut entry = vec![0_u8; 62];
        entry[24..28].copy_from_slice(&0o100_644_u32.to_be_bytes());
        entry.extend_from_slice(b"a.txt\0\0\0\0\0");
        let mut index = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
        index.extend_from_slice(&entry);
        assert_eq!(parse(&index).unwrap().keys().collect::<Vec<_>>(), ["a.txt"]);
        for length in 0..index.len() {
            let _ = parse(&index[..length]);
        }
        assert!(parse(b"nonsense").is_none());
    }
}
