//! What one engine run may use. Every loop over outside data charges it, so hostile input ends in an error, not in a hang.
//!
//! A budget never reads a clock: time is the caller's, who sets the stop flag from outside.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why an engine run was ended from outside its own logic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    #[error("the work limit of {0} steps was exceeded")]
    Fuel(u64),
    #[error("the size limit of {0} bytes was exceeded")]
    Bytes(u64),
    #[error("the nesting limit of {0} levels was exceeded")]
    Depth(u32),
    #[error("stopped")]
    Stopped,
}

/// Limits of one run. Not shared between threads: each run has its own; only the stop flag is shared.
#[derive(Debug, Clone)]
pub struct Budget {
    fuel_limit: u64,
    bytes_limit: u64,
    depth_limit: u32,
    fuel: Cell<u64>,
    bytes: Cell<u64>,
    stop: Arc<AtomicBool>,
}

impl Budget {
    /// `fuel` in steps (about one per node, object or template action), `bytes` of memory made, `depth` in levels of nesting.
    pub fn new(fuel: u64, bytes: u64, depth: u32) -> Self {
        Self {
            fuel_limit: fuel,
            bytes_limit: bytes,
            depth_limit: depth,
            fuel: Cell::new(0),
            bytes: Cell::new(0),
            stop: Arc::default(),
        }
    }

    /// The limits used where a caller has no better figure: 500 million steps, 1 GiB, 512 levels.
    pub fn generous() -> Self {
        Self::new(500_000_000, 1 << 30, 512)
    }

    /// Charges steps. Cheap enough for inner loops.
    pub fn charge(&self, steps: u64) -> Result<(), Exceeded> {
        let used = self.fuel.get().saturating_add(steps);
        self.fuel.set(used);
        if used > self.fuel_limit {
            return Err(Exceeded::Fuel(self.fuel_limit));
        }
        if self.stop.load(Ordering::Relaxed) { Err(Exceeded::Stopped) } else { Ok(()) }
    }

    /// Charges memory that the run is about to make.
    pub fn charge_bytes(&self, bytes: u64) -> Result<(), Exceeded> {
        let used = self.bytes.get().saturating_add(bytes);
        self.bytes.set(used);
        if used > self.bytes_limit { Err(Exceeded::Bytes(self.bytes_limit)) } else { Ok(()) }
    }

    /// Fails when `depth` is deeper than allowed.
    pub fn check_depth(&self, depth: u32) -> Result<(), Exceeded> {
        if depth > self.depth_limit { Err(Exceeded::Depth(self.depth_limit)) } else { Ok(()) }
    }

    pub fn depth_limit(&self) -> u32 {
        self.depth_limit
    }

    pub fn fuel_used(&self) -> u64 {
        self.fuel.get()
    }

    pub fn bytes_used(&self) -> u64 {
        self.bytes.get()
    }

    /// A flag that ends the run at its next charge when it is set from another thread.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_runs_out() {
        let budget = Budget::new(2, 10, 3);
        assert_eq!(budget.charge(2), Ok(()));
        assert_eq!(budget.charge(1), Err(Exceeded::Fuel(2)));
    }

    #[test]
    fn a_set_flag_stops_the_run() {
        let budget = Budget::generous();
        budget.stop_flag().store(true, Ordering::Relaxed);
        assert_eq!(budget.charge(1), Err(Exceeded::Stopped));
    }

    #[test]
    fn depth_and_bytes_are_limited() {
        let budget = Budget::new(1, 4, 3);
        assert_eq!(budget.check_depth(4), Err(Exceeded::Depth(3)));
        assert_eq!(budget.charge_bytes(5), Err(Exceeded::Bytes(4)));
    }
}
