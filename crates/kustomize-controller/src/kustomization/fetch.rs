//! Source to Tree: the artifact, verified and unpacked, shared with everybody who is made from it.

use std::sync::Arc;

use sluice_api::kind::Status;
use sluice_api::meta::{Duration, reason};
use sluice_api::{Kind, Kustomization};
use sluice_runtime::{Failure, Next, Store, Told};
use sluice_tree::Tree;
use tokio::sync::broadcast::error::RecvError;

use super::retried;
use super::source::Source;
use crate::Kustomize;
use crate::trees::{FetchError, Unpacked};

impl Kustomize {
    /// Fetches the artifact and checks that `spec.path` is in it.
    pub(super) async fn fetch(&self, ks: &Kustomization, source: &Source) -> Result<Arc<Unpacked>, Failure> {
        let unpacked = match self.unpacked(ks, source).await? {
            Ok(unpacked) => unpacked,
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
        Ok(unpacked)
    }
}

impl Kustomize {
    /// The artifact from memory, or from where the source says that it is: for as long as that is what the source says, and
    /// for the Kustomization's own time at most.
    async fn unpacked(
        &self,
        ks: &Kustomization,
        source: &Source,
    ) -> Result<Result<Arc<Unpacked>, FetchError>, Failure> {
        if let Some(known) = self.trees.known(&source.artifact.digest) {
            return Ok(Ok(known));
        }
        let limit = ks.spec.timeout().to_std();
        tokio::select! {
            fetched = tokio::time::timeout(limit, self.trees.get(&source.artifact, &self.engines)) => {
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
