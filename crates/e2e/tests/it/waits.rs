//! Stories of many waits: what never starts does not pass, a thousand times; commits that do not touch an app leave its wait
//! alone; and three hundred waits at once share few connections.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use serde_json::{Value, json};
use sluice_cluster::Cluster;
use sluice_testkit::api::{ApiError, WatchEvent};
use sluice_testkit::plane::{Options as PlaneOptions, Plane, Sort};
use sluice_testkit::proxy::Proxy;
use sluice_testkit::subject::{Kind, Options, Subject};

use crate::story::{PATIENCE, Story, condition, config_map, deployment, own_plane_with, through};

/// A plane in this process, and our own controllers.
async fn embedded(test: &str) -> Option<(Kind, Plane)> {
    own_plane_with(test, &PlaneOptions { sort: Some(Sort::Embedded), ..PlaneOptions::default() }).await
}

fn app(number: usize) -> String {
    format!("app-{number}")
}

/// All apps' Deployments: healthy at once, or never to be. Gives the revision.
fn put(story: &mut Story, apps: usize, is_healthy: bool) -> String {
    for number in 0..apps {
        story.write(&format!("{}/a.yaml", app(number)), &deployment(&app(number), u32::from(!is_healthy)));
    }
    story.commit(&[])
}

/// All Kustomizations of a story, as a watch tells of them.
struct Followed {
    events: futures::stream::BoxStream<'static, Result<WatchEvent, ApiError>>,
    latest: BTreeMap<String, Value>,
    /// Revisions that none of them may ever call applied.
    broken: BTreeSet<String>,
}

impl Followed {
    async fn begin(story: &Story) -> Self {
        let collection = story.path("Kustomization", "");
        let events = story.api.watch(collection.trim_end_matches('/'), "0").await.unwrap();
        Self { events: events.boxed(), latest: BTreeMap::new(), broken: BTreeSet::new() }
    }

    /// Waits until so many are as wanted, and looks at each of their states on the way.
    async fn until(&mut self, count: usize, is_so: impl Fn(&Value) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.latest.values().filter(|ks| is_so(ks)).count() < count {
                let ks = self.events.next().await.unwrap().unwrap().object;
                let status = &ks["status"];
                for applied in [&status["lastAppliedRevision"], &condition(&ks, "Ready")["message"]] {
                    let applied =
                        applied.as_str().unwrap_or_default().trim_start_matches("Applied revision: ");
                    assert!(!self.broken.contains(applied), "what never starts has passed: {ks:#}");
                }
                self.latest.insert(ks["metadata"]["name"].as_str().unwrap_or_default().to_owned(), ks);
            }
        });
        waited.await.expect("all are as wanted");
    }
}

/// Healthy apps get an update that never starts, which none of them may ever call applied.
async fn updates_that_never_start(story: &mut Story, apps: usize) {
    let healthy = put(story, apps, true);
    story.source().await;
    let mut all = Followed::begin(story).await;
    for number in 0..apps {
        story.kustomization(&app(number), json!({"wait": true, "retryInterval": "10m"})).await;
    }
    let is_applied = |ks: &Value| {
        ks["status"]["lastAppliedRevision"] == healthy && condition(ks, "Ready")["status"] == "True"
    };
    all.until(apps, is_applied).await;
    let broken = put(story, apps, false);
    all.broken.insert(broken.clone());
    story.reconcile("GitRepository", "app").await;
    let is_refused = |ks: &Value| {
        ks["status"]["lastAttemptedRevision"] == broken
            && ks["status"]["lastAppliedRevision"] == healthy
            && condition(ks, "Ready")["reason"] == "HealthCheckFailed"
    };
    all.until(apps, is_refused).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_updates_that_never_start_do_not_pass() {
    let test = "a_thousand_updates";
    let Some((kind, plane)) = embedded(test).await else { return };
    let mut subject = Subject::start(&kind, &plane, &Options::default()).unwrap();
    let mut story = Story::on(&plane, test).await;
    updates_that_never_start(&mut story, 1000).await;
    assert_eq!(subject.ended(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_that_never_start_do_not_pass() {
    let Some(mut story) = Story::begin("updates_that_never_start").await else { return };
    updates_that_never_start(&mut story, 20).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_do_not_touch_an_app_leave_its_wait_alone() {
    const COMMITS: usize = 100;
    let test = "commits_that_do_not_touch_an_app";
    let Some((kind, plane)) = embedded(test).await else { return };
    let flags = vec!["--feature-gates=CancelHealthCheckOnNewRevision=true".to_owned()];
    let subject = Subject::start(&kind, &plane, &Options { flags, ..Options::default() }).unwrap();
    let mut story = Story::on(&plane, test).await;
    let first = story.commit(&[("app/a.yaml", Some(&deployment("web", 1)))]);
    story.source().await;
    story.kustomization("app", json!({"wait": true, "timeout": "10m"})).await;
    let waits =
        |ks: &Value| condition(ks, "Healthy")["status"] == "Unknown" && ks["status"]["inventory"].is_object();
    let began = story.until("Kustomization", "app", waits).await;
    let mut last = String::new();
    for number in 0..COMMITS {
        last = story.push(&[("other/a.yaml", Some(&config_map("other", &number.to_string())))]).await;
    }
    let now = story.get("Kustomization", "app").await;
    assert_eq!(now["status"], began["status"], "it waits as it did, for {first}");

    // Its workload comes to life: the one wait ends well, and the newest revision is next.
    let cluster = Cluster::from_kubeconfig(&plane.kubeconfig(), None).await.unwrap();
    let life = tokio::spawn(sluice_simulate::workloads(cluster, jiff::Timestamp::now));
    let ks = story.applied("app", &last).await;
    let history = ks["status"]["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["totalReconciliations"]), (1, &json!(2)), "{history:#?}");
    let events = story.api.get(story.path("Event", "").trim_end_matches('/')).await.unwrap();
    let is_of_app = |event: &&Value| {
        event["involvedObject"]["name"] == "app" && event["involvedObject"]["kind"] == "Kustomization"
    };
    let reasons = events["items"].as_array().unwrap().iter().filter(is_of_app).map(|event| &event["reason"]);
    assert!(reasons.clone().all(|reason| reason != "HealthCheckCanceled" && reason != "HealthCheckFailed"));
    life.abort();
    story.look_for_canary(&subject.log(), &subject.storage()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_waits_share_few_connections() {
    const WAITS: usize = 300;
    const CONNECTIONS: usize = 100;
    let test = "three_hundred_waits";
    let Some((kind, plane)) = embedded(test).await else { return };
    let proxy = Proxy::start(&plane).unwrap();
    proxy.allow_connections(CONNECTIONS);
    let mut subject = Subject::start(&kind, &plane, &through(&proxy, &plane)).unwrap();
    let mut story = Story::on(&plane, test).await;
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    let mut all = Followed::begin(&story).await;
    // Each waits for what somebody else has applied, so each has to look for itself.
    for number in 0..WAITS {
        let check = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": app(number), "namespace": story.ns});
        let spec = json!({"path": "./app", "timeout": "80s", "healthChecks": [check]});
        story.kustomization(&format!("waits-{number}"), spec).await;
    }
    all.until(WAITS, |ks| condition(ks, "Healthy")["status"] == "Unknown").await;
    // What does not wait is not held up by them.
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;
    for number in 0..WAITS {
        let path = format!("{}?fieldManager=person", story.path("Deployment", &app(number)));
        let body = ("application/apply-patch+yaml", deployment(&app(number), 0));
        story.api.request("PATCH", &path, Some(body)).await.unwrap();
    }
    all.until(WAITS + 1, |ks| ks["status"]["lastAppliedRevision"] == revision).await;
    // A connection that has just answered is not free at once, so a few more may be asked for; not one for each wait.
    let refused = proxy.refused_connections();
    assert!(refused < 10, "{refused} connections more than {CONNECTIONS} were asked for");
    assert_eq!(subject.ended(), None);
}
