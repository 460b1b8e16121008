//! Stories of remote bases: a Kustomization whose kustomize file names another repository and a file of the web.

use hyper::StatusCode;
use serde_json::json;
use sluice_testkit::git::{GitServer, Login, Repository};
use sluice_testkit::server::{Server, text};

use crate::story::{Story, condition, config_map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_bases_are_fetched() {
    let Some(mut story) = Story::begin("remote_bases").await else { return };
    let root = tempfile::tempdir().unwrap();
    let mut base = Repository::create(root.path(), "base").unwrap();
    base.commit_at(1, &[("config/a.yaml", Some(&config_map("based", "1")))], Some("v1")).unwrap();
    let listed = "resources: [a.yaml]\n";
    base.commit_at(2, &[("config/kustomization.yaml", Some(listed))], Some("v2")).unwrap();
    base.commit(&[("config/a.yaml", Some(&config_map("based", "later")))]).unwrap();
    let bases = GitServer::start(root.path(), Login::Anyone).unwrap();
    let web = Server::start(|_| async { Ok(text(StatusCode::OK, &config_map("webbed", "1"))) }).unwrap();
    let kustomization = format!(
        "resources:\n  - {}/base.git//config?ref=v2\n  - {}/web.yaml\nnamePrefix: my-\n",
        bases.url(),
        web.url()
    );
    let gone = format!("resources:\n  - {}/base.git//config?ref=nowhere\n", bases.url());
    let revision = story.commit(&[
        ("app/kustomization.yaml", Some(&kustomization)),
        ("gone/kustomization.yaml", Some(&gone)),
    ]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.kustomization("gone", json!({})).await;
    story.applied("app", &revision).await;
    assert_eq!(story.get("ConfigMap", "my-based").await["data"]["key"], "1");
    assert_eq!(story.get("ConfigMap", "my-webbed").await["data"]["key"], "1");
    let failed = story.failed("Kustomization", "gone", "BuildFailed").await;
    let message = condition(&failed, "Ready")["message"].as_str().unwrap();
    assert!(message.contains("nowhere") && message.contains("base.git"), "{message}");
    story.end().await;
}
