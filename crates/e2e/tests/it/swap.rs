//! The swap: Flux reconciles and stops, Sluice goes on in its place and stops, Flux goes on. Nothing that is managed is
//! written, and what the statuses say stays the same.
//!
//! Sluice runs as the image of the controllers' own Deployments would: one process each, told apart by their Pods'
//! names, with the controllers' flags, addresses and Leases.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::plane::{self, Plane};
use sluice_testkit::subject::{Kind, Options, Subject};
use sluice_testkit::trace::replay::Stage;
use sluice_testkit::{peers, port};

use crate::story::{Story, config_map, deployment};

pub const LEAVES_WITHIN: Duration = Duration::from_secs(20);
/// Status fields that tell of times, counts and a compressor.
const PASSING: &[&str] = &[
    "lastTransitionTime",
    "lastUpdateTime",
    "lastReconciled",
    "firstReconciled",
    "lastReconciledDuration",
    "totalReconciliations",
    "lastHandledReconcileAt",
    "size",
];

/// Which controllers reconcile: both of Flux, or both of ours.
pub fn start(who: &Kind, plane: &Plane, storage: u16) -> Vec<Subject> {
    let flags = ["--watch-all-namespaces=true", "--log-level=info", "--log-encoding=json"].map(str::to_owned);
    let start = |kind: &Kind, hostname: &str, more: &[&str]| {
        let flags = flags.iter().cloned().chain(more.iter().map(|flag| (*flag).to_owned())).collect();
        let environment = vec![("HOSTNAME".to_owned(), hostname.to_owned())];
        let options = Options { flags, environment, storage_port: Some(storage), ..Options::default() };
        Subject::start(kind, plane, &options).unwrap()
    };
    match who {
        Kind::Program { program, .. } => {
            let alone = Kind::Program { program: program.clone(), arguments: Vec::new() };
            let names = ["source-controller-6b9c5d-k8", "kustomize-controller-5d4f7c-x2"];
            names.map(|name| start(&alone, name, &["--enable-leader-election"])).into()
        }
        // Flux's own controllers are elected only inside of a cluster.
        both => vec![start(both, "here", &[])],
    }
}

/// What is managed, with its versions.
async fn managed(story: &Story) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for kind in ["ConfigMap", "Deployment"] {
        let path = story.path(kind, "");
        let list = story.api.get(path.trim_end_matches('/')).await.unwrap();
        for item in list["items"].as_array().unwrap() {
            let metadata = &item["metadata"];
            if !metadata["labels"]["kustomize.toolkit.fluxcd.io/name"].is_null() {
                let key = format!("{kind}/{}", metadata["name"].as_str().unwrap());
                versions.insert(key, metadata["resourceVersion"].as_str().unwrap().to_owned());
            }
        }
    }
    versions
}

/// What the statuses say, but for what passes.
async fn said(story: &Story, names: &[&str]) -> BTreeMap<String, Value> {
    let mut said = BTreeMap::new();
    let source = story.get("GitRepository", "app").await;
    let mut status = lasting(&source["status"]);
    status["artifact"].as_object_mut().unwrap().remove("digest");
    said.insert("GitRepository/app".to_owned(), status);
    for name in names {
        let ks = story.get("Kustomization", name).await;
        said.insert(format!("Kustomization/{name}"), lasting(&ks["status"]));
        said.insert(format!("finalizers of {name}"), ks["metadata"]["finalizers"].clone());
    }
    said
}

pub fn lasting(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !PASSING.contains(&key.as_str()));
            kept.map(|(key, value)| (key.clone(), lasting(value))).collect()
        }
        Value::Array(items) => items.iter().map(lasting).collect(),
        // How long a wait took.
        Value::String(text) if text.starts_with("Health check passed in ") => "Health check passed".into(),
        other => other.clone(),
    }
}

async fn holder(story: &Story, controller: &str) -> String {
    let path =
        format!("/apis/coordination.k8s.io/v1/namespaces/flux-system/leases/{controller}-leader-election");
    let lease = story.api.wait_until(&path, crate::story::PATIENCE, |lease| {
        lease["spec"]["holderIdentity"].as_str().is_some_and(|holder| !holder.is_empty())
    });
    lease.await.unwrap()["spec"]["holderIdentity"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sluice_takes_over_from_flux_and_flux_from_sluice() {
    let test = "sluice_takes_over_from_flux";
    let Some(sluice) = Kind::sluice().filter(|kind| kind.is_built() && Kind::Flux.is_built()) else {
        return peers::skip(test, "the controllers of Flux, or ours, are not built");
    };
    let plane = tokio::task::block_in_place(|| Plane::start(&plane::Options::default())).unwrap();
    Stage::prepare(&plane, &Kind::Flux).await.unwrap();
    let mut story = Story::on(&plane, test).await;
    let storage = port::free(1).unwrap()[0];
    let image = "images:\n- {name: example.com/c, newTag: v2}\nresources: [a.yaml, b.yaml]\nconfigMapGenerator:\n- {name: made, literals: [a=1]}\n";
    let revision = story.commit(&[
        ("first/kustomization.yaml", Some(image)),
        ("first/a.yaml", Some(&config_map("one", "${word:-none}"))),
        ("first/b.yaml", Some(&deployment("web", 0))),
        ("second/a.yaml", Some(&config_map("two", "1"))),
        (
            "second/b.yaml",
            Some(&config_map("left-alone", "1").replace(
                "metadata:\n",
                "metadata:\n  annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}\n",
            )),
        ),
        ("third/a.yaml", Some(&config_map("three", "${nowhere}"))),
    ]);

    let mut running = tokio::task::block_in_place(|| start(&Kind::Flux, &plane, storage));
    story.source().await;
    let first = json!({"wait": true, "postBuild": {"substitute": {"word": "said"}}, "commonMetadata": {"labels": {"team": "a"}}});
    story.kustomization("first", first).await;
    let checked =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": story.ns});
    story.kustomization("second", json!({"dependsOn": [{"name": "first"}], "healthChecks": [checked]})).await;
    let strict = json!({"retryInterval": "10m", "postBuild": {"substitute": {"word": "said"}}});
    story.kustomization("third", strict).await;
    story.applied("first", &revision).await;
    story.applied("second", &revision).await;
    story.failed("Kustomization", "third", "BuildFailed").await;
    let names = ["first", "second", "third"];
    let (versions, statuses) = (managed(&story).await, said(&story, &names).await);
    assert_eq!(versions.len(), 5, "{versions:?}");

    for next in [&sluice, &Kind::Flux] {
        tokio::task::block_in_place(|| {
            for subject in &mut running {
                assert!(subject.stop(LEAVES_WITHIN), "{}", subject.log());
            }
            running = start(next, &plane, storage);
        });
        if *next != Kind::Flux {
            for controller in ["source-controller", "kustomize-controller"] {
                let holder = holder(&story, controller).await;
                assert!(holder.starts_with(controller), "{controller} is led by {holder}");
            }
        }
        story.reconcile("GitRepository", "app").await;
        story.ready("GitRepository", "app").await;
        for name in names {
            story.reconcile("Kustomization", name).await;
        }
        story.applied("second", &revision).await;
        story.failed("Kustomization", "third", "BuildFailed").await;
        assert_eq!(managed(&story).await, versions, "something managed was written by {next:?}");
        let now = said(&story, &names).await;
        for (object, before) in &statuses {
            assert_eq!(now[object], *before, "{object} after {next:?}");
        }
    }
    let log: String = running.iter().map(Subject::log).collect();
    story.look_for_canary(&log, &running[0].storage()).await;
    story.end().await;
}
