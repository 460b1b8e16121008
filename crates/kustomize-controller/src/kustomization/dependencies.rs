//! A Kustomization waits until those it depends on are ready on the same revision.

use std::sync::Arc;

use serde_json::Map;
use sluice_api::Kustomization;
use sluice_api::meta::{Condition, DependencyReference, Duration, condition_type, find_condition, reason};
use sluice_cluster::{At, ResourceKind};
use sluice_health::Expression;
use sluice_runtime::{Failure, Key, Next, Told};

use super::invalid_expression;
use super::source::Source;
use crate::Kustomize;

/// Why a dependency holds us back.
enum NotReady {
    /// It may become ready.
    Yet(String),
    /// Its expression cannot be used.
    Never(String),
}

impl Kustomize {
    pub(super) async fn check_dependencies(
        &self,
        ks: &Kustomization,
        source: &Source,
    ) -> Result<(), Failure> {
        for reference in &ks.spec.depends_on {
            match self.check_dependency(ks, reference, source).await {
                Ok(()) => {}
                Err(NotReady::Never(why)) => return Err(invalid_expression(&why)),
                Err(NotReady::Yet(text)) => {
                    let delay = self.common.requeue_dependency;
                    let news = format!(
                        "Dependencies do not meet ready condition, retrying in {}",
                        Duration::from(delay)
                    );
                    let failure = Failure::new(reason::DEPENDENCY_NOT_READY, text, Next::After(delay));
                    return Err(failure.telling(Told::News(news)));
                }
            }
        }
        Ok(())
    }

    async fn check_dependency(
        &self,
        ks: &Kustomization,
        reference: &DependencyReference,
        source: &Source,
    ) -> Result<(), NotReady> {
        let own = &ks.metadata.namespace;
        let namespace = if reference.namespace.is_empty() { own } else { &reference.namespace };
        let key = Key::new(namespace, &reference.name);
        let found = self.find_dependency(&key).await;
        let dependency =
            found.map_err(|error| NotReady::Yet(format!("dependency '{key}' not found: {error}")))?;
        if !reference.ready_expr.is_empty() {
            if !is_ready_by(&reference.ready_expr, ks, &dependency)? {
                let text = format!("dependency '{key}' is not ready according to readyExpr eval");
                return Err(NotReady::Yet(text));
            }
            if !self.common.gate("AdditiveCELDependencyCheck", false) {
                return Ok(());
            }
        }
        let status = &dependency.status;
        let is_ready =
            find_condition(&status.conditions, condition_type::READY).is_some_and(Condition::is_true);
        if !is_ready || dependency.metadata.generation != status.observed_generation {
            return Err(NotReady::Yet(format!("dependency '{key}' is not ready")));
        }
        let theirs = &dependency.spec.source_ref;
        let their_namespace =
            if theirs.namespace.is_empty() { &dependency.metadata.namespace } else { &theirs.namespace };
        let is_same_source = theirs.kind == source.kind
            && *theirs.name == *source.key.name
            && **their_namespace == *source.key.namespace;
        if is_same_source && !source.artifact.has_revision(&status.last_applied_revision) {
            return Err(NotReady::Yet(format!("dependency '{key}' revision is not up to date")));
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

/// Whether a dependency is ready by the expression about us (`self`) and it (`dep`).
fn is_ready_by(text: &str, own: &Kustomization, dependency: &Kustomization) -> Result<bool, NotReady> {
    let expression = Expression::compile(text, &["self", "dep"]).map_err(|why| {
        NotReady::Never(format!("failed to evaluate dependency {}: {why}", dependency.metadata.name))
    })?;
    let mut variables = Map::new();
    for (name, object) in [("self", own), ("dep", dependency)] {
        let value = serde_json::to_value(object)
            .map_err(|error| NotReady::Yet(format!("failed to convert {name} object to map: {error}")))?;
        variables.insert(name.to_owned(), value);
    }
    expression.is_true(&variables).map_err(NotReady::Yet)
}
