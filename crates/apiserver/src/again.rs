//! Applies that changed nothing, remembered: the same request about an object that has not changed since changes nothing
//! either, and is answered without being read.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::registry::Resource;

/// Requests of one generation; two are kept.
const LIMIT: usize = 8192;

/// All that the outcome of an apply depends on, save the object: a digest, so that nobody's body is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request([u8; 32]);

impl Request {
    /// `None` where more than the request and the object decides: rights are checked in the writing of rights.
    pub fn of(call: &Call, resource: &Resource, subresource: &str) -> Option<Self> {
        if resource.group == crate::rights::GROUP || !subresource.is_empty() {
            return None;
        }
        let mut digest = Sha256::new();
        let parameters =
            ["fieldManager", "force", "fieldValidation"].map(|name| call.parameter(name).as_bytes());
        for part in [call.path.as_bytes()].into_iter().chain(parameters) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.update(&call.body);
        Some(Self(digest.finalize().into()))
    }
}

/// The revisions of the objects that requests did not change.
#[derive(Default)]
pub struct Again {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    younger: HashMap<Request, u64>,
    older: HashMap<Request, u64>,
}

impl Again {
    /// Whether the request did not change the object at this revision.
    pub fn changed_nothing(&self, request: Request, revision: u64) -> bool {
        let known = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        known.younger.get(&request).or_else(|| known.older.get(&request)) == Some(&revision)
    }

    pub fn remember(&self, request: Request, revision: u64) {
        let mut known = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if known.younger.len() >= LIMIT {
            known.older = std::mem::take(&mut known.younger);
        }
        known.younger.insert(request, revision);
    }

    /// Kinds are read otherwise from now on.
    pub fn forget(&self) {
        *self.generations.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_last_ones_and_no_more_than_two_generations() {
        let again = Again::default();
        let request = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            Request(bytes)
        };
        for number in 0..3 * LIMIT {
            again.remember(request(number), 7);
        }
        assert!(again.changed_nothing(request(3 * LIMIT - 1), 7));
        assert!(again.changed_nothing(request(LIMIT), 7));
        assert!(!again.changed_nothing(request(LIMIT), 8), "the object has changed since");
        assert!(!again.changed_nothing(request(0), 7), "too long ago");
        again.forget();
        assert!(!again.changed_nothing(request(3 * LIMIT - 1), 7));
    }
}
