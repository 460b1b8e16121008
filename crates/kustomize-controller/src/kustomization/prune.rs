//! Deletes what earlier runs applied and this one did not: as upstream does, and more carefully where flags ask for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use sluice_api::event::Severity;
use sluice_api::meta::{Inventory, labels, reason};
use sluice_api::{Kustomization, kustomize};
use sluice_cluster::PruneOptions;
use sluice_object::ObjectId;
use sluice_object::inventory::{self, Tracked};
use sluice_runtime::{Draft, Failure, Key};
use sluice_tree::Tree;

use super::apply::Applied;
use super::build::From;
use super::fetch::inside;
use super::record::History;
use super::retried;
use crate::Kustomize;

/// More objects than these are counted, not named.
const NAMED: usize = 10;

/// What the builds of one artifact have given, by Kustomization: asked where others want to know what is wanted.
#[derive(Default)]
pub(crate) struct Wanted {
    builds: Mutex<HashMap<Key, (Made, Ids)>>,
}

/// What a build has made.
type Ids = Arc<BTreeSet<ObjectId>>;

/// Which build it was: the generation of the Kustomization and the digest of the artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    generation: i64,
    digest: String,
}

impl Wanted {
    fn known(&self, key: &Key, made: &Made) -> Option<Ids> {
        let builds = self.builds.lock().expect("no panic while looking up");
        builds.get(key).filter(|(known, _)| known == made).map(|(_, ids)| Arc::clone(ids))
    }

    fn note(&self, key: Key, made: Made, ids: Ids) {
        self.builds.lock().expect("no panic while noting").insert(key, (made, ids));
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.builds.lock().expect("no panic while forgetting").remove(key);
    }
}

impl Kustomize {
    pub(super) async fn prune(
        &self,
        ks: &Kustomization,
        applied: &Applied,
        from: &From<'_>,
        draft: &mut Draft<Kustomization>,
        history: &History,
    ) -> Result<(), Failure> {
        let now = draft.status().inventory.clone().unwrap_or_default();
        let stale = match inventory::stale(&applied.before, &now) {
            Ok(stale) => stale,
            Err(error) => {
                history.add(draft, reason::RECONCILIATION_FAILED);
                return Err(retried(ks, reason::RECONCILIATION_FAILED, error.to_string()));
            }
        };
        // What happens to them from here on is no longer our concern, or our own doing.
        from.target.index.forget(&stale.iter().map(|tracked| tracked.id.clone()).collect::<Vec<_>>());
        if !ks.spec.prune || stale.is_empty() {
            return Ok(());
        }
        let stale = match self.without_released(ks, stale.clone(), from, draft).await {
            Ok(stale) => stale,
            Err(text) => return Err(kept(ks, draft, history, now, stale, text)),
        };
        if let Some(text) = self.is_too_much(ks, &stale, &now, &from.source.artifact.revision) {
            return Err(kept(ks, draft, history, now, stale, text));
        }
        if stale.is_empty() {
            return Ok(());
        }
        let wanted =
            inventory::list(&now).unwrap_or_default().into_iter().map(|tracked| tracked.id).collect();
        let options = PruneOptions { wanted, ..prune_options(ks) };
        let pruned = from.target.cluster.prune(&stale, &options).await;
        if !pruned.errors.is_empty() {
            let text = format!("delete failed, errors: {};", pruned.errors.join(";"));
            return Err(kept(ks, draft, history, now, pruned.survivors, text));
        }
        if !pruned.changes.is_empty() {
            draft.event(Severity::Info, reason::PROGRESSING, pruned.changes.to_string());
        }
        Ok(())
    }

    /// Why so much is not deleted without a person's word; none where it may be.
    fn is_too_much(
        &self,
        ks: &Kustomization,
        stale: &[Tracked],
        now: &Inventory,
        revision: &str,
    ) -> Option<String> {
        let most = self.flags.prune_guard?;
        // Of what is there and what would go: a share of the earlier inventory would change from one try to the next.
        let (stale_count, of) = (stale.len() as u64, (now.entries.len() + stale.len()) as u64);
        let is_approved = ks.metadata.annotation(labels::KUSTOMIZE_PRUNE_APPROVED) == Some(revision);
        if is_approved || stale_count * 100 <= u64::from(most) * of {
            return None;
        }
        let named: Vec<String> = stale.iter().take(NAMED).map(|tracked| tracked.id.to_string()).collect();
        let more = match stale.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "{stale_count} of {of} objects would be deleted, more than --prune-guard={most}% allows: {}{more}; annotate this \
             Kustomization with {}={revision} to have them deleted",
            named.join(", "),
            labels::KUSTOMIZE_PRUNE_APPROVED,
        ))
    }

    /// What no other Kustomization of the same artifact and cluster wants. The others are built for that, so one that
    /// cannot be built holds the deletion up: nobody can tell what it wants.
    async fn without_released(
        &self,
        ks: &Kustomization,
        stale: Vec<Tracked>,
        from: &From<'_>,
        draft: &mut Draft<Kustomization>,
    ) -> Result<Vec<Tracked>, String> {
        if !self.flags.prune_release {
            return Ok(stale);
        }
        let mut wanted_by: BTreeMap<String, String> = BTreeMap::new();
        for other in self.others_of(ks) {
            // One that is about to be deleted itself wants nothing any more.
            let is_stale = |tracked: &Tracked| {
                tracked.id.kind == "Kustomization"
                    && tracked.id.group == kustomize::GROUP
                    && (&tracked.id.namespace, &tracked.id.name)
                        == (&other.metadata.namespace, &other.metadata.name)
            };
            if stale.iter().any(is_stale) {
                continue;
            }
            let wanted = self.wanted(&other, from, draft).await.map_err(|why| {
                format!(
                    "nothing is deleted while Kustomization/{} cannot say what it wants: {why}",
                    Key::of(&*other)
                )
            })?;
            for tracked in stale.iter().filter(|tracked| wanted.contains(&tracked.id)) {
                let text = format!("{} released to Kustomization/{}", tracked.id, Key::of(&*other));
                wanted_by.entry(tracked.id.to_string()).or_insert(text);
            }
        }
        if !wanted_by.is_empty() {
            let lines: Vec<String> = wanted_by.values().cloned().collect();
            draft.event(Severity::Info, reason::PROGRESSING, lines.join("\n"));
        }
        let is_stale = |tracked: &Tracked| !wanted_by.contains_key(&tracked.id.to_string());
        Ok(stale.into_iter().filter(is_stale).collect())
    }

    /// The other Kustomizations of the same source that apply to the same cluster.
    fn others_of(&self, ks: &Kustomization) -> Vec<Arc<Kustomization>> {
        let source = |ks: &Kustomization| {
            let reference = &ks.spec.source_ref;
            let own = &ks.metadata.namespace;
            let namespace = if reference.namespace.is_empty() { own } else { &reference.namespace };
            (reference.kind.clone(), namespace.clone(), reference.name.clone())
        };
        let ours = source(ks);
        let mut others = self.store.all();
        others.retain(|other| {
            other.metadata.uid != ks.metadata.uid
                && source(other) == ours
                && other.spec.kube_config == ks.spec.kube_config
                && (other.spec.kube_config.is_none() || other.metadata.namespace == ks.metadata.namespace)
                && !other.metadata.is_deleting()
        });
        others.sort_by_key(|other| Key::of(&**other));
        others
    }

    /// What a Kustomization makes of the artifact.
    async fn wanted(
        &self,
        other: &Kustomization,
        from: &From<'_>,
        draft: &mut Draft<Kustomization>,
    ) -> Result<Ids, String> {
        let digest = from.source.artifact.digest.clone();
        let made = Made { generation: other.metadata.generation, digest };
        let key = Key::of(other);
        if let Some(known) = self.wanted.known(&key, &made) {
            return Ok(known);
        }
        if from.tree.tree.kind(&inside(&other.spec.path)).is_err() {
            return Ok(Arc::default());
        }
        let inputs = self.inputs(other).await;
        let built = self.build(other, from, inputs, draft).await;
        let (built, _permit) = built.map_err(|failure| failure.message)?;
        let mut ids = BTreeSet::new();
        for object in &built.objects {
            let id = object.id();
            // An object outside namespaces may have been given one: the server takes it off again.
            ids.insert(ObjectId { namespace: String::new(), ..id.clone() });
            ids.insert(id);
        }
        let ids = Arc::new(ids);
        self.wanted.note(key, made, Arc::clone(&ids));
        Ok(ids)
    }
}

/// The failure of a deletion: what was not deleted stays in the inventory.
fn kept(
    ks: &Kustomization,
    draft: &mut Draft<Kustomization>,
    history: &History,
    mut now: Inventory,
    survivors: Vec<Tracked>,
    text: String,
) -> Failure {
    inventory::merge(&mut now, survivors);
    draft.status_mut().inventory = Some(now);
    history.add(draft, reason::PRUNE_FAILED);
    retried(ks, reason::PRUNE_FAILED, text)
}

/// What the live object must look like to be deleted by this Kustomization.
pub(super) fn prune_options(ks: &Kustomization) -> PruneOptions {
    let owner = [
        (labels::KUSTOMIZATION_NAME, &ks.metadata.name),
        (labels::KUSTOMIZATION_NAMESPACE, &ks.metadata.namespace),
    ];
    PruneOptions {
        owner: owner.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect(),
        marks: kustomize::GROUP.to_owned(),
        wanted: BTreeSet::new(),
    }
}
