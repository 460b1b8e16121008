//! A Kustomization waits until those it depends on are ready on the same revision.

use std::sync::Arc;

use sluice_api::Kustomization;
use sluice_api::meta::{Condition, DependencyReference, Duration, condition_type, find_condition, reason};
use sluice_cluster::{At, ResourceKind};
use sluice_runtime::{Failure, Key, Next, Told};

use super::source::Source;
use crate::Kustomize;

impl Kustomize {
    pub(super) async fn check_dependencies(
        &self,
        ks: &Kustomization,
        source: &Source,
    ) -> Result<(), Failure> {
        for reference in &ks.spec.depends_on {
            if !reference.ready_expr.is_empty() {
                let text = format!(
                    "spec.dependsOn: readyExpr of '{}' cannot be evaluated: CEL expressions are not supported yet",
                    reference.name
                );
                return Err(Failure::new(reason::INVALID_CEL_EXPRESSION, text, Next::Stalled));
            }
            if let Err(text) = self.check_dependency(ks, reference, source).await {
                let delay = self.common.requeue_dependency;
                let news = format!(
                    "Dependencies do not meet ready condition, retrying in {}",
                    Duration::from(delay)
                );
                let failure = Failure::new(reason::DEPENDENCY_NOT_READY, text, Next::After(delay));
                return Err(failure.telling(Told::News(news)));
            }
        }
        Ok(())
    }

    async fn check_dependency(
        &self,
        ks: &Kustomization,
        reference: &DependencyReference,
        source: &Source,
    ) -> Result<(), String> {
        let own = &ks.metadata.namespace;
        let namespace = if reference.namespace.is_empty() { own } else { &reference.namespace };
        let key = Key::new(namespace, &reference.name);
        let found = self.find_dependency(&key).await;
        let dependency = found.map_err(|error| format!("dependency '{key}' not found: {error}"))?;
        let status = &dependency.status;
        let is_ready =
            find_condition(&status.conditions, condition_type::READY).is_some_and(Condition::is_true);
        if !is_ready || dependency.metadata.generation != status.observed_generation {
            return Err(format!("dependency '{key}' is not ready"));
        }
        let theirs = &dependency.spec.source_ref;
        let their_namespace =
            if theirs.namespace.is_empty() { &dependency.metadata.namespace } else { &theirs.namespace };
        let is_same_source = theirs.kind == source.kind
            && *theirs.name == *source.key.name
            && **their_namespace == *source.key.namespace;
        if is_same_source && !source.artifact.has_revision(&status.last_applied_revision) {
            return Err(format!("dependency '{key}' revision is not up to date"));
        }
        Ok(())
    }

    /// From the store, which its watch and our own writes keep fresh; one that is not there may be outside our shard.
    async fn find_dependency(&self, key: &Key) -> Result<Arc<Kustomization>, String> {
        if let Some(object) = self.store.get(key) {
            return Ok(object);
        }
        let kind = ResourceKind::new(
            sluice_api::kustomize::GROUP,
            sluice_api::kustomize::VERSION,
            "Kustomization",
            "kustomizations",
            true,
        );
        let found = self.cluster.get(At::new(&kind, &key.namespace, &key.name)).await;
        let value = found.map_err(|error| error.to_string())?;
        serde_json::from_value(value).map(Arc::new).map_err(|error| error.to_string())
    }
}
