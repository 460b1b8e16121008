//! Stories: what Git says is applied, changed, pruned, and put back.

use serde_json::{Value, json};

use crate::story::{Story, condition, config_map, deployment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_apply() {
    let Some(mut story) = Story::begin("first_apply").await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    let ks = story.applied("app", &revision).await;
    let one = story.get("ConfigMap", "one").await;
    assert_eq!(one["data"]["key"], "1");
    assert_eq!(one["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "app");
    let entry = json!([{"id": format!("{}_one__ConfigMap", story.ns), "v": "v1"}]);
    assert_eq!(ks["status"]["inventory"]["entries"], entry);
    story.event("app", "Progressing", &format!("ConfigMap/{}/one created", story.ns)).await;
    story.event("app", "ReconciliationSucceeded", "next run in 10m0s").await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_and_prune() {
    let Some(mut story) = Story::begin("update_and_prune").await else { return };
    let (one, two) = (config_map("one", "1"), config_map("two", "1"));
    let revision = story.commit(&[("app/a.yaml", Some(&one)), ("app/b.yaml", Some(&two))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;

    let revision = story.push(&[("app/a.yaml", Some(&config_map("one", "2")))]).await;
    story.applied("app", &revision).await;
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "2");

    let revision = story.push(&[("app/b.yaml", None)]).await;
    let ks = story.applied("app", &revision).await;
    assert!(story.get("ConfigMap", "two").await.is_null(), "what left Git has left the cluster");
    assert_eq!(ks["status"]["inventory"]["entries"].as_array().unwrap().len(), 1);
    story.event("app", "Progressing", &format!("ConfigMap/{}/two deleted", story.ns)).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_put_back_at_the_interval() {
    let Some(mut story) = Story::begin("drift_is_put_back_at_the_interval").await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({"interval": "4s"})).await;
    story.applied("app", &revision).await;
    let path = story.path("ConfigMap", "one");
    story.api.merge_patch(&path, &json!({"data": {"key": "drifted", "other": "kept"}})).await.unwrap();
    let one = story.until("ConfigMap", "one", |object| object["data"]["key"] == "1").await;
    assert_eq!(one["data"]["other"], "kept", "a field that Git does not name is nobody's business");
    story.api.delete(&path).await.unwrap();
    story.until("ConfigMap", "one", |object| object["data"]["key"] == "1").await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_manifests_change_nothing_and_say_where() {
    let Some(mut story) = Story::begin("broken_manifests_change_nothing_and_say_where").await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;
    story.push(&[("app/a.yaml", Some("apiVersion: v1\nkind: [\n"))]).await;
    let ks = story.failed("Kustomization", "app", "BuildFailed").await;
    assert!(condition(&ks, "Ready")["message"].as_str().unwrap().contains("app/a.yaml"));
    assert_eq!(ks["status"]["lastAppliedRevision"], revision.as_str());
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "1");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_others_may_change_stay_as_they_are() {
    let Some(mut story) = Story::begin("fields_that_others_may_change").await else { return };
    let app = |image: &str| deployment("web", 0).replace("example.com/c:1", image);
    story.commit(&[("app/a.yaml", Some(&app("example.com/c:1")))]);
    story.source().await;
    let rules = json!([{"paths": ["/spec/replicas"], "target": {"kind": "Deploy.*"}}]);
    story.kustomization("app", json!({"ignore": rules})).await;
    story.ready("Kustomization", "app").await;

    // Somebody writes it: it is no drift.
    let path = story.path("Deployment", "web");
    let generation = |object: &Value| object["metadata"]["generation"].as_i64().unwrap();
    let scaled = story.api.merge_patch(&path, &json!({"spec": {"replicas": 2}})).await.unwrap();
    story.reconcile("Kustomization", "app").await;
    story.ready("Kustomization", "app").await;
    let live = story.get("Deployment", "web").await;
    assert_eq!((&live["spec"]["replicas"], generation(&live)), (&json!(2), generation(&scaled)));

    // What else is changed is applied, with the live value.
    let image = "/spec/template/spec/containers/0/image";
    let revision = story.push(&[("app/a.yaml", Some(&app("example.com/c:2")))]).await;
    story.applied("app", &revision).await;
    let live = story.get("Deployment", "web").await;
    assert_eq!(
        (&live["spec"]["replicas"], live.pointer(image)),
        (&json!(2), Some(&json!("example.com/c:2")))
    );

    // Somebody applies it: it is theirs from then on.
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3},
    });
    story.api.apply("scaler", &story.ns, &theirs).await.unwrap();
    let revision = story.push(&[("app/a.yaml", Some(&app("example.com/c:3")))]).await;
    story.applied("app", &revision).await;
    let live = story.get("Deployment", "web").await;
    assert_eq!(
        (&live["spec"]["replicas"], live.pointer(image)),
        (&json!(3), Some(&json!("example.com/c:3")))
    );
    let entries = live["metadata"]["managedFields"].as_array().unwrap();
    let ours = entries.iter().find(|entry| entry["manager"] == "kustomize-controller").unwrap();
    assert!(ours["fieldsV1"]["f:spec"]["f:replicas"].is_null(), "{ours:#}");

    story.kustomization("app", json!({"ignore": [{"paths": ["/a"], "target": {"name": "("}}]})).await;
    let failed = story.failed("Kustomization", "app", "ReconciliationFailed").await;
    let message = condition(&failed, "Ready")["message"].as_str().unwrap();
    assert!(message.contains("failed to create ignore rule selector: "), "{message}");
    story.end().await;
}
