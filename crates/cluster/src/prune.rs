//! Deletes what is no longer wanted: only objects that still carry their owner's labels and did not ask to be kept.

use std::collections::BTreeMap;

use sluice_object::inventory::Tracked;
use sluice_object::{Action, Change, ChangeSet, Object};

use crate::client::{At, Cluster, Propagation};
use crate::error::ApiError;

/// What guards a deletion.
#[derive(Debug, Clone, Default)]
pub struct PruneOptions {
    /// Labels that the live object must carry.
    pub owner: BTreeMap<String, String>,
    /// The prefix of the marks on objects, such as `kustomize.toolkit.fluxcd.io`.
    pub marks: String,
}

/// What a prune did and what it could not do.
#[derive(Debug, Default)]
pub struct Pruned {
    pub changes: ChangeSet,
    /// What may still exist.
    pub survivors: Vec<Tracked>,
    /// One text for each survivor, ready for people.
    pub errors: Vec<String>,
}

impl Cluster {
    /// Deletes objects in reverse apply order. Failures do not stop it: each failed object is a survivor.
    pub async fn prune(&self, stale: &[Tracked], options: &PruneOptions) -> Pruned {
        let mut pruned = Pruned::default();
        for tracked in stale.iter().rev() {
            match self.prune_one(tracked, options).await {
                Ok(action) => {
                    let (id, version) = (tracked.id.clone(), tracked.version.clone());
                    pruned.changes.push(Change { id, version, action });
                }
                Err((step, error)) => {
                    pruned.errors.push(format!("{} {step} failed: {error}", tracked.id));
                    pruned.survivors.push(tracked.clone());
                }
            }
        }
        pruned
    }

    async fn prune_one(
        &self,
        tracked: &Tracked,
        options: &PruneOptions,
    ) -> Result<Action, (&'static str, ApiError)> {
        let id = &tracked.id;
        let kind = match self.kind(&tracked.api_version(), &id.kind).await {
            Ok(kind) => kind,
            // Its definition is gone, and every object of the kind with it.
            Err(ApiError::NoKind { .. }) => return Ok(Action::Deleted),
            Err(error) => return Err(("query", error)),
        };
        let namespace = if kind.namespaced { id.namespace.as_str() } else { "" };
        let at = At::new(&kind, namespace, &id.name);
        let live = match self.get(at).await {
            Ok(value) => Object::try_from(value).unwrap_or_default(),
            Err(error) if error.is_not_found() => return Ok(Action::Deleted),
            Err(error) => return Err(("query", error)),
        };
        let is_ours = options.owner.iter().all(|(key, value)| live.label(key) == Some(value));
        if !is_ours || Self::asks_to_stay(&live, &options.marks) {
            return Ok(Action::Skipped);
        }
        match self.delete(at, live.uid(), Propagation::Background).await {
            Ok(()) => Ok(Action::Deleted),
            Err(error) if error.is_not_found() => Ok(Action::Deleted),
            Err(error) => Err(("delete", error)),
        }
    }

    fn asks_to_stay(live: &Object, marks: &str) -> bool {
        let is_marked = |mark: &str, value: &str| live.is_marked(&format!("{marks}/{mark}"), value);
        is_marked("prune", "disabled") || is_marked("reconcile", "disabled") || is_marked("ssa", "Ignore")
    }

    /// Returns the first of these objects that is still there, or none when all are gone.
    pub async fn first_left(&self, objects: &[Tracked]) -> Result<Option<Tracked>, ApiError> {
        for tracked in objects {
            let kind = match self.kind(&tracked.api_version(), &tracked.id.kind).await {
                Ok(kind) => kind,
                Err(ApiError::NoKind { .. }) => continue,
                Err(error) => return Err(error),
            };
            let namespace = if kind.namespaced { tracked.id.namespace.as_str() } else { "" };
            match self.get(At::new(&kind, namespace, &tracked.id.name)).await {
                Ok(_) => return Ok(Some(tracked.clone())),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
