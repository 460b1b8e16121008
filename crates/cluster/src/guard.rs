//! The guard of one controller's writes: nothing is sent once its lease may be another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Shared by the lease, which extends it, and every client of the controller, which asks it just before a write.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Milliseconds of the boot clock until which writes are ours; a clock that stands still while the machine
    /// sleeps would let a lease look young that others have taken meanwhile.
    until: Arc<AtomicU64>,
}

impl Guard {
    /// Writes are ours for this long from now.
    pub fn extend(&self, by: Duration) {
        self.until.store(now().saturating_add(by.as_millis() as u64), Ordering::Release);
    }

    /// Writes are no longer ours.
    pub fn close(&self) {
        self.until.store(0, Ordering::Release);
    }

    pub fn may_write(&self) -> bool {
        now() < self.until.load(Ordering::Acquire)
    }
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_open_only_while_it_is_extended() {
        let guard = Guard::default();
        assert!(!guard.may_write());
        guard.extend(Duration::from_mins(1));
        assert!(guard.may_write());
        guard.close();
        assert!(!guard.may_write());
    }
}
