//! What a controller is to the loop, and how one of its objects is run once.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::event::Severity;
use sluice_api::kind::Status;
use sluice_api::{Kind, meta::ObjectMeta};
use sluice_cluster::{ApiError, Cluster};

use crate::clock;
use crate::draft::{Draft, keep_showing};
use crate::event::Recorder;
use crate::failure::{Done, Failure, Next, Told};
use crate::metrics::Metrics;
use crate::settle::{Rules, settle, settle_suspended};
use crate::store::{Changed, Key, Store};
use crate::writer::Writer;

/// The story of one kind.
pub trait Controller: Send + Sync + Sized + 'static {
    type Kind: Kind;
    /// The field manager of finalizer and status.
    const MANAGER: &'static str;
    const RULES: Rules;
    /// Annotations of the object that start a run when they change.
    const STARTING_ANNOTATIONS: &'static [&'static str] = &[];

    /// Makes what the object wants so.
    fn reconcile(&self, draft: &mut Draft<Self::Kind>) -> impl Future<Output = Result<Done, Failure>> + Send;

    /// Undoes what was made for an object that is being deleted; then its finalizer goes.
    fn finalize(&self, draft: &mut Draft<Self::Kind>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Whether the object gets the finalizer of its kind.
    fn wants_finalizer(&self, _object: &Self::Kind) -> bool {
        true
    }

    /// Whether a change of the object itself starts a run. Status changes never do.
    fn starts_on(&self, changed: &Changed<Self::Kind>) -> bool {
        match (&changed.old, &changed.new) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(old), Some(new)) => {
                let (old, new) = (old.metadata(), new.metadata());
                let has_changed = |key: &&str| old.annotation(key) != new.annotation(key);
                is_asked_for(old, new) || Self::STARTING_ANNOTATIONS.iter().any(has_changed)
            }
        }
    }
}

/// The generation, the reconcile request or the wish to delete differ.
fn is_asked_for(old: &ObjectMeta, new: &ObjectMeta) -> bool {
    old.generation != new.generation
        || old.requested_at() != new.requested_at()
        || old.is_deleting() != new.is_deleting()
        || old.uid != new.uid
}

/// What the loop needs to run a controller's objects.
pub struct Context<K: Kind> {
    pub cluster: Cluster,
    pub store: Arc<Store<K>>,
    pub recorder: Recorder,
    pub metrics: Metrics,
}

/// What the loop does with an object after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Runs again after this long, give or take the jitter.
    Every(Duration),
    /// Nothing but a change starts it.
    Rest,
    Backoff,
    /// Runs again after exactly this long; a fixed delay that says nothing of failures counted so far.
    After(Duration),
    /// As `After`, and sooner when what it waits for changes.
    Waiting(Duration),
}

/// Runs one object once. Everything that must happen around a run is here, so that controllers need not remember it.
pub(crate) async fn run_once<C: Controller>(controller: &C, cx: &Context<C::Kind>, key: &Key) -> Verdict {
    let began = std::time::Instant::now();
    cx.metrics.begin::<C::Kind>();
    let verdict = run_unmeasured(controller, cx, key).await;
    let result = match verdict {
        Verdict::Every(_) | Verdict::After(_) | Verdict::Waiting(_) => "requeue_after",
        Verdict::Rest => "success",
        Verdict::Backoff => "error",
    };
    cx.metrics.end::<C::Kind>(key, began.elapsed(), result);
    verdict
}

async fn run_unmeasured<C: Controller>(controller: &C, cx: &Context<C::Kind>, key: &Key) -> Verdict {
    let Some(object) = cx.store.get(key) else { return Verdict::Rest };
    let metadata = object.metadata();
    let finalizer = <C::Kind as Kind>::FINALIZER;
    let has_finalizer = metadata.has_finalizer(finalizer);
    let deleting = metadata.is_deleting();
    if deleting && !has_finalizer {
        return Verdict::Rest;
    }
    let mut writer = Writer::new(cx.cluster.clone(), Arc::clone(&cx.store), C::MANAGER, &*object);
    if !deleting
        && !has_finalizer
        && controller.wants_finalizer(&object)
        && let Err(error) = writer.add_finalizer(finalizer).await
    {
        return give_up::<C>(key, "the finalizer was not added", &error);
    }
    let mut draft = Draft::new(Arc::clone(&object), writer, cx.recorder.clone(), C::RULES);
    if deleting {
        return finalize(controller, draft, key).await;
    }
    if object.is_suspended() {
        settle_suspended(draft.status_mut(), object.metadata().generation, C::RULES);
        note_request(&mut draft);
        return match draft.save().await {
            Ok(()) => Verdict::Rest,
            Err(error) => give_up::<C>(key, "the status was not written", &error),
        };
    }
    let shown = (Arc::clone(&draft.shown), Arc::clone(&draft.writer));
    let outcome = tokio::select! {
        outcome = controller.reconcile(&mut draft) => outcome,
        never = keep_showing::<C::Kind>(shown.0, shown.1) => match never {},
    };
    settle_run::<C>(&mut draft, key, outcome).await
}

async fn settle_run<C: Controller>(
    draft: &mut Draft<C::Kind>,
    key: &Key,
    outcome: Result<Done, Failure>,
) -> Verdict {
    let generation = draft.generation();
    settle(draft.status_mut(), generation, clock::now().into(), &outcome);
    note_request(draft);
    match &outcome {
        Ok(_) => {
            tracing::info!(kind = C::Kind::KIND, object = %key, duration = ?draft.elapsed(), "reconciled");
        }
        Err(failure) => {
            tell(draft, failure);
            tracing::error!(kind = C::Kind::KIND, object = %key, reason = failure.reason, error = failure.message, "reconciliation failed");
        }
    }
    if let Err(error) = draft.save().await {
        return give_up::<C>(key, "the status was not written", &error);
    }
    match outcome {
        Ok(Done { again: Some(interval), .. }) => Verdict::Every(interval),
        Ok(_) => Verdict::Rest,
        Err(failure) => match failure.next {
            Next::Backoff => Verdict::Backoff,
            Next::Retry(delay) => Verdict::After(delay),
            Next::After(delay) => Verdict::Waiting(delay),
            Next::Stalled => Verdict::Rest,
        },
    }
}

async fn finalize<C: Controller>(controller: &C, mut draft: Draft<C::Kind>, key: &Key) -> Verdict {
    let shown = (Arc::clone(&draft.shown), Arc::clone(&draft.writer));
    let outcome = tokio::select! {
        outcome = controller.finalize(&mut draft) => outcome,
        never = keep_showing::<C::Kind>(shown.0, shown.1) => match never {},
    };
    match outcome {
        Ok(()) => {
            let removed = draft.writer.lock().await.remove_finalizer(<C::Kind as Kind>::FINALIZER).await;
            match removed {
                Ok(()) => Verdict::Rest,
                Err(error) => give_up::<C>(key, "the finalizer was not removed", &error),
            }
        }
        Err(failure) => settle_run::<C>(&mut draft, key, Err(failure)).await,
    }
}

fn tell<K: Kind>(draft: &Draft<K>, failure: &Failure) {
    match &failure.told {
        Told::Warning => draft.event(Severity::Error, failure.reason, failure.message.clone()),
        Told::WarningOf(text) => draft.event(Severity::Error, failure.reason, text.clone()),
        Told::News(text) => draft.event(Severity::Info, failure.reason, text.clone()),
        Told::Nothing => {}
    }
}

fn note_request<K: Kind>(draft: &mut Draft<K>) {
    if let Some(value) = draft.object().metadata().requested_at().map(str::to_owned) {
        draft.status_mut().set_last_handled_reconcile_at(value);
    }
}

fn give_up<C: Controller>(key: &Key, what: &str, error: &ApiError) -> Verdict {
    if error.is_not_found() {
        return Verdict::Rest;
    }
    tracing::error!(kind = C::Kind::KIND, object = %key, %error, "{what}");
    Verdict::Backoff
}
