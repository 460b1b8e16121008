//! What has been applied and needs no second look, for as long as the watch shows no change of it.

use std::sync::Arc;
use std::time::Duration;

use sluice_health::Status;
use sluice_object::Object;
use sluice_object::id::join_api_version;
use sluice_object::inventory::Tracked;
use tokio::time::Instant;

use super::{Address, Entry, Index, State, mark};
use crate::kinds::ResourceKind;

/// When an apply or a dry run was last seen to leave nothing to be done.
pub(super) struct Settled {
    /// What was sent.
    sent: u64,
    /// What the answer had of all that must stay as it is.
    pub(super) mark: u64,
    at: Instant,
}

impl Index {
    /// What was sent is what there is, by an answer that has been noted.
    pub(crate) fn settle(&self, kind: &Arc<ResourceKind>, answer: &Object, sent: u64) {
        let address = Address::new(kind, answer.namespace(), answer.name());
        let mut state = self.state.lock().expect("no panic while settling");
        let Some(entry) = state.objects.get_mut(&address) else { return };
        let Some(options) = &entry.options else { return };
        let mark = mark(answer, options);
        entry.settled = Some(Settled { sent, mark, at: Instant::now() });
        self.judge(&mut state, &address, None);
    }

    /// Whether the same was sent within a time, and nothing has happened since to what it has set. Only the watch tells
    /// of that, so where it does not see nothing is settled.
    pub(crate) fn is_settled(
        &self,
        kind: &Arc<ResourceKind>,
        namespace: &str,
        name: &str,
        sent: u64,
        within: Duration,
    ) -> bool {
        let state = self.state.lock().expect("no panic while reading");
        let entry = seen(&state, &Address::new(kind, namespace, name));
        entry.and_then(|entry| entry.left_within(within)).is_some_and(|settled| settled.sent == sent)
    }

    /// Whether all of an owner's objects are as it has left them within a time, and healthy. For an owner who would send
    /// the same again.
    pub async fn are_as_left(&self, owner: &str, objects: &[Tracked], within: Duration) -> bool {
        let mut addresses = Vec::with_capacity(objects.len());
        for Tracked { id, version } in objects {
            let api_version = join_api_version(&id.group, version);
            let Ok(kind) = self.cluster.kind(&api_version, &id.kind).await else { return false };
            addresses.push(Address::new(&kind, &id.namespace, &id.name));
        }
        let state = self.state.lock().expect("no panic while reading");
        let is_as_left = |entry: &Entry| {
            entry.options.as_ref().is_some_and(|options| *options.owner == *owner)
                && entry.left_within(within).is_some()
                && entry.health.as_ref().is_some_and(|known| known.status == Status::Current)
        };
        addresses.iter().all(|address| seen(&state, address).is_some_and(is_as_left))
    }
}

/// What is known of an object, where the watch of its kind sees.
fn seen<'a>(state: &'a State, address: &Address) -> Option<&'a Entry> {
    state.watches.get(&address.kind).filter(|watch| !watch.is_blind)?;
    state.objects.get(address)
}

impl Entry {
    /// What was settled within a time, where nothing has happened to it since.
    fn left_within(&self, within: Duration) -> Option<&Settled> {
        let settled = self.settled.as_ref()?;
        (self.mark == Some(settled.mark) && settled.at.elapsed() < within).then_some(settled)
    }
}
