//! Stories of drift: what somebody else does to an object is told at once, and put back where that is asked for.

use serde_json::{Value, json};

use crate::story::{Story, condition, config_map};

fn watched() -> Value {
    json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/drift": "watch"}}})
}

fn is_flux(test: &str) -> bool {
    let is_flux = std::env::var("SLUICE_SUBJECT").is_ok();
    if is_flux {
        sluice_testkit::peers::skip(test, "Flux does not watch what it has applied");
    }
    is_flux
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_by_hand_is_told_at_once_and_put_back_when_it_is_due() {
    let name = "what_is_changed_by_hand_is_told";
    if is_flux(name) {
        return;
    }
    let Some(mut story) = Story::begin(name).await else { return };
    let revision = story.commit(&[
        ("app/a.yaml", Some(&config_map("one", "1"))),
        ("app/b.yaml", Some(&config_map("two", "1"))),
    ]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    let before = story.applied("app", &revision).await;
    assert!(condition(&before, "Drifted").is_null());

    // A field of nobody's concern is no drift; one of ours is.
    let ns = story.ns.clone();
    story.api.merge_patch(&story.path("ConfigMap", "one"), &json!({"data": {"other": "x"}})).await.unwrap();
    story.api.delete(&story.path("ConfigMap", "two")).await.unwrap();
    let ks = story.until("Kustomization", "app", |ks| condition(ks, "Drifted")["status"] == "True").await;
    assert_eq!(condition(&ks, "Drifted")["message"], format!("ConfigMap/{ns}/two deleted"));
    story.event("app", "Drifted", &format!("ConfigMap/{ns}/two deleted")).await;
    story
        .api
        .merge_patch(&story.path("ConfigMap", "one"), &json!({"data": {"key": "drifted"}}))
        .await
        .unwrap();
    let both = |ks: &Value| {
        condition(ks, "Drifted")["message"]
            .as_str()
            .is_some_and(|text| text.contains("/one changed") && text.contains("/two deleted"))
    };
    let ks = story.until("Kustomization", "app", both).await;
    // Nothing else of the status is touched, and nothing is put back.
    assert_eq!(condition(&ks, "Ready"), condition(&before, "Ready"));
    assert_eq!(ks["status"]["history"], before["status"]["history"]);
    assert!(story.get("ConfigMap", "two").await.is_null());
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "drifted");

    // Whoever undoes it himself has undone it.
    story.reconcile("Kustomization", "app").await;
    let ks = story.until("Kustomization", "app", |ks| condition(ks, "Drifted").is_null()).await;
    assert_eq!(condition(&ks, "Ready")["status"], "True");
    assert_eq!(story.get("ConfigMap", "one").await["data"], json!({"key": "1", "other": "x"}));
    assert_eq!(story.get("ConfigMap", "two").await["data"]["key"], "1");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watched_kustomization_puts_back_at_once_until_somebody_fights() {
    let name = "a_watched_kustomization_puts_back";
    if is_flux(name) {
        return;
    }
    let Some(mut story) = Story::begin(name).await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;
    story.api.merge_patch(&story.path("Kustomization", "app"), &watched()).await.unwrap();
    // The annotation is a reason to reconcile, and a reconcile would put back what it comes across by itself.
    story.reconcile("Kustomization", "app").await;

    let path = story.path("ConfigMap", "one");
    // The next interval is far away: only a watch can know.
    story.api.merge_patch(&path, &json!({"data": {"key": "drifted"}})).await.unwrap();
    story.until("ConfigMap", "one", |object| object["data"]["key"] == "1").await;
    let corrected = |what: &'static str| {
        move |ks: &Value| {
            let drifted = condition(ks, "Drifted");
            drifted["status"] == "False"
                && drifted["message"].as_str().is_some_and(|text| text.contains(what))
        }
    };
    story.until("Kustomization", "app", corrected("put back: ConfigMap")).await;
    story.api.delete(&path).await.unwrap();
    story.until("ConfigMap", "one", |object| object["data"]["key"] == "1").await;
    story.until("Kustomization", "app", corrected("/one deleted")).await;
    story.event("app", "Drifted", "/one deleted").await;

    // A label of ours that is gone makes the object leave the watch, and it is put back too.
    let label = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": null}}});
    story.api.merge_patch(&path, &label).await.unwrap();
    story
        .until("ConfigMap", "one", |object| {
            object["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] == "app"
        })
        .await;
    story.reconcile("Kustomization", "app").await;

    // The fourth time within ten minutes is a fight: it waits, and says so.
    story.api.merge_patch(&path, &json!({"data": {"key": "fight"}})).await.unwrap();
    let ks = story.until("Kustomization", "app", |ks| condition(ks, "Drifted")["reason"] == "Fighting").await;
    let message = condition(&ks, "Drifted")["message"].as_str().unwrap();
    assert!(message.contains("put back again in 2s"), "{message}");
    story.until("ConfigMap", "one", |object| object["data"]["key"] == "1").await;
    story.until("Kustomization", "app", corrected("put back: ConfigMap")).await;

    // A suspended Kustomization leaves people alone.
    story
        .api
        .merge_patch(&story.path("Kustomization", "app"), &json!({"spec": {"suspend": true}}))
        .await
        .unwrap();
    story
        .until("Kustomization", "app", |ks| {
            ks["metadata"]["generation"] == ks["status"]["observedGeneration"]
        })
        .await;
    story.api.merge_patch(&path, &json!({"data": {"key": "mine"}})).await.unwrap();
    story.kustomization("other", json!({"path": "./app", "targetNamespace": null, "suspend": true})).await;
    story.until("Kustomization", "other", |ks| !ks.is_null()).await;
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "mine");
    story.end().await;
}
