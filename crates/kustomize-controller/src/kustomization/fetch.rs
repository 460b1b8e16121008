//! Source to Tree: the artifact, verified and unpacked, shared with everybody who is made from it.

use std::sync::Arc;

use sluice_api::Kustomization;
use sluice_api::meta::{Duration, reason};
use sluice_runtime::{Failure, Next, Told};
use sluice_tree::Tree;

use super::retried;
use super::source::Source;
use crate::Kustomize;
use crate::trees::{FetchError, Unpacked};

impl Kustomize {
    /// Fetches the artifact and checks that `spec.path` is in it.
    pub(super) async fn fetch(&self, ks: &Kustomization, source: &Source) -> Result<Arc<Unpacked>, Failure> {
        let unpacked = match self.trees.get(&source.artifact, &self.engines).await {
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
