//! One run of one object: what it was when the run began, and the facts that the run records.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::kind::Status;
use sluice_api::meta::{Condition, set_condition};
use sluice_api::{Kind, event::Severity};
use sluice_cluster::ApiError;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::clock;
use crate::event::Recorder;
use crate::settle::{self, Rules};
use crate::writer::Writer;

/// A stage that takes longer than this is worth a write.
const WORTH_A_WRITE: Duration = Duration::from_secs(1);
/// Progress is told of one object after another, this long apart: where a thousand run at once, the API server has
/// better to do than to be told of each that it is on its way.
const APART: Duration = Duration::from_millis(200);
/// After a time in which little was told, so many are told at once.
const AT_ONCE: u32 = 32;
static TURN: Semaphore = Semaphore::const_new(1);
static TURNS: Mutex<Turns> = Mutex::new(Turns { paid_until: None });

/// Who may tell of progress, and when.
struct Turns {
    /// Each turn pays for a time; it may be this far ahead of the clock.
    paid_until: Option<Instant>,
}

impl Turns {
    /// Takes the next turn: how long it has to wait.
    fn take(&mut self, now: Instant) -> Duration {
        let from = self.paid_until.map_or(now, |until| until.max(now));
        self.paid_until = Some(from + APART);
        (from - now).saturating_sub(APART * (AT_ONCE - 1))
    }
}

/// A status that may be written while its run goes on, and since when it may.
pub(crate) struct Shown<S> {
    status: Mutex<Option<(S, Instant)>>,
    changed: Notify,
}

impl<S> Shown<S> {
    fn new() -> Self {
        Self { status: Mutex::default(), changed: Notify::new() }
    }

    fn put(&self, status: Option<S>) {
        *self.status.lock().expect("no panic while showing") = status.map(|status| (status, Instant::now()));
        self.changed.notify_one();
    }

    /// How long until what is shown is worth a write; none where nothing is shown.
    fn worth_in(&self) -> Option<Duration> {
        let shown = self.status.lock().expect("no panic while showing");
        shown.as_ref().map(|(_, since)| WORTH_A_WRITE.saturating_sub(since.elapsed()))
    }

    /// What is shown, if it is worth a write by now.
    fn take(&self) -> Option<S> {
        let mut shown = self.status.lock().expect("no panic while showing");
        shown.take_if(|(_, since)| since.elapsed() >= WORTH_A_WRITE).map(|(status, _)| status)
    }
}

/// What a run reads and records. Conditions of the verdict are not its business: `settle` writes them.
pub struct Draft<K: Kind> {
    object: Arc<K>,
    status: K::Status,
    rules: Rules,
    pub(crate) writer: Arc<tokio::sync::Mutex<Writer<K>>>,
    pub(crate) shown: Arc<Shown<K::Status>>,
    recorder: Recorder,
    metadata: BTreeMap<String, String>,
    began: std::time::Instant,
    began_at: Timestamp,
}

impl<K: Kind> Draft<K> {
    pub(crate) fn new(object: Arc<K>, writer: Writer<K>, recorder: Recorder, rules: Rules) -> Self {
        Self {
            status: object.status().clone(),
            object,
            rules,
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            shown: Arc::new(Shown::new()),
            recorder,
            metadata: BTreeMap::new(),
            began: std::time::Instant::now(),
            began_at: clock::now(),
        }
    }

    /// The object as it was when the run began.
    pub fn object(&self) -> &Arc<K> {
        &self.object
    }

    /// The status as this run has made it so far.
    pub fn status(&self) -> &K::Status {
        &self.status
    }

    /// For facts: artifact, inventory, revisions. Not for Ready, Reconciling, Stalled.
    pub fn status_mut(&mut self) -> &mut K::Status {
        &mut self.status
    }

    pub fn generation(&self) -> i64 {
        self.object.metadata().generation
    }

    /// How long the run has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// When the run began.
    pub fn began_at(&self) -> Timestamp {
        self.began_at
    }

    /// Records a condition that is a fact of this kind, such as Healthy or FetchFailed.
    pub fn note(&mut self, condition: Condition) {
        let generation = self.generation();
        set_condition(self.status.conditions_mut(), condition, generation, clock::now().into());
    }

    /// Takes such a condition back.
    pub fn forget(&mut self, condition_type: &str) {
        sluice_api::meta::remove_condition(self.status.conditions_mut(), condition_type);
    }

    /// A stage begins. It is written only when the stage takes long enough to be worth it.
    pub fn progress(&mut self, message: &str) {
        let generation = self.generation();
        settle::progress(&mut self.status, generation, clock::now().into(), self.rules, message);
        self.show();
    }

    /// A wait for a permit begins: it is no stage, and nothing is written for it.
    pub fn hide(&self) {
        self.shown.put(None);
    }

    /// The status as it is now may be written while the run goes on.
    pub fn show(&mut self) {
        self.shown.put(Some(self.status.clone()));
    }

    /// Writes the status at once: what comes next must not happen before it is recorded.
    pub async fn save(&mut self) -> Result<(), ApiError> {
        self.shown.put(None);
        self.writer.lock().await.write_status(&self.status).await?;
        Ok(())
    }

    /// Metadata of this run's events; the key goes without the group of the kind.
    pub fn describe(&mut self, key: &str, value: impl Into<String>) {
        self.metadata.insert(format!("{}/{key}", K::GROUP), value.into());
    }

    /// Sends an event with this run's metadata.
    pub fn event(&self, severity: Severity, reason: &str, message: impl Into<String>) {
        self.recorder.record(&*self.object, severity, reason, message.into(), self.metadata.clone());
    }

    /// Sends an event with this run's metadata and more.
    pub fn event_with(
        &self,
        severity: Severity,
        reason: &str,
        message: impl Into<String>,
        more: &[(&str, &str)],
    ) {
        let mut metadata = self.metadata.clone();
        metadata.extend(more.iter().map(|(key, value)| (format!("{}/{key}", K::GROUP), (*value).to_owned())));
        self.recorder.record(&*self.object, severity, reason, message.into(), metadata);
    }

    /// Sends an event without any metadata.
    pub fn bare_event(&self, severity: Severity, reason: &str, message: impl Into<String>) {
        self.recorder.record(&*self.object, severity, reason, message.into(), BTreeMap::new());
    }
}

/// Writes what is shown while a run goes on. Never ends.
pub(crate) async fn keep_showing<K: Kind>(
    shown: Arc<Shown<K::Status>>,
    writer: Arc<tokio::sync::Mutex<Writer<K>>>,
) -> std::convert::Infallible {
    loop {
        match shown.worth_in() {
            None => shown.changed.notified().await,
            Some(wait) if !wait.is_zero() => tokio::time::sleep(wait).await,
            Some(_) => {
                let turn = TURN.acquire().await.expect("the semaphore is never closed");
                let wait = TURNS.lock().expect("no panic while taking a turn").take(Instant::now());
                tokio::time::sleep(wait).await;
                drop(turn);
                let Some(status) = shown.take() else { continue };
                if let Err(error) = writer.lock().await.write_status(&status).await {
                    tracing::debug!(kind = K::KIND, %error, "a progress message was not written");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn some_are_told_at_once_and_the_others_one_by_one() {
        let mut turns = Turns { paid_until: None };
        let now = Instant::now();
        let waits: Vec<Duration> = (0..AT_ONCE + 2).map(|_| turns.take(now)).collect();
        assert!(waits[..AT_ONCE as usize].iter().all(Duration::is_zero), "{waits:?}");
        assert_eq!(waits[AT_ONCE as usize..], [APART, 2 * APART]);
        assert_eq!(turns.take(now + 3 * APART), Duration::ZERO);
        assert_eq!(turns.take(now + 1000 * APART), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_shown_for_long_is_worth_a_write() {
        let shown = Shown::new();
        assert_eq!(shown.worth_in(), None);
        shown.put(Some("Fetching"));
        tokio::time::advance(WORTH_A_WRITE / 2).await;
        assert_eq!((shown.worth_in(), shown.take()), (Some(WORTH_A_WRITE / 2), None));
        shown.put(Some("Building"));
        tokio::time::advance(WORTH_A_WRITE).await;
        assert_eq!(shown.worth_in(), Some(Duration::ZERO));
        assert_eq!((shown.take(), shown.take()), (Some("Building"), None));
        shown.put(Some("Detecting drift"));
        shown.put(None);
        assert_eq!(shown.worth_in(), None);
    }
}
