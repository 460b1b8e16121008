//! Stories of a Kustomization's life: suspended, resumed, deleted.

use serde_json::{Value, json};

use crate::story::{Story, config_map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspended_then_resumed() {
    let Some(mut story) = Story::begin("suspended_then_resumed").await else { return };
    let first = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &first).await;
    let path = story.path("Kustomization", "app");
    story.api.merge_patch(&path, &json!({"spec": {"suspend": true}})).await.unwrap();
    story.ready("Kustomization", "app").await;
    let second = story.push(&[("app/a.yaml", Some(&config_map("one", "2")))]).await;
    // Something else that follows the same source has seen the commit; the suspended one has not moved.
    story.kustomization("other", json!({"path": "./app", "prune": false, "suspend": true})).await;
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "1");
    assert_eq!(story.get("Kustomization", "app").await["status"]["lastAppliedRevision"], first.as_str());
    story.api.merge_patch(&path, &json!({"spec": {"suspend": false}})).await.unwrap();
    story.applied("app", &second).await;
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "2");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_with_its_objects() {
    let Some(mut story) = Story::begin("deleted_with_its_objects").await else { return };
    let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations:\n    \
                kustomize.toolkit.fluxcd.io/prune: disabled\n";
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1"))), ("app/b.yaml", Some(kept))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(ks["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    story.api.delete(&story.path("Kustomization", "app")).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    assert!(story.get("ConfigMap", "one").await.is_null());
    assert!(!story.get("ConfigMap", "kept").await.is_null(), "pruning was disabled for it");
    story.api.delete(&story.path("GitRepository", "app")).await.unwrap();
    story.until("GitRepository", "app", Value::is_null).await;
    story.end().await;
}
