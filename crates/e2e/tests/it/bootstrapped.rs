//! The swap for the examples, from what `flux bootstrap git` leaves of a repository behind SSH: Flux brings everything
//! up, Sluice takes over, Flux goes on. Nothing that is managed is written, and every status stays as it was.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::api::Api;
use sluice_testkit::git::{Repository, SshServer};
use sluice_testkit::plane::{self, Plane};
use sluice_testkit::subject::{Kind, Subject};
use sluice_testkit::trace::replay::Stage;
use sluice_testkit::{peers, port};

use crate::story::condition;
use crate::swap::{LEAVES_WITHIN, lasting, start};

/// A store that is not there yet is asked again after 5 s, 10 s, 20 s, 30 s, …
const PATIENCE: Duration = Duration::from_mins(4);
const SYSTEM: &str = "flux-system";
const EXAMPLES: [&str; 3] = ["podinfo", "tenant", "custom-resource"];
/// Namespace and name of all Kustomizations that the examples come to.
const KUSTOMIZATIONS: [(&str, &str); 6] = [
    (SYSTEM, "flux-system"),
    (SYSTEM, "podinfo-staging"),
    (SYSTEM, "podinfo-production"),
    (SYSTEM, "tenants"),
    (SYSTEM, "widgets"),
    ("team-a", "team-a"),
];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// What bootstrap commits beside the components: the source and the Kustomization of the folder that they are in.
fn sync(url: &str) -> [Value; 2] {
    [
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "flux-system", "namespace": SYSTEM},
            "spec": {"interval": "1m0s", "url": url, "ref": {"branch": "main"}, "secretRef": {"name": "flux-system"}},
        }),
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "flux-system", "namespace": SYSTEM},
            "spec": {
                "interval": "10m0s", "path": "./clusters/staging", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
            },
        }),
    ]
}

fn path(ns: &str, plural: &str, name: &str) -> String {
    let group = if plural == "gitrepositories" { "source" } else { "kustomize" };
    format!("/apis/{group}.toolkit.fluxcd.io/v1/namespaces/{ns}/{plural}/{name}")
}

async fn are_ready(api: &Api, revision: &str) {
    for (ns, name) in KUSTOMIZATIONS {
        let is_so = |ks: &Value| {
            condition(ks, "Ready")["status"] == "True" && ks["status"]["lastAppliedRevision"] == revision
        };
        let waited = api.wait_until(&path(ns, "kustomizations", name), PATIENCE, is_so).await;
        waited.unwrap_or_else(|last| panic!("{ns}/{name} is still {last:#}"));
    }
}

/// Asks for a reconcile of everything, and waits until each was handled.
async fn reconcile(api: &Api, token: &str) {
    let source = [(SYSTEM, "gitrepositories", "flux-system")];
    let all = source.into_iter().chain(KUSTOMIZATIONS.map(|(ns, name)| (ns, "kustomizations", name)));
    for (ns, plural, name) in all {
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        let path = path(ns, plural, name);
        api.merge_patch(&path, &patch).await.unwrap();
        let is_handled = |object: &Value| object["status"]["lastHandledReconcileAt"] == token;
        let waited = api.wait_until(&path, PATIENCE, is_handled).await;
        waited.unwrap_or_else(|last| panic!("{name} is still {last:#}"));
    }
}

/// The version of everything that stands in an inventory; of what controllers report on, the generation.
async fn managed(api: &Api) -> BTreeMap<String, Value> {
    let mut versions = BTreeMap::new();
    for (ns, name) in KUSTOMIZATIONS {
        let ks = api.get(&path(ns, "kustomizations", name)).await.unwrap();
        for entry in ks["status"]["inventory"]["entries"].as_array().unwrap() {
            let id = entry["id"].as_str().unwrap();
            let [ns, name, group, kind] = id.split('_').collect::<Vec<_>>()[..] else { panic!("{id}") };
            let version = entry["v"].as_str().unwrap();
            let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
            let resource = api.resource(&version, kind).await.unwrap();
            let name = name.replace("__", ":");
            let object = api.get(&resource.path(Some(ns), Some(&name))).await.unwrap();
            let key = if group.ends_with(".toolkit.fluxcd.io") { "generation" } else { "resourceVersion" };
            versions.insert(id.to_owned(), object["metadata"][key].clone());
        }
    }
    versions
}

async fn said(api: &Api) -> BTreeMap<String, Value> {
    let mut said = BTreeMap::new();
    let source = api.get(&path(SYSTEM, "gitrepositories", "flux-system")).await.unwrap();
    let mut status = lasting(&source["status"]);
    status["artifact"].as_object_mut().unwrap().remove("digest");
    said.insert("the source".to_owned(), status);
    for (ns, name) in KUSTOMIZATIONS {
        let ks = api.get(&path(ns, "kustomizations", name)).await.unwrap();
        said.insert(name.to_owned(), lasting(&ks["status"]));
        said.insert(format!("finalizers of {name}"), ks["metadata"]["finalizers"].clone());
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_are_handed_over_and_back() {
    let test = "the_examples_are_handed_over";
    let Some(sluice) = Kind::sluice().filter(|kind| kind.is_built() && Kind::Flux.is_built()) else {
        return peers::skip(test, "the controllers of Flux, or ours, are not built");
    };
    let plane = tokio::task::block_in_place(|| Plane::start(&plane::Options::default())).unwrap();
    Stage::prepare(&plane, &Kind::Flux).await.unwrap();
    let api = plane.api();
    let cluster = sluice_cluster::Cluster::from_kubeconfig(&plane.kubeconfig(), None).await.unwrap();
    let life = tokio::spawn(sluice_simulate::workloads(cluster, jiff::Timestamp::now));

    let root = tempfile::tempdir().unwrap();
    let mut repository = Repository::create(root.path(), "fleet").unwrap();
    let server = SshServer::start(root.path()).unwrap();
    let sync = sync(&format!("{}/fleet.git", server.url()));
    for example in EXAMPLES {
        copy(&peers::workspace().join("examples").join(example), repository.work());
    }
    let text: String = sync.iter().map(|object| format!("---\n{object}\n")).collect::<Vec<_>>().concat();
    let place = "clusters/staging/flux-system";
    let listed = "resources: [gotk-sync.yaml]\n";
    let commit = repository.commit(&[
        (&format!("{place}/gotk-sync.yaml"), Some(&text)),
        (&format!("{place}/kustomization.yaml"), Some(listed)),
    ]);
    let revision = format!("main@sha1:{}", commit.unwrap());
    let key = server.client_key();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "flux-system"},
        "stringData": {
            "identity": key.private().unwrap(), "identity.pub": key.public().unwrap(),
            "known_hosts": server.known_hosts().unwrap(),
        },
    });
    let storage = port::free(1).unwrap()[0];
    let mut running = tokio::task::block_in_place(|| start(&Kind::Flux, &plane, storage));
    api.apply("flux", SYSTEM, &secret).await.unwrap();
    for object in &sync {
        api.apply("flux", SYSTEM, object).await.unwrap();
    }
    are_ready(&api, &revision).await;
    reconcile(&api, "2026-01-01T00:00:00Z").await;
    are_ready(&api, &revision).await;
    let (versions, statuses) = (managed(&api).await, said(&api).await);
    assert!(versions.len() > 15, "{versions:?}");

    for (at, next) in [&sluice, &Kind::Flux].into_iter().enumerate() {
        tokio::task::block_in_place(|| {
            for subject in &mut running {
                assert!(subject.stop(LEAVES_WITHIN), "{}", subject.log());
            }
            running = start(next, &plane, storage);
        });
        reconcile(&api, &format!("2026-01-01T00:00:0{}Z", at + 1)).await;
        are_ready(&api, &revision).await;
        assert_eq!(managed(&api).await, versions, "something managed was written by {next:?}");
        let now = said(&api).await;
        for (object, before) in &statuses {
            assert_eq!(now[object], *before, "{object} after {next:?}");
        }
    }
    let log: String = running.iter().map(Subject::log).collect();
    let line = key.private().unwrap().lines().nth(2).unwrap().to_owned();
    assert!(!log.contains(&line), "a line of the private key is in the log");
    life.abort();
}
