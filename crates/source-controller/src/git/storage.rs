//! The stored artifact of an object: cleaned up around, checked, its address refreshed; and all of it removed at the end.

use std::time::SystemTime;

use sluice_api::event::Severity;
use sluice_api::meta::{condition_type, reason};
use sluice_api::{GitRepository, Kind as _};
use sluice_artifact::Place;
use sluice_runtime::failure::chain;
use sluice_runtime::{Draft, Failure, Next, OrFail as _, clock};

use super::{Git, storage_failed};

impl Git {
    /// Sees that what the status says is stored.
    pub(super) async fn check_storage(&self, draft: &mut Draft<GitRepository>) -> Result<(), Failure> {
        let had = draft.status().artifact.clone();
        if let Some(mut artifact) = had.clone() {
            let (artifacts, checked) = (self.artifacts.clone(), artifact.clone());
            let now = SystemTime::from(clock::now());
            let checking = move || {
                let collected = artifacts.collect(&checked.path, now);
                let is_there = artifacts.has(&checked.path);
                let verified = is_there.then(|| artifacts.verify(&checked));
                if let Some(Err(_)) = &verified {
                    // What is wrong must not be served; a failure to remove it shows in the next check.
                    let _ = artifacts.remove(&checked.path);
                }
                (collected, verified)
            };
            let (collected, verified) =
                self.engines.run(checking).await.or_fail(reason::READ_OPERATION_FAILED, Next::Backoff)?;
            match collected {
                Ok(0) => {}
                Ok(count) => draft.bare_event(
                    Severity::Trace,
                    reason::GARBAGE_COLLECTION_SUCCEEDED,
                    format!("garbage collected {count} artifacts"),
                ),
                Err(error) => {
                    tracing::warn!(object = %draft.object().qualified_name(), error = chain(&error), "old artifacts were not removed");
                }
            }
            match verified {
                Some(Ok(())) => {
                    artifact.url = self.artifacts.url(&artifact.path);
                    draft.status_mut().artifact = Some(artifact);
                    return Ok(());
                }
                Some(Err(error)) => draft.bare_event(
                    Severity::Error,
                    reason::ARTIFACT_VERIFICATION_FAILED,
                    format!("failed to verify integrity of artifact: {}", chain(&error)),
                ),
                None => {}
            }
            draft.status_mut().artifact = None;
        }
        draft.forget(condition_type::ARTIFACT_IN_STORAGE);
        let words =
            if had.is_some() { "building artifact: disappeared from storage" } else { "building artifact" };
        draft.progress(words);
        Ok(())
    }

    /// Removes everything that was stored for the object.
    pub(super) async fn remove_all(&self, draft: &mut Draft<GitRepository>) -> Result<(), Failure> {
        let (artifacts, object) = (self.artifacts.clone(), draft.object().clone());
        let removing = move || {
            let (namespace, name) = (&object.metadata.namespace, &object.metadata.name);
            artifacts.remove_all(Place { kind: GitRepository::KIND, namespace, name })
        };
        let removed =
            self.engines.run(removing).await.or_fail(reason::GARBAGE_COLLECTION_FAILED, Next::Backoff)?;
        match removed {
            Ok(true) => draft.bare_event(
                Severity::Trace,
                reason::GARBAGE_COLLECTION_SUCCEEDED,
                "garbage collected artifacts for deleted resource",
            ),
            Ok(false) => {}
            Err(error) => {
                let message = format!("garbage collection for deleted resource failed: {}", chain(&error));
                return Err(storage_failed(draft, reason::GARBAGE_COLLECTION_FAILED, message));
            }
        }
        Ok(())
    }
}
