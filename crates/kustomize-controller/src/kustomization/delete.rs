//! What happens to the objects of a Kustomization that is deleted.

use std::time::Duration;

use sluice_api::Kustomization;
use sluice_api::event::{ORIGIN_REVISION, REVISION, Severity};
use sluice_api::kustomize::DeletionPolicy;
use sluice_api::meta::{condition_type, find_condition, reason};
use sluice_cluster::{At, ResourceKind};
use sluice_object::inventory::{self, Tracked};
use sluice_object::{Action, ChangeSet};
use sluice_runtime::{Draft, Failure, Next, Told};
use tokio::time::Instant;

use super::prune::prune_options;
use crate::Kustomize;

const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Kustomize {
    pub(super) async fn delete(&self, draft: &mut Draft<Kustomization>) -> Result<(), Failure> {
        let ks = std::sync::Arc::clone(draft.object());
        let stored = ks.status.inventory.clone().unwrap_or_default();
        let objects = inventory::list(&stored).unwrap_or_default();
        self.last_builds.forget(&sluice_runtime::Key::of(&*ks));
        self.needs.forget(&sluice_runtime::Key::of(&*ks));
        self.wanted.forget(&sluice_runtime::Key::of(&*ks));
        if ks.spec.kube_config.is_none() {
            self.index.forget(&objects.iter().map(|tracked| tracked.id.clone()).collect::<Vec<_>>());
        }
        if !is_to_be_pruned(&ks) || objects.is_empty() {
            return Ok(());
        }
        describe_last_applied(draft, &ks);
        let why = current_reason(&ks);
        if !self.can_act(&ks).await {
            let list: Vec<String> = objects.iter().map(|tracked| tracked.id.to_string()).collect();
            draft.event(Severity::Error, &why, format!("unable to prune objects: \n{}", list.join("\n")));
            return Ok(());
        }
        let target = self.target(&ks).await.map_err(|failure| {
            Failure::new(failure.reason, failure.message, Next::Backoff).telling(Told::Nothing)
        })?;
        let cluster = target.cluster;
        let pruned = cluster.prune(&objects, &prune_options(&ks)).await;
        if !pruned.errors.is_empty() {
            draft.event(Severity::Error, &why, "pruning for deleted resource failed");
            let text = format!("delete failed, errors: {};", pruned.errors.join(";"));
            return Err(Failure::new(reason::PRUNE_FAILED, text, Next::Backoff).telling(Told::Nothing));
        }
        if pruned.changes.is_empty() {
            return Ok(());
        }
        draft.event(Severity::Info, &why, pruned.changes.to_string());
        if ks.spec.deletion_policy() == DeletionPolicy::WaitForTermination
            && !self.are_gone(&cluster, &pruned.changes, ks.spec.timeout().to_std()).await
        {
            draft.event(Severity::Error, &why, "failed to wait for resources termination");
        }
        Ok(())
    }

    /// Whether the service account that applied the objects still exists.
    async fn can_act(&self, ks: &Kustomization) -> bool {
        let Some(name) = self.service_account(ks) else { return true };
        let kind = ResourceKind::new("", "v1", "ServiceAccount", "serviceaccounts", true);
        !matches!(self.cluster.get(At::new(&kind, &ks.metadata.namespace, name)).await, Err(error) if error.is_not_found())
    }

    async fn are_gone(
        &self,
        cluster: &sluice_cluster::Cluster,
        changes: &ChangeSet,
        within: Duration,
    ) -> bool {
        let deleted = changes.changes.iter().filter(|change| change.action == Action::Deleted);
        let deleted: Vec<Tracked> = deleted.map(Tracked::from).collect();
        let until = Instant::now() + within;
        loop {
            if matches!(cluster.first_left(&deleted).await, Ok(None)) {
                return true;
            }
            if Instant::now() >= until || self.stop.is_cancelled() {
                return false;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn is_to_be_pruned(ks: &Kustomization) -> bool {
    if ks.spec.suspend {
        return false;
    }
    match ks.spec.deletion_policy() {
        DeletionPolicy::MirrorPrune => ks.spec.prune,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        DeletionPolicy::Orphan | DeletionPolicy::Other(_) => false,
    }
}

fn current_reason(ks: &Kustomization) -> String {
    let ready = find_condition(&ks.status.conditions, condition_type::READY);
    ready.map_or_else(|| reason::SUCCEEDED.to_owned(), |ready| ready.reason.clone())
}

fn describe_last_applied(draft: &mut Draft<Kustomization>, ks: &Kustomization) {
    if !ks.status.last_applied_revision.is_empty() {
        draft.describe(REVISION, &ks.status.last_applied_revision);
    }
    if !ks.status.last_applied_origin_revision.is_empty() {
        draft.describe(ORIGIN_REVISION, &ks.status.last_applied_origin_revision);
    }
}
