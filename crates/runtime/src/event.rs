//! Events: told to the Kubernetes API as client-go's recorder does, in the background, from a bounded queue.

mod correlate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_api::Kind;
use sluice_api::event::{ObjectReference, Severity};
use sluice_api::meta::{Time, labels};
use sluice_cluster::{At, Cluster, PatchKind, ResourceKind};
use tokio::sync::mpsc;

use crate::clock;
use crate::post::Poster;
use correlate::{Correlator, Decision};

/// Events that wait to be sent. More are dropped and counted.
const QUEUE: usize = 8_192;
/// Events of one object stay in order; those of different objects are sent side by side.
const LANES: usize = 4;

/// One thing that happened to one object.
#[derive(Debug, Clone)]
pub struct Happening {
    pub about: ObjectReference,
    pub severity: Severity,
    pub reason: String,
    pub message: String,
    /// Whole keys, such as `kustomize.toolkit.fluxcd.io/revision`.
    pub metadata: BTreeMap<String, String>,
    pub at: Timestamp,
}

/// Takes events and returns at once.
#[derive(Clone)]
pub struct Recorder {
    lanes: Arc<[mpsc::Sender<Happening>]>,
    dropped: Arc<AtomicU64>,
    poster: Option<Poster>,
}

impl Recorder {
    /// Starts the background senders. They end when the last clone of the recorder is dropped.
    pub fn start(cluster: &Cluster, component: &'static str, poster: Option<Poster>) -> Self {
        let lanes = (0..LANES)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(QUEUE / LANES);
                let cluster = cluster.clone();
                crate::task::background("events", send_all(cluster, component, receiver));
                sender
            })
            .collect();
        Self { lanes, dropped: Arc::default(), poster }
    }

    pub fn record<K: Kind>(
        &self,
        object: &K,
        severity: Severity,
        reason: &str,
        message: String,
        mut metadata: BTreeMap<String, String>,
    ) {
        let meta = object.metadata();
        let own = meta.annotations.iter().filter(|(key, _)| key.starts_with(labels::EVENT_PREFIX));
        metadata.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        let about = ObjectReference {
            kind: K::KIND.into(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            api_version: K::api_version(),
            resource_version: meta.resource_version.clone(),
            field_path: String::new(),
        };
        let happening =
            Happening { about, severity, reason: reason.to_owned(), message, metadata, at: clock::now() };
        if let Some(poster) = &self.poster
            && severity != Severity::Trace
        {
            poster.post(&happening);
        }
        let lane = lane_of(&happening.about.uid, self.lanes.len());
        if self.lanes[lane].try_send(happening).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that found the queue full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn lane_of(uid: &str, lanes: usize) -> usize {
    uid.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % lanes
}

async fn send_all(cluster: Cluster, component: &'static str, mut queue: mpsc::Receiver<Happening>) {
    let kind = ResourceKind::new("", "v1", "Event", "events", true);
    let mut correlator = Correlator::default();
    while let Some(happening) = queue.recv().await {
        let decision = correlator.decide(&happening);
        let sent = match &decision {
            Decision::Drop => continue,
            Decision::Create { message, count } => {
                create(&cluster, &kind, component, &happening, message, *count).await
            }
            Decision::Count { name, message, count } => {
                let patch =
                    json!({ "count": count, "message": message, "lastTimestamp": Time::new(happening.at) });
                let at = At::new(&kind, &happening.about.namespace, name);
                match cluster.patch(at, "", PatchKind::Merge, &patch, component).await {
                    Err(error) if error.is_not_found() => {
                        create(&cluster, &kind, component, &happening, message, *count).await
                    }
                    Err(error) => Err(error),
                    Ok(_) => Ok(name.clone()),
                }
            }
        };
        match sent {
            Ok(name) => correlator.sent(&happening, &decision, name),
            Err(error) => {
                tracing::debug!(object = happening.about.name, reason = happening.reason, %error, "an event was not sent");
            }
        }
    }
}

async fn create(
    cluster: &Cluster,
    kind: &ResourceKind,
    component: &'static str,
    happening: &Happening,
    message: &str,
    count: u64,
) -> Result<String, sluice_cluster::ApiError> {
    let about = &happening.about;
    let name = format!("{}.{:x}", about.name, happening.at.as_nanosecond());
    let at = Time::new(happening.at);
    let mut metadata = json!({ "name": name, "namespace": about.namespace });
    if !happening.metadata.is_empty() {
        metadata["annotations"] = json!(happening.metadata);
    }
    let event: Value = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": metadata,
        "involvedObject": about,
        "reason": happening.reason,
        "message": message,
        "source": { "component": component },
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": count,
        "type": if happening.severity == Severity::Error { "Warning" } else { "Normal" },
    });
    cluster.create(kind, &about.namespace, &event, component).await?;
    Ok(name)
}
