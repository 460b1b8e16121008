//! The one reconcile loop: decides which object runs when. Runs of one object never overlap; runs of different objects are not counted.
//!
//! No worker sleeps: a run is a task, and what limits work are the permits that stages take.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sluice_api::Kind;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::controller::{Context, Controller, Verdict, run_once};
use crate::store::{Changed, Key};

/// How a failed object waits.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub min_retry: Duration,
    pub max_retry: Duration,
    /// Percent of an interval by which it is made longer or shorter, by the object's own fixed share.
    pub jitter: u8,
}

impl Default for Pace {
    fn default() -> Self {
        Self { min_retry: Duration::from_millis(750), max_retry: Duration::from_mins(15), jitter: 5 }
    }
}

/// Why an object is woken from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Something it is made from changed.
    Changed,
    /// Something it may be waiting for changed: it runs only if it waits.
    Awaited,
}

/// Wakes objects of one loop. Never blocks; a full queue loses nothing, because the loop then wakes everything.
#[derive(Clone)]
pub struct Waker {
    queue: mpsc::Sender<(Key, Cause)>,
    overflow: Arc<tokio::sync::Notify>,
}

const QUEUE: usize = 65_536;

impl Waker {
    pub fn new() -> (Self, Wakes) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let overflow = Arc::new(tokio::sync::Notify::new());
        (Self { queue: sender, overflow: Arc::clone(&overflow) }, Wakes { queue: receiver, overflow })
    }

    pub fn wake(&self, key: Key, cause: Cause) {
        if self.queue.try_send((key, cause)).is_err() {
            self.overflow.notify_one();
        }
    }
}

/// The loop's end of a [`Waker`].
pub struct Wakes {
    queue: mpsc::Receiver<(Key, Cause)>,
    overflow: Arc<tokio::sync::Notify>,
}

#[derive(Default)]
struct Item {
    running: bool,
    /// Woken while it ran.
    again: Option<Cause>,
    due: Option<(Instant, u64)>,
    failures: u32,
    waiting: bool,
}

struct Loop<C: Controller> {
    controller: Arc<C>,
    cx: Arc<Context<C::Kind>>,
    pace: Pace,
    items: HashMap<Key, Item>,
    timers: BTreeMap<(Instant, u64), Key>,
    next_timer: u64,
    runs: JoinSet<Verdict>,
    keys: HashMap<Id, Key>,
}

/// Runs a controller's objects until `stop`. The store must be followed by somebody else.
pub async fn run<C: Controller>(
    controller: Arc<C>,
    cx: Arc<Context<C::Kind>>,
    pace: Pace,
    mut wakes: Wakes,
    stop: CancellationToken,
) {
    cx.store.filled().await;
    let mut changes = cx.store.subscribe();
    let mut this = Loop {
        controller,
        cx,
        pace,
        items: HashMap::new(),
        timers: BTreeMap::new(),
        next_timer: 0,
        runs: JoinSet::new(),
        keys: HashMap::new(),
    };
    this.wake_all();
    while !stop.is_cancelled() {
        let first = this.timers.first_key_value().map(|((at, _), _)| *at);
        let timer = async {
            match first {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            change = changes.recv() => match change {
                Ok(change) => this.take_change(&change),
                Err(broadcast::error::RecvError::Lagged(_)) => this.wake_all(),
                Err(broadcast::error::RecvError::Closed) => break,
            },
            Some((key, cause)) = wakes.queue.recv() => this.wake(&key, cause),
            () = wakes.overflow.notified() => this.wake_all(),
            Some(ended) = this.runs.join_next_with_id(), if !this.runs.is_empty() => this.take_end(ended),
            () = timer => this.start_due(),
        }
    }
    // Runs see the token themselves and end between two objects.
    while this.runs.join_next().await.is_some() {}
}

impl<C: Controller> Loop<C> {
    fn take_change(&mut self, change: &Changed<C::Kind>) {
        if change.new.is_none() {
            self.cx.metrics.forget::<C::Kind>(&change.key);
            if let Some(item) = self.items.get_mut(&change.key) {
                item.again = None;
                if let Some(due) = item.due.take() {
                    self.timers.remove(&due);
                }
                if !item.running {
                    self.items.remove(&change.key);
                }
            }
        } else if self.controller.starts_on(change) {
            self.wake(&change.key, Cause::Changed);
        }
    }

    fn wake_all(&mut self) {
        let keys: Vec<Key> = self.cx.store.all().iter().map(|object| Key::of(&**object)).collect();
        for key in keys {
            self.wake(&key, Cause::Changed);
        }
    }

    fn wake(&mut self, key: &Key, cause: Cause) {
        let item = match self.items.get_mut(key) {
            Some(item) => item,
            None if self.cx.store.get(key).is_none() => return,
            None => self.items.entry(key.clone()).or_default(),
        };
        if item.running {
            if item.again != Some(Cause::Changed) {
                item.again = Some(cause);
            }
            return;
        }
        if cause == Cause::Awaited && !item.waiting {
            return;
        }
        self.start(key.clone());
    }

    fn start(&mut self, key: Key) {
        let item = self.items.entry(key.clone()).or_default();
        if let Some(due) = item.due.take() {
            self.timers.remove(&due);
        }
        item.running = true;
        item.again = None;
        let (controller, cx, of) = (Arc::clone(&self.controller), Arc::clone(&self.cx), key.clone());
        let handle = self.runs.spawn(async move { run_once(&*controller, &cx, &of).await });
        self.keys.insert(handle.id(), key);
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let key = entry.remove();
            self.start(key);
        }
    }

    fn take_end(&mut self, ended: Result<(Id, Verdict), tokio::task::JoinError>) {
        let (id, verdict) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // A panic ends this run alone; its object is tried again with backoff.
                tracing::error!(kind = C::Kind::KIND, %error, "a reconciliation panicked");
                (error.id(), Verdict::Backoff)
            }
        };
        let Some(key) = self.keys.remove(&id) else { return };
        let is_there = self.cx.store.get(&key).is_some();
        let Some(item) = self.items.get_mut(&key) else { return };
        item.running = false;
        if !is_there {
            self.items.remove(&key);
            return;
        }
        item.waiting = matches!(verdict, Verdict::Waiting(_));
        item.failures = if verdict == Verdict::Backoff { item.failures.saturating_add(1) } else { 0 };
        let run_now = match item.again.take() {
            Some(Cause::Changed) => true,
            Some(Cause::Awaited) => item.waiting,
            None => false,
        };
        if run_now {
            self.start(key);
            return;
        }
        let delay = match verdict {
            Verdict::Every(interval) => jittered(interval, self.pace.jitter, &key),
            Verdict::After(delay) | Verdict::Waiting(delay) => delay,
            Verdict::Backoff => backoff(self.pace, item.failures),
            Verdict::Rest => return,
        };
        let due = (Instant::now() + delay, self.next_timer);
        self.next_timer += 1;
        item.due = Some(due);
        self.timers.insert(due, key);
    }
}

fn backoff(pace: Pace, failures: u32) -> Duration {
    pace.min_retry.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(pace.max_retry)
}

/// An object's interval is longer or shorter by a share of its own, so that objects made together drift apart.
fn jittered(interval: Duration, percent: u8, key: &Key) -> Duration {
    if percent == 0 {
        return interval;
    }
    let hash = key.namespace.bytes().chain(key.name.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let share = (hash >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0;
    interval.mul_f64(1.0 + share * f64::from(percent.min(99)) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_limit() {
        let pace = Pace::default();
        assert_eq!(backoff(pace, 1), Duration::from_millis(750));
        assert_eq!(backoff(pace, 3), Duration::from_secs(3));
        assert_eq!(backoff(pace, 60), Duration::from_mins(15));
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let interval = Duration::from_secs(100);
        for i in 0..200 {
            let got = jittered(interval, 5, &Key::new("ns", &format!("a{i}")));
            assert!(got >= Duration::from_secs(95) && got <= Duration::from_secs(105));
        }
    }
}
