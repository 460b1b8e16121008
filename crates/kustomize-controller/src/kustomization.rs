//! The story of a Kustomization: from its source to a healthy cluster, and back to nothing when it is deleted.

mod apply;
mod beside;
mod build;
mod delete;
mod dependencies;
mod fetch;
mod health;
mod identity;
mod inputs;
mod kube_config;
pub(crate) mod prune;
mod record;
mod source;

use std::sync::Arc;

use sluice_api::Kustomization;
use sluice_api::event::{COMMIT_STATUS, COMMIT_STATUS_UPDATE, ORIGIN_REVISION, REVISION, Severity};
use sluice_api::meta::{Duration, condition_type, labels, reason};
use sluice_runtime::{Controller, Done, Draft, Failure, Key, Next, Rules};

use crate::last_builds::MadeFrom;
use crate::{Kustomize, STATUS_MANAGER};
use record::History;

/// What upstream says before an error that only a change of the object can mend.
const TERMINAL: &str = "Reconciliation failed terminally due to configuration error";

impl Controller for Kustomize {
    type Kind = Kustomization;
    const MANAGER: &'static str = STATUS_MANAGER;
    const STARTING_ANNOTATIONS: &'static [&'static str] =
        &[labels::KUSTOMIZE_DRIFT, labels::KUSTOMIZE_PRUNE_APPROVED];
    const RULES: Rules =
        Rules { ready_in_progress: Some("Reconciliation in progress"), suspended_needs_ready: true };

    async fn reconcile(&self, draft: &mut Draft<Kustomization>) -> Result<Done, Failure> {
        let ks = Arc::clone(draft.object());
        let checks = health::checks(&ks)?;
        let source = self.resolve(&ks).await?;
        draft.describe(REVISION, &source.artifact.revision);
        if let Some(origin) = source.artifact.origin_revision() {
            draft.describe(ORIGIN_REVISION, origin);
        }
        self.check_dependencies(&ks, &source).await?;

        let (tree, memory) = self.fetch(&ks, &source, draft).await?;

        draft.status_mut().last_attempted_revision.clone_from(&source.artifact.revision);
        let target = self.target(&ks).await?;
        let inputs = self.inputs(&ks).await;
        let judge = health::Judge { target: &target, checks };
        let made_from = MadeFrom::new(&ks, &source.artifact, &inputs);
        let (history, applied) = match self.as_left(&ks, &target, made_from.as_ref()).await {
            Some((digest, applied)) => (History::new(&digest, &source.artifact), applied),
            None => {
                let from =
                    build::From { source: &source, target: &target, tree: &tree, memory: memory.bytes() };
                let (manifests, permit) = self.build(&ks, &from, inputs, draft).await?;
                let history = History::new(&manifests.digest, &source.artifact);
                let whole = made_from.clone().filter(|_| manifests.is_of_the_tree_alone);
                self.last_builds.note(Key::of(&*ks), whole, manifests.reads);

                draft.progress(&doing("Detecting drift", &ks, &source.artifact.revision));
                let applied = self.apply(&ks, &judge, manifests.objects, draft, &history).await?;
                drop(permit);
                (history, applied)
            }
        };
        let from = build::From { source: &source, target: &target, tree: &tree, memory: memory.bytes() };
        self.prune(&ks, &applied, &from, draft, &history).await?;
        // A wait holds nothing.
        drop((tree, memory));
        self.settle_drift(&ks, &applied.drifted, draft);
        self.check_health(&ks, &judge, &applied, &source, draft, &history).await?;

        let status = draft.status_mut();
        status.last_applied_revision.clone_from(&source.artifact.revision);
        source
            .artifact
            .origin_revision()
            .unwrap_or_default()
            .clone_into(&mut status.last_applied_origin_revision);
        if let Some((from, inventory)) = made_from.as_ref().zip(status.inventory.as_ref())
            && applied.is_whole()
        {
            self.last_builds.note_applied(&Key::of(&*ks), from, history.digest(), inventory);
        }
        history.add(draft, reason::RECONCILIATION_SUCCEEDED);
        self.settle_drift(&ks, &[], draft);
        tell_finished(draft, &ks);
        let message = format!("Applied revision: {}", source.artifact.revision);
        Ok(Done::new(reason::RECONCILIATION_SUCCEEDED, message).every(ks.spec.interval.to_std()))
    }

    async fn finalize(&self, draft: &mut Draft<Kustomization>) -> Result<(), Failure> {
        self.delete(draft).await?;
        let ks = Arc::clone(draft.object());
        let ready = sluice_api::meta::find_condition(&ks.status.conditions, condition_type::READY);
        if ready.is_some_and(sluice_api::meta::Condition::is_true) {
            tell_finished(draft, &ks);
        }
        Ok(())
    }
}

/// An expression that cannot be used: the object has to change first.
fn invalid_expression(why: &str) -> Failure {
    let text = format!("{TERMINAL}: {why}");
    Failure::new(reason::INVALID_CEL_EXPRESSION, text, Next::Stalled)
}

fn doing(what: &str, ks: &Kustomization, revision: &str) -> String {
    format!("{what} for revision {revision} with a timeout of {}", ks.spec.timeout())
}

fn tell_finished(draft: &Draft<Kustomization>, ks: &Kustomization) {
    let text = format!(
        "Reconciliation finished in {}, next run in {}",
        Duration::from(draft.elapsed()),
        ks.spec.interval
    );
    let update = [(COMMIT_STATUS, COMMIT_STATUS_UPDATE)];
    draft.event_with(Severity::Info, reason::RECONCILIATION_SUCCEEDED, text, &update);
}

/// A failure that is tried again after the object's own retry interval.
fn retried(ks: &Kustomization, reason: &'static str, message: impl Into<String>) -> Failure {
    Failure::new(reason, message, Next::Retry(ks.spec.retry_interval().to_std()))
}
