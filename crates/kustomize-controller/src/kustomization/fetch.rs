//! Source to Tree: the artifact, verified and unpacked, shared with everybody who is made from it.

use std::sync::Arc;

use sluice_api::kind::Status;
use sluice_api::meta::{Duration, reason};
use sluice_api::{Kind, Kustomization};
use sluice_runtime::memory::Reservation;
use sluice_runtime::{Draft, Failure, Key, Next, Store, Told};
use sluice_tree::Tree;
use tokio::sync::broadcast::error::RecvError;

use super::source::Source;
use super::{doing, retried};
use crate::Kustomize;
use crate::trees::{FetchError, Unpacked};

impl Kustomize {
    /// Fetches the artifact and checks that `spec.path` is in it. The memory is what the run may use beside the tree; all of
    /// it is taken at once, so that nobody who holds some waits for more.
    pub(super) async fn fetch(
        &self,
        ks: &Kustomization,
        source: &Source,
        draft: &mut Draft<Kustomization>,
    ) -> Result<(Arc<Unpacked>, Reservation), Failure> {
        loop {
            let tree = self.trees.cost(&source.artifact);
            let run =
                if self.flags.prune_release { self.needs.largest() } else { self.needs.of(&Key::of(ks)) };
            // What the tree takes is not left for the build.
            let most = self.engines.memory().most().unwrap_or(u64::MAX);
            let run = run.min(most.saturating_sub(self.trees.size(&source.artifact)));
            draft.hide();
            let reserved = self.engines.memory().reserve(tree.saturating_add(run)).await;
            let mut memory = reserved.map_err(|error| {
                let text = format!("artifact {} was not unpacked: {error}", source.artifact.revision);
                Failure::new(reason::ARTIFACT_FAILED, text, Next::Stalled)
            })?;
            draft.progress(&doing("Fetching manifests", ks, &source.artifact.revision));
            if let Some(unpacked) = self.fetch_into(ks, source, memory.split(tree)).await? {
                return Ok((unpacked, memory));
            }
        }
    }

    /// None where the tree needs more memory than it has: how much is known by now.
    async fn fetch_into(
        &self,
        ks: &Kustomization,
        source: &Source,
        memory: Reservation,
    ) -> Result<Option<Arc<Unpacked>>, Failure> {
        let unpacked = match self.unpacked(ks, source, memory).await? {
            Ok(unpacked) => unpacked,
            Err(FetchError::NoRoom) => return Ok(None),
            Err(FetchError::NotFound) => {
                let delay = self.common.requeue_dependency;
                let text =
                    format!("Source is not ready, artifact not found, retrying in {}", Duration::from(delay));
                let failure = Failure::new(reason::ARTIFACT_FAILED, text, Next::After(delay));
                return Err(failure.telling(Told::Nothing));
            }
            Err(FetchError::Failed(text)) => return Err(retried(ks, reason::ARTIFACT_FAILED, text)),
        };
        let path = inside(&ks.spec.path);
        if unpacked.tree.kind(&path).is_err() {
            let text = format!(
                "kustomization path not found: stat {}/{path}: no such file or directory",
                self.unpacked_at
            );
            return Err(retried(ks, reason::ARTIFACT_FAILED, text));
        }
        Ok(Some(unpacked))
    }
}

impl Kustomize {
    /// The artifact from memory, or from where the source says that it is: for as long as that is what the source says, and
    /// for the Kustomization's own time at most.
    async fn unpacked(
        &self,
        ks: &Kustomization,
        source: &Source,
        memory: Reservation,
    ) -> Result<Result<Arc<Unpacked>, FetchError>, Failure> {
        if let Some(known) = self.trees.known(&source.artifact.digest) {
            return Ok(Ok(known));
        }
        let limit = ks.spec.timeout().to_std();
        tokio::select! {
            fetched = tokio::time::timeout(limit, self.trees.get(&source.artifact, &self.engines, memory)) => {
                let late = |_| {
                    let text = format!("failed to download archive from {}: context deadline exceeded", source.artifact.url);
                    Err(FetchError::Failed(text))
                };
                Ok(fetched.unwrap_or_else(late))
            }
            () = self.is_superseded(source) => Err(Failure::interrupted("the source has another artifact")),
        }
    }

    /// Waits until a source says that its artifact is another, or elsewhere.
    async fn is_superseded(&self, source: &Source) {
        match source.kind.as_str() {
            "GitRepository" => replaced(&self.sources.git, source).await,
            "OCIRepository" => replaced(&self.sources.oci, source).await,
            "Bucket" => replaced(&self.sources.buckets, source).await,
            _ => replaced(&self.sources.external, source).await,
        }
    }
}

async fn replaced<K: Kind>(store: &Store<K>, source: &Source) {
    let mut changes = store.subscribe();
    loop {
        let now = store.get(&source.key);
        let artifact = now.as_deref().and_then(|object| object.status().artifact());
        if artifact.is_some_and(|now| now.url != source.artifact.url || now.digest != source.artifact.digest)
        {
            return;
        }
        if let Err(RecvError::Closed) = changes.recv().await {
            return std::future::pending().await;
        }
    }
}

/// A path of a spec below the root of the tree: `..` cannot leave it, as upstream's secure join has it.
pub(super) fn inside(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_its_tree() {
        assert_eq!(inside("./apps/../../etc"), "etc");
        assert_eq!(inside("/"), "");
        assert_eq!(inside("./clusters//one/"), "clusters/one");
    }
}
