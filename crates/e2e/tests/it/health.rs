//! Stories of health: a Kustomization that waits fails when its workload does, and recovers with a fix.

use serde_json::json;

use crate::story::{Story, condition, config_map, deployment};

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
