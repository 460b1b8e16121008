//! What work on packs and artifacts may hold in memory: shares of the budget, taken from it for as long as the work takes.

use std::sync::Arc;

use futures::future::BoxFuture;
use sluice_git::pack::{Limits, PackError};
use sluice_git::{CheckoutError, FetchError, Permit, Permits};
use sluice_runtime::Memory;
use sluice_runtime::memory::Reservation;
use tokio::sync::Semaphore;

use super::include;

/// One object, held parts of a pack and includes may each take this share of the budget.
const SHARE: u64 = 16;
/// The names and places of a pack's objects may take this one.
const SHARE_OF_NAMES: u64 = 8;
/// What an object takes beside its content.
const PER_OBJECT: u64 = 256;
/// An object, what it is made from and the difference are in memory at the same time.
const COPIES: u64 = 3;

/// Few work on packs at a time, each in memory that is reserved.
#[derive(Clone)]
pub(crate) struct Room {
    memory: Memory,
    at_once: Arc<Semaphore>,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room({} free)", self.at_once.available_permits())
    }
}

impl Permits for Room {
    fn acquire(self: Arc<Self>) -> BoxFuture<'static, Permit> {
        Box::pin(async move {
            let permit = Arc::clone(&self.at_once).acquire_owned().await.expect("it is never closed");
            Box::new((permit, self.reserve().await)) as Permit
        })
    }
}

impl Room {
    pub(crate) fn new(memory: &Memory, at_once: usize) -> Self {
        Self { memory: memory.clone(), at_once: Arc::new(Semaphore::new(at_once)) }
    }

    /// Limits within which a piece of work fits into what `reserve` gives.
    pub(crate) fn limits(&self) -> Limits {
        let limits = Limits::default();
        let names = self.memory.capped(limits.objects as u64 * PER_OBJECT, SHARE_OF_NAMES);
        Limits {
            objects: (names / PER_OBJECT) as usize,
            object_bytes: self.memory.capped(limits.object_bytes, SHARE),
            held_bytes: self.memory.capped(limits.held_bytes, SHARE),
            ..limits
        }
    }

    /// Bytes of files that an artifact may include from others.
    pub(super) fn include_bytes(&self) -> u64 {
        self.memory.capped(include::MOST_BYTES, SHARE)
    }

    /// The memory of one piece of work.
    pub(super) async fn reserve(&self) -> Reservation {
        let limits = self.limits();
        let names = limits.objects as u64 * PER_OBJECT;
        let bytes = limits.object_bytes * COPIES + limits.held_bytes + names + self.include_bytes();
        let most = self.memory.most().unwrap_or(bytes);
        self.memory.reserve(bytes.min(most)).await.expect("it is not more than one may have")
    }

    /// What to say of a fetch that ended because its memory was not enough; none where it ended otherwise.
    pub(super) fn too_large(&self, error: &FetchError) -> Option<String> {
        let pack = match error {
            FetchError::Pack { source, .. } => source,
            FetchError::Commit { source: CheckoutError::Pack(source), .. }
            | FetchError::Checkout { source: CheckoutError::Pack(source), .. } => source,
            _ => return None,
        };
        let (limits, usual) = (self.limits(), Limits::default());
        let is_bounded = match pack {
            PackError::ObjectTooLarge(_) => limits.object_bytes < usual.object_bytes,
            PackError::TooManyObjects(_) => limits.objects < usual.objects,
            _ => false,
        };
        let budget = self.memory.budget().filter(|_| is_bounded)?;
        Some(format!("--memory-budget={budget} allows no more; raise the budget or split the repository"))
    }
}
