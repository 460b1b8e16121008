//! Unpacked artifacts, shared by all Kustomizations of one digest; what nobody has used lately gives way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use sluice_api::meta::Artifact;
use sluice_net::client::{Clients, Settings, read_bounded};
use sluice_runtime::Engines;
use sluice_runtime::failure::chain;
use sluice_tree::unpack::{Limits, unpack_memory};
use sluice_tree::{Digest, Fingerprints, Memory};
use tokio::sync::{OnceCell, Semaphore};

/// Bytes of unpacked files that are kept for the next reconcile.
const KEPT: u64 = 64 << 20;

/// A compressed artifact may not be larger.
const LARGEST: usize = 512 << 20;
const WITHIN: Duration = Duration::from_secs(300);

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
        let bytes = self.download(artifact).await?;
        let wanted = artifact.digest.clone();
        let unpack = move || -> Result<Unpacked, FetchError> {
            verify(&bytes, &wanted)?;
            let unpacked = unpack_memory(&bytes[..], Limits::default());
            let (tree, unpacked) = unpacked.map_err(|error| FetchError::Failed(chain(&error)))?;
            Ok(Unpacked { tree, bytes: unpacked.bytes, fingerprints: unpacked.fingerprints })
        };
        engines.run(unpack).await.map_err(|error| FetchError::Failed(error.to_string()))?
    }

    async fn download(&self, artifact: &Artifact) -> Result<Bytes, FetchError> {
        let url = match &self.localhost {
            Some(host) => with_host(&artifact.url, host),
            None => artifact.url.clone(),
        };
        let broken = |text: String| FetchError::Failed(format!("failed to download archive: {text}"));
        let client = self.clients.client(&Settings::default()).map_err(|error| broken(chain(&error)))?;
        let mut pause = Duration::from_millis(500);
        for attempt in 0.. {
            let text = match client.get(&url).timeout(WITHIN).send().await {
                Ok(response) if response.status().as_u16() == 404 => return Err(FetchError::NotFound),
                Ok(response) if response.status().is_success() => {
                    match read_bounded(response, LARGEST).await {
                        Ok(bytes) => return Ok(bytes),
                        Err(error) => chain(&error),
                    }
                }
                Ok(response) => format!("{url} answered {}", response.status()),
                Err(error) => chain(&error),
            };
            if attempt >= self.retries {
                return Err(broken(text));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(30));
        }
        unreachable!("the loop ends by returning")
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

fn verify(bytes: &[u8], wanted: &str) -> Result<(), FetchError> {
    let wanted: Digest = wanted
        .parse()
        .map_err(|error| FetchError::Failed(format!("the artifact's digest is malformed: {error}")))?;
    let got = Digest::of(wanted.algorithm(), bytes);
    if got == wanted {
        return Ok(());
    }
    Err(FetchError::Failed(format!("failed to verify archive: computed digest doesn't match '{wanted}'")))
}

/// The URL with another `host[:port]`.
fn with_host(url: &str, host: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_alone_is_replaced() {
        assert_eq!(
            with_host("http://source-controller.flux-system.svc.cluster.local./a/b.tar.gz", "127.0.0.1:9090"),
            "http://127.0.0.1:9090/a/b.tar.gz"
        );
    }

    #[test]
    fn other_bytes_are_refused() {
        let digest = Digest::of(sluice_tree::Algorithm::Sha256, b"a").to_string();
        assert_eq!(verify(b"a", &digest), Ok(()));
        assert!(verify(b"b", &digest).is_err());
    }
}
