//! Packs: what a server sends. A pack is scanned once, every object gets its id from its own bytes, and objects are then
//! read by id.
//!
//! Everything is bounded: bytes of the pack, objects, bytes of one object, bytes inflated in all, and the memory that
//! resolving deltas may hold. A pack that needs an object outside itself is refused, as none is ever asked for.

mod delta;
mod inflate;
mod resolve;
mod scan;
mod spool;

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;

use crate::object::{Kind, ObjectId};
use inflate::Inflater;
pub use spool::Spool;

/// Bounds of one pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub pack_bytes: u64,
    pub objects: usize,
    pub object_bytes: u64,
    /// Everything that is ever inflated from the pack.
    pub inflated_bytes: u64,
    /// What resolving may hold in memory at one time.
    pub held_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pack_bytes: 1 << 30,
            objects: 1_000_000,
            object_bytes: 128 << 20,
            inflated_bytes: 16 << 30,
            held_bytes: 48 << 20,
        }
    }
}

/// Why a pack or an object in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("malformed pack: {0}")]
    Malformed(&'static str),
    #[error("the pack is larger than {0} bytes")]
    PackTooLarge(u64),
    #[error("the pack holds more than {0} objects")]
    TooManyObjects(usize),
    #[error("the pack holds an object larger than {0} bytes")]
    ObjectTooLarge(u64),
    #[error("the pack inflates to more than {0} bytes")]
    TooMuchInflated(u64),
    #[error("read the pack")]
    Io(#[from] io::Error),
    #[error("object not found")]
    NotFound(ObjectId),
}

/// Where an object's bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Whole(Kind),
    /// A delta upon the entry with this number.
    Entry(u32),
    /// A delta upon an object named by id; not yet known which entry that is.
    Id(ObjectId),
}

/// One entry of the pack.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where its compressed bytes begin.
    start: u64,
    /// Size after inflating: of the object, or of the delta.
    size: u64,
    base: Base,
}

/// What was inflated, against what may be.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    left: u64,
    limits: Limits,
}

impl Allowance {
    fn charge(&mut self, bytes: u64) -> Result<(), PackError> {
        if bytes > self.limits.object_bytes {
            return Err(PackError::ObjectTooLarge(self.limits.object_bytes));
        }
        self.left =
            self.left.checked_sub(bytes).ok_or(PackError::TooMuchInflated(self.limits.inflated_bytes))?;
        Ok(())
    }
}

/// A pack whose objects can be read.
pub struct Pack {
    spool: Spool,
    entries: Vec<Entry>,
    kinds: Vec<Kind>,
    /// Sorted by id.
    index: Vec<(ObjectId, u32)>,
    allowance: Allowance,
    inflater: Inflater,
    cache: Cache,
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pack({} objects)", self.entries.len())
    }
}

impl Pack {
    /// Scans a whole pack and names its objects.
    pub fn open(spool: Spool, limits: Limits) -> Result<Self, PackError> {
        let mut allowance = Allowance { left: limits.inflated_bytes, limits };
        let mut inflater = Inflater::default();
        let scanned = scan::scan(&spool, &mut inflater, &mut allowance)?;
        let resolved = resolve::resolve(&spool, scanned, &mut inflater, &mut allowance)?;
        let mut index: Vec<(ObjectId, u32)> =
            resolved.ids.iter().enumerate().map(|(i, id)| (*id, i as u32)).collect();
        index.sort_unstable();
        Ok(Self {
            spool,
            entries: resolved.entries,
            kinds: resolved.kinds,
            index,
            allowance,
            inflater,
            cache: Cache::default(),
        })
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The kind of an object, if it is here.
    pub fn kind(&self, id: ObjectId) -> Option<Kind> {
        self.find(id).map(|at| self.kinds[at as usize])
    }

    /// The bytes of an object.
    pub fn read(&mut self, id: ObjectId) -> Result<(Kind, Bytes), PackError> {
        let at = self.find(id).ok_or(PackError::NotFound(id))?;
        let kind = self.kinds[at as usize];
        let mut chain = Vec::new();
        let mut next = at;
        let mut content = loop {
            if let Some(kept) = self.cache.take(next) {
                break kept;
            }
            let entry = self.entries[next as usize];
            match entry.base {
                Base::Entry(base) => {
                    chain.push(next);
                    next = base;
                }
                Base::Whole(_) => {
                    let bytes = Bytes::from(self.inflate(next)?);
                    if !chain.is_empty() {
                        self.cache.put(next, &bytes);
                    }
                    break bytes;
                }
                Base::Id(_) => return Err(PackError::Malformed("unresolved delta")),
            }
        };
        while let Some(above) = chain.pop() {
            let patch = self.inflate(above)?;
            self.allowance.charge(delta_size(&patch)?)?;
            content = Bytes::from(apply(&content, &patch)?);
            if !chain.is_empty() {
                self.cache.put(above, &content);
            }
        }
        Ok((kind, content))
    }

    fn inflate(&mut self, at: u32) -> Result<Vec<u8>, PackError> {
        let entry = self.entries[at as usize];
        self.allowance.charge(entry.size)?;
        self.inflater.whole(&self.spool, entry.start, entry.size)
    }

    fn find(&self, id: ObjectId) -> Option<u32> {
        self.index.binary_search_by(|(its, _)| its.cmp(&id)).ok().map(|at| self.index[at].1)
    }
}

fn delta_size(patch: &[u8]) -> Result<u64, PackError> {
    delta::result_size(patch).map_err(|_| PackError::Malformed("delta"))
}

fn apply(base: &[u8], patch: &[u8]) -> Result<Vec<u8>, PackError> {
    delta::apply(base, patch).map_err(|_| PackError::Malformed("delta"))
}

/// Bases of deltas that were read lately.
#[derive(Debug, Default)]
struct Cache {
    kept: BTreeMap<u32, (u64, Bytes)>,
    bytes: usize,
    clock: u64,
}

const CACHE_BYTES: usize = 8 << 20;

impl Cache {
    fn take(&mut self, at: u32) -> Option<Bytes> {
        self.clock += 1;
        let (used, bytes) = self.kept.get_mut(&at)?;
        *used = self.clock;
        Some(bytes.clone())
    }

    fn put(&mut self, at: u32, bytes: &Bytes) {
        if bytes.len() > CACHE_BYTES / 4 || self.kept.contains_key(&at) {
            return;
        }
        while self.bytes + bytes.len() > CACHE_BYTES || self.kept.len() >= 1024 {
            let Some(oldest) = self.kept.iter().min_by_key(|(_, (used, _))| *used).map(|(at, _)| *at) else {
                break;
            };
            if let Some((_, gone)) = self.kept.remove(&oldest) {
                self.bytes -= gone.len();
            }
        }
        self.clock += 1;
        self.bytes += bytes.len();
        self.kept.insert(at, (self.clock, bytes.clone()));
    }
}

#[cfg(test)]
#[path = "pack/tests.rs"]
mod tests;
