//! Stories: what Git says is applied, changed, pruned, and put back.

use serde_json::json;

use crate::story::{Story, condition, config_map};

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
