//! Waits until what was applied, or what the spec names, is healthy. Holds no permit while it waits.

use std::sync::Arc;
use std::time::{Duration as StdDuration, Instant};

use sluice_api::Kustomization;
use sluice_api::event::Severity;
use sluice_api::meta::{Condition, ConditionStatus, Duration, condition_type, find_condition, reason};
use sluice_cluster::wait::wait;
use sluice_cluster::{Awaited, WaitError, WaitOptions};
use sluice_health::{Check, Checks};
use sluice_object::id::split_api_version;
use sluice_object::{Action, ObjectId};
use sluice_runtime::{Draft, Failure, Key, Next, Told};

use super::apply::{Applied, awaited};
use super::identity::Target;
use super::record::History;
use super::source::Source;
use super::{doing, invalid_expression, retried};
use crate::Kustomize;

/// What a health check without an apiVersion is taken to mean.
const DEFAULT_API_VERSION: &str = "apps/v1";

/// Who looks at objects, and what health means to it.
pub(super) struct Judge<'a> {
    pub(super) target: &'a Target,
    pub(super) checks: Arc<Checks>,
}

impl Kustomize {
    pub(super) async fn check_health(
        &self,
        ks: &Kustomization,
        judge: &Judge<'_>,
        applied: &Applied,
        source: &Source,
        draft: &mut Draft<Kustomization>,
        history: &History,
    ) -> Result<(), Failure> {
        let objects = if ks.spec.wait { applied_objects(applied) } else { named_objects(ks, applied) };
        if objects.is_empty() {
            draft.forget(condition_type::HEALTHY);
            return Ok(());
        }
        // Waiting for itself it would wait for ever.
        let is_itself = |id: &ObjectId| {
            id.kind == "Kustomization" && id.name == ks.metadata.name && id.namespace == ks.metadata.namespace
        };
        let objects: Vec<Awaited> = objects.into_iter().filter(|object| !is_itself(&object.id)).collect();
        let conditions = &draft.status().conditions;
        let was_healthy = find_condition(conditions, condition_type::HEALTHY).is_some_and(Condition::is_true);
        let message = doing("Running health checks", ks, &source.artifact.revision);
        draft.note(healthy(ConditionStatus::Unknown, reason::PROGRESSING, message.clone()));
        draft.progress(&message);
        let began = Instant::now();
        let options = WaitOptions {
            timeout: ks.spec.timeout().to_std(),
            fail_fast: !self.common.gate("DisableFailFastBehavior", false),
            checks: Arc::clone(&judge.checks),
            stop: self.waits.begin(Key::of(ks), &self.stop),
        };
        let waited = wait(&judge.target.cluster, &judge.target.index, &objects, &options).await;
        let overtaken_by = self.waits.end(&Key::of(ks));
        match (waited, overtaken_by) {
            (Ok(()), _) => {
                let text = format!("Health check passed in {}", Duration::from(began.elapsed()));
                let is_new_revision = !source.artifact.has_revision(&ks.status.last_applied_revision);
                if !was_healthy || (is_new_revision && applied.has_written()) {
                    draft.event(Severity::Info, reason::PROGRESSING, text.clone());
                }
                draft.note(healthy(ConditionStatus::True, reason::SUCCEEDED, text));
                Ok(())
            }
            (Err(WaitError::Stopped), Some(by)) => {
                let text = format!("New reconciliation triggered by {by}");
                let news = format!("Health checks canceled due to new reconciliation triggered by {by}");
                let failure =
                    Failure::new(reason::HEALTH_CHECK_CANCELED, text, Next::After(StdDuration::ZERO));
                Err(failure.telling(Told::News(news)))
            }
            (Err(WaitError::Stopped), None) => {
                Err(Failure::interrupted("the controller is stopping, or something has to be put back"))
            }
            (Err(error), _) => {
                draft.note(healthy(ConditionStatus::False, reason::HEALTH_CHECK_FAILED, error.to_string()));
                history.add(draft, reason::HEALTH_CHECK_FAILED);
                let text = format!("health check failed after {}: {error}", Duration::from(began.elapsed()));
                Err(retried(ks, reason::HEALTH_CHECK_FAILED, text))
            }
        }
    }
}

/// The expressions of `spec.healthCheckExprs`.
pub(super) fn checks(ks: &Kustomization) -> Result<Arc<Checks>, Failure> {
    let written = ks.spec.health_check_exprs.iter().map(|check| Check {
        api_version: &check.api_version,
        kind: &check.kind,
        current: &check.current,
        in_progress: &check.in_progress,
        failed: &check.failed,
    });
    Checks::parse(written).map(Arc::new).map_err(|why| invalid_expression(&why))
}

fn healthy(status: ConditionStatus, reason: &str, message: String) -> Condition {
    Condition::new(condition_type::HEALTHY, status, reason, message)
}

fn applied_objects(applied: &Applied) -> Vec<Awaited> {
    let checked = applied.changes.changes.iter().filter(|change| change.action != Action::Skipped);
    checked.map(|change| awaited(change, &applied.passing)).collect()
}

/// Named objects are looked at in the Kustomization's own name, whoever applied them: the shared watch does not answer for them.
fn named_objects(ks: &Kustomization, applied: &Applied) -> Vec<Awaited> {
    let object = |check: &sluice_api::meta::NamespacedObjectKindReference| {
        let api_version =
            if check.api_version.is_empty() { DEFAULT_API_VERSION } else { check.api_version.as_str() };
        let (group, _) = split_api_version(api_version);
        let own = &ks.metadata.namespace;
        let id = ObjectId {
            namespace: if check.namespace.is_empty() { own.clone() } else { check.namespace.clone() },
            name: check.name.clone(),
            group: group.to_owned(),
            kind: check.kind.clone(),
        };
        let is_applied = applied.changes.ids().any(|applied| *applied == id);
        let is_passing = applied.passing.contains(&id);
        Awaited { id, api_version: api_version.to_owned(), is_applied, is_passing }
    };
    ks.spec.health_checks.iter().map(object).collect()
}
