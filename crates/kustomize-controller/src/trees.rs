//! Unpacked artifacts, shared by all Kustomizations of one digest; what nobody has used lately gives way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sluice_api::meta::Artifact;
use sluice_net::{Clients, Settings};
use sluice_runtime::Engines;
use sluice_runtime::failure::chain;
use sluice_tree::unpack::Limits;
use sluice_tree::{Fingerprints, Memory};
use tokio::sync::{OnceCell, Semaphore};

/// Bytes of unpacked files that are kept for the next reconcile.
const KEPT: u64 = 64 << 20;

/// A compressed artifact may not be larger.
const LARGEST: u64 = 512 << 20;

type Slot = Arc<OnceCell<Arc<Unpacked>>>;

/// One artifact, verified and unpacked.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) tree: Memory,
    pub(crate) bytes: u64,
    pub(crate) fingerprints: Fingerprints,
}

/// Why an artifact could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("artifact not found")]
    NotFound,
    #[error("{0}")]
    Failed(String),
}

/// The cache of unpacked artifacts, by digest.
pub(crate) struct Trees {
    slots: Mutex<HashMap<String, (Slot, u64)>>,
    fetching: Semaphore,
    clients: Clients,
    retries: u32,
    /// Replaces the host of artifact URLs, for processes that run outside the cluster.
    localhost: Option<String>,
}

impl Trees {
    pub(crate) fn new(at_once: usize, retries: u32, localhost: Option<String>) -> Self {
        Self {
            slots: Mutex::default(),
            fetching: Semaphore::new(at_once),
            clients: Clients::default(),
            retries,
            localhost,
        }
    }

    /// The tree of an artifact. Many callers of one digest cause one download.
    pub(crate) async fn get(
        &self,
        artifact: &Artifact,
        engines: &Engines,
    ) -> Result<Arc<Unpacked>, FetchError> {
        let slot = self.slot(&artifact.digest);
        let unpacked = slot
            .get_or_try_init(|| async {
                let _permit = self.fetching.acquire().await.expect("the semaphore is never closed");
                self.fetch(artifact, engines).await.map(Arc::new)
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

    async fn fetch(&self, artifact: &Artifact, engines: &Engines) -> Result<Unpacked, FetchError> {
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
        let unpack = move || downloaded.into_memory(Limits::default());
        let unpacked = engines.run(unpack).await.map_err(|panic| failed(&panic))?;
        let (tree, unpacked) = unpacked.map_err(|error| failed(&error))?;
        Ok(Unpacked { tree, bytes: unpacked.bytes, fingerprints: unpacked.fingerprints })
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
        let mut slots = self.slots.lock().expect("no panic while making room");
        loop {
            let sizes = slots.values().filter_map(|(slot, _)| slot.get()).map(|unpacked| unpacked.bytes);
            if sizes.sum::<u64>() <= KEPT {
                return;
            }
            let oldest = slots
                .iter()
                .filter(|(digest, (slot, _))| *digest != in_use && slot.initialized())
                .min_by_key(|(_, (_, used))| *used)
                .map(|(digest, _)| digest.clone());
            let Some(oldest) = oldest else { return };
            slots.remove(&oldest);
        }
    }
}
