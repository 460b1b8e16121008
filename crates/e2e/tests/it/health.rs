//! Stories of health: a Kustomization that waits fails when its workload does, and recovers with a fix.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_cluster::wait::wait;
use sluice_cluster::{Awaited, Cluster, Index, WaitError, WaitOptions};
use sluice_object::ObjectId;
use sluice_testkit::api::Api;
use sluice_testkit::plane::Plane;
use tokio_util::sync::CancellationToken;

use crate::story::{PATIENCE, Story, condition, config_map, deployment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_health_then_a_fix() {
    let Some(mut story) = Story::begin("failing_health_then_a_fix").await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&deployment("web", 1)))]); // no node will ever run it
    story.source().await;
    story.kustomization("app", json!({"wait": true, "timeout": "3s"})).await;
    let ks = story.failed("Kustomization", "app", "HealthCheckFailed").await;
    let message = condition(&ks, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("Deployment/{}/web status: 'InProgress'", story.ns)), "{message}");
    assert_eq!(ks["status"]["lastAttemptedRevision"], revision.as_str());
    assert!(ks["status"]["inventory"]["entries"].is_array(), "what was applied is on record all the same");
    let revision = story.push(&[("app/a.yaml", Some(&deployment("web", 0)))]).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(condition(&ks, "Healthy")["status"], "True");
    story.end().await;
}

/// No rule for all kinds ever finds fault with a ConfigMap: only the expressions do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_judge_the_live_object() {
    let Some(mut story) = Story::begin("expressions_judge_the_live_object").await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    let check = |current: &str| {
        json!({
            "wait": true, "timeout": "120s", "retryInterval": "120s",
            "healthCheckExprs": [{
                "apiVersion": "v1", "kind": "ConfigMap", "current": current,
                "failed": "has(metadata.annotations) && 'broken' in metadata.annotations",
            }],
        })
    };
    story.kustomization("app", check("metadata.")).await;
    let ks = story.failed("Kustomization", "app", "InvalidCELExpression").await;
    let message = condition(&ks, "Stalled")["message"].as_str().unwrap().to_owned();
    let start = "Reconciliation failed terminally due to configuration error: failed to create custom status evaluator \
                 for healthchecks[0]: failed to parse the expression Current: ";
    assert!(message.starts_with(start), "{message}");
    assert!(story.get("ConfigMap", "one").await.is_null());

    story.kustomization("app", check("has(metadata.annotations) && 'fine' in metadata.annotations")).await;
    story
        .until("Kustomization", "app", |ks| {
            condition(ks, "Healthy")["status"] == "Unknown" && ks["status"]["inventory"].is_object()
        })
        .await;
    let annotate = |key: &str| json!({"metadata": {"annotations": {key: "1"}}});
    let path = story.path("ConfigMap", "one");
    story.api.merge_patch(&path, &annotate("fine")).await.unwrap();
    story.applied("app", &revision).await;

    story.api.merge_patch(&path, &annotate("broken")).await.unwrap();
    story.reconcile("Kustomization", "app").await;
    let ks = story.failed("Kustomization", "app", "HealthCheckFailed").await;
    let text = condition(&ks, "Healthy")["message"].as_str().unwrap();
    assert_eq!(
        text,
        format!("failed early due to stalled resources: [ConfigMap/{}/one status: 'Failed']", story.ns)
    );
    story.end().await;
}

/// The shared plane, a namespace, and a client that counts what it asks.
async fn bare(ns: &str) -> (Api, Cluster) {
    let plane = tokio::task::spawn_blocking(Plane::shared).await.unwrap();
    let api = plane.api();
    api.create_namespace(ns).await.unwrap();
    (api, Cluster::from_kubeconfig(&plane.kubeconfig(), None).await.unwrap())
}

/// Waits for a workload that somebody else has applied.
async fn wait_for(cluster: &Cluster, kind: &str, ns: &str, name: &str) -> Result<(), WaitError> {
    let index = Index::new(cluster.clone(), "kustomize.toolkit.fluxcd.io/name", jiff::Timestamp::now);
    let id = ObjectId {
        namespace: ns.to_owned(),
        name: name.to_owned(),
        group: "apps".to_owned(),
        kind: kind.to_owned(),
    };
    let awaited = Awaited { id, api_version: "apps/v1".to_owned(), is_applied: false, is_passing: false };
    let options = WaitOptions {
        timeout: PATIENCE,
        fail_fast: true,
        checks: Arc::default(),
        stop: CancellationToken::new(),
    };
    wait(cluster, &index, &[awaited], &options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_others_are_watched_and_not_asked_for_again() {
    let ns = "s-objects-of-others";
    let (api, cluster) = bare(ns).await;
    let waiting = {
        let cluster = cluster.clone();
        tokio::spawn(async move { wait_for(&cluster, "Deployment", ns, "web").await })
    };
    let path = format!("/apis/apps/v1/namespaces/{ns}/deployments/web");
    let text = deployment("web", 1);
    let path_of_apply = format!("{path}?fieldManager=person");
    api.request("PATCH", &path_of_apply, Some(("application/apply-patch+yaml", text))).await.unwrap();
    let observed = |object: &Value| object["status"]["observedGeneration"] == 1;
    api.wait_until(&path, PATIENCE, observed).await.unwrap();
    let is_watched = || cluster.request_counts().contains_key("WATCH deployments");
    let watched = async {
        while !is_watched() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, watched).await.unwrap();
    let begun = std::time::Instant::now();
    api.merge_patch(&path, &json!({"spec": {"replicas": 0}})).await.unwrap();
    waiting.await.unwrap().unwrap();
    let took = begun.elapsed();
    let counts = cluster.request_counts();
    assert_eq!(counts.get("WATCH deployments"), Some(&1), "{counts:?}");
    assert!(took < Duration::from_secs(30), "{took:?}: {counts:?}");
    api.delete(&format!("/api/v1/namespaces/{ns}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crashing_pod_fails_what_it_was_made_for() {
    let ns = "s-a-crashing-pod";
    let (api, cluster) = bare(ns).await;
    let replica_set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "example.com/c:1"}]},
        }},
    });
    api.apply("person", ns, &replica_set).await.unwrap();
    let path = format!("/apis/apps/v1/namespaces/{ns}/replicasets/web");
    api.wait_until(&path, PATIENCE, |object| object["status"]["replicas"] == 1).await.unwrap();
    let waiting = {
        let cluster = cluster.clone();
        tokio::spawn(async move { wait_for(&cluster, "ReplicaSet", ns, "web").await })
    };
    let pods = format!("/api/v1/namespaces/{ns}/pods");
    let list = api.get(&pods).await.unwrap();
    let pod = list["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let crashing = json!({"status": {"phase": "Running", "containerStatuses": [{
        "name": "c", "image": "example.com/c:1", "imageID": "", "ready": false, "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    }]}});
    api.merge_patch(&format!("{pods}/{pod}/status"), &crashing).await.unwrap();
    let text = waiting.await.unwrap().unwrap_err().to_string();
    let line = format!("failed early due to stalled resources: [ReplicaSet/{ns}/web status: 'Failed']");
    assert_eq!(text, line);
    api.delete(&format!("/api/v1/namespaces/{ns}")).await.unwrap();
}
