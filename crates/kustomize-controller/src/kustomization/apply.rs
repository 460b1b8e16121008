//! Manifests to the cluster: stage by stage, each recorded in the inventory before it is written.

use std::sync::Arc;

use sluice_api::event::Severity;
use sluice_api::meta::{Condition, Inventory, condition_type, find_condition, labels, reason};
use sluice_api::{Kustomization, kustomize};
use sluice_cluster::wait::wait;
use sluice_cluster::{Applier, ApplyOptions, Awaited, Drift, FieldManager, Ignored, Operation, WaitOptions};
use sluice_manifests::ignored::Rules;
use sluice_object::inventory::Tracked;
use sluice_object::{Action, Change, ChangeSet, Object, inventory, order};
use sluice_runtime::{Draft, Failure, Key};
use tokio::sync::SemaphorePermit;

use super::health::Judge;
use super::identity::Target;
use super::record::History;
use super::retried;
use crate::last_builds::MadeFrom;
use crate::{Kustomize, NAME, drift};

/// A stage that others build on must be healthy within this.
const STAGE_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);

/// What an apply has done.
pub(super) struct Applied {
    pub(super) changes: ChangeSet,
    /// The inventory as it was before this run.
    pub(super) before: Inventory,
    /// Jobs that remove themselves when they are done.
    pub(super) passing: Vec<sluice_object::ObjectId>,
    /// What others had done to the objects before.
    pub(super) drifted: Vec<Drift>,
}

impl Applied {
    /// Nothing had to be done to what stands in the inventory.
    fn nothing(inventory: Inventory, objects: Vec<Tracked>) -> Self {
        let unchanged = |Tracked { id, version }| Change { id, version, action: Action::Unchanged };
        let changes = ChangeSet { changes: objects.into_iter().map(unchanged).collect() };
        Self { changes, before: inventory, passing: Vec::new(), drifted: Vec::new() }
    }

    /// Every object was sent: the same manifests find nothing to be done next time.
    pub(super) fn is_whole(&self) -> bool {
        self.passing.is_empty() && self.changes.changes.iter().all(|change| change.action != Action::Skipped)
    }

    pub(super) fn has_written(&self) -> bool {
        !self.changes.written().is_empty()
    }
}

impl Kustomize {
    /// One of the few that apply at a time. The wait for it is no stage of the run.
    pub(super) async fn permit_to_apply(
        &self,
        target: &Target,
        draft: &Draft<Kustomization>,
    ) -> SemaphorePermit<'_> {
        draft.hide();
        let line = if target.is_remote { &self.applying_elsewhere } else { &self.applying };
        line.acquire().await.expect("the semaphore is never closed")
    }

    /// What a run comes to that would build and apply the same again, where all of it is still as it was left. None: it
    /// has to be built.
    pub(super) async fn as_left(
        &self,
        ks: &Kustomization,
        target: &Target,
        from: Option<&MadeFrom>,
    ) -> Option<(String, Applied)> {
        let within = self.settled_within(ks).filter(|_| !target.is_remote)?;
        let inventory = ks.status.inventory.clone()?;
        let digest = self.last_builds.applied(&Key::of(ks), from?, &inventory)?;
        let objects: Vec<Tracked> =
            inventory.entries.iter().map(Tracked::try_from).collect::<Result<_, _>>().ok()?;
        let is_as_left = target.index.are_as_left(&drift::owner(ks), &objects, within).await;
        is_as_left.then(|| (digest, Applied::nothing(inventory, objects)))
    }

    pub(super) async fn apply(
        &self,
        ks: &Kustomization,
        judge: &Judge<'_>,
        mut objects: Vec<Object>,
        draft: &mut Draft<Kustomization>,
        history: &History,
    ) -> Result<Applied, Failure> {
        let before = draft.status().inventory.clone().unwrap_or_default();
        let drifted = self.index.drifted(&drift::owner(ks));
        for object in &mut objects {
            own(object, ks);
        }
        if !judge.target.is_remote {
            self.skip_replaced(&mut objects, draft);
        }
        if let Some(secret) = objects.iter().find(|object| is_encrypted(object)) {
            let text = format!(
                "{} is SOPS encrypted, configuring decryption is required for this secret to be reconciled\n",
                secret.id()
            );
            history.add(draft, reason::RECONCILIATION_FAILED);
            return Err(retried(ks, reason::RECONCILIATION_FAILED, text));
        }
        let passing = objects.iter().filter(|o| o.is_job_with_ttl()).map(Object::id).collect();
        let mut changes = ChangeSet::default();
        match self.apply_stages(ks, judge, objects, draft, &mut changes).await {
            Ok(()) => {}
            Err(error) => {
                let lines: String = match changes.written() {
                    written if written.is_empty() => String::new(),
                    written => format!("{written}\n"),
                };
                history.add(draft, reason::RECONCILIATION_FAILED);
                return Err(retried(ks, reason::RECONCILIATION_FAILED, format!("{error}\n{lines}")));
            }
        }
        let written = changes.written();
        if !written.is_empty() {
            draft.event(Severity::Info, reason::PROGRESSING, written.to_string());
        }
        draft.status_mut().inventory = Some(inventory::of_changes(&changes));
        Ok(Applied { changes, before, passing, drifted })
    }

    async fn apply_stages(
        &self,
        ks: &Kustomization,
        judge: &Judge<'_>,
        objects: Vec<Object>,
        draft: &mut Draft<Kustomization>,
        changes: &mut ChangeSet,
    ) -> Result<(), String> {
        let mut options = self.apply_options(ks)?;
        options.settled_within = self.settled_within(ks);
        for (stage, objects) in order::stages(objects, &self.custom_stages) {
            if self.stop.is_cancelled() {
                return Err("the controller is stopping".into());
            }
            let defined = objects.iter().filter(|object| object.is_crd());
            let groups: Vec<String> = defined.map(|crd| crd.text_at(&["spec", "group"]).to_owned()).collect();
            let applier =
                Applier::new(judge.target.cluster.clone(), judge.target.index.clone(), options.clone());
            let examined = applier.examine(objects).await.map_err(|error| error.to_string())?;
            let created = examined.iter().filter(|one| one.change.action == Action::Created);
            intend(draft, created.map(|one| Tracked::from(&one.change)).collect()).await?;
            match applier.write(examined).await {
                Ok(done) => changes.append(ChangeSet { changes: done }),
                Err((done, error)) => {
                    changes.append(ChangeSet { changes: done });
                    return Err(error.to_string());
                }
            }
            options.fresh_groups.extend(groups);
            if stage.is_awaited() {
                let awaited: Vec<Awaited> = changes
                    .changes
                    .iter()
                    .filter(|change| change.action != Action::Skipped)
                    .map(|change| awaited(change, &[]))
                    .collect();
                let options = WaitOptions {
                    timeout: STAGE_WITHIN,
                    fail_fast: false,
                    checks: Arc::clone(&judge.checks),
                    stop: self.stop.clone(),
                };
                wait(&judge.target.cluster, &judge.target.index, &awaited, &options)
                    .await
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn apply_options(&self, ks: &Kustomization) -> Result<ApplyOptions, String> {
        let mut take_over = vec![
            // Undo what `kubectl apply`, `edit` and `apply --server-side` have done.
            FieldManager::new("kubectl", Operation::Apply),
            FieldManager::new("kubectl", Operation::Update),
            FieldManager::new("before-first-apply", Operation::Update),
            // Undo what the controller did before it applied server-side.
            FieldManager::new(NAME, Operation::Update),
        ];
        for name in &self.flags.override_manager {
            take_over.push(FieldManager::new(name, Operation::Apply));
            take_over.push(FieldManager::new(name, Operation::Update));
        }
        Ok(ApplyOptions {
            manager: NAME.to_owned(),
            owner: drift::owner(ks),
            marks: kustomize::GROUP.to_owned(),
            force: ks.spec.force,
            take_over,
            remove_annotations: vec![
                "kubectl.kubernetes.io/last-applied-configuration".to_owned(),
                "kustomize.toolkit.fluxcd.io/checksum".to_owned(),
                "fluxcd.io/sync-checksum".to_owned(),
            ],
            remove_labels: vec!["fluxcd.io/sync-gc-mark".to_owned()],
            fresh_groups: Vec::new(),
            settled_within: None,
            ignored: ignored(ks)?,
            migrates_versions: self.common.gate("MigrateAPIVersion", false),
        })
    }

    /// For how long nothing is asked about an object of which the watch has shown no change: for the interval at most, by
    /// which it is due again. Where somebody asks, or the last run was not good, everything is looked at.
    fn settled_within(&self, ks: &Kustomization) -> Option<std::time::Duration> {
        let is_requested =
            ks.metadata.requested_at().is_some_and(|asked| asked != ks.status.last_handled_reconcile_at);
        let is_good = find_condition(&ks.status.conditions, condition_type::READY)
            .is_some_and(Condition::is_true)
            && ks.status.observed_generation == ks.metadata.generation;
        let share = 100_u32.saturating_sub(u32::from(self.common.interval_jitter_percentage) + 1);
        (is_good && !is_requested).then(|| ks.spec.interval.to_std() * share / 100)
    }
}

/// Fields that others may change, by the Kustomization's own rules.
fn ignored(ks: &Kustomization) -> Result<Ignored, String> {
    if ks.spec.ignore.is_empty() {
        return Ok(Ignored::default());
    }
    let rules = Rules::of_spec(&serde_json::json!({"ignore": ks.spec.ignore}))?;
    Ok(Ignored::new(move |object| rules.fields_of(object.fields())))
}

/// The record before the deed: what is about to be created stands in the stored inventory first.
async fn intend(draft: &mut Draft<Kustomization>, created: Vec<Tracked>) -> Result<(), String> {
    let mut intended = draft.status().inventory.clone().unwrap_or_default();
    let known = intended.entries.len();
    inventory::merge(&mut intended, created);
    if intended.entries.len() == known {
        return Ok(());
    }
    draft.status_mut().inventory = Some(intended);
    draft
        .save()
        .await
        .map_err(|error| format!("the inventory was not stored, so nothing was applied: {error}"))
}

/// Owner labels, upstream's normal form, common metadata: in this order.
fn own(object: &mut Object, ks: &Kustomization) {
    object.set_label(labels::KUSTOMIZATION_NAME, &ks.metadata.name);
    object.set_label(labels::KUSTOMIZATION_NAMESPACE, &ks.metadata.namespace);
    sluice_object::normalize::normalize(object);
    if let Some(common) = &ks.spec.common_metadata {
        object.set_labels_and_annotations(&common.labels, &common.annotations);
    }
}

/// A Secret with SOPS' own metadata is still encrypted: applying it would store ciphertext.
fn is_encrypted(object: &Object) -> bool {
    object.is_secret()
        && object.at(&["sops", "mac"]).is_some()
        && !object.is_marked(labels::KUSTOMIZE_DECRYPT, "disabled")
}

pub(super) fn awaited(change: &sluice_object::Change, passing: &[sluice_object::ObjectId]) -> Awaited {
    let tracked = Tracked::from(change);
    Awaited {
        api_version: tracked.api_version(),
        is_passing: passing.contains(&tracked.id),
        id: tracked.id,
        is_applied: true,
    }
}
