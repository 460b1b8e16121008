//! Stories of tenants: what their account may not do is refused, by the API server and in its words.

use serde_json::json;

use crate::story::{Story, condition, config_map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impersonated_tenant_is_refused() {
    let Some(mut story) = Story::begin("an_impersonated_tenant_is_refused").await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({"serviceAccountName": "tenant"})).await;
    let ks = story.failed("Kustomization", "app", "ReconciliationFailed").await;
    let message = condition(&ks, "Ready")["message"].as_str().unwrap().to_owned();
    let account = format!("system:serviceaccount:{}:tenant", story.ns);
    assert!(
        message.contains(&account) && message.contains("cannot patch resource \"configmaps\""),
        "{message}"
    );
    assert!(story.get("ConfigMap", "one").await.is_null());

    story
        .apply(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "tenant"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}],
        }))
        .await;
    story
        .apply(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "tenant"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
            "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": story.ns}],
        }))
        .await;
    story.applied("app", &revision).await;

    // Another kind is still refused, and what was allowed stays as it was.
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: two\nstringData:\n  key: value\n";
    story.push(&[("app/b.yaml", Some(secret))]).await;
    let ks = story.failed("Kustomization", "app", "ReconciliationFailed").await;
    assert!(condition(&ks, "Ready")["message"].as_str().unwrap().contains("secrets"));
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "1");
    story.end().await;
}
