//! The memory of this process: what costs much of it (fetching, unpacking, building, applying) takes what it will need before
//! it begins, and gives it back.
//!
//! A reservation is taken whole and never enlarged, so nobody who holds memory waits for more: whose reservation turns out to
//! be too small gives it back and asks again for more. First come, first served; caches give way before anybody waits. What is
//! always there (objects, the index, connections) is seen in what the system says, and counts for half of the budget at the
//! most, so that one run may always have the other half. Without a budget everything is granted.

mod limit;

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::oneshot;

pub use limit::of_cgroup;

/// Bytes, as flags and messages have them: `268435456`, `256Mi`, `1Gi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const UNITS: [(&str, u64); 8] = [
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1000),
];

/// Less than this is no budget to work with.
const LEAST: Size = Size(64 << 20);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = UNITS.into_iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)));
        let (number, unit) = unit.unwrap_or((text, 1));
        let number: Option<u64> = number.parse().ok();
        number
            .and_then(|number| number.checked_mul(unit))
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no amount of memory such as 512Mi or 1Gi"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS[..4].iter().find(|(_, bytes)| self.0 >= *bytes && self.0.is_multiple_of(*bytes));
        match unit {
            Some((unit, bytes)) => write!(f, "{}{unit}", self.0 / bytes),
            None if self.0 > 1 << 20 => write!(f, "{}Mi", self.0 >> 20),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Reads `--memory-budget`.
pub fn parse_budget(text: &str) -> Result<Size, String> {
    let size: Size = text.parse()?;
    if size < LEAST {
        Err(format!("{text} is less than the {LEAST} that the controllers need"))
    } else {
        Ok(size)
    }
}

/// What one run needs is more than one may have, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it needs more than {most} of memory, and --memory-budget={budget} gives one run no more; raise the budget or split what is built"
)]
pub struct TooLarge {
    pub most: Size,
    pub budget: Size,
}

/// Something that holds memory which it can do without.
pub trait GivesWay: Send + Sync {
    /// Drops what was used longest ago. False: there is nothing left to drop.
    fn give_way(&self) -> bool;
}

/// The memory that work may use.
#[derive(Clone, Default)]
pub struct Memory(Option<Arc<Shared>>);

struct Shared {
    budget: u64,
    /// What the process has of the system's memory.
    resident: fn() -> u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reserved: u64,
    /// What was there when nothing was reserved.
    idle: u64,
    line: VecDeque<Waiting>,
    caches: Vec<Weak<dyn GivesWay>>,
    /// Somebody is serving those who wait: what is given back meanwhile is seen by him.
    is_served: bool,
}

struct Waiting {
    bytes: u64,
    granted: oneshot::Sender<Reservation>,
}

/// Memory that one run may use until it drops this.
pub struct Reservation {
    bytes: u64,
    of: Memory,
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reservation({} bytes)", self.bytes)
    }
}

impl Memory {
    pub fn new(budget: Option<Size>) -> Self {
        let Some(budget) = budget else { return Self::default() };
        tracing::info!(%budget, "memory is bounded");
        Self::measured(budget, limit::resident)
    }

    fn measured(budget: Size, resident: fn() -> u64) -> Self {
        Self(Some(Arc::new(Shared { budget: budget.0, resident, state: Mutex::default() })))
    }

    /// What one run may have at the most; none where there is no budget.
    pub fn most(&self) -> Option<u64> {
        self.0.as_ref().map(|shared| shared.budget / 2)
    }

    pub fn budget(&self) -> Option<Size> {
        self.0.as_ref().map(|shared| Size(shared.budget))
    }

    /// The smaller of a limit and that share of the budget.
    pub fn capped(&self, limit: u64, share: u64) -> u64 {
        self.0.as_ref().map_or(limit, |shared| limit.min(shared.budget / share))
    }

    /// Whoever holds memory for later gives way to who needs it now.
    pub fn add_cache(&self, cache: Weak<dyn GivesWay>) {
        if let Some(shared) = &self.0 {
            shared.lock().caches.push(cache);
        }
    }

    /// Waits until there is room for so many bytes. Who calls this must hold no reservation.
    pub async fn reserve(&self, bytes: u64) -> Result<Reservation, TooLarge> {
        let Some(shared) = &self.0 else { return Ok(Reservation { bytes, of: self.clone() }) };
        if bytes > shared.budget / 2 {
            return Err(TooLarge { most: Size(shared.budget / 2), budget: Size(shared.budget) });
        }
        let (granted, grant) = oneshot::channel();
        shared.lock().line.push_back(Waiting { bytes, granted });
        self.serve();
        Ok(grant.await.expect("who waits is served before the line goes away"))
    }

    /// The error of a run that has had all that one may have.
    pub fn too_large(&self) -> Option<TooLarge> {
        let shared = self.0.as_ref()?;
        Some(TooLarge { most: Size(shared.budget / 2), budget: Size(shared.budget) })
    }

    /// Grants what there is room for, in order; caches are asked to give way first.
    fn serve(&self) {
        let Some(shared) = &self.0 else { return };
        let mut state = shared.lock();
        if std::mem::replace(&mut state.is_served, true) {
            return;
        }
        while let Some(first) = state.line.pop_front() {
            if first.granted.is_closed() {
                continue;
            }
            if shared.has_room(&mut state, first.bytes) {
                let Waiting { bytes, granted } = first;
                state.reserved += bytes;
                drop(state);
                // Whoever has gone away gives it back by not taking it.
                drop(granted.send(Reservation { bytes, of: self.clone() }));
            } else {
                state.line.push_front(first);
                let caches: Vec<_> = state.caches.iter().filter_map(Weak::upgrade).collect();
                let reserved = state.reserved;
                drop(state);
                let has_given = caches.iter().any(|cache| cache.give_way());
                state = shared.lock();
                if !has_given && state.reserved >= reserved {
                    break;
                }
                continue;
            }
            state = shared.lock();
        }
        state.is_served = false;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while counting")
    }

    fn has_room(&self, state: &mut State, bytes: u64) -> bool {
        let resident = (self.resident)();
        if state.reserved == 0 {
            state.idle = resident;
        }
        let always = state.idle.max(resident.saturating_sub(state.reserved)).min(self.budget / 2);
        state.reserved + bytes <= self.budget - always
    }
}

impl Reservation {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a part of it out, to be held on its own: all there is where that is less.
    #[must_use]
    pub fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { bytes, of: self.of.clone() }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(shared) = &self.of.0 {
            shared.lock().reserved -= self.bytes;
            self.of.serve();
        }
    }
}

#[cfg(test)]
#[path = "memory/tests.rs"]
mod tests;
