//! Git's store of objects: loose files and packs. It is read, never trusted: every size and chain is bounded.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Id;
use super::object::{Object, Sort};

/// No object that we want is larger.
const LARGEST: u64 = 64 << 20;
const LONGEST_CHAIN: usize = 64;
const LARGEST_INDEX: u64 = 1 << 30;

pub struct Odb {
    folder: PathBuf,
}

impl Odb {
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub fn read(&self, id: &Id) -> Option<Object> {
        let (sort, bytes) = self.raw(id, 0)?;
        let object = Object::new(sort, &bytes);
        (object.id() == *id).then_some(object)
    }

    fn raw(&self, id: &Id, depth: usize) -> Option<(Sort, Vec<u8>)> {
        if depth > LONGEST_CHAIN {
            return None;
        }
        self.loose(id).or_else(|| {
            let (pack, offset) = self.find(id)?;
            let mut file = File::open(pack).ok()?;
            self.packed(&mut file, offset, depth)
        })
    }

    fn loose(&self, id: &Id) -> Option<(Sort, Vec<u8>)> {
        let name = id.to_string();
        let file = File::open(self.folder.join(&name[..2]).join(&name[2..])).ok()?;
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(file).take(LARGEST).read_to_end(&mut bytes).ok()?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let sort = match head.split(' ').next()? {
            "commit" => Sort::Commit,
            "tree" => Sort::Tree,
            "blob" => Sort::Blob,
            "tag" => Sort::Tag,
            _ => return None,
        };
        Some((sort, bytes.split_off(end + 1)))
    }

    /// The pack that has an object, and where in it.
    fn find(&self, id: &Id) -> Option<(PathBuf, u64)> {
        let entries = std::fs::read_dir(self.folder.join("pack")).ok()?;
        let mut indexes: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        indexes.retain(|path| path.extension().is_some_and(|end| end == "idx"));
        indexes.sort();
        indexes.into_iter().find_map(|path| Some((path.with_extension("pack"), look_up(&path, id)?)))
    }

    fn packed(&self, file: &mut File, offset: u64, depth: usize) -> Option<(Sort, Vec<u8>)> {
        if depth > LONGEST_CHAIN {
            return None;
        }
        file.seek(SeekFrom::Start(offset)).ok()?;
        let mut head = [0; 64];
        let have = file.read(&mut head).ok()?;
        let mut at = 0;
        let mut next = || {
            let byte = *head[..have].get(at)?;
            at += 1;
            Some(byte)
        };
        let mut byte = next()?;
        let kind = byte >> 4 & 7;
        let (mut size, mut shift) = (u64::from(byte & 15), 4);
        while byte & 0x80 != 0 {
            byte = next()?;
            size |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
        }
        if size > LARGEST {
            return None;
        }
        let base = match kind {
            6 => {
                let mut byte = next()?;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = next()?;
                    back = back.checked_add(1)?.checked_mul(128)? + u64::from(byte & 0x7f);
                }
                Some(Base::At(offset.checked_sub(back).filter(|_| back > 0)?))
            }
            7 => {
                let mut id = [0; 20];
                for one in &mut id {
                    *one = next()?;
                }
                Some(Base::Named(Id(id)))
            }
            _ => None,
        };
        file.seek(SeekFrom::Start(offset + at as u64)).ok()?;
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(&*file).take(size + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 != size {
            return None;
        }
        let sort = match (kind, base) {
            (1, _) => Sort::Commit,
            (2, _) => Sort::Tree,
            (3, _) => Sort::Blob,
            (4, _) => Sort::Tag,
            (_, Some(base)) => {
                let (sort, base) = match base {
                    Base::At(offset) => self.packed(file, offset, depth + 1)?,
                    Base::Named(id) => self.raw(&id, depth + 1)?,
                };
                return Some((sort, patched(&base, &bytes)?));
            }
            _ => return None,
        };
        Some((sort, bytes))
    }
}

enum Base {
    At(u64),
    Named(Id),
}

/// Version 2 of a pack's index: how many names begin with which byte, the names, checksums, places.
fn look_up(path: &Path, id: &Id) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut at = |place: u64, bytes: &mut [u8]| {
        file.seek(SeekFrom::Start(place)).ok()?;
        file.read_exact(bytes).ok()
    };
    let mut head = vec![0; 8 + 256 * 4];
    at(0, &mut head)?;
    if head[..8] != *b"\xfftOc\0\0\0\x02" || length > LARGEST_INDEX {
        return None;
    }
    let fan = |byte: usize| {
        let place = 8 + 4 * byte;
        head[place..place + 4].iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
    };
    let first = usize::from(id.0[0]);
    let (mut low, mut high) = (if first == 0 { 0 } else { fan(first - 1) }, fan(first));
    let (count, names) = (fan(255), 8 + 256 * 4);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut name = [0; 20];
        at(names + 20 * middle, &mut name)?;
        match name.cmp(&id.0) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => {
                let mut small = [0; 4];
                at(names + 24 * count + 4 * middle, &mut small)?;
                let small = u64::from(u32::from_be_bytes(small));
                if small & 0x8000_0000 == 0 {
                    return Some(small);
                }
                let mut large = [0; 8];
                at(names + 28 * count + 8 * (small & 0x7fff_ffff), &mut large)?;
                return Some(u64::from_be_bytes(large));
            }
        }
    }
    None
}

/// What a delta makes of its base.
fn patched(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = delta.iter().copied();
    let mut size = || {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes.next()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    };
    let (from, to) = (size()?, size()?);
    if from != base.len() as u64 || to > LARGEST {
        return None;
    }
    let mut out = Vec::with_capacity(to as usize);
    while let Some(byte) = bytes.next() {
        if byte & 0x80 == 0 {
            if byte == 0 {
                return None;
            }
            for _ in 0..byte {
                out.push(bytes.next()?);
            }
        } else {
            let mut number = |bits: std::ops::Range<u8>| {
                let mut value = 0_usize;
                for (at, bit) in bits.enumerate() {
                    if byte & 1 << bit != 0 {
                        value |= usize::from(bytes.next()?) << (8 * at);
                    }
                }
                Some(value)
            };
            let (begin, length) = (number(0..4)?, number(4..7)?);
            let length = if length == 0 { 0x10000 } else { length };
            out.extend_from_slice(base.get(begin..begin.checked_add(length)?)?);
        }
        if out.len() as u64 > to {
            return None;
        }
    }
    (out.len() as u64 == to).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_copies_and_inserts_and_never_panics() {
        let base = b"hello world";
        // Base of 11, result of 8: the first five bytes, then "abc".
        let delta = [11, 8, 0x90, 5, 3, b'a', b'b', b'c'];
        assert_eq!(patched(base, &delta).as_deref(), Some(&b"helloabc"[..]));
        for at in 0..delta.len() {
            for value in 0..=255 {
                let mut other = delta;
                other[at] = value;
                let _ = patched(base, &other);
            }
            assert!(patched(base, &delta[..at]).is_none());
        }
    }
}
