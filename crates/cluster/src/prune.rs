//! Deletes what is no longer wanted: only objects that still carry their owner's labels and did not ask to be kept.

use std::collections::{BTreeMap, BTreeSet};

use sluice_object::inventory::Tracked;
use sluice_object::{Action, Change, ChangeSet, Object, ObjectId};

use crate::client::{At, Cluster, Propagation};
use crate::error::ApiError;

/// What guards a deletion.
#[derive(Debug, Clone, Default)]
pub struct PruneOptions {
    /// Labels that the live object must carry.
    pub owner: BTreeMap<String, String>,
    /// The prefix of the marks on objects, such as `kustomize.toolkit.fluxcd.io`.
    pub marks: String,
    /// What is wanted. It stays where its kind has moved into namespaces or out of them, and it has two ids therefore.
    pub wanted: BTreeSet<ObjectId>,
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
                Ok(None) => {}
                Ok(Some(action)) => {
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
    ) -> Result<Option<Action>, (&'static str, ApiError)> {
        let id = &tracked.id;
        let mut is_known_to_be_new = false;
        let (kind, live) = loop {
            let kind = match self.kind_in_any_version(&tracked.api_version(), &id.kind).await {
                Ok(Some(kind)) => kind,
                // Its definition is gone, and every object of the kind with it.
                Ok(None) => return Ok(Some(Action::Deleted)),
                Err(error) => return Err(("query", error)),
            };
            let is_another = !kind.namespaced && !id.namespace.is_empty();
            if is_another && options.wanted.contains(&ObjectId { namespace: String::new(), ..id.clone() }) {
                return Ok(None);
            }
            match self.get(At::new(&kind, &id.namespace, &id.name)).await {
                Ok(value) => break (kind, Object::try_from(value).unwrap_or_default()),
                // Its version may be served no more, and the object be there in another one.
                Err(error) if error.is_unserved() && !is_known_to_be_new => {
                    self.forget_kinds(&kind.api_version());
                    is_known_to_be_new = true;
                }
                Err(error) if error.is_not_found() => return Ok(Some(Action::Deleted)),
                Err(error) => return Err(("query", error)),
            }
        };
        let at = At::new(&kind, &id.namespace, &id.name);
        let is_ours = options.owner.iter().all(|(key, value)| live.label(key) == Some(value));
        if !is_ours || Self::asks_to_stay(&live, &options.marks) {
            return Ok(Some(Action::Skipped));
        }
        match self.delete(at, live.uid(), Propagation::Background).await {
            Ok(()) => Ok(Some(Action::Deleted)),
            Err(error) if error.is_not_found() => Ok(Some(Action::Deleted)),
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
            let kind = self.kind_in_any_version(&tracked.api_version(), &tracked.id.kind).await?;
            let Some(kind) = kind else { continue };
            match self.get(At::new(&kind, &tracked.id.namespace, &tracked.id.name)).await {
                Ok(_) => return Ok(Some(tracked.clone())),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
