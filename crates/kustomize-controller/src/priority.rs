//! Who goes first when a source has a new artifact: the Kustomizations whose last build read what has changed.
//!
//! A build that is not known goes first too: not knowing must never cost anybody its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sluice_manifests::Reads;
use sluice_runtime::Key;

/// What the last build of each Kustomization has looked at.
#[derive(Default)]
pub(crate) struct LastReads {
    reads: Mutex<HashMap<Key, Arc<Reads>>>,
}

impl LastReads {
    pub(crate) fn note(&self, key: Key, reads: Reads) {
        self.reads.lock().expect("no panic while noting").insert(key, Arc::new(reads));
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.reads.lock().expect("no panic while forgetting").remove(key);
    }

    /// Those that one of the changed paths can touch, and the others.
    pub(crate) fn divide(&self, keys: Vec<Key>, changed: &[Arc<str>]) -> (Vec<Key>, Vec<Key>) {
        let reads = self.reads.lock().expect("no panic while ordering");
        let is_touched =
            |key: &Key| reads.get(key).is_none_or(|reads| changed.iter().any(|path| reads.touches(path)));
        keys.into_iter().partition(is_touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_change_touches_goes_first_and_the_unknown_with_it() {
        let last = LastReads::default();
        let key = |name: &str| Key::new("ns", name);
        let of = |file: &str| Reads { files: [file.to_owned()].into(), ..Reads::default() };
        last.note(key("a"), of("a/x.yaml"));
        last.note(key("b"), of("b/x.yaml"));
        let divided = last.divide(vec![key("a"), key("b"), key("new")], &[Arc::from("b/x.yaml")]);
        assert_eq!(divided, (vec![key("b"), key("new")], vec![key("a")]));
    }
}
