//! What the controllers have said so far, kept by watches, and how it is shown: a tree on a terminal, lines in a pipe.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::Value;
use sluice_testkit::api::{Api, WatchEvent};
use sluice_testkit::trace::record::WATCHED;
use tokio::sync::mpsc;

use super::tree;

/// `Kind/ns/name`.
pub type Key = (String, String, String);

/// The state of a Flux object in the words of its Ready condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub ready: String,
    pub message: String,
    pub is_stalled: bool,
    pub is_current: bool,
}

impl Said {
    pub fn of(object: &Value) -> Self {
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
        Self {
            ready,
            message: text(find("Ready"), "message"),
            is_stalled: text(find("Stalled"), "status") == "True",
            is_current: is_oci_helm || is_suspended || observed == object["metadata"]["generation"].as_i64(),
        }
    }

    pub fn is_ready(&self) -> bool {
        self.ready == "Suspended" || self.ready == "True" && self.is_current
    }
}

pub struct View {
    api: Api,
    changes: mpsc::Receiver<(&'static str, WatchEvent)>,
    watches: tokio::task::JoinSet<()>,
    objects: BTreeMap<Key, Value>,
    said: BTreeMap<Key, Said>,
    last_change: Instant,
    /// The last time that something became Ready or appeared.
    last_progress: Instant,
    is_terminal: bool,
    drawn: Option<Instant>,
}

const REDRAW: Duration = Duration::from_millis(500);

impl View {
    pub fn begin(api: Api) -> Self {
        let (send, changes) = mpsc::channel(1024);
        let mut watches = tokio::task::JoinSet::new();
        for (version, kind) in WATCHED.iter().filter(|(_, kind)| *kind != "Event") {
            watches.spawn(follow(api.clone(), version, kind, send.clone()));
        }
        Self {
            api,
            changes,
            watches,
            objects: BTreeMap::new(),
            said: BTreeMap::new(),
            last_change: Instant::now(),
            last_progress: Instant::now(),
            is_terminal: std::io::stdout().is_terminal(),
            drawn: None,
        }
    }

    /// Takes in the next change.
    pub async fn advance(&mut self) {
        let Some((kind, event)) = self.changes.recv().await else { return std::future::pending().await };
        let metadata = &event.object["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
        let key = (kind.to_owned(), text("namespace"), text("name"));
        self.last_change = Instant::now();
        if event.change == "DELETED" {
            self.objects.remove(&key);
            self.said.remove(&key);
            self.tell(&key, "deleted", "");
            return;
        }
        let mut object = event.object;
        object["kind"] = kind.into();
        let said = Said::of(&object);
        let before = self.said.insert(key.clone(), said.clone());
        self.objects.insert(key.clone(), object);
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
            println!("{}/{}/{}: {state}: {message}", key.0, key.1, key.2);
        }
    }

    pub fn last_change(&self) -> Instant {
        self.last_change
    }

    pub fn is_all_ready(&self) -> bool {
        let has_kustomization = self.said.keys().any(|(kind, ..)| kind == "Kustomization");
        has_kustomization && self.said.values().all(Said::is_ready)
    }

    /// Nothing has got better for so long, and something has failed.
    pub fn has_finally_failed(&self, patience: Duration) -> bool {
        let is_answered = |(key, said): (&Key, &Said)| key.0 != "Kustomization" || !said.ready.is_empty();
        let has_failure = self.said.iter().all(is_answered)
            && self.said.values().any(|said| said.is_stalled || said.ready == "False");
        let waits = self.objects.values().filter(|object| object["kind"] == "Kustomization").map(timeout);
        let longest = waits.max().unwrap_or_default();
        has_failure && self.last_progress.elapsed() > patience.max(longest + Duration::from_secs(15))
    }

    /// Redraws the tree on a terminal, not too often.
    pub async fn draw(&mut self) {
        if self.is_terminal && self.drawn.is_none_or(|drawn| drawn.elapsed() > REDRAW) {
            let text = tree::render(&self.api, &self.objects, &self.said, false).await;
            let _ = write!(std::io::stdout(), "\x1b[2J\x1b[H{text}");
            let _ = std::io::stdout().flush();
            self.drawn = Some(Instant::now());
        }
    }

    /// Stops watching and prints the whole tree once.
    pub async fn finish(&mut self) {
        self.watches.abort_all();
        println!("{}", tree::render(&self.api, &self.objects, &self.said, true).await);
    }

    pub fn summary(&self) -> String {
        let ready = self.said.values().filter(|said| said.is_ready()).count();
        format!("{ready} of {} Ready", self.said.len())
    }

    /// Every Flux object as it was last seen.
    pub fn objects(&self) -> &BTreeMap<Key, Value> {
        &self.objects
    }
}

/// How long a Kustomization may wait for health before it says so.
fn timeout(object: &Value) -> Duration {
    let text = object["spec"]["timeout"].as_str().or(object["spec"]["interval"].as_str()).unwrap_or_default();
    let minutes = text.strip_suffix('m').and_then(|number| number.parse::<u64>().ok());
    let seconds = text.strip_suffix('s').and_then(|number| number.parse::<u64>().ok());
    let time = minutes.map(|minutes| minutes * 60).or(seconds).unwrap_or_default();
    Duration::from_secs(time.min(300))
}

/// Watches a kind as soon as it is served, for ever.
async fn follow(
    api: Api,
    version: &'static str,
    kind: &'static str,
    send: mpsc::Sender<(&'static str, WatchEvent)>,
) {
    loop {
        let found = async {
            let resource = api.resource(version, kind).await?;
            let path = resource.path(None, None);
            let list = api.get(&path).await?;
            for item in list["items"].as_array().into_iter().flatten() {
                let event = WatchEvent { change: "ADDED".to_owned(), object: item.clone() };
                let _ = send.send((kind, event)).await;
            }
            let from = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
            api.watch(&path, &from).await
        };
        if let Ok(mut events) = found.await {
            while let Some(Ok(event)) = events.next().await {
                if event.change != "ERROR" && send.send((kind, event)).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
