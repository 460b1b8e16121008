//! One run of one object: what it was when the run began, and the facts that the run records.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sluice_api::kind::Status;
use sluice_api::meta::{Condition, set_condition};
use sluice_api::{Kind, event::Severity};
use sluice_cluster::ApiError;
use tokio::sync::Notify;

use crate::clock;
use crate::event::Recorder;
use crate::settle::{self, Rules};
use crate::writer::Writer;

/// A stage that takes longer than this is worth a write.
const WORTH_A_WRITE: Duration = Duration::from_secs(1);
const BETWEEN_WRITES: Duration = Duration::from_secs(2);

/// A status that may be written while its run goes on.
pub(crate) struct Shown<S> {
    status: Mutex<Option<S>>,
    changed: Notify,
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
    began: Instant,
    began_at: Timestamp,
}

impl<K: Kind> Draft<K> {
    pub(crate) fn new(object: Arc<K>, writer: Writer<K>, recorder: Recorder, rules: Rules) -> Self {
        Self {
            status: object.status().clone(),
            object,
            rules,
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            shown: Arc::new(Shown { status: Mutex::default(), changed: Notify::new() }),
            recorder,
            metadata: BTreeMap::new(),
            began: Instant::now(),
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
        self.shown.status.lock().expect("no panic while showing").take();
    }

    /// The status as it is now may be written while the run goes on.
    pub fn show(&mut self) {
        *self.shown.status.lock().expect("no panic while showing") = Some(self.status.clone());
        self.shown.changed.notify_one();
    }

    /// Writes the status at once: what comes next must not happen before it is recorded.
    pub async fn save(&mut self) -> Result<(), ApiError> {
        self.shown.status.lock().expect("no panic while showing").take();
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
        shown.changed.notified().await;
        tokio::time::sleep(WORTH_A_WRITE).await;
        let status = shown.status.lock().expect("no panic while showing").take();
        if let Some(status) = status {
            if let Err(error) = writer.lock().await.write_status(&status).await {
                tracing::debug!(kind = K::KIND, %error, "a progress message was not written");
            }
            tokio::time::sleep(BETWEEN_WRITES.saturating_sub(WORTH_A_WRITE)).await;
        }
    }
}
