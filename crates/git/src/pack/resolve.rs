//! The second pass over a pack: every delta is applied once, from the bases upwards, so that every object has its id.
//!
//! What is held at one time is bounded: past the bound an intermediate object is made again when it is needed.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::inflate::Inflater;
use super::scan::Scanned;
use super::spool::Spool;
use super::{Allowance, Base, Entry, PackError, apply, delta_size};
use crate::object::{Kind, ObjectId};

/// Longer chains of deltas are refused; Git itself makes none longer.
const LONGEST_CHAIN: usize = 4096;

/// All entries with their ids and kinds.
pub struct Resolved {
    pub entries: Vec<Entry>,
    pub ids: Vec<ObjectId>,
    pub kinds: Vec<Kind>,
}

struct Work<'a> {
    spool: &'a Spool,
    inflater: &'a mut Inflater,
    allowance: &'a mut Allowance,
    entries: Vec<Entry>,
    ids: Vec<Option<ObjectId>>,
    kinds: Vec<Option<Kind>>,
    /// (base, delta) by number, sorted.
    by_entry: Vec<(u32, u32)>,
    /// Deltas that name their base by id.
    by_id: BTreeMap<ObjectId, Vec<u32>>,
}

/// Applies all deltas of a pack.
pub fn resolve(
    spool: &Spool,
    scanned: Scanned,
    inflater: &mut Inflater,
    allowance: &mut Allowance,
) -> Result<Resolved, PackError> {
    let mut by_entry = Vec::new();
    let mut by_id: BTreeMap<ObjectId, Vec<u32>> = BTreeMap::new();
    let mut kinds = vec![None; scanned.entries.len()];
    for (i, entry) in scanned.entries.iter().enumerate() {
        match entry.base {
            Base::Whole(kind) => kinds[i] = Some(kind),
            Base::Entry(base) => by_entry.push((base, i as u32)),
            Base::Id(id) => by_id.entry(id).or_default().push(i as u32),
        }
    }
    by_entry.sort_unstable();
    let mut work = Work {
        spool,
        inflater,
        allowance,
        entries: scanned.entries,
        ids: scanned.ids,
        kinds,
        by_entry,
        by_id,
    };
    for at in 0..work.entries.len() as u32 {
        if matches!(work.entries[at as usize].base, Base::Whole(_)) {
            work.expand(at)?;
        }
    }
    let unresolved = || PackError::Malformed("a delta's base is missing");
    Ok(Resolved {
        ids: work.ids.into_iter().collect::<Option<_>>().ok_or_else(unresolved)?,
        kinds: work.kinds.into_iter().collect::<Option<_>>().ok_or_else(unresolved)?,
        entries: work.entries,
    })
}

impl Work<'_> {
    /// Applies everything that builds upon a whole object.
    fn expand(&mut self, root: u32) -> Result<(), PackError> {
        // Entries whose deltas are still to be applied; content is none where it must be made again.
        let mut waiting: Vec<(u32, Option<Bytes>)> = vec![(root, None)];
        let mut held = 0_u64;
        while let Some((at, content)) = waiting.pop() {
            let children = self.children(at);
            if children.is_empty() {
                continue;
            }
            let base = match content {
                Some(content) => {
                    held -= content.len() as u64;
                    content
                }
                None => self.make(at)?,
            };
            for child in children {
                let patch = self.inflate(child)?;
                self.allowance.charge(delta_size(&patch)?)?;
                let made = apply(&base, &patch)?;
                let kind = self.kinds[at as usize];
                self.kinds[child as usize] = kind;
                self.ids[child as usize] = kind.map(|kind| ObjectId::of(kind, &made));
                self.entries[child as usize].base = Base::Entry(at);
                let keep = held + made.len() as u64 <= self.allowance.limits.held_bytes;
                if keep {
                    held += made.len() as u64;
                }
                waiting.push((child, keep.then(|| Bytes::from(made))));
            }
        }
        Ok(())
    }

    /// The deltas upon an entry that have not been applied yet.
    fn children(&mut self, at: u32) -> Vec<u32> {
        let from = self.by_entry.partition_point(|(base, _)| *base < at);
        let mut found: Vec<u32> = self.by_entry[from..]
            .iter()
            .take_while(|(base, _)| *base == at)
            .map(|(_, child)| *child)
            .collect();
        if let Some(id) = self.ids[at as usize]
            && let Some(more) = self.by_id.remove(&id)
        {
            found.extend(more);
        }
        found
    }

    /// Makes an object again from its chain.
    fn make(&mut self, at: u32) -> Result<Bytes, PackError> {
        let mut chain = Vec::new();
        let mut next = at;
        while let Base::Entry(base) = self.entries[next as usize].base {
            chain.push(next);
            next = base;
            if chain.len() > LONGEST_CHAIN {
                return Err(PackError::Malformed("too long a chain of deltas"));
            }
        }
        let mut content = self.inflate(next)?;
        while let Some(above) = chain.pop() {
            let patch = self.inflate(above)?;
            self.allowance.charge(delta_size(&patch)?)?;
            content = apply(&content, &patch)?;
        }
        Ok(Bytes::from(content))
    }

    fn inflate(&mut self, at: u32) -> Result<Vec<u8>, PackError> {
        let entry = self.entries[at as usize];
        self.allowance.charge(entry.size)?;
        self.inflater.whole(self.spool, entry.start, entry.size)
    }
}
