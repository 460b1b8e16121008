//! A plane, controllers and a repository of applications, ready to be measured.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use sluice_testkit::api::{Api, Resource};
use sluice_testkit::git::{GitServer, Login, Repository};
use sluice_testkit::plane::{Plane, Usage};
use sluice_testkit::subject::{self, Subject};
use sluice_testkit::trace::replay::Stage;

use super::measure::Figure;
use super::{Bench, PATIENCE, application};

const NS: &str = "bench";

/// How many requests of ours are under way at a time.
const AT_A_TIME: usize = 16;

pub struct Scene {
    plane: Plane,
    subject: Subject,
    api: Api,
    kustomizations: Resource,
    _git: GitServer,
    _root: tempfile::TempDir,
}

/// The name of an application and of its Kustomization.
pub fn name(at: usize) -> String {
    format!("app-{at:04}")
}

impl Scene {
    /// Everything but the Kustomizations: the source is Ready. So many applications, spread evenly, never get healthy.
    pub async fn set(bench: &Bench, flags: &[&str], size: usize, unhealthy: usize) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let root = tempfile::tempdir().map_err(|error| failed(&error))?;
        let mut options = sluice_testkit::plane::Options { gogc: bench.gogc, ..Default::default() };
        if let Some(audit) = &bench.audit {
            options.apiserver_flags = audit_flags(audit, root.path()).map_err(|error| failed(&error))?;
        }
        let plane = tokio::task::block_in_place(|| Plane::start(&options));
        let plane = plane.map_err(|error| failed(&error))?;
        Stage::prepare(&plane, &bench.kind).await?;
        let repository = Repository::create(root.path(), "apps").map_err(|error| failed(&error))?;
        for at in 0..size {
            let folder = repository.work().join(name(at));
            std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
            let documents = application(&name(at), is_healthy(at, size, unhealthy));
            let text: Vec<String> = documents.iter().map(|document| format!("{document:#}\n")).collect();
            std::fs::write(folder.join("app.yaml"), text.join("---\n")).map_err(|error| failed(&error))?;
        }
        repository
            .commit_all("applications")
            .and_then(|()| repository.push())
            .map_err(|error| failed(&error))?;
        let git = GitServer::start(root.path(), Login::Anyone).map_err(|error| failed(&error))?;
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let options = subject::Options { flags, ..subject::Options::default() };
        let subject = Subject::start(&bench.kind, &plane, &options).map_err(|error| failed(&error))?;
        let api = plane.api();
        api.create_namespace(NS).await.map_err(|error| failed(&error))?;
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "apps"},
            "spec": {"interval": "10m", "url": format!("{}/apps.git", git.url()), "ref": {"branch": "main"}},
        });
        api.apply("bench", NS, &source).await.map_err(|error| failed(&error))?;
        let path = format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{NS}/gitrepositories/apps");
        api.wait_until(&path, PATIENCE, is_ready)
            .await
            .map_err(|last| format!("the source is not Ready: {last}"))?;
        let kustomizations = api.resource("kustomize.toolkit.fluxcd.io/v1", "Kustomization").await;
        let kustomizations = kustomizations.map_err(|error| failed(&error))?;
        // The API server holds creations back for the first seconds of a new kind: that is not the controllers' time.
        let trial = format!("{}?dryRun=All", kustomizations.path(Some(NS), None));
        api.create(&trial, &kustomization(0, &json!({}))).await.map_err(|error| failed(&error))?;
        Ok(Self { plane, subject, api, kustomizations, _git: git, _root: root })
    }

    pub fn usage(&self) -> Usage {
        self.subject.usage()
    }

    /// Processor seconds so far of everybody else who shares the machine: the plane's programs and this bench.
    pub fn others(&self) -> Vec<(String, f64)> {
        let own = ("the bench itself".to_owned(), Usage::of(std::process::id()));
        self.plane
            .usage()
            .into_iter()
            .chain([own])
            .map(|(name, used)| (name, used.processor_seconds))
            .collect()
    }

    /// Requests of the controllers so far: by their own count where they tell it, else all that the server has had.
    pub async fn requests(&self) -> f64 {
        let mut own = 0.0;
        let client = Api::new("", &[], "");
        for url in self.subject.metrics_urls() {
            let text = client.request_text("GET", &url, None).await.unwrap_or_default();
            own += sum(&text, "rest_client_requests_total", &[]);
        }
        if own > 0.0 { own } else { sum(&self.metrics().await, "apiserver_request_total", &[]) }
    }

    async fn metrics(&self) -> String {
        self.api.request_text("GET", "/metrics", None).await.unwrap_or_default()
    }

    /// Creates Kustomizations in the given order; how long it takes from the first creation until all are Ready.
    pub async fn create_and_wait(
        &self,
        order: impl ExactSizeIterator<Item = usize>,
        more: impl Fn(usize) -> Value,
    ) -> Result<Duration, String> {
        self.create_and_wait_for(order, more, 0).await
    }

    /// The same, but not for those that never get healthy.
    pub async fn create_and_wait_for(
        &self,
        order: impl ExactSizeIterator<Item = usize>,
        more: impl Fn(usize) -> Value,
        unhealthy: usize,
    ) -> Result<Duration, String> {
        let size = order.len();
        let collection = self.kustomizations.path(Some(NS), None);
        let begun = Instant::now();
        let waiting =
            tokio::spawn(ready_after(self.api.clone(), collection.clone(), size - unhealthy, begun));
        let collection = Arc::new(collection);
        let objects: Vec<Value> = order.map(|at| kustomization(at, &more(at))).collect();
        let created = futures::stream::iter(objects).map(|object| {
            let (api, collection) = (self.api.clone(), Arc::clone(&collection));
            async move { api.create(&collection, &object).await.map(|_| ()) }
        });
        let results: Vec<_> = created.buffered(AT_A_TIME).collect().await;
        for result in results {
            result.map_err(|error| error.to_string())?;
        }
        let waited =
            tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| "not Ready in time".to_owned())?;
        waited.map_err(|error| error.to_string())
    }

    /// A requested reconcile of one that is as it should be: what is written?
    pub async fn nothing_to_do(&self, at: usize) -> Result<Vec<Figure>, String> {
        let path = self.kustomizations.path(Some(NS), Some(&name(at)));
        let before = self.metrics().await;
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}});
        self.api.merge_patch(&path, &patch).await.map_err(|error| error.to_string())?;
        let handled = |object: &Value| object["status"]["lastHandledReconcileAt"] == "now";
        self.api.wait_until(&path, PATIENCE, handled).await.map_err(|last| last.to_string())?;
        tokio::time::sleep(Duration::from_secs(2)).await; // its event is sent in the background
        let after = self.metrics().await;
        let count = |labels: &[&str]| {
            sum(&after, "apiserver_request_total", labels) - sum(&before, "apiserver_request_total", labels)
        };
        let mut managed = 0.0;
        for resource in ["serviceaccounts", "services", "deployments", "ingresses"] {
            for verb in ["APPLY", "PATCH", "POST", "PUT", "DELETE"] {
                managed += count(&[
                    &format!("resource=\"{resource}\""),
                    &format!("verb=\"{verb}\""),
                    "dry_run=\"\"",
                    "subresource=\"\"",
                ]);
            }
        }
        let status = count(&["resource=\"kustomizations\"", "verb=\"PATCH\"", "subresource=\"status\""]);
        let events = count(&["resource=\"events\"", "verb=\"POST\""])
            + count(&["resource=\"events\"", "verb=\"PATCH\""]);
        Ok(vec![
            Figure::new("nothing to do: writes to managed objects", managed, "", 0.0),
            Figure::new("nothing to do: status patches", status, "", 1.0),
            Figure::new("nothing to do: events", events, "", 1.0),
        ])
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for (name, usage) in self.plane.usage() {
            println!("{name}: {:.0} MiB, {:.1} s", usage.peak_memory_mib, usage.processor_seconds);
        }
    }
}

/// Every request's line in `log`, without bodies.
fn audit_flags(log: &Path, folder: &Path) -> std::io::Result<Vec<String>> {
    let policy = folder.join("audit.yaml");
    let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n";
    std::fs::write(&policy, text)?;
    Ok(vec![
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
        "--audit-log-mode=batch".to_owned(),
    ])
}

/// How long after `begun` so many of a collection are Ready. A watch that the server ends is begun anew.
pub async fn ready_after(api: Api, collection: String, enough: usize, begun: Instant) -> Duration {
    let mut ready = BTreeSet::new();
    let mut note = |object: &Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if is_ready(object) {
            ready.insert(name.to_owned());
        } else {
            ready.remove(name);
        }
        ready.len() >= enough
    };
    loop {
        if let Ok(list) = api.get(&collection).await {
            let mut items = list["items"].as_array().into_iter().flatten();
            if items.any(&mut note) {
                return begun.elapsed();
            }
            let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
            if let Ok(mut events) = api.watch(&collection, version).await {
                while let Some(Ok(event)) = events.next().await {
                    if event.change != "ERROR" && note(&event.object) {
                        return begun.elapsed();
                    }
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_healthy(at: usize, size: usize, unhealthy: usize) -> bool {
    at * unhealthy / size == (at + 1) * unhealthy / size
}

fn kustomization(at: usize, more: &Value) -> Value {
    let name = name(at);
    let mut spec = json!({
        "interval": "10m", "timeout": "1m", "path": format!("./{name}"), "prune": true, "wait": true,
        "targetNamespace": NS, "sourceRef": {"kind": "GitRepository", "name": "apps"},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NS}, "spec": spec,
    })
}

fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    ready.is_some_and(|ready| ready["status"] == "True")
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// The sum of a metric's samples that have all the labels.
fn sum(text: &str, metric: &str, labels: &[&str]) -> f64 {
    let samples = text.lines().filter(|line| {
        line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    samples.filter_map(|line| line.rsplit(' ').next()).filter_map(|value| value.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unhealthy_are_as_many_as_asked_for() {
        assert_eq!((0..128).filter(|at| !is_healthy(*at, 128, 11)).count(), 11);
        assert_eq!((0..128).filter(|at| !is_healthy(*at, 128, 0)).count(), 0);
    }

    #[test]
    fn samples_are_summed_by_label() {
        let text = "# HELP a x\na{v=\"1\"} 2\na{v=\"2\"} 3\nab 4\n";
        assert!((sum(text, "a", &[]) - 5.0).abs() < f64::EPSILON);
        assert!((sum(text, "a", &["v=\"2\""]) - 3.0).abs() < f64::EPSILON);
    }
}
