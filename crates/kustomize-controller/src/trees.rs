//! Unpacked artifacts, shared by all Kustomizations of one digest; what nobody has used lately gives way.
//!
//! A tree holds the memory that it was reserved for as long as anybody uses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sluice_api::meta::Artifact;
use sluice_net::{Clients, Settings};
use sluice_runtime::failure::chain;
use sluice_runtime::memory::{GivesWay, Reservation};
use sluice_runtime::{Engines, Memory};
use sluice_tree::unpack::{Limits, UnpackError};
use sluice_tree::{Fingerprints, Memory as Files};
use tokio::sync::{OnceCell, Semaphore};

/// Bytes of unpacked files that are kept for the next reconcile.
const KEPT: u64 = 64 << 20;
/// The same as a share of the memory budget.
const KEPT_SHARE: u64 = 8;

/// A compressed artifact may not be larger.
const LARGEST: u64 = 512 << 20;

/// How much larger than its archive a tree is taken to be before it has been seen.
const TIMES_UNPACKED: u64 = 8;
/// The least that is taken for a tree, and what one is taken for whose archive does not tell its size.
const SMALL: u64 = 1 << 20;
const UNTOLD: u64 = 16 << 20;
/// What a file costs beside its content.
const PER_FILE: u64 = 512;
/// Sizes that are remembered.
const MOST_SIZES: usize = 1000;

type Slot = Arc<OnceCell<Arc<Unpacked>>>;

/// One artifact, verified and unpacked.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) tree: Files,
    pub(crate) bytes: u64,
    pub(crate) fingerprints: Arc<Fingerprints>,
    memory: Reservation,
}

impl Unpacked {
    /// What it takes of the memory budget.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.bytes()
    }
}

/// Why an artifact could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("artifact not found")]
    NotFound,
    #[error("the artifact is larger than it was taken to be")]
    NoRoom,
    #[error("{0}")]
    Failed(String),
}

/// The cache of unpacked artifacts, by digest.
pub(crate) struct Trees {
    slots: Mutex<HashMap<String, (Slot, u64)>>,
    /// What artifacts need that need more than was guessed.
    sizes: Mutex<HashMap<String, u64>>,
    kept: u64,
    /// The most memory that a tree may have; none where there is no budget.
    most: Option<u64>,
    fetching: Semaphore,
    clients: Clients,
    retries: u32,
    /// Replaces the host of artifact URLs, for processes that run outside the cluster.
    localhost: Option<String>,
}

impl Trees {
    pub(crate) fn new(memory: &Memory, at_once: usize, retries: u32, localhost: Option<String>) -> Self {
        Self {
            slots: Mutex::default(),
            sizes: Mutex::default(),
            kept: memory.capped(KEPT, KEPT_SHARE),
            most: memory.most().map(|most| most / 4 * 3),
            fetching: Semaphore::new(at_once),
            clients: Clients::default(),
            retries,
            localhost,
        }
    }

    /// What has to be reserved to have the tree of an artifact: nothing where it is here.
    pub(crate) fn cost(&self, artifact: &Artifact) -> u64 {
        if self.known(&artifact.digest).is_some() { 0 } else { self.size(artifact) }
    }

    /// What the tree of an artifact takes, or is taken to take.
    pub(crate) fn size(&self, artifact: &Artifact) -> u64 {
        if let Some(known) = self.known(&artifact.digest) {
            return known.memory();
        }
        let sizes = self.sizes.lock().expect("no panic while looking up");
        let archive = artifact.size.and_then(|size| u64::try_from(size).ok());
        let guess = archive.map_or(UNTOLD, |size| size.saturating_mul(TIMES_UNPACKED).max(SMALL));
        sizes.get(&artifact.digest).copied().unwrap_or(guess)
    }

    /// The tree of an artifact, in memory that is reserved already. Many callers of one digest cause one download.
    pub(crate) async fn get(
        &self,
        artifact: &Artifact,
        engines: &Engines,
        memory: Reservation,
    ) -> Result<Arc<Unpacked>, FetchError> {
        let slot = self.slot(&artifact.digest);
        let unpacked = slot
            .get_or_try_init(|| async {
                let _permit = self.fetching.acquire().await.expect("the semaphore is never closed");
                self.fetch(artifact, engines, memory).await.map(Arc::new)
            })
            .await?;
        let unpacked = Arc::clone(unpacked);
        self.make_room(&artifact.digest);
        Ok(unpacked)
    }

    /// The tree of a digest, if it is still here.
    pub(crate) fn known(&self, digest: &str) -> Option<Arc<Unpacked>> {
        let slots = self.slots.lock().expect("no panic while looking up");
        slots.get(digest)?.0.get().cloned()
    }

    async fn fetch(
        &self,
        artifact: &Artifact,
        engines: &Engines,
        mut memory: Reservation,
    ) -> Result<Unpacked, FetchError> {
        let failed = |error: &dyn std::error::Error| FetchError::Failed(chain(error));
        let client = self.clients.client(&Settings::default()).map_err(|error| failed(&error))?;
        let mut fetcher = sluice_artifact::Fetcher::new(client, self.retries);
        fetcher.host.clone_from(&self.localhost);
        fetcher.download_bytes = LARGEST;
        let downloaded = match fetcher.download(&artifact.url, &artifact.digest).await {
            Ok(downloaded) => downloaded,
            Err(sluice_artifact::fetch::FetchError::NotFound) => return Err(FetchError::NotFound),
            Err(error) => return Err(failed(&error)),
        };
        let limits = self.limits(memory.bytes());
        let unpack = move || downloaded.into_memory(limits);
        let unpacked = engines.run(unpack).await.map_err(|panic| failed(&panic))?;
        let (tree, unpacked) = match unpacked {
            Ok(unpacked) => unpacked,
            Err(error) if limits.bytes < Limits::default().bytes && is_too_large(&error) => {
                self.note_size(&artifact.digest, self.more_than(memory.bytes()));
                return Err(FetchError::NoRoom);
            }
            Err(error) => return Err(failed(&error)),
        };
        let size = unpacked.bytes + unpacked.files as u64 * PER_FILE;
        if self.most.is_some() {
            self.note_size(&artifact.digest, size);
            drop(memory.split(memory.bytes().saturating_sub(size)));
        }
        let fingerprints = Arc::new(unpacked.fingerprints);
        Ok(Unpacked { tree, bytes: unpacked.bytes, fingerprints, memory })
    }

    /// What may be unpacked into so much memory.
    fn limits(&self, bytes: u64) -> Limits {
        let limits = Limits::default();
        if self.most.is_none() {
            return limits;
        }
        let entries = limits.entries.min((bytes / PER_FILE) as usize);
        Limits { bytes: limits.bytes.min(bytes), entries, ..limits }
    }

    /// What to take next for a tree that so much was not enough for. Beyond the most that one may have nothing is granted.
    fn more_than(&self, bytes: u64) -> u64 {
        let most = self.most.filter(|most| bytes < *most);
        most.map_or(u64::MAX, |most| most.min(bytes.max(SMALL).saturating_mul(4)))
    }

    fn note_size(&self, digest: &str, bytes: u64) {
        let mut sizes = self.sizes.lock().expect("no panic while noting");
        if sizes.len() >= MOST_SIZES {
            sizes.clear();
        }
        sizes.insert(digest.to_owned(), bytes);
    }

    fn slot(&self, digest: &str) -> Slot {
        let mut slots = self.slots.lock().expect("no panic while looking up");
        let newest = slots.values().map(|(_, used)| *used).max().unwrap_or(0) + 1;
        let entry = slots.entry(digest.to_owned()).or_default();
        entry.1 = newest;
        Arc::clone(&entry.0)
    }

    /// Drops the trees used longest ago until the rest is small enough. Trees in use live on with their users.
    fn make_room(&self, in_use: &str) {
        let is_idle = |digest: &str, _: &Slot| digest != in_use;
        while self.kept_bytes() > self.kept && self.drop_oldest(is_idle) {}
    }

    fn kept_bytes(&self) -> u64 {
        let slots = self.slots.lock().expect("no panic while counting");
        slots.values().filter_map(|(slot, _)| slot.get()).map(|unpacked| unpacked.bytes).sum()
    }

    /// Forgets the one used longest ago of those that may go; false where there is none.
    fn drop_oldest(&self, may_go: impl Fn(&str, &Slot) -> bool) -> bool {
        let mut slots = self.slots.lock().expect("no panic while making room");
        let oldest = slots
            .iter()
            .filter(|(digest, (slot, _))| slot.initialized() && may_go(digest, slot))
            .min_by_key(|(_, (_, used))| *used)
            .map(|(digest, _)| digest.clone());
        let dropped = oldest.and_then(|oldest| slots.remove(&oldest));
        // What is dropped gives memory back, and that may ask for more to be dropped.
        drop(slots);
        dropped.is_some()
    }
}

impl GivesWay for Trees {
    fn give_way(&self) -> bool {
        self.drop_oldest(|_, slot| slot.get().is_some_and(|tree| Arc::strong_count(tree) == 1))
    }
}

fn is_too_large(error: &sluice_artifact::fetch::FetchError) -> bool {
    let sluice_artifact::fetch::FetchError::Unpack(error) = error else { return false };
    matches!(error, UnpackError::TooLarge { .. } | UnpackError::TooMany(_))
}
