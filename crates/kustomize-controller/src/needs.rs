//! How much memory the run of each Kustomization needs, where that is more than most need.

use std::collections::HashMap;
use std::sync::Mutex;

use sluice_runtime::Key;

/// Enough for a build of some dozens of objects, and what a run is taken to need before its first build.
const USUAL: u64 = 4 << 20;

/// What a byte that a build reads, makes or writes takes together with its nodes, texts and values, at the worst.
const PER_BYTE: u64 = 16;

/// Known needs in bytes.
#[derive(Default)]
pub(crate) struct Needs {
    known: Mutex<HashMap<Key, u64>>,
}

impl Needs {
    pub(crate) fn of(&self, key: &Key) -> u64 {
        self.known.lock().expect("no panic while looking up").get(key).copied().unwrap_or(USUAL)
    }

    /// The most that anybody needs.
    pub(crate) fn largest(&self) -> u64 {
        self.known.lock().expect("no panic while looking up").values().copied().max().unwrap_or(USUAL)
    }

    /// How many bytes a build may charge in so much memory.
    pub(crate) fn charged_in(memory: u64) -> u64 {
        memory / PER_BYTE
    }

    /// A build has charged so many bytes: the next one may need half as much again.
    pub(crate) fn note_charged(&self, key: Key, bytes: u64) {
        self.note(key, bytes.saturating_mul(PER_BYTE).saturating_mul(3) / 2);
    }

    /// So much was not enough. False: it is all that there is to be had.
    pub(crate) fn note_exceeded(&self, key: Key, memory: u64, most: u64) -> bool {
        self.note(key, memory.saturating_mul(4).min(most));
        memory < most
    }

    fn note(&self, key: Key, bytes: u64) {
        let mut known = self.known.lock().expect("no panic while noting");
        if bytes > USUAL {
            known.insert(key, bytes);
        } else {
            known.remove(&key);
        }
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.known.lock().expect("no panic while forgetting").remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_exceeds_its_memory_gets_more_until_there_is_no_more() {
        let (needs, key) = (Needs::default(), Key::new("ns", "a"));
        let most = 50 << 20;
        let mut given = Vec::new();
        loop {
            given.push(needs.of(&key) >> 20);
            if !needs.note_exceeded(key.clone(), needs.of(&key), most) {
                break;
            }
        }
        assert_eq!(given, [4, 16, 50]);
        assert_eq!(needs.largest(), most);
    }

    #[test]
    fn what_a_build_has_charged_is_what_the_next_one_gets_and_a_half() {
        let (needs, key) = (Needs::default(), Key::new("ns", "a"));
        needs.note_charged(key.clone(), 1 << 20);
        assert_eq!(needs.of(&key), 24 << 20);
        needs.note_charged(key.clone(), 1000);
        assert_eq!(needs.of(&key), USUAL);
    }
}
