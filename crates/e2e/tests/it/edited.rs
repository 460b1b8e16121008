//! Stories of what somebody did to the record and to the definitions behind our back: nothing of others is deleted, what
//! is wrong is said, and what Git says comes back.

use serde_json::{Value, json};
use sluice_testkit::subject::Kind;

use crate::gadgets::{define, definition, gadget, undefine};
use crate::story::{self, Story, condition, config_map};

fn entries(ks: &Value) -> Vec<String> {
    let entries = ks["status"]["inventory"]["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

fn status_path(story: &Story) -> String {
    format!("{}/status", story.path("Kustomization", "app"))
}

/// Writes an inventory.
async fn edit(story: &Story, ids: &[String]) {
    let entries: Vec<Value> = ids.iter().map(|id| json!({"id": id, "v": "v1"})).collect();
    let status = json!({"status": {"inventory": {"entries": entries}}});
    story.api.merge_patch(&status_path(story), &status).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_inventory_deletes_nothing_of_others() {
    let Some(mut story) = Story::begin("an_edited_inventory").await else { return };
    let revision = story.commit(&[
        ("app/a.yaml", Some(&config_map("one", "1"))),
        ("other/a.yaml", Some(&config_map("other", "1"))),
    ]);
    story.source().await;
    story.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}})).await;
    story.kustomization("app", json!({})).await;
    story.kustomization("other", json!({})).await;
    story.applied("app", &revision).await;
    story.applied("other", &revision).await;
    let ns = story.ns.clone();
    let id = |name: &str| format!("{ns}_{name}__ConfigMap");

    // What is not ours stays, whoever wrote it into our inventory; what was never there is gone already.
    let foreign = "_kube-system__Namespace".to_owned();
    edit(&story, &[id("one"), id("theirs"), id("other"), id("nobody"), foreign]).await;
    let revision = story.push(&[("app/b.yaml", Some(&config_map("two", "1")))]).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(entries(&ks), [id("one"), id("two")]);
    for name in ["theirs", "other"] {
        assert!(story.get("ConfigMap", name).await["metadata"]["deletionTimestamp"].is_null(), "{name}");
    }
    let system = story.api.get("/api/v1/namespaces/kube-system").await.unwrap();
    assert!(system["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(story.get("ConfigMap", "other").await["data"]["key"], "1");

    // What is no id at all is told, and the next run has a whole inventory again.
    edit(&story, &[id("one"), "nonsense".to_owned()]).await;
    let revision = story.push(&[("app/a.yaml", Some(&config_map("one", "2")))]).await;
    story.event("app", "ReconciliationFailed", "nonsense").await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(entries(&ks), [id("one"), id("two")]);

    // An inventory that is gone is made anew.
    let none = json!({"status": {"inventory": null}});
    story.api.merge_patch(&status_path(&story), &none).await.unwrap();
    story.reconcile("Kustomization", "app").await;
    assert_eq!(entries(&story.applied("app", &revision).await), [id("one"), id("two")]);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_is_deleted_under_its_objects() {
    let Some(mut story) = Story::begin("a_deleted_definition").await else { return };
    let group = "deleted.example.com";
    let revision = story.commit(&[
        ("app/a.yaml", Some(&gadget("deleted.example.com/v1", 1))),
        ("good/a.yaml", Some(&config_map("good", "1"))),
    ]);
    story.source().await;
    define(&story, &definition(group, "Namespaced", &[("v1", true)])).await;
    story.kustomization("app", json!({"wait": true})).await;
    story.kustomization("good", json!({})).await;
    story.applied("app", &revision).await;
    undefine(&story, group).await;
    story.reconcile("Kustomization", "app").await;
    let failed = story.failed("Kustomization", "app", "ReconciliationFailed").await;
    let said = condition(&failed, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(said.starts_with(&format!("Gadget/{}/small ", story.ns)), "{said}");
    story.event("app", "ReconciliationFailed", "Gadget").await;
    assert_eq!(entries(&failed).len(), 1, "it may come back, and is still ours");
    story.reconcile("Kustomization", "good").await;
    story.applied("good", &revision).await;

    if story::kind() == Some(Kind::Flux) {
        // Flux would go on asking for the object where it was.
        return story.end().await;
    }
    // It comes back, and is another one by now.
    define(&story, &definition(group, "Cluster", &[("v1", true)])).await;
    story.applied("app", &revision).await;
    let path = format!("/apis/{group}/v1/gadgets/small");
    assert_eq!(story.api.get(&path).await.unwrap()["spec"]["size"], 1);

    // With its definition an object is gone: nothing is left to delete.
    undefine(&story, group).await;
    let revision = story.push(&[("app/a.yaml", None), ("app/b.yaml", Some(&config_map("one", "1")))]).await;
    assert_eq!(entries(&story.applied("app", &revision).await).len(), 1);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_changes_its_version() {
    let Some(mut story) = Story::begin("another_version").await else { return };
    let group = "versions.example.com";
    let at = |version: &str| format!("/apis/{group}/{version}/namespaces/{}/gadgets/small", story.ns);
    let (old, new) = (at("v1beta1"), at("v1"));
    let first = story.commit(&[("app/a.yaml", Some(&gadget("versions.example.com/v1beta1", 1)))]);
    story.source().await;
    define(&story, &definition(group, "Namespaced", &[("v1beta1", true), ("v1", true)])).await;
    story.kustomization("app", json!({})).await;
    let ks = story.applied("app", &first).await;
    assert_eq!(ks["status"]["inventory"]["entries"][0]["v"], "v1beta1");
    let uid = story.api.get(&old).await.unwrap()["metadata"]["uid"].clone();

    let second = story.push(&[("app/a.yaml", Some(&gadget("versions.example.com/v1", 2)))]).await;
    let ks = story.applied("app", &second).await;
    assert_eq!(ks["status"]["inventory"]["entries"][0]["v"], "v1");
    let live = story.api.get(&new).await.unwrap();
    assert_eq!((&live["metadata"]["uid"], &live["spec"]["size"]), (&uid, &json!(2)), "the same object");
    let third = story.push(&[("app/a.yaml", Some(&gadget("versions.example.com/v1beta1", 3)))]).await;
    story.applied("app", &third).await;

    if story::kind() == Some(Kind::Flux) {
        // Flux would leave the object where it is.
        undefine(&story, group).await;
        return story.end().await;
    }
    // The version that the inventory names is served no more: what leaves Git is found under another one.
    define(&story, &definition(group, "Namespaced", &[("v1beta1", false), ("v1", true)])).await;
    let last = story.push(&[("app/a.yaml", None), ("app/b.yaml", Some(&config_map("one", "1")))]).await;
    story.applied("app", &last).await;
    assert_eq!(story.api.get(&new).await.unwrap_err().code(), 404, "orphaned");
    undefine(&story, group).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finalizer_that_never_goes() {
    let Some(mut story) = Story::begin("a_finalizer").await else { return };
    let held =
        config_map("held", "1").replace("metadata:\n", "metadata:\n  finalizers: [example.com/never]\n");
    story.commit(&[("app/a.yaml", Some(&held)), ("last/a.yaml", Some(&held.replace("held", "last")))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.kustomization("last", json!({"deletionPolicy": "WaitForTermination"})).await;
    story.ready("Kustomization", "app").await;
    story.ready("Kustomization", "last").await;
    story.api.delete(&story.path("Kustomization", "last")).await.unwrap();

    // What left Git is deleted, and stays until somebody takes the finalizer off: that holds nobody up.
    let revision = story.push(&[("app/a.yaml", None), ("app/b.yaml", Some(&config_map("one", "1")))]).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(entries(&ks).len(), 1);
    story.event("app", "Progressing", "/held deleted").await;
    let is_going = |object: &Value| !object["metadata"]["deletionTimestamp"].is_null();
    assert!(is_going(&story.get("ConfigMap", "held").await));

    // It is wanted again while it still goes: that cannot be, and the wait says why.
    story.kustomization("app", json!({"wait": true})).await;
    story.push(&[("app/a.yaml", Some(&held))]).await;
    let failed = story.failed("Kustomization", "app", "HealthCheckFailed").await;
    let said = condition(&failed, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(said.contains(&format!("ConfigMap/{}/held status: 'Terminating'", story.ns)), "{said}");
    let free = json!({"metadata": {"finalizers": null}});
    story.api.merge_patch(&story.path("ConfigMap", "held"), &free).await.unwrap();
    story.ready("Kustomization", "app").await;
    assert!(!is_going(&story.get("ConfigMap", "held").await));

    // A deletion that waits for it says so, and ends.
    story.event("last", "ReconciliationSucceeded", "failed to wait for resources termination").await;
    story.until("Kustomization", "last", Value::is_null).await;
    for name in ["held", "last"] {
        let _ = story.api.merge_patch(&story.path("ConfigMap", name), &free).await;
    }
    story.end().await;
}
