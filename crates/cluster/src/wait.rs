//! Waits until objects are healthy, without polling: a waiter holds nothing and is woken by a watch, a time or its timeout.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use sluice_health::{Checks, Status};
use sluice_object::{Object, ObjectId};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::{At, Cluster};
use crate::error::ApiError;
use crate::index::{Address, Index};

/// Where an object cannot be watched it is looked at again after this long, growing to the second.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// An object that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    pub id: ObjectId,
    pub api_version: String,
    /// This Kustomization's own identity has applied or dry-run it in this process, so the shared watch may answer.
    pub is_applied: bool,
    /// A Job that removes itself: gone is done.
    pub is_passing: bool,
}

/// How to wait.
#[derive(Debug, Clone)]
pub struct WaitOptions {
    pub timeout: Duration,
    /// End at the first failed object, and not only when nothing can change any more.
    pub fail_fast: bool,
    /// What health means for some kinds, instead of the rules that hold for all.
    pub checks: Arc<Checks>,
    pub stop: CancellationToken,
}

/// Why a wait ended without all objects healthy. The texts are upstream's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WaitError {
    #[error("timeout waiting for: [{}]", .0.join(", "))]
    Timeout(Vec<String>),
    #[error("failed early due to stalled resources: [{}]", .0.join(", "))]
    Failed(Vec<String>),
    #[error("context canceled")]
    Stopped,
}

/// What a look at an object has shown.
#[derive(Debug, Clone)]
struct Seen {
    status: Status,
    error: Option<String>,
    revisit: Option<Instant>,
    /// The version that was judged by the waiter's own checks; none where it was not read.
    judged: Option<u64>,
}

impl Seen {
    const fn new(status: Status) -> Self {
        Self { status, error: None, revisit: None, judged: None }
    }

    fn unknown(error: impl ToString) -> Self {
        Self { error: Some(error.to_string()), ..Self::new(Status::Unknown) }
    }
}

struct Waiting<'a> {
    cluster: &'a Cluster,
    index: &'a Index,
    objects: &'a [Awaited],
    checks: &'a Checks,
    addresses: Vec<Option<Address>>,
    seen: Vec<Seen>,
    look_again: Vec<Option<(Instant, Duration)>>,
}

/// Waits until every object is Current. `cluster` is the identity that looks where the shared watch may not answer.
pub async fn wait(
    cluster: &Cluster,
    index: &Index,
    objects: &[Awaited],
    options: &WaitOptions,
) -> Result<(), WaitError> {
    if objects.is_empty() {
        return Ok(());
    }
    let until = Instant::now() + options.timeout;
    let notify = Arc::new(Notify::new());
    let mut waiting = Waiting {
        cluster,
        index,
        objects,
        checks: &options.checks,
        addresses: Vec::new(),
        seen: vec![Seen::new(Status::Unknown); objects.len()],
        look_again: vec![None; objects.len()],
    };
    waiting.find_addresses().await;
    waiting.index.listen(waiting.addresses.iter().flatten(), &notify);
    loop {
        waiting.look().await;
        if let Some(end) = waiting.verdict(options.fail_fast) {
            return end;
        }
        let next = waiting.next_look();
        let at = next.map_or(until, |next| next.min(until));
        tokio::select! {
            () = options.stop.cancelled() => return Err(WaitError::Stopped),
            () = notify.notified() => {}
            () = tokio::time::sleep_until(at) => if at >= until {
                waiting.look().await;
                return waiting.verdict(options.fail_fast).unwrap_or_else(|| Err(WaitError::Timeout(waiting.not_current())));
            }
        }
    }
}

impl Waiting<'_> {
    async fn find_addresses(&mut self) {
        for object in self.objects {
            let kind = self.cluster.kind(&object.api_version, &object.id.kind).await.ok();
            let address = kind.map(|kind| Address::new(&kind, &object.id.namespace, &object.id.name));
            self.addresses.push(address);
        }
    }

    /// Looks at every object: in the index where that may answer, else at the API server when it is time to.
    async fn look(&mut self) {
        let now = Instant::now();
        let mut ask = Vec::new();
        for at in 0..self.objects.len() {
            let answer = match &self.addresses[at] {
                Some(address) if self.objects[at].is_applied && !self.index.is_blind(&address.kind) => {
                    self.index.known(address)
                }
                _ => None,
            };
            let is_due = self.seen[at].revisit.is_some_and(|revisit| revisit <= now);
            match answer {
                // The index judges by the rules for all. Own checks need the object: it is read once a version.
                Some(known) if self.has_checks(at) && self.seen[at].judged == Some(known.version) => {
                    self.look_again[at] = None;
                }
                Some(_) if self.has_checks(at) => ask.push(at),
                Some(known) if !is_due => {
                    let revisit = self.revisit(known.revisit_at);
                    self.seen[at] = Seen { revisit, ..Seen::new(known.status) };
                    self.look_again[at] = None;
                }
                _ => {
                    if is_due || self.look_again[at].is_none_or(|(next, _)| next <= now) {
                        ask.push(at);
                    }
                }
            }
        }
        let answers = join_all(ask.iter().map(|at| self.ask(*at))).await;
        for (at, seen) in ask.into_iter().zip(answers) {
            self.seen[at] = seen;
            let pause = self.look_again[at].map_or(LOOK_AGAIN.0, |(_, pause)| (pause * 2).min(LOOK_AGAIN.1));
            self.look_again[at] = Some((Instant::now() + pause, pause));
        }
    }

    fn has_checks(&self, at: usize) -> bool {
        let id = &self.objects[at].id;
        self.checks.cover(&id.group, &id.kind)
    }

    fn revisit(&self, at: Option<Timestamp>) -> Option<Instant> {
        let wait = at?.duration_since(self.index.now());
        Some(Instant::now() + Duration::try_from(wait).unwrap_or_default())
    }

    async fn ask(&self, at: usize) -> Seen {
        let object = &self.objects[at];
        let kind = match self.cluster.kind(&object.api_version, &object.id.kind).await {
            Ok(kind) => kind,
            // A kind that is not served yet is an object that is not there yet.
            Err(ApiError::NoKind { .. }) => {
                return Seen::new(Status::NotFound);
            }
            Err(error) => return Seen::unknown(error),
        };
        let namespace = if kind.namespaced { object.id.namespace.as_str() } else { "" };
        match self.cluster.get(At::new(&kind, namespace, &object.id.name)).await {
            Ok(value) => {
                let live = Object::try_from(value).unwrap_or_default();
                if object.is_applied {
                    self.index.note(&kind, &live);
                }
                let Some(health) = self.checks.health(&live) else {
                    let health = sluice_health::health(&live, self.index.now());
                    return Seen { revisit: self.revisit(health.revisit_at), ..Seen::new(health.status) };
                };
                let error = (health.status == Status::Unknown).then_some(health.message);
                let judged = Some(live.resource_version().parse().unwrap_or(0));
                Seen { error, judged, ..Seen::new(health.status) }
            }
            Err(error) if error.is_not_found() => Seen::new(Status::NotFound),
            Err(error) => Seen::unknown(error),
        }
    }

    fn effective(&self, at: usize) -> Status {
        match self.seen[at].status {
            Status::NotFound if self.objects[at].is_passing => Status::Current,
            status => status,
        }
    }

    fn verdict(&self, fail_fast: bool) -> Option<Result<(), WaitError>> {
        let statuses: BTreeSet<Status> = (0..self.objects.len()).map(|at| self.effective(at)).collect();
        if statuses.iter().all(|status| *status == Status::Current) {
            return Some(Ok(()));
        }
        let is_settled = statuses.iter().all(|status| matches!(status, Status::Current | Status::Failed));
        let has_failed = statuses.contains(&Status::Failed);
        (is_settled || (fail_fast && has_failed))
            .then(|| Err(WaitError::Failed(self.lines(|status| status == Status::Failed))))
    }

    fn not_current(&self) -> Vec<String> {
        self.lines(|status| status != Status::Current)
    }

    fn lines(&self, wanted: impl Fn(Status) -> bool) -> Vec<String> {
        let chosen = (0..self.objects.len()).filter(|at| wanted(self.effective(*at)));
        let line = |at: usize| {
            let error = self.seen[at].error.as_ref().map(|e| format!(": {e}")).unwrap_or_default();
            format!("{} status: '{}'{error}", self.objects[at].id, self.seen[at].status)
        };
        chosen.map(line).collect()
    }

    fn next_look(&self) -> Option<Instant> {
        let looks = self.look_again.iter().flatten().map(|(next, _)| *next);
        looks.chain(self.seen.iter().filter_map(|seen| seen.revisit)).min()
    }
}
