//! Replays scenarios against running controllers and records what they write.
//!
//! A step is over when its recorded end is reached and nothing has changed for a second; what is not reached in time is
//! left to the comparison to tell. Where the recorder did not wait, neither do we: a step whose recorded end is an
//! object that no controller has answered yet, and a step that changes nothing while some object is being retried.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::Scenario;
use super::compare::{self, Reading};
use super::mask::Masks;
use super::record::{Recording, WATCHED};
use crate::api::{Api, ApiError};
use crate::git::{GitServer, Login, Repository};
use crate::plane::{Plane, Sort};
use crate::subject::{Kind, Subject};

/// How many scenarios run at a time.
const AT_A_TIME: usize = 8;
/// No Flux object has changed for so long: the step is over.
const QUIET: Duration = Duration::from_secs(1);
/// A step that changes no Flux object is given so long.
const NOTHING: Duration = Duration::from_secs(2);
/// Events are sent in the background and may come after the state that they tell of.
const EVENTS: Duration = Duration::from_secs(4);
/// Where waiting for a step's end is given up.
const STEP: Duration = Duration::from_secs(75);
/// Nothing has changed for longer than any wait of the scenarios takes: the end will not come.
const DEAD: Duration = Duration::from_secs(40);

/// What came of one scenario.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub scenario: String,
    pub differences: Vec<String>,
    pub rows: Vec<Value>,
    pub took: Duration,
}

/// A plane with controllers on it, a Git server, and an eye on everything they write.
pub struct Stage {
    api: Api,
    git: GitServer,
    root: PathBuf,
    masks: Box<dyn Fn(&Scenario) -> Masks + Send + Sync>,
    is_flux: bool,
    recordings: Arc<Mutex<BTreeMap<String, Arc<Recording>>>>,
    watches: tokio::task::JoinSet<()>,
}

impl Stage {
    /// Sets everything up: definitions, namespace, watches. The subject is started by the caller, after `prepare`.
    pub async fn prepare(plane: &Plane, kind: &Kind) -> Result<(), String> {
        Self::define(plane, &kind.definitions()?).await
    }

    /// The same, with definitions that the caller has chosen.
    pub async fn define(plane: &Plane, definitions: &[Value]) -> Result<(), String> {
        let api = plane.api();
        let failed = |error: ApiError| error.to_string();
        for definition in definitions {
            api.apply("runner", "", definition).await.map_err(failed)?;
        }
        api.create_namespace("flux-system").await.map_err(failed)?;
        for (version, kind) in WATCHED.iter().filter(|(version, _)| is_expected(version)) {
            wait_until_served(&api, version, kind).await?;
        }
        Ok(())
    }

    /// Begins to watch.
    pub async fn begin(plane: &Plane, subject: &Subject) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("sluice-git-")
            .tempdir()
            .map_err(|error| error.to_string())?
            .keep();
        crate::reaper::remove_at_end(&folder);
        let git = GitServer::start(&folder, Login::Anyone).map_err(|error| error.to_string())?;
        let (git_host, storage_host) = (git.host(), subject.storage_host());
        let temporary = subject.temporary().display().to_string();
        let masks = move |scenario: &Scenario| Masks {
            ns: scenario.ns(),
            git_host: git_host.clone(),
            storage_host: storage_host.clone(),
            temporary: temporary.clone(),
            family: scenario.family,
        };
        let mut stage = Self {
            api: plane.api(),
            git,
            root: folder,
            masks: Box::new(masks),
            is_flux: subject.is_flux(),
            recordings: Arc::default(),
            watches: tokio::task::JoinSet::new(),
        };
        for (version, kind) in WATCHED {
            stage.watch(version, kind).await?;
        }
        Ok(stage)
    }

    async fn watch(&mut self, version: &str, kind: &'static str) -> Result<(), String> {
        let Ok(resource) = self.api.resource(version, kind).await else { return Ok(()) };
        let path = resource.path(None, None);
        let list = self.api.get(&path).await.map_err(|error| error.to_string())?;
        let mut version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let (api, recordings) = (self.api.clone(), Arc::clone(&self.recordings));
        self.watches.spawn(async move {
            loop {
                let Ok(mut events) = api.watch(&path, &version).await else {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                };
                while let Some(Ok(event)) = events.next().await {
                    let metadata = &event.object["metadata"];
                    if let Some(newer) = metadata["resourceVersion"].as_str() {
                        newer.clone_into(&mut version);
                    }
                    let ns = metadata["namespace"].as_str().unwrap_or_default();
                    let recording =
                        recordings.lock().unwrap_or_else(PoisonError::into_inner).get(ns).cloned();
                    if let Some(recording) = recording {
                        recording.saw(kind, &event.change, &event.object);
                    }
                }
            }
        });
        Ok(())
    }

    /// Replays scenarios side by side; verdicts come in the order of the scenarios.
    pub async fn run(self: Arc<Self>, scenarios: Vec<Scenario>) -> Vec<Verdict> {
        let permits = Arc::new(Semaphore::new(AT_A_TIME));
        let mut running = Vec::new();
        for scenario in scenarios {
            let (stage, permits) = (Arc::clone(&self), Arc::clone(&permits));
            running.push(tokio::spawn(async move {
                let _permit = permits.acquire_owned().await.expect("the semaphore is never closed");
                stage.replay(&scenario).await
            }));
        }
        let mut verdicts = Vec::new();
        for run in running {
            verdicts.push(run.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())));
        }
        verdicts
    }

    /// Replays one scenario in its namespace.
    pub async fn replay(&self, scenario: &Scenario) -> Verdict {
        let begun = Instant::now();
        let recording = Recording::new((self.masks)(scenario));
        let mut differences = Vec::new();
        self.recordings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scenario.ns(), Arc::clone(&recording));
        if let Err(problem) = self.steps(scenario, &recording).await {
            differences.push(format!("the runner: {problem}"));
        }
        let rows = recording.rows();
        differences.extend(compare::compare(&scenario.trace, &without_own(&rows)));
        if !self.is_flux {
            differences.extend(compare::strictness(&scenario.trace, &rows));
        }
        self.recordings.lock().unwrap_or_else(PoisonError::into_inner).remove(&scenario.ns());
        let _ = self.api.delete(&format!("/api/v1/namespaces/{}", scenario.ns())).await;
        Verdict { scenario: scenario.path(), differences, rows, took: begun.elapsed() }
    }

    async fn steps(&self, scenario: &Scenario, recording: &Recording) -> Result<(), String> {
        self.api.create_namespace(&scenario.ns()).await.map_err(|error| error.to_string())?;
        let mut repository =
            Repository::create(&self.root, &scenario.repository()).map_err(|error| error.to_string())?;
        let mut second = 0;
        for (at, step) in scenario.steps.iter().enumerate() {
            let step = self.unmask(step, scenario);
            let (did, what) = step
                .as_object()
                .and_then(|step| step.iter().find(|(key, _)| *key != "tag"))
                .ok_or_else(|| format!("step {}: nothing to do", at + 1))?;
            let before = recording.last_change().1;
            recording.mark(at + 1, did);
            match did.as_str() {
                "commit" => {
                    second += 1;
                    commit(&mut repository, second, what, step["tag"].as_str())?;
                }
                "apply" => self.apply(scenario, recording, what).await?,
                "patch" => {
                    if what.pointer("/patch/metadata/annotations/reconcile.fluxcd.io~1requestedAt").is_some()
                    {
                        second += 1;
                    }
                    let path = format!("{}?fieldManager=person", self.path(scenario, what).await?);
                    self.api.merge_patch(&path, &what["patch"]).await.map_err(|error| error.to_string())?;
                }
                "delete" => {
                    let path = self.path(scenario, what).await?;
                    self.api.delete(&path).await.map_err(|error| error.to_string())?;
                }
                other => return Err(format!("step {}: {other} is not known", at + 1)),
            }
            self.wait_for_end(scenario, recording, at as u64 + 1, before).await;
            self.reads(scenario, recording, at as u64 + 1).await?;
        }
        Ok(())
    }

    /// What the recorder masked in the steps is put back, with this run's values.
    fn unmask(&self, step: &Value, scenario: &Scenario) -> Value {
        let text = step
            .to_string()
            .replace("$NS", &scenario.ns())
            .replace("http://git.example.com", &self.git.url())
            .replace("http://unreachable.example.com/", "http://127.0.0.1:1/");
        serde_json::from_str(&text).expect("no replacement breaks JSON")
    }

    async fn apply(&self, scenario: &Scenario, recording: &Recording, objects: &Value) -> Result<(), String> {
        for object in objects.as_array().into_iter().flatten() {
            match self.api.apply("person", &scenario.ns(), object).await {
                Ok(_) => {}
                Err(ApiError::Status { code, message, .. }) => {
                    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    recording.refused(
                        &word(&object["kind"]),
                        &word(&object["metadata"]["name"]),
                        code,
                        &message,
                    );
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    async fn path(&self, scenario: &Scenario, what: &Value) -> Result<String, String> {
        let kind = what["kind"].as_str().unwrap_or_default();
        let version = version_of(kind).ok_or_else(|| format!("{kind} is not known"))?;
        let resource = self.api.resource(version, kind).await.map_err(|error| error.to_string())?;
        Ok(resource.path(Some(&scenario.ns()), what["name"].as_str()))
    }

    async fn reads(&self, scenario: &Scenario, recording: &Recording, step: u64) -> Result<(), String> {
        for read in rows_of(&scenario.trace, step).filter_map(|row| row.get("read")) {
            let word = |key: &str| read[key].as_str().unwrap_or_default();
            let path = self.path(scenario, read).await?;
            match self.api.get(&path).await {
                Ok(object) => recording.read(word("kind"), word("name"), Ok(&object)),
                Err(ApiError::Status { code, .. }) => recording.read(word("kind"), word("name"), Err(code)),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    /// Waits until the step's recorded end is reached and all is quiet.
    async fn wait_for_end(&self, scenario: &Scenario, recording: &Recording, step: u64, before: u64) {
        let begun = Instant::now();
        let is_idle = !rows_of(&scenario.trace, step).any(is_state);
        let end = End::of(&scenario.trace, step);
        if end.is_unanswered || is_idle && end.is_retried {
            return;
        }
        let mut checked = None;
        let mut is_reached = is_idle;
        let mut has_events = is_idle;
        loop {
            let (last, changes) = recording.last_change();
            let now = Instant::now();
            if !is_idle {
                // Compared only when there is something new to compare.
                let seen = (changes, recording.rows().len());
                if checked != Some(seen) {
                    checked = Some(seen);
                    (is_reached, has_events) = reached(&scenario.trace, &recording.rows(), step);
                }
                is_reached &= changes > before;
            }
            let quiet = now.duration_since(last.max(begun));
            let patience = if is_idle {
                NOTHING
            } else if has_events {
                QUIET
            } else {
                EVENTS
            };
            if is_reached && quiet >= patience || quiet >= DEAD || begun.elapsed() >= STEP {
                return;
            }
            let next = if is_reached {
                patience.saturating_sub(quiet)
            } else {
                STEP.saturating_sub(begun.elapsed())
            };
            tokio::select! {
                () = recording.changed() => {}
                () = tokio::time::sleep(next.clamp(Duration::from_millis(10), Duration::from_millis(500))) => {}
            }
        }
    }
}

fn commit(repository: &mut Repository, second: u32, files: &Value, tag: Option<&str>) -> Result<(), String> {
    let files: Vec<(&str, Option<&str>)> =
        files.as_object().into_iter().flatten().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    repository.commit_at(second, &files, tag).map(|_| ()).map_err(|error| error.to_string())
}

/// Is the state at the end of `step` what was recorded, and were its events sent?
fn reached(want: &[Value], got: &[Value], step: u64) -> (bool, bool) {
    let reading = Reading::of(want, got);
    let (want, got) = (reading.summarise(want), reading.summarise(got));
    let keys = want.ends.keys().chain(got.ends.keys()).filter(|(at, _)| *at == step);
    let is_reached =
        { keys }.all(|key| want.ends.get(key).cloned().flatten() == got.ends.get(key).cloned().flatten());
    let mut events = want.events.iter().filter(|(at, _)| *at == step);
    let has_events =
        events.all(|(_, event)| got.events.iter().any(|(at, seen)| at + 1 >= step && seen == event));
    (is_reached, has_events)
}

/// What the recorded end of a step says about waiting for it.
struct End {
    /// An object that changed in this step has not even got its finalizer.
    is_unanswered: bool,
    /// Some object is not Ready.
    is_retried: bool,
}

impl End {
    fn of(trace: &[Value], step: u64) -> Self {
        let summary = Reading::of(trace, &[]).summarise(trace);
        let changed = |key: &str| {
            let mut rows = rows_of(trace, step).filter_map(|row| row.get(key)).peekable();
            rows.peek().is_some() && !rows.any(|row| row.get("finalizers").is_some())
        };
        let ends = || summary.ends.iter().filter(|((at, _), _)| *at == step);
        Self {
            is_unanswered: ends().any(|((_, key), end)| end.is_none() && changed(key)),
            is_retried: ends().any(|(_, end)| {
                let conditions = end.as_ref().and_then(|end| end["status.conditions"].as_array());
                conditions
                    .into_iter()
                    .flatten()
                    .any(|line| line.as_str().is_some_and(|line| line.starts_with("Ready=False")))
            }),
        }
    }
}

fn rows_of(trace: &[Value], step: u64) -> impl Iterator<Item = &Value> {
    let mut at = 0;
    trace.iter().filter(move |row| {
        at = row["step"].as_u64().unwrap_or(at);
        at == step
    })
}

fn is_state(row: &Value) -> bool {
    let keys = ["step", "event", "read", "refused", "timeout"];
    row.as_object().is_some_and(|row| !row.keys().any(|key| keys.contains(&key.as_str())))
}

fn is_expected(version: &str) -> bool {
    version.starts_with("source.") || version.starts_with("kustomize.")
}

/// A definition is served a moment after it was taken.
async fn wait_until_served(api: &Api, version: &str, kind: &str) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        match api.resource(version, kind).await {
            Ok(resource) if api.get(&resource.path(None, None)).await.is_ok() => return Ok(()),
            _ if begun.elapsed() > Duration::from_secs(30) => {
                return Err(format!("{version} {kind} is not served"));
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

const BUILT_IN: &[(&str, &str)] = &[
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "Namespace"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
];

fn version_of(kind: &str) -> Option<&'static str> {
    WATCHED.iter().chain(BUILT_IN).find(|(_, known)| *known == kind).map(|(version, _)| *version)
}

/// A whole run: a plane of its own, the subject, the scenarios. The controllers' log is given when something differs.
pub async fn run(
    kind: &Kind,
    sort: Sort,
    scenarios: Vec<Scenario>,
) -> Result<(Vec<Verdict>, String), String> {
    let options = crate::plane::Options { sort: Some(sort), ..Default::default() };
    let plane = Plane::start(&options).map_err(|error| error.to_string())?;
    Stage::prepare(&plane, kind).await?;
    let subject = Subject::start(kind, &plane, &crate::subject::Options::default())
        .map_err(|error| error.to_string())?;
    let stage = Arc::new(Stage::begin(&plane, &subject).await?);
    let verdicts = stage.run(scenarios).await;
    Ok((verdicts, subject.log()))
}

/// As a file of the corpus would hold it, as JSON, which is YAML too.
pub fn as_text(rows: &[Value]) -> String {
    format!("{:#}\n", json!(rows))
}

/// What Sluice says and Flux does not know (see DIFFERENCES.md): that others have changed what a Kustomization applied.
fn without_own(rows: &[Value]) -> Vec<Value> {
    const OWN: &str = "Drifted";
    let is_told = |row: &Value| row["event"]["reason"] == OWN;
    let mut rows: Vec<Value> = rows.iter().filter(|row| !is_told(row)).cloned().collect();
    for (key, change) in rows.iter_mut().filter_map(Value::as_object_mut).flatten() {
        if key.starts_with("Kustomization/")
            && let Some(conditions) = change.get_mut("status.conditions").and_then(Value::as_array_mut)
        {
            conditions.retain(|line| !line.as_str().is_some_and(|line| line.starts_with("Drifted=")));
        }
    }
    rows
}
