//! Waits until objects are healthy, without polling: a waiter holds nothing and is woken by a watch, a time or its timeout.
//!
//! The index answers for what this Kustomization has applied. What it cannot answer for is read, and watched as a
//! single object where it is not healthy yet; where that is refused, it is read again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::{BoxStream, SelectAll};
use jiff::Timestamp;
use serde_json::Value;
use sluice_health::{Checks, Child, Health, Status, child_kind, selector, with_children};
use sluice_object::{Object, ObjectId};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::{At, Cluster};
use crate::error::ApiError;
use crate::index::{Address, Index};
use crate::kinds::ResourceKind;
use crate::watch::{Change, Selection};

/// Where an object cannot be watched it is looked at again after this long, growing to the second.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Watches that one wait opens for itself, if all waits together have not opened enough; what is beyond them is read
/// again and again.
const MOST_EYES: usize = 16;

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
    /// The version that was read.
    version: u64,
}

impl Seen {
    const fn new(status: Status) -> Self {
        Self { status, error: None, revisit: None, judged: None, version: 0 }
    }

    fn unknown(error: impl ToString) -> Self {
        Self { error: Some(error.to_string()), ..Self::new(Status::Unknown) }
    }
}

/// What a watch of the wait's own looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Eye {
    /// The object itself.
    Own,
    /// The Pods that it is judged by.
    Children,
}

/// How far the watch of a single object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    None,
    /// Listing, or interrupted. `has_any` is whether the list has named the object.
    Dim {
        has_any: bool,
    },
    Clear,
}

struct Waiting<'a> {
    cluster: &'a Cluster,
    index: &'a Index,
    objects: &'a [Awaited],
    checks: &'a Checks,
    addresses: Vec<Option<Address>>,
    seen: Vec<Seen>,
    look_again: Vec<Option<(Instant, Duration)>>,
    /// Watches that are to be opened.
    wanted: Vec<(usize, Eye, Arc<ResourceKind>, Selection, OwnedSemaphorePermit)>,
    opened: usize,
    sight: Vec<Sight>,
    /// What a watch of its own has told is read before it counts: a watch outlives the right to look.
    unsure: Vec<bool>,
    /// Pods by name, from when they are first looked for.
    children: Vec<Option<BTreeMap<String, Child>>>,
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
        wanted: Vec::new(),
        opened: 0,
        sight: vec![Sight::None; objects.len()],
        unsure: vec![false; objects.len()],
        children: vec![None; objects.len()],
    };
    waiting.find_addresses().await;
    waiting.index.listen(waiting.addresses.iter().flatten(), &notify);
    let mut eyes: SelectAll<BoxStream<'static, (usize, Eye, Change)>> = SelectAll::new();
    loop {
        waiting.look().await;
        for (at, eye, kind, selection, permit) in waiting.wanted.drain(..) {
            let changes = cluster.watch(kind, selection).map(move |change| {
                let _kept_as_long = &permit;
                (at, eye, change)
            });
            eyes.push(changes.boxed());
        }
        if let Some(end) = waiting.verdict(options.fail_fast) {
            return end;
        }
        let next = waiting.next_look();
        let at = next.map_or(until, |next| next.min(until));
        tokio::select! {
            () = options.stop.cancelled() => return Err(WaitError::Stopped),
            () = notify.notified() => {}
            Some((at, eye, change)) = eyes.next() => waiting.take(at, eye, change),
            () = tokio::time::sleep_until(at) => if at >= until {
                waiting.doubt_what_is_watched();
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
                // Its body is needed once, to find the Pods by.
                Some(known) if self.wants_children(at, known.status) => ask.push(at),
                Some(known) if !is_due => {
                    let revisit = self.revisit(known.revisit_at);
                    self.seen[at] = Seen { revisit, ..Seen::new(known.status) };
                    self.look_again[at] = None;
                }
                _ if self.sight[at] == Sight::Clear && !is_due && !self.unsure[at] => {
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
        for (at, (seen, live)) in ask.into_iter().zip(answers) {
            self.unsure[at] &= seen.error.is_some();
            self.seen[at] = seen;
            self.open_eyes(at, live.as_ref());
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

    /// Reads an object in the tenant's name. Gives it too, where it is there.
    async fn ask(&self, at: usize) -> (Seen, Option<Object>) {
        let object = &self.objects[at];
        let kind = match self.cluster.kind(&object.api_version, &object.id.kind).await {
            Ok(kind) => kind,
            // A kind that is not served yet is an object that is not there yet.
            Err(ApiError::NoKind { .. }) => return (Seen::new(Status::NotFound), None),
            Err(error) => return (Seen::unknown(error), None),
        };
        match self.cluster.get(At::new(&kind, &object.id.namespace, &object.id.name)).await {
            Ok(value) => {
                let live = Object::try_from(value).unwrap_or_default();
                if object.is_applied {
                    self.index.note(&kind, &live);
                }
                (self.judge(&live), Some(live))
            }
            Err(error) if error.is_not_found() => (Seen::new(Status::NotFound), None),
            Err(error) => (Seen::unknown(error), None),
        }
    }

    fn judge(&self, live: &Object) -> Seen {
        let Some(health) = self.checks.health(live) else {
            let health = sluice_health::health(live, self.index.now());
            let revisit = self.revisit(health.revisit_at);
            return Seen { revisit, version: version(live), ..Seen::new(health.status) };
        };
        let error = (health.status == Status::Unknown).then_some(health.message);
        Seen { error, judged: Some(version(live)), version: version(live), ..Seen::new(health.status) }
    }

    /// Watches what is not healthy yet and what no other watch tells of: the object itself, and the Pods that decide.
    fn open_eyes(&mut self, at: usize, live: Option<&Object>) {
        let status = self.seen[at].status;
        if let Some(live) = live
            && self.wants_children(at, status)
        {
            self.children[at] = Some(BTreeMap::new());
            if let Some(labels) = selector(live).filter(|labels| !labels.is_empty()) {
                let pods = ResourceKind::new("", "v1", "Pod", "pods", true);
                let namespace = live.namespace().to_owned();
                self.open(at, Eye::Children, pods, Selection { namespace, labels, ..Selection::default() });
            }
        }
        let Some(address) = &self.addresses[at] else { return };
        let is_told = self.objects[at].is_applied && !self.index.is_blind(&address.kind);
        if status == Status::Current || is_told || self.sight[at] != Sight::None {
            return;
        }
        let (kind, namespace) = (Arc::clone(&address.kind), address.namespace.clone());
        let fields = format!("metadata.name={}", address.name);
        if self.open(at, Eye::Own, kind, Selection { namespace, fields, ..Selection::default() }) {
            self.sight[at] = Sight::Dim { has_any: false };
        }
    }

    fn open(&mut self, at: usize, eye: Eye, kind: Arc<ResourceKind>, selection: Selection) -> bool {
        let permit = if self.opened < MOST_EYES { self.cluster.transport.eye() } else { None };
        let Some(permit) = permit else { return false };
        self.opened += 1;
        self.wanted.push((at, eye, kind, selection, permit));
        true
    }

    fn take(&mut self, at: usize, eye: Eye, change: Change) {
        match eye {
            Eye::Own => self.take_own(at, change),
            Eye::Children => self.take_child(at, change),
        }
    }

    fn take_own(&mut self, at: usize, change: Change) {
        match change {
            Change::Restarted => self.sight[at] = Sight::Dim { has_any: false },
            Change::Applied(value) => {
                if let Sight::Dim { has_any } = &mut self.sight[at] {
                    *has_any = true;
                }
                let live = Object::try_from(value).unwrap_or_default();
                // A list may be older than what was read before it.
                if version(&live) < self.seen[at].version {
                    return;
                }
                let seen = self.judge(&live);
                if matches!(seen.status, Status::Current | Status::Failed) {
                    self.doubt(at);
                } else if !self.unsure[at] {
                    self.seen[at] = seen;
                    self.open_eyes(at, Some(&live));
                }
            }
            Change::Deleted(_) => self.seen[at] = Seen::new(Status::NotFound),
            Change::Listed => {
                if self.sight[at] == (Sight::Dim { has_any: false }) {
                    self.seen[at] = Seen::new(Status::NotFound);
                }
                self.sight[at] = Sight::Clear;
            }
            Change::Broken(error) => {
                tracing::debug!(object = %self.objects[at].id, %error, "the watch of an awaited object is interrupted");
                self.sight[at] = Sight::Dim { has_any: false };
            }
        }
    }

    fn doubt(&mut self, at: usize) {
        self.unsure[at] = true;
        self.look_again[at] = None;
    }

    fn doubt_what_is_watched(&mut self) {
        for at in 0..self.objects.len() {
            if self.sight[at] == Sight::Clear {
                self.doubt(at);
            }
        }
    }

    fn take_child(&mut self, at: usize, change: Change) {
        let Some(children) = &mut self.children[at] else { return };
        let name = |value: &Value| value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        match change {
            Change::Restarted => children.clear(),
            Change::Applied(value) => {
                let name = name(&value);
                let pod = Object::try_from(value).unwrap_or_default();
                let health = sluice_health::health(&pod, self.index.now());
                children.insert(name, Child::new(&pod, &health));
            }
            Change::Deleted(value) => _ = children.remove(&name(&value)),
            Change::Listed | Change::Broken(_) => {}
        }
    }

    /// Whether Pods decide about it, and they are not known yet.
    fn wants_children(&self, at: usize, status: Status) -> bool {
        let id = &self.objects[at].id;
        status == Status::InProgress
            && self.children[at].is_none()
            && !self.has_checks(at)
            && child_kind(&id.group, &id.kind).is_some()
    }

    fn effective(&self, at: usize) -> Status {
        match self.seen[at].status {
            Status::NotFound if self.objects[at].is_passing => Status::Current,
            status => {
                let children = self.children[at].iter().flat_map(BTreeMap::values).copied();
                let own = Health { status, message: String::new(), revisit_at: None };
                with_children(own, &children.collect::<Vec<_>>()).status
            }
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
            format!("{} status: '{}'{error}", self.objects[at].id, self.effective(at))
        };
        chosen.map(line).collect()
    }

    fn next_look(&self) -> Option<Instant> {
        let looks = self.look_again.iter().flatten().map(|(next, _)| *next);
        looks.chain(self.seen.iter().filter_map(|seen| seen.revisit)).min()
    }
}

fn version(object: &Object) -> u64 {
    object.resource_version().parse().unwrap_or(0)
}
