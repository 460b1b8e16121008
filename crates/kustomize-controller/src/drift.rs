//! Drift: what somebody else does to objects of a Kustomization is told at once, and put back at once where it asks for that.
//!
//! Who changes an object again and again is another controller: the brake makes each next correction wait longer, so that
//! two controllers do not wear out the API server between them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sluice_api::Kustomization;
use sluice_api::event::Severity;
use sluice_api::kind::Status;
use sluice_api::meta::{Condition, ConditionStatus, condition_type, find_condition, labels, set_condition};
use sluice_cluster::Drift;
use sluice_runtime::{Cause, Draft, Key, Recorder, Waker, clock, writer};
use tokio::time::Instant;

use crate::args::DriftMode;
use crate::{Kustomize, STATUS_MANAGER};

const DRIFTED: &str = "Drifted";
const CORRECTED: &str = "Corrected";
const FIGHTING: &str = "Fighting";
/// One deed often touches several objects, one after another.
const TOGETHER: Duration = Duration::from_millis(50);
/// Corrections that follow each other closely and are still made at once.
const AT_ONCE: u32 = 3;
const LONGEST: Duration = Duration::from_mins(5);
/// Who leaves the objects alone for this long starts anew.
const CALM: Duration = Duration::from_mins(10);
/// More objects than these are counted, not named.
const NAMED: usize = 10;

/// How often a Kustomization was corrected lately.
#[derive(Debug, Clone, Copy)]
struct Brake {
    corrections: u32,
    last: Instant,
}

impl Brake {
    fn new(now: Instant) -> Self {
        Self { corrections: 0, last: now }
    }

    /// How long the next correction has to wait.
    fn next(&mut self, now: Instant) -> Duration {
        if now.duration_since(self.last) > CALM {
            self.corrections = 0;
        }
        self.corrections = self.corrections.saturating_add(1);
        let over = self.corrections.saturating_sub(AT_ONCE);
        let wait =
            if over == 0 { Duration::ZERO } else { Duration::from_secs(1 << over.min(20)).min(LONGEST) };
        self.last = now + wait;
        wait
    }
}

/// Whose objects they are, as the index knows it.
pub(crate) fn owner(ks: &Kustomization) -> Arc<str> {
    format!("{}/{}", ks.metadata.namespace, ks.metadata.name).into()
}

/// Looks at drift for as long as the controller runs.
pub(crate) async fn follow(cx: &Kustomize, waker: &Waker, recorder: &Recorder) {
    let mut brakes: HashMap<Key, Brake> = HashMap::new();
    let mut later: BTreeMap<Instant, Vec<Key>> = BTreeMap::new();
    loop {
        let first = later.first_key_value().map(|(at, _)| *at);
        let due = async {
            match first {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            owners = cx.index.owners_of_drifted() => {
                tokio::time::sleep(TOGETHER).await;
                let now = Instant::now();
                brakes.retain(|_, brake| now.duration_since(brake.last) <= CALM);
                for owner in owners {
                    if let Some((at, key)) = take(cx, waker, recorder, &mut brakes, &owner).await {
                        later.entry(at).or_default().push(key);
                    }
                }
            }
            () = due => {
                for key in later.pop_first().into_iter().flat_map(|(_, keys)| keys) {
                    put_back(cx, waker, key);
                }
            }
        }
    }
}

fn put_back(cx: &Kustomize, waker: &Waker, key: Key) {
    cx.waits.interrupt(&key);
    waker.wake(key, Cause::Changed);
}

/// One Kustomization whose objects have begun to drift. Gives the time when it is to be put back, where that is not now.
async fn take(
    cx: &Kustomize,
    waker: &Waker,
    recorder: &Recorder,
    brakes: &mut HashMap<Key, Brake>,
    owner: &str,
) -> Option<(Instant, Key)> {
    let (namespace, name) = owner.split_once('/')?;
    let key = Key::new(namespace, name);
    let ks = cx.store.get(&key)?;
    let drifts = cx.index.drifted(owner);
    if drifts.is_empty() || ks.spec.suspend || ks.metadata.is_deleting() {
        return None;
    }
    let list = listed(&drifts);
    recorder.record(&*ks, Severity::Info, DRIFTED, list.replace("; ", "\n"), BTreeMap::default());
    let now = Instant::now();
    let wait = match cx.drift_mode(&ks) {
        DriftMode::Interval => None,
        DriftMode::Watch => Some(brakes.entry(key.clone()).or_insert_with(|| Brake::new(now)).next(now)),
    };
    let (reason, text) = match wait {
        Some(Duration::ZERO) => {
            put_back(cx, waker, key);
            return None;
        }
        Some(wait) => {
            (FIGHTING, format!("{list}; put back again in {}", sluice_api::meta::Duration::from(wait)))
        }
        None => (DRIFTED, list),
    };
    let amended = writer::amend(&cx.cluster, &cx.store, STATUS_MANAGER, &key, |ks| {
        let condition = Condition::new(condition_type::DRIFTED, ConditionStatus::True, reason, text.clone());
        let generation = ks.metadata.generation;
        set_condition(ks.status.conditions_mut(), condition, generation, clock::now().into());
    });
    if let Err(error) = amended.await {
        tracing::debug!(object = %key, %error, "drift was not written down");
    }
    wait.map(|wait| (now + wait, key))
}

impl Kustomize {
    pub(crate) fn drift_mode(&self, ks: &Kustomization) -> DriftMode {
        match ks.metadata.annotation(labels::KUSTOMIZE_DRIFT) {
            Some(mode) if mode.eq_ignore_ascii_case("watch") => DriftMode::Watch,
            Some(mode) if mode.eq_ignore_ascii_case("interval") => DriftMode::Interval,
            _ => self.flags.drift,
        }
    }

    /// The condition at the end of a run that has applied everything: `before` is what had drifted when it began.
    pub(crate) fn settle_drift(
        &self,
        ks: &Kustomization,
        before: &[Drift],
        draft: &mut Draft<Kustomization>,
    ) {
        let now = self.index.drifted(&owner(ks));
        let was_told = find_condition(&draft.status().conditions, condition_type::DRIFTED);
        let was_true = was_told.is_some_and(Condition::is_true);
        let condition = |status, reason, text| Condition::new(condition_type::DRIFTED, status, reason, text);
        if !now.is_empty() {
            draft.note(condition(ConditionStatus::True, DRIFTED, listed(&now)));
        } else if self.drift_mode(ks) == DriftMode::Watch && !before.is_empty() {
            let text = format!("put back: {}", listed(before));
            draft.note(condition(ConditionStatus::False, CORRECTED, text));
        } else if was_true {
            draft.forget(condition_type::DRIFTED);
        }
    }
}

fn listed(drifts: &[Drift]) -> String {
    let named: Vec<String> = drifts.iter().take(NAMED).map(ToString::to_string).collect();
    match drifts.len().saturating_sub(NAMED) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_come_at_once_until_somebody_fights() {
        let begin = Instant::now();
        let mut brake = Brake::new(begin);
        let mut now = begin;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait = brake.next(now);
            waits.push(wait.as_secs());
            now += wait + Duration::from_secs(1);
        }
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(brake.next(now + CALM + Duration::from_secs(1)), Duration::ZERO);
    }
}
