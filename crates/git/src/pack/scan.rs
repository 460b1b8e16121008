//! The first pass over a pack: where its entries are, what they build upon, the ids of those that are whole, the checksum.

use sha1::{Digest as _, Sha1};

use super::inflate::Inflater;
use super::spool::{Cursor, Spool};
use super::{Allowance, Base, Entry, PackError};
use crate::object::{IdHasher, Kind, ObjectId};

/// What the first pass found. An id is none for deltas.
pub struct Scanned {
    pub entries: Vec<Entry>,
    pub ids: Vec<Option<ObjectId>>,
}

/// Goes over the whole pack once.
pub fn scan(spool: &Spool, inflater: &mut Inflater, allowance: &mut Allowance) -> Result<Scanned, PackError> {
    let limits = allowance.limits;
    if spool.len() > limits.pack_bytes {
        return Err(PackError::PackTooLarge(limits.pack_bytes));
    }
    let Some(end) = spool.len().checked_sub(20).filter(|end| *end >= 12) else {
        return Err(PackError::Malformed("too short"));
    };
    check_sum(spool, end)?;
    let mut cursor = Cursor::new(spool, 0, end);
    let mut head = [0; 12];
    for byte in &mut head {
        *byte = cursor.byte()?.ok_or(PackError::Malformed("too short"))?;
    }
    if &head[..4] != b"PACK" || !matches!(head[7], 2 | 3) || head[4..7] != [0, 0, 0] {
        return Err(PackError::Malformed("header"));
    }
    let count = u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize;
    if count > limits.objects {
        return Err(PackError::TooManyObjects(limits.objects));
    }
    let mut offsets: Vec<u64> = Vec::new();
    let mut scanned = Scanned { entries: Vec::new(), ids: Vec::new() };
    for _ in 0..count {
        let offset = cursor.position();
        let (entry, id) = scan_entry(&mut cursor, &offsets, inflater, allowance)?;
        offsets.push(offset);
        scanned.entries.push(entry);
        scanned.ids.push(id);
    }
    if cursor.position() != end {
        return Err(PackError::Malformed("bytes after the last object"));
    }
    Ok(scanned)
}

fn check_sum(spool: &Spool, end: u64) -> Result<(), PackError> {
    let mut hasher = Sha1::new();
    let mut cursor = Cursor::new(spool, 0, end);
    loop {
        let bytes = cursor.peek()?;
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        let count = bytes.len();
        cursor.advance(count);
    }
    let mut sum = [0; 20];
    if spool.read_at(end, &mut sum)? != 20 || hasher.finalize()[..] != sum {
        return Err(PackError::Malformed("checksum"));
    }
    Ok(())
}

fn scan_entry(
    cursor: &mut Cursor<'_>,
    offsets: &[u64],
    inflater: &mut Inflater,
    allowance: &mut Allowance,
) -> Result<(Entry, Option<ObjectId>), PackError> {
    let offset = cursor.position();
    let mut next = || cursor.byte()?.ok_or(PackError::Malformed("truncated entry"));
    let mut byte = next()?;
    let letter = byte >> 4 & 7;
    let mut size = u64::from(byte & 15);
    let mut shift = 4;
    while byte & 0x80 != 0 {
        byte = next()?;
        if shift > 53 {
            return Err(PackError::Malformed("entry size"));
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
    }
    let base = match letter {
        1 => Base::Whole(Kind::Commit),
        2 => Base::Whole(Kind::Tree),
        3 => Base::Whole(Kind::Blob),
        4 => Base::Whole(Kind::Tag),
        6 => {
            let mut byte = next()?;
            let mut distance = u64::from(byte & 0x7f);
            while byte & 0x80 != 0 {
                byte = next()?;
                if distance >> 48 != 0 {
                    return Err(PackError::Malformed("delta base"));
                }
                distance = (distance + 1) << 7 | u64::from(byte & 0x7f);
            }
            let at = offset.checked_sub(distance).ok_or(PackError::Malformed("delta base"))?;
            let found = offsets.binary_search(&at).map_err(|_| PackError::Malformed("delta base"))?;
            Base::Entry(found as u32)
        }
        7 => {
            let mut id = [0; 20];
            for byte in &mut id {
                *byte = next()?;
            }
            Base::Id(ObjectId(id))
        }
        _ => return Err(PackError::Malformed("entry kind")),
    };
    allowance.charge(size)?;
    let start = cursor.position();
    let id = match base {
        Base::Whole(kind) => {
            let mut hasher = IdHasher::new(kind, size);
            inflater.each(cursor, size, |bytes| hasher.update(bytes))?;
            Some(hasher.finish())
        }
        Base::Entry(_) | Base::Id(_) => {
            inflater.each(cursor, size, |_| {})?;
            None
        }
    };
    Ok((Entry { start, size, base }, id))
}
