//! SourceRef to Source: the artifact that a Kustomization is made from.

use sluice_api::kind::Status;
use sluice_api::meta::{Artifact, Duration, reason};
use sluice_api::{Kind, Kustomization};
use sluice_cluster::{ApiError, At, ResourceKind};
use sluice_runtime::{Failure, Key, Next, Store, Told};

use super::retried;
use crate::Kustomize;

/// A source that has an artifact.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) kind: String,
    pub(super) key: Key,
    pub(super) artifact: Artifact,
}

impl Kustomize {
    /// Finds the source and its artifact.
    pub(super) async fn resolve(&self, ks: &Kustomization) -> Result<Source, Failure> {
        let reference = &ks.spec.source_ref;
        let own = &ks.metadata.namespace;
        let namespace = if reference.namespace.is_empty() { own } else { &reference.namespace };
        let key = Key::new(namespace, &reference.name);
        if self.common.no_cross_namespace_refs && namespace != own {
            let text = format!(
                "can't access '{}/{key}', cross-namespace references have been blocked",
                reference.kind
            );
            return Err(Failure::new(reason::ACCESS_DENIED, text, Next::Stalled));
        }
        let artifact = match reference.kind.as_str() {
            "GitRepository" => self.artifact_of(ks, &self.sources.git, &key).await?,
            "OCIRepository" => self.artifact_of(ks, &self.sources.oci, &key).await?,
            "Bucket" => self.artifact_of(ks, &self.sources.buckets, &key).await?,
            "ExternalArtifact" => {
                if !self.common.gate("ExternalArtifact", false) {
                    let text = format!(
                        "can't access '{}/{key}', ExternalArtifact feature gate is disabled",
                        reference.kind
                    );
                    return Err(Failure::new(reason::ACCESS_DENIED, text, Next::Stalled));
                }
                self.artifact_of(ks, &self.sources.external, &key).await?
            }
            other => {
                let text = format!("source `{}` kind '{other}' not supported", reference.name);
                return Err(retried(ks, reason::ARTIFACT_FAILED, text));
            }
        };
        let Some(artifact) = artifact else {
            let delay = self.common.requeue_dependency;
            let text = format!("Source artifact not found, retrying in {}", Duration::from(delay));
            let failure = Failure::new(reason::ARTIFACT_FAILED, text, Next::After(delay));
            return Err(failure.telling(Told::Nothing));
        };
        Ok(Source { kind: reference.kind.clone(), key, artifact })
    }

    async fn artifact_of<K: Kind>(
        &self,
        ks: &Kustomization,
        store: &Store<K>,
        key: &Key,
    ) -> Result<Option<Artifact>, Failure> {
        let is_read_anew = self.common.gate("DirectSourceFetch", false);
        if let Some(object) = store.get(key).filter(|_| !is_read_anew) {
            return Ok(object.status().artifact().cloned());
        }
        // The watch may be behind, or the kind may not be watched yet: one look decides.
        let kind = ResourceKind::new(K::GROUP, K::VERSION, K::KIND, K::PLURAL, true);
        match self.cluster.get(At::new(&kind, &key.namespace, &key.name)).await {
            Ok(value) => {
                let object: K = serde_json::from_value(value)
                    .map_err(|e| retried(ks, reason::ARTIFACT_FAILED, e.to_string()))?;
                let artifact = object.status().artifact().cloned();
                store.put(object);
                Ok(artifact)
            }
            Err(error) if error.is_not_found() => {
                let text = format!("{}.{} \"{}\" not found", K::KIND, K::GROUP, key.name);
                let delay = ks.spec.retry_interval().to_std();
                let failure = Failure::new(reason::ARTIFACT_FAILED, text, Next::After(delay));
                Err(failure.telling(Told::Nothing))
            }
            Err(error @ ApiError::Transport { .. }) => {
                Err(Failure::new(reason::ARTIFACT_FAILED, error.to_string(), Next::Backoff)
                    .telling(Told::Nothing))
            }
            Err(error) => Err(retried(ks, reason::ARTIFACT_FAILED, error.to_string())),
        }
    }
}
