//! What the controllers have said so far, kept by watches, and how it is shown: a tree on a terminal, lines in a pipe.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_cluster::{At, Change, Cluster, PatchKind, Selection};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::tree;

/// The kinds that are shown.
pub const KINDS: &[(&str, &str)] = &[
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmChart"),
    ("source.toolkit.fluxcd.io/v1", "Bucket"),
    ("source.toolkit.fluxcd.io/v1", "ExternalArtifact"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
];

/// `Kind/ns/name`.
pub type Key = (String, String, String);

/// The state of a Flux object in the words of its Ready condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub ready: String,
    pub reason: String,
    pub message: String,
    /// What it says to be doing.
    pub progress: String,
    pub is_stalled: bool,
    pub is_current: bool,
    /// An attempt is under way, not one that waits for its turn.
    pub is_working: bool,
    /// Its controller does not run.
    pub is_assumed: bool,
}

impl Said {
    pub fn of(object: &Value, is_assumed: bool) -> Self {
        let conditions = object["status"]["conditions"].as_array();
        let find = |kind: &str| conditions.into_iter().flatten().find(|condition| condition["type"] == kind);
        let text = |condition: Option<&Value>, key: &str| {
            condition.and_then(|condition| condition[key].as_str()).unwrap_or_default().to_owned()
        };
        let is_suspended = object["spec"]["suspend"] == true;
        let is_oci_helm = object["kind"] == "HelmRepository" && object["spec"]["type"] == "oci";
        let ready = if is_suspended {
            "Suspended".to_owned()
        } else if is_oci_helm {
            "True".to_owned()
        } else {
            text(find("Ready"), "status")
        };
        let observed = object["status"]["observedGeneration"].as_i64();
        let asked = &object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"];
        let is_asked = asked.is_string() && object["status"]["lastHandledReconcileAt"] != *asked;
        let working = text(find("Reconciling"), "reason");
        Self {
            ready,
            reason: text(find("Ready"), "reason"),
            message: text(find("Ready"), "message"),
            progress: text(find("Reconciling"), "message"),
            is_stalled: text(find("Stalled"), "status") == "True",
            is_current: is_oci_helm || is_suspended || observed == object["metadata"]["generation"].as_i64(),
            is_working: !is_suspended
                && (is_asked || (!working.is_empty() && working != "ProgressingWithRetry")),
            is_assumed,
        }
    }

    pub fn is_ready(&self) -> bool {
        self.is_assumed || self.ready == "Suspended" || self.ready == "True" && self.is_current
    }
}

/// Flux objects as they are, kept current.
pub struct View {
    cluster: Cluster,
    now: fn() -> Timestamp,
    changes: mpsc::Receiver<(&'static str, Change)>,
    watches: tokio::task::JoinSet<()>,
    /// As text: as a tree an object is several times as large, and most of them are never looked at again.
    objects: BTreeMap<Key, Box<str>>,
    said: BTreeMap<Key, Said>,
    unlisted: usize,
    last_change: Instant,
    last_progress: Instant,
    is_terminal: bool,
    drawn: Option<Instant>,
    /// Only those kinds that have a controller here can become Ready.
    assumes: bool,
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("what is kept was written by us")
}

const REDRAW: Duration = Duration::from_millis(200);

impl View {
    /// `assumes`: objects whose controllers are not Sluice's are taken as they are.
    pub async fn begin(cluster: &Cluster, now: fn() -> Timestamp, assumes: bool) -> Self {
        let (send, changes) = mpsc::channel(1024);
        let mut watches = tokio::task::JoinSet::new();
        for (version, name) in KINDS.iter().copied() {
            let Ok(kind) = cluster.kind(version, name).await else { continue };
            let (cluster, send) = (cluster.clone(), send.clone());
            watches.spawn(async move {
                let mut stream = std::pin::pin!(cluster.watch(kind, Selection::default()));
                while let Some(change) = stream.next().await {
                    if send.send((name, change)).await.is_err() {
                        return;
                    }
                }
            });
        }
        Self {
            cluster: cluster.clone(),
            now,
            changes,
            unlisted: watches.len(),
            watches,
            objects: BTreeMap::new(),
            said: BTreeMap::new(),
            last_change: Instant::now(),
            last_progress: Instant::now(),
            is_terminal: std::io::stdout().is_terminal(),
            drawn: None,
            assumes,
        }
    }

    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Takes in the next change.
    pub async fn advance(&mut self) {
        match self.changes.recv().await {
            Some((kind, change)) => self.take(kind, change),
            None => std::future::pending().await,
        }
        while let Ok((kind, change)) = self.changes.try_recv() {
            self.take(kind, change);
        }
    }

    fn take(&mut self, kind: &'static str, change: Change) {
        let key = |object: &Value| {
            let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
            (kind.to_owned(), text("namespace"), text("name"))
        };
        match change {
            Change::Listed => self.unlisted = self.unlisted.saturating_sub(1),
            Change::Restarted => {}
            Change::Broken(error) => tracing::debug!(kind, %error, "the watch broke"),
            Change::Deleted(object) => {
                let key = key(&object);
                self.last_change = Instant::now();
                self.objects.remove(&key);
                self.said.remove(&key);
                self.tell(&key, "deleted", "");
            }
            Change::Applied(object) => self.saw(key(&object), object),
        }
    }

    fn saw(&mut self, key: Key, mut object: Value) {
        self.last_change = Instant::now();
        object["kind"] = key.0.as_str().into();
        // Nobody here looks at it, and it is most of the object.
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let version = KINDS.iter().find(|(_, kind)| *kind == key.0).map(|(version, _)| *version);
        let is_assumed = self.assumes(version.unwrap_or_default(), &key.0);
        let said = Said::of(&object, is_assumed);
        let before = self.said.insert(key.clone(), said.clone());
        self.objects.insert(key.clone(), object.to_string().into());
        if before.as_ref() == Some(&said) {
            return;
        }
        if before.as_ref().is_none_or(|before| !before.is_ready() && said.is_ready()) {
            self.last_progress = Instant::now();
        }
        let is_told =
            before.is_some_and(|before| before.ready == said.ready && before.message == said.message);
        if !said.ready.is_empty() && !is_told {
            let state = match said.ready.as_str() {
                "True" => "Ready",
                "False" => "not Ready",
                "Suspended" => "suspended",
                _ => "in progress",
            };
            self.tell(&key, state, &said.message);
        }
    }

    fn tell(&self, key: &Key, state: &str, message: &str) {
        if !self.is_terminal {
            let message = message.lines().next().unwrap_or_default();
            let line = format!("{}/{}/{}: {state}: {message}\n", key.0, key.1, key.2);
            let _ = std::io::stdout().write_all(line.as_bytes());
        }
    }

    /// Everything that was there at the beginning has been seen.
    pub fn is_complete(&self) -> bool {
        self.unlisted == 0
    }

    pub fn last_change(&self) -> Instant {
        self.last_change
    }

    /// The last time that something became Ready or appeared.
    pub fn last_progress(&self) -> Instant {
        self.last_progress
    }

    /// Every Flux object as it was last seen, with the words of its conditions.
    pub fn objects(&self) -> impl Iterator<Item = (&Key, Value, &Said)> {
        self.objects.iter().map(|(key, text)| (key, read(text), &self.said[key]))
    }

    /// The same where `is_wanted` by what their conditions say.
    pub fn objects_that(
        &self,
        is_wanted: impl Fn(&Said) -> bool,
    ) -> impl Iterator<Item = (&Key, Value, &Said)> {
        let wanted = self.said.iter().filter(move |(_, said)| is_wanted(said));
        wanted.map(|(key, said)| (key, read(&self.objects[key]), said))
    }

    /// The words of the conditions alone.
    pub fn said(&self) -> impl Iterator<Item = (&Key, &Said)> {
        self.said.iter()
    }

    /// Whether nobody here makes anything of such an object.
    pub fn assumes(&self, version: &str, kind: &str) -> bool {
        self.assumes && tree::is_assumed(version, kind)
    }

    pub fn is_all_ready(&self) -> bool {
        let has_kustomization = self.said.keys().any(|(kind, ..)| kind == "Kustomization");
        has_kustomization && self.said.values().all(Said::is_ready)
    }

    /// Whether a fresh list shows exactly what is known.
    pub async fn is_current(&self) -> bool {
        for (version, name) in KINDS.iter().copied() {
            let Ok(kind) = self.cluster.kind(version, name).await else { continue };
            let Ok(list) = self.cluster.list(&kind, "", "").await else { return false };
            let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            let known = self.objects.keys().filter(|(kind, ..)| kind == name).count();
            let is_known = |item: &Value| {
                let text = |key: &str| item["metadata"][key].as_str().unwrap_or_default().to_owned();
                let key = (name.to_owned(), text("namespace"), text("name"));
                self.objects.get(&key).is_some_and(|known| {
                    read(known)["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]
                })
            };
            if items.len() != known || !items.iter().all(is_known) {
                return false;
            }
        }
        true
    }

    /// Asks the GitRepositories with one of these addresses to look now.
    pub async fn ask_sources(&self, urls: &[String], token: &str) {
        let Ok(kind) = self.cluster.kind(KINDS[0].0, KINDS[0].1).await else { return };
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        for (key, object) in self.objects.iter().filter(|(key, _)| key.0 == KINDS[0].1) {
            if !read(object)["spec"]["url"].as_str().is_some_and(|url| urls.iter().any(|one| one == url)) {
                continue;
            }
            let at = At::new(&kind, &key.1, &key.2);
            if let Err(error) = self.cluster.patch(at, "", PatchKind::Merge, &patch, "sluice-dev").await {
                tracing::warn!(%error, name = key.2, "the source was not asked to look");
            }
        }
    }

    /// When the tree may be drawn anew; never in a pipe.
    pub fn next_drawing(&self) -> Option<Instant> {
        self.is_terminal.then(|| self.drawn.map_or_else(Instant::now, |drawn| drawn + REDRAW))
    }

    /// Redraws the tree on a terminal, not too often.
    pub async fn draw(&mut self, head: &str) {
        if self.next_drawing().is_some_and(|at| at <= Instant::now()) {
            let text = tree::render(self, false, (self.now)()).await;
            let _ = write!(std::io::stdout(), "\x1b[2J\x1b[H{head}{text}");
            let _ = std::io::stdout().flush();
            self.drawn = Some(Instant::now());
        }
    }

    /// Stops watching and gives the whole tree.
    pub async fn finish(&mut self) -> String {
        self.watches.abort_all();
        tree::render(self, true, (self.now)()).await
    }

    pub fn summary(&self) -> String {
        let assumed = self.said.values().filter(|said| said.is_assumed).count();
        let ready = self.said.values().filter(|said| said.is_ready()).count() - assumed;
        let mut text = format!("{ready} of {} Ready", self.said.len() - assumed);
        if assumed > 0 {
            text.push_str(&format!(", {assumed} assumed"));
        }
        text
    }
}
