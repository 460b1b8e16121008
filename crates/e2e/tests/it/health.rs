//! Stories of health: a Kustomization that waits fails when its workload does, and recovers with a fix.

use serde_json::json;

use crate::story::{Story, condition, deployment};

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
