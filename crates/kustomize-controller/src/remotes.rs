//! Clients of other clusters, shared by all Kustomizations that get in by the same credentials; what nobody has used
//! lately gives way.

use std::collections::HashMap;
use std::sync::Mutex;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sluice_cluster::Cluster;

/// Clients that are kept for the next reconcile.
const KEPT: usize = 128;

/// A token, and until when it is used: not to the end of its life, since a run takes a while.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) fresh_until: Timestamp,
}

/// What one cache holds by the digest of what it was made from: secrets themselves are no keys.
struct Cache<T> {
    entries: Mutex<HashMap<[u8; 32], (T, u64)>>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<T: Clone> Cache<T> {
    fn get(&self, key: &[u8; 32]) -> Option<T> {
        let mut entries = self.entries.lock().expect("no panic while looking up");
        let newest = newest(&entries) + 1;
        let (value, used) = entries.get_mut(key)?;
        *used = newest;
        Some(value.clone())
    }

    fn put(&self, key: [u8; 32], value: T, most: usize) {
        let mut entries = self.entries.lock().expect("no panic while keeping");
        let newest = newest(&entries) + 1;
        entries.insert(key, (value, newest));
        while entries.len() > most {
            let oldest = entries.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { return };
            entries.remove(&oldest);
        }
    }
}

fn newest<T>(entries: &HashMap<[u8; 32], (T, u64)>) -> u64 {
    entries.values().map(|(_, used)| *used).max().unwrap_or(0)
}

/// The clients and tokens of this process.
#[derive(Default)]
pub(crate) struct Remotes {
    clusters: Cache<Cluster>,
    tokens: Cache<Token>,
}

impl Remotes {
    pub(crate) fn cluster(&self, parts: &[&[u8]]) -> Option<Cluster> {
        self.clusters.get(&digest(parts))
    }

    pub(crate) fn keep_cluster(&self, parts: &[&[u8]], cluster: Cluster) {
        self.clusters.put(digest(parts), cluster, KEPT);
    }

    pub(crate) fn token(&self, parts: &[&[u8]], now: Timestamp) -> Option<String> {
        self.tokens.get(&digest(parts)).filter(|token| now < token.fresh_until).map(|token| token.text)
    }

    pub(crate) fn keep_token(&self, parts: &[&[u8]], token: Token, most: usize) {
        self.tokens.put(digest(parts), token, most);
    }
}

/// Each part with its length before it: no two lists of parts look alike.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_gives_way() {
        let cache = Cache::default();
        let key = |at: u8| [at; 32];
        cache.put(key(1), 1, 2);
        cache.put(key(2), 2, 2);
        assert_eq!(cache.get(&key(1)), Some(1));
        cache.put(key(3), 3, 2);
        assert_eq!((cache.get(&key(1)), cache.get(&key(2)), cache.get(&key(3))), (Some(1), None, Some(3)));
    }

    #[test]
    fn a_token_is_used_while_it_is_fresh() {
        let remotes = Remotes::default();
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let parts: [&[u8]; 2] = [b"a", b"bc"];
        remotes.keep_token(&parts, Token { text: "t".into(), fresh_until: at(10) }, 10);
        assert_eq!(remotes.token(&parts, at(9)).as_deref(), Some("t"));
        assert_eq!((remotes.token(&parts, at(10)), remotes.token(&[b"ab", b"c"], at(9))), (None, None));
    }
}
