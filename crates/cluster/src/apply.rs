//! Applies objects by server-side apply: first every dry run of a stage, then, when the caller has recorded what is
//! coming, the writes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use serde_json::Value;
use sluice_object::{Action, Change, Object, ObjectId, has_drifted, order};
use tokio::time::Instant;

use crate::client::{At, Cluster, PatchKind, Propagation};
use crate::error::ApiError;
use crate::ignored::{Ignored, without, yield_to};
use crate::index::Index;
use crate::kinds::ResourceKind;
use crate::takeover::{self, FieldManager};

/// A kind that discovery does not know yet is asked for again this long, when its definition was applied in the same run.
const KIND_MAY_COME_WITHIN: Duration = Duration::from_secs(10);
const KIND_ASKED_EVERY: Duration = Duration::from_millis(200);
/// An object that is recreated may take this long to go.
const GONE_WITHIN: Duration = Duration::from_mins(1);

/// How objects are applied.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    pub manager: String,
    /// Whose objects they are, for who asks what others have done to them; empty where nobody asks.
    pub owner: Arc<str>,
    /// The prefix of the marks on objects, such as `kustomize.toolkit.fluxcd.io`.
    pub marks: String,
    /// Recreate objects whose immutable fields change.
    pub force: bool,
    /// Managers whose fields become ours.
    pub take_over: Vec<FieldManager>,
    /// Annotations that are removed from live objects.
    pub remove_annotations: Vec<String>,
    /// Labels that are removed from live objects.
    pub remove_labels: Vec<String>,
    /// API groups whose kinds were defined earlier in this run.
    pub fresh_groups: Vec<String>,
    /// An object that was looked at within this time, and that the watch has shown no change of since, is not asked
    /// about. None: every object is.
    pub settled_within: Option<Duration>,
    /// Fields that others may change.
    pub ignored: Ignored,
    /// Make managed fields speak of the version that is applied.
    pub migrates_versions: bool,
}

/// Why an object was not applied. The texts are upstream's.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("{}", dry_run_text(.object, .error))]
    DryRun { object: ObjectId, error: ApiError },
    #[error("{object} immutable field detected, failed to delete object: {error}")]
    Recreate { object: ObjectId, error: ApiError },
    #[error(
        "{object} immutable field detected, failed to wait for object to be deleted: context deadline exceeded"
    )]
    NotGone { object: ObjectId },
    #[error("{object} failed to migrate API version: {error}")]
    Migrate { object: ObjectId, error: ApiError },
    #[error("{object} metadata.managedFields cleanup failed: {error}")]
    TakeOver { object: ObjectId, error: ApiError },
    #[error("{object} apply failed: {error}")]
    Apply { object: ObjectId, error: ApiError },
}

fn dry_run_text(object: &ObjectId, error: &ApiError) -> String {
    if error.is_not_found() {
        let what = if object.namespace.is_empty() { "namespace not specified" } else { "not found" };
        return format!("{object} {what}: {error}");
    }
    let conflict = match error {
        ApiError::Status { causes, .. } => causes.iter().find(|c| c.reason == "FieldManagerConflict"),
        _ => None,
    };
    match conflict.map_or(error.reason(), |cause| cause.reason.as_str()) {
        "" => format!("{object} dry-run failed: {error}"),
        reason => format!("{object} dry-run failed ({reason}): {error}"),
    }
}

/// What a dry run has shown of one object.
#[derive(Debug)]
pub struct Examined {
    pub change: Change,
    kind: Option<Arc<ResourceKind>>,
    /// What to send, and the uid of the object that must receive it (empty: it is new).
    write: Option<(Object, String)>,
    /// The live object, where it was read.
    live: Option<Object>,
    /// A hash of what is applied.
    sent: u64,
}

impl Examined {
    pub fn is_write(&self) -> bool {
        self.write.is_some()
    }
}

/// Applies objects in one identity, and tells the index what the server answered.
#[derive(Clone)]
pub struct Applier {
    cluster: Cluster,
    index: Index,
    options: Arc<ApplyOptions>,
}

impl Applier {
    pub fn new(cluster: Cluster, index: Index, options: ApplyOptions) -> Self {
        Self { cluster, index, options: Arc::new(options) }
    }

    /// Dry-runs every object. The first failure is the answer: nothing of the stage is written then.
    pub async fn examine(&self, objects: Vec<Object>) -> Result<Vec<Examined>, ApplyError> {
        try_join_all(objects.into_iter().map(|object| self.examine_one(object))).await
    }

    async fn examine_one(&self, mut object: Object) -> Result<Examined, ApplyError> {
        sluice_object::ca_bundle::remove_invalid(&mut object);
        let namespace = object.namespace().to_owned();
        match self.examine_as_known(&mut object).await {
            // Its definition has gone since it was asked for, or is another one.
            Err(ApplyError::DryRun { error, .. }) if error.is_unserved() => {
                self.cluster.forget_kinds(object.api_version());
                if !namespace.is_empty() {
                    object.set_namespace(&namespace);
                }
                self.examine_as_known(&mut object).await
            }
            other => other,
        }
    }

    /// By what discovery has told of its kind. The object is taken where this ends well.
    async fn examine_as_known(&self, object: &mut Object) -> Result<Examined, ApplyError> {
        let id = object.id();
        let kind =
            self.find_kind(object).await.map_err(|error| ApplyError::DryRun { object: id.clone(), error })?;
        // Kustomize puts a namespace on every kind that it does not know; the server would take it off again.
        let id = if kind.namespaced {
            id
        } else {
            object.clear_namespace();
            object.id()
        };
        if self.is_excluded(object) || self.is_marked(object, "ssa", "IfNotPresent") {
            let live = self.read(&kind, &id).await.map_err(|error| dry_run(&id, error))?;
            self.index.unsettle(&kind, &id.namespace, &id.name);
            if let Some(live) = live {
                return Ok(skipped(&live, kind));
            }
            if self.is_excluded(object) {
                return Ok(skipped(object, kind));
            }
        }
        let sent = self.hash(object);
        if let Some(within) = self.options.settled_within
            && self.index.is_settled(&kind, &id.namespace, &id.name, sent, within)
        {
            let change = Change::new(object, Action::Unchanged);
            return Ok(Examined { change, kind: Some(kind), write: None, live: None, sent });
        }
        if self.options.migrates_versions {
            self.migrate(&kind, object).await?;
        }
        let dry_run_answer = match self.send(&kind, object, true).await {
            Ok(answer) => answer,
            Err(error) => match self.after_refusal(&kind, object, error).await? {
                Refused::Skip(examined) => return Ok(*examined),
                Refused::Recreated => return Ok(created(std::mem::take(object), kind, sent)),
            },
        };
        if dry_run_answer.is_new {
            return Ok(created(std::mem::take(object), kind, sent));
        }
        self.index.expect(&kind, &id.namespace, &id.name, &self.options);
        let Some(live) = self.read(&kind, &id).await.map_err(|error| dry_run(&id, error))? else {
            return Ok(created(std::mem::take(object), kind, sent));
        };
        if self.is_excluded(&live) || self.is_marked(object, "ssa", "IfNotPresent") {
            self.index.unsettle(&kind, &id.namespace, &id.name);
            return Ok(skipped(&live, kind));
        }
        let is_cleaned = self.clean_up(&kind, object, &live).await?;
        let dry_run_object = Object::try_from(dry_run_answer.object).unwrap_or_default();
        let pointers = self.options.ignored.of(&dry_run_object);
        let has_drifted = if pointers.is_empty() {
            has_drifted(&live, &dry_run_object)
        } else {
            has_drifted(&without(&live, &pointers), &without(&dry_run_object, &pointers))
        };
        if is_cleaned || has_drifted {
            yield_to(&live, &dry_run_object, &pointers, &self.options.manager, object);
            let change = Change::new(object, Action::Configured);
            let uid = live.uid().to_owned();
            let write = Some((std::mem::take(object), uid));
            return Ok(Examined { change, kind: Some(kind), write, live: Some(live), sent });
        }
        let change = Change::new(object, Action::Unchanged);
        Ok(Examined { change, kind: Some(kind), write: None, live: Some(live), sent })
    }

    /// What is sent, and by whom.
    fn hash(&self, object: &Object) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.cluster.user(), &self.options.manager).hash(&mut hasher);
        object.to_value().to_string().hash(&mut hasher);
        hasher.finish()
    }

    /// Writes what [`Applier::examine`] found to differ: ranks one after another, the objects of a rank side by side.
    /// Returns the changes in apply order; on failure those that were made before it.
    pub async fn write(&self, examined: Vec<Examined>) -> Result<Vec<Change>, (Vec<Change>, ApplyError)> {
        let mut done = Vec::with_capacity(examined.len());
        let mut rest = examined.into_iter().peekable();
        while let Some(first) = rest.next() {
            let rank = order::rank(&first.change.id.kind);
            let mut batch = vec![first];
            while let Some(next) = rest.next_if(|next| order::rank(&next.change.id.kind) == rank) {
                batch.push(next);
            }
            let results = join_all(batch.iter().map(|examined| self.write_one(examined))).await;
            let mut failure = None;
            for (examined, result) in batch.into_iter().zip(results) {
                match result {
                    Ok(()) => done.push(examined.change),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if let Some(error) = failure {
                return Err((done, error));
            }
        }
        Ok(done)
    }

    async fn write_one(&self, examined: &Examined) -> Result<(), ApplyError> {
        let Some(kind) = &examined.kind else { return Ok(()) };
        let Some((object, uid)) = &examined.write else {
            if let Some(live) = &examined.live
                && examined.change.action == Action::Unchanged
            {
                self.index.note(kind, live);
                self.index.settle(kind, live, examined.sent);
            }
            return Ok(());
        };
        let mut object = object.clone();
        if !uid.is_empty() {
            object.set_metadata("uid", uid.clone().into());
        }
        let failed = |error| ApplyError::Apply { object: examined.change.id.clone(), error };
        self.index.unsettle(kind, object.namespace(), object.name());
        self.index.expect(kind, object.namespace(), object.name(), &self.options);
        let answer = self.send(kind, &object, false).await.map_err(failed)?;
        if object.is_crd() {
            self.cluster.forget_group(object.text_at(&["spec", "group"]));
        }
        if let Ok(answer) = Object::try_from(answer.object) {
            self.index.note(kind, &answer);
            // What is only made, and left to others from then on, cannot drift.
            if !self.is_marked(&object, "ssa", "IfNotPresent") {
                self.index.settle(kind, &answer, examined.sent);
            }
        }
        Ok(())
    }

    async fn find_kind(&self, object: &Object) -> Result<Arc<ResourceKind>, ApiError> {
        let until = Instant::now() + KIND_MAY_COME_WITHIN;
        let is_fresh = self.options.fresh_groups.iter().any(|group| group == object.group());
        loop {
            match self.cluster.kind(object.api_version(), object.kind()).await {
                Err(ApiError::NoKind { .. }) if is_fresh && Instant::now() < until => {
                    self.cluster.forget_kinds(object.api_version());
                    tokio::time::sleep(KIND_ASKED_EVERY).await;
                }
                other => return other,
            }
        }
    }

    async fn send(
        &self,
        kind: &ResourceKind,
        object: &Object,
        is_dry_run: bool,
    ) -> Result<crate::client::Applied, ApiError> {
        let at = At::new(kind, object.namespace(), object.name());
        self.cluster.apply(at, &object.to_value(), &self.options.manager, is_dry_run).await
    }

    async fn read(&self, kind: &ResourceKind, id: &ObjectId) -> Result<Option<Object>, ApiError> {
        match self.cluster.get(At::new(kind, &id.namespace, &id.name)).await {
            Ok(value) => Ok(Object::try_from(value).ok()),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A refused dry run of an object that asks to be left alone is no failure; one of an object that may be
    /// recreated deletes it and tries again.
    async fn after_refusal(
        &self,
        kind: &Arc<ResourceKind>,
        object: &Object,
        error: ApiError,
    ) -> Result<Refused, ApplyError> {
        let id = object.id();
        let live = self.read(kind, &id).await.ok().flatten();
        let Some(live) = live else { return Err(dry_run(&id, error)) };
        if self.is_excluded(&live) {
            self.index.unsettle(kind, &id.namespace, &id.name);
            return Ok(Refused::Skip(Box::new(skipped(&live, Arc::clone(kind)))));
        }
        let may_recreate = self.options.force
            || self.is_marked(object, "force", "enabled")
            || self.is_marked(&live, "force", "enabled");
        if !(may_recreate && error.is_immutable()) {
            return Err(dry_run(&id, error));
        }
        let at = At::new(kind, live.namespace(), live.name());
        self.index.unsettle(kind, live.namespace(), live.name());
        match self.cluster.delete(at, live.uid(), Propagation::Background).await {
            Err(error) if !error.is_not_found() => return Err(ApplyError::Recreate { object: id, error }),
            _ => {}
        }
        self.wait_until_gone(at, live.uid(), &id).await?;
        match self.send(kind, object, true).await {
            Ok(_) => Ok(Refused::Recreated),
            Err(error) => Err(dry_run(&id, error)),
        }
    }

    async fn wait_until_gone(&self, at: At<'_>, uid: &str, id: &ObjectId) -> Result<(), ApplyError> {
        let until = Instant::now() + GONE_WITHIN;
        let mut pause = Duration::from_millis(20);
        loop {
            match self.cluster.get(at).await {
                Ok(object) if object["metadata"]["uid"].as_str() == Some(uid) => {}
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => return Err(ApplyError::Recreate { object: id.clone(), error }),
            }
            if Instant::now() >= until {
                return Err(ApplyError::NotGone { object: id.clone() });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Removes legacy metadata and takes other managers' fields over. Says whether anything was to be done.
    async fn clean_up(
        &self,
        kind: &Arc<ResourceKind>,
        object: &Object,
        live: &Object,
    ) -> Result<bool, ApplyError> {
        if self.is_marked(object, "ssa", "Merge") || self.is_marked(live, "ssa", "Merge") {
            return Ok(false);
        }
        let Some(patch) = takeover::patch(live, &self.options) else { return Ok(false) };
        let patched = self.patch(kind, live, &patch).await;
        patched.map(|()| true).map_err(|error| ApplyError::TakeOver { object: object.id(), error })
    }

    async fn migrate(&self, kind: &Arc<ResourceKind>, object: &Object) -> Result<(), ApplyError> {
        let failed = |error| ApplyError::Migrate { object: object.id(), error };
        let Some(live) = self.read(kind, &object.id()).await.map_err(failed)? else { return Ok(()) };
        let Some(patch) = takeover::migration(&live, object.api_version()) else { return Ok(()) };
        self.patch(kind, &live, &patch).await.map_err(failed)
    }

    /// Changes a live object so that it can be applied.
    async fn patch(&self, kind: &Arc<ResourceKind>, live: &Object, patch: &Value) -> Result<(), ApiError> {
        let at = At::new(kind, live.namespace(), live.name());
        self.index.unsettle(kind, live.namespace(), live.name());
        self.cluster.patch(at, "", PatchKind::Json, patch, &self.options.manager).await.map(drop)
    }

    fn is_marked(&self, object: &Object, mark: &str, value: &str) -> bool {
        object.is_marked(&format!("{}/{mark}", self.options.marks), value)
    }

    fn is_excluded(&self, object: &Object) -> bool {
        self.is_marked(object, "reconcile", "disabled") || self.is_marked(object, "ssa", "Ignore")
    }
}

enum Refused {
    Skip(Box<Examined>),
    Recreated,
}

fn dry_run(id: &ObjectId, error: ApiError) -> ApplyError {
    ApplyError::DryRun { object: id.clone(), error }
}

fn skipped(object: &Object, kind: Arc<ResourceKind>) -> Examined {
    let change = Change::new(object, Action::Skipped);
    Examined { change, kind: Some(kind), write: None, live: None, sent: 0 }
}

fn created(object: Object, kind: Arc<ResourceKind>, sent: u64) -> Examined {
    let change = Change::new(&object, Action::Created);
    Examined { change, kind: Some(kind), write: Some((object, String::new())), live: None, sent }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widget() -> ObjectId {
        ObjectId {
            namespace: "ns".into(),
            name: "w".into(),
            group: "example.com".into(),
            kind: "Widget".into(),
        }
    }

    #[test]
    fn refused_dry_runs_read_as_upstreams() {
        let missing = ApiError::NoKind { kind: "Widget".into(), api_version: "example.com/v1".into() };
        assert_eq!(
            dry_run(&widget(), missing).to_string(),
            "Widget/ns/w dry-run failed: no matches for kind \"Widget\" in version \"example.com/v1\""
        );
        let forbidden =
            ApiError::Status { code: 403, reason: "Forbidden".into(), message: "no".into(), causes: vec![] };
        assert_eq!(dry_run(&widget(), forbidden).to_string(), "Widget/ns/w dry-run failed (Forbidden): no");
    }
}
