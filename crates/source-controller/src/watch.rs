//! What starts a GitRepository beside its own changes: a repository that it includes and waits for has got its artifact.

use std::sync::Arc;

use sluice_api::GitRepository;
use sluice_runtime::store::Changed;
use sluice_runtime::{Cause, Key, Store, Waker};
use tokio::sync::broadcast::error::RecvError;

/// Wakes those that wait for an include. Never ends while the store lives.
pub(crate) async fn wake_on_changes(store: &Arc<Store<GitRepository>>, waker: &Waker) {
    let mut changes = store.subscribe();
    loop {
        match changes.recv().await {
            Ok(change) if has_new_artifact(&change) => {
                for waiting in includers(store, &change.key) {
                    waker.wake(waiting, Cause::Awaited);
                }
            }
            // Those that wait come by themselves after a while.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

fn has_new_artifact(change: &Changed<GitRepository>) -> bool {
    let of = |object: &Option<Arc<GitRepository>>| {
        object.as_ref().and_then(|object| object.status.artifact.as_ref()).map(|found| found.digest.clone())
    };
    let new = of(&change.new);
    new.is_some() && new != of(&change.old)
}

fn includers(store: &Store<GitRepository>, included: &Key) -> Vec<Key> {
    store
        .all()
        .iter()
        .filter(|object| *object.metadata.namespace == *included.namespace)
        .filter(|object| object.spec.include.iter().any(|one| *one.repository.name == *included.name))
        .map(|object| Key::of(&**object))
        .collect()
}
