//! Stories of a source that goes away and comes back: the last good artifact stays served.

use serde_json::json;
use sluice_testkit::git::Fault;

use crate::story::{Story, condition, config_map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn source_gone_and_back() {
    let Some(mut story) = Story::begin("source_gone_and_back").await else { return };
    let first = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &first).await;

    story.server.set_fault(Some(Fault::Status(503)));
    let second = story.commit(&[("app/a.yaml", Some(&config_map("one", "2")))]);
    story.reconcile("GitRepository", "app").await;
    let source = story.failed("GitRepository", "app", "GitOperationFailed").await;
    assert_eq!(source["status"]["artifact"]["revision"], first.as_str(), "the last artifact stays");
    // What was deleted comes back from the artifact that is still served.
    story.api.delete(&story.path("ConfigMap", "one")).await.unwrap();
    story.reconcile("Kustomization", "app").await;
    story.until("ConfigMap", "one", |object| object["data"]["key"] == "1").await;

    story.server.set_fault(None);
    story.reconcile("GitRepository", "app").await;
    story.applied("app", &second).await;
    let source = story.ready("GitRepository", "app").await;
    assert!(condition(&source, "FetchFailed").is_null());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_another_host_gets_no_password() {
    let Some(mut story) = Story::begin("a_redirect_to_another_host").await else { return };
    story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    let sink = sluice_testkit::sink::Sink::start(404).unwrap();
    // `localhost` is another host than `127.0.0.1`, and the same machine.
    story.server.set_fault(Some(Fault::Redirect(sink.url().replace("127.0.0.1", "localhost"))));
    story
        .apply(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
            "stringData": {"username": "ada", "password": story.canary},
        }))
        .await;
    story
        .apply(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "app"},
            "spec": {"interval": "10m", "url": format!("{}/app.git", story.server.url()), "secretRef": {"name": "login"}},
        }))
        .await;
    story.until("GitRepository", "app", |object| condition(object, "Ready")["status"] == "False").await;
    let encoded =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("ada:{}", story.canary));
    for request in sink.received() {
        assert!(!request.headers.iter().any(|(_, value)| value.contains(&encoded)), "{request:?}");
    }
    story.end().await;
}
