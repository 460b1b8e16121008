//! The history of a Kustomization: which build was applied, and how it ended.

use std::collections::BTreeMap;

use sluice_api::Kustomization;
use sluice_api::meta::{Artifact, upsert};
use sluice_runtime::{Draft, clock};

/// What one run adds to the history when it ends.
pub(super) struct History {
    digest: String,
    metadata: BTreeMap<String, String>,
}

impl History {
    /// `digest` is that of the built manifests.
    pub(super) fn new(digest: &str, artifact: &Artifact) -> Self {
        let mut metadata = BTreeMap::from([("revision".to_owned(), artifact.revision.clone())]);
        if let Some(origin) = artifact.origin_revision() {
            metadata.insert("originRevision".to_owned(), origin.to_owned());
        }
        Self { digest: digest.to_owned(), metadata }
    }

    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn add(&self, draft: &mut Draft<Kustomization>, reason: &str) {
        let elapsed = draft.elapsed().into();
        let entries = &mut draft.status_mut().history;
        upsert(entries, &self.digest, clock::now().into(), elapsed, reason, self.metadata.clone());
    }
}
