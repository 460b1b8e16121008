//! What is remembered of each Kustomization's last build. When a source has a new artifact, those whose build read what has
//! changed go first; the others need not build again.
//!
//! A build that is not known goes first too: not knowing must never cost anybody its turn.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use sluice_api::Kustomization;
use sluice_api::meta::{Artifact, Inventory};
use sluice_manifests::Reads;
use sluice_runtime::Key;

/// All that decides what a build gives, but for the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MadeFrom {
    /// The digest of the artifact, or of a later one in which nothing that was read is another.
    pub(crate) artifact: String,
    /// Of the Kustomization's spec.
    pub(crate) generation: i64,
    /// A hash of the variables.
    pub(crate) inputs: u64,
}

impl MadeFrom {
    /// None where the artifact cannot be told from another.
    pub(crate) fn new(ks: &Kustomization, artifact: &Artifact, inputs: &impl Hash) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        inputs.hash(&mut hasher);
        let from = Self {
            artifact: artifact.digest.clone(),
            generation: ks.metadata.generation,
            inputs: hasher.finish(),
        };
        (!from.artifact.is_empty()).then_some(from)
    }
}

struct Build {
    reads: Reads,
    from: Option<MadeFrom>,
    applied: Option<Applied>,
}

/// A build that was applied as a whole.
struct Applied {
    /// Of the manifests.
    digest: String,
    /// A hash of what the inventory was then.
    inventory: u64,
}

/// The last build of each Kustomization.
#[derive(Default)]
pub(crate) struct LastBuilds {
    builds: Mutex<HashMap<Key, Build>>,
}

impl LastBuilds {
    /// `from` is none where more than that went into the build.
    pub(crate) fn note(&self, key: Key, from: Option<MadeFrom>, reads: Reads) {
        let build = Build { reads, from, applied: None };
        self.builds.lock().expect("no panic while noting").insert(key, build);
    }

    /// Everything that a build has made is in the cluster, and the inventory says so.
    pub(crate) fn note_applied(&self, key: &Key, from: &MadeFrom, digest: &str, inventory: &Inventory) {
        let mut builds = self.builds.lock().expect("no panic while noting");
        if let Some(build) = builds.get_mut(key).filter(|build| build.from.as_ref() == Some(from)) {
            build.applied = Some(Applied { digest: digest.to_owned(), inventory: hash(inventory) });
        }
    }

    /// The digest of the manifests, where a build from the same has been applied and the inventory is still what it was.
    pub(crate) fn applied(&self, key: &Key, from: &MadeFrom, inventory: &Inventory) -> Option<String> {
        let builds = self.builds.lock().expect("no panic while looking up");
        let applied = builds.get(key).filter(|build| build.from.as_ref() == Some(from))?.applied.as_ref()?;
        (applied.inventory == hash(inventory)).then(|| applied.digest.clone())
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.builds.lock().expect("no panic while forgetting").remove(key);
    }

    /// Those that one of the changed paths between two artifacts can touch, and the others, to whom both are the same.
    pub(crate) fn divide(&self, keys: Vec<Key>, step: &Step<'_>) -> (Vec<Key>, Vec<Key>) {
        let mut builds = self.builds.lock().expect("no panic while dividing");
        keys.into_iter().partition(|key| {
            let Some(build) = builds.get_mut(key) else { return true };
            if step.changed.iter().any(|path| build.reads.touches(path)) {
                return true;
            }
            if let Some(from) = build.from.as_mut().filter(|from| from.artifact == step.before) {
                step.now.clone_into(&mut from.artifact);
            }
            false
        })
    }
}

/// From one artifact of a source to the next, by their digests.
pub(crate) struct Step<'a> {
    pub(crate) before: &'a str,
    pub(crate) now: &'a str,
    /// The paths in which they differ.
    pub(crate) changed: &'a [std::sync::Arc<str>],
}

fn hash(inventory: &Inventory) -> u64 {
    let mut hasher = DefaultHasher::new();
    for entry in &inventory.entries {
        (&entry.id, &entry.version).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sluice_api::meta::InventoryEntry;

    use super::*;

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    fn reads(file: &str) -> Reads {
        Reads { files: [file.to_owned()].into(), ..Reads::default() }
    }

    fn from(artifact: &str) -> MadeFrom {
        MadeFrom { artifact: artifact.to_owned(), generation: 1, inputs: 0 }
    }

    fn step<'a>(before: &'a str, now: &'a str, changed: &'a [Arc<str>]) -> Step<'a> {
        Step { before, now, changed }
    }

    #[test]
    fn what_a_change_touches_goes_first_and_the_unknown_with_it() {
        let last = LastBuilds::default();
        last.note(key("a"), Some(from("one")), reads("a/x.yaml"));
        last.note(key("b"), Some(from("one")), reads("b/x.yaml"));
        let keys = vec![key("a"), key("b"), key("new")];
        let divided = last.divide(keys, &step("one", "two", &[Arc::from("b/x.yaml")]));
        assert_eq!(divided, (vec![key("b"), key("new")], vec![key("a")]));
    }

    #[test]
    fn a_build_holds_for_later_artifacts_that_change_nothing_of_it() {
        let last = LastBuilds::default();
        let inventory = Inventory {
            entries: vec![InventoryEntry { id: "ns_a__ConfigMap".into(), version: "v1".into() }],
        };
        let is_known = |artifact: &str| last.applied(&key("a"), &from(artifact), &inventory).is_some();
        last.note(key("a"), Some(from("one")), reads("a/x.yaml"));
        assert!(!is_known("one"), "it is not applied yet");
        last.note_applied(&key("a"), &from("one"), "sha256:x", &inventory);
        assert!(is_known("one"));

        last.divide(vec![key("a")], &step("one", "two", &[Arc::from("b/x.yaml")]));
        assert!(is_known("two") && !is_known("one"));
        // A step that was missed: nobody knows what lies between.
        last.divide(vec![key("a")], &step("three", "four", &[Arc::from("b/x.yaml")]));
        assert!(!is_known("four"));
        last.divide(vec![key("a")], &step("two", "three", &[Arc::from("a/x.yaml")]));
        assert!(!is_known("three"));

        let edited = Inventory::default();
        assert_eq!(last.applied(&key("a"), &from("two"), &edited), None);
        let changed = MadeFrom { generation: 2, ..from("two") };
        assert_eq!(last.applied(&key("a"), &changed, &inventory), None);
    }

    #[test]
    fn the_end_of_an_older_build_says_nothing_of_a_newer_one() {
        let last = LastBuilds::default();
        last.note(key("a"), Some(from("two")), reads("a/x.yaml"));
        last.note_applied(&key("a"), &from("one"), "sha256:x", &Inventory::default());
        assert_eq!(last.applied(&key("a"), &from("two"), &Inventory::default()), None);
    }
}
