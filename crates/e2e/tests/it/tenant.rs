//! Stories of tenants: what their account may not do is refused, by the API server and in its words.

use serde_json::{Value, json};

use crate::story::{Story, condition, config_map, deployment};

/// What the account `tenant` may do in its namespace, and nothing else.
async fn allow(story: &Story, rules: &[Value]) {
    let group = "rbac.authorization.k8s.io";
    story
        .apply(json!({
            "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": "tenant"}, "rules": rules,
        }))
        .await;
    story
        .apply(json!({
            "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": "tenant"},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "tenant"},
            "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": story.ns}],
        }))
        .await;
}

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

    allow(&story, &[json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]})]).await;
    story.applied("app", &revision).await;

    // Another kind is still refused, and what was allowed stays as it was.
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: two\nstringData:\n  key: value\n";
    story.push(&[("app/b.yaml", Some(secret))]).await;
    let ks = story.failed("Kustomization", "app", "ReconciliationFailed").await;
    assert!(condition(&ks, "Ready")["message"].as_str().unwrap().contains("secrets"));
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "1");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_may_not_wait_for_what_it_may_not_see() {
    let Some(mut story) = Story::begin("a_tenant_may_not_wait").await else { return };
    story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    let rule = json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]});
    let see = json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]});
    allow(&story, std::slice::from_ref(&rule)).await;
    let check =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs", "namespace": story.ns});
    let spec = json!({"serviceAccountName": "tenant", "healthChecks": [check], "timeout": "30s"});
    story.kustomization("app", spec.clone()).await;
    let failed = story.failed("Kustomization", "app", "HealthCheckFailed").await;
    let account = format!("system:serviceaccount:{}:tenant", story.ns);
    let refused = format!(
        "theirs status: 'Unknown': deployments.apps \"theirs\" is forbidden: User \"{account}\" cannot get resource"
    );
    let message = |ks: &Value| condition(ks, "Ready")["message"].as_str().unwrap_or_default().to_owned();
    assert!(message(&failed).contains(&refused), "{}", message(&failed));

    // It may look, until it may not: what becomes of the object then is not told.
    allow(&story, &[rule.clone(), see]).await;
    let theirs: Value = sluice_testkit::yaml::documents(&deployment("theirs", 1)).unwrap().remove(0);
    story.apply(theirs).await;
    story.api.delete(&story.path("Kustomization", "app")).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    story.kustomization("app", spec).await;
    let is_waiting = |ks: &Value| {
        let message = condition(ks, "Reconciling")["message"].as_str();
        message.is_some_and(|text| text.starts_with("Running health checks"))
    };
    story.until("Kustomization", "app", is_waiting).await;
    allow(&story, &[rule]).await;
    let path = story.path("Deployment", "theirs");
    story.api.merge_patch(&path, &json!({"spec": {"replicas": 0}})).await.unwrap();
    let failed = story.failed("Kustomization", "app", "HealthCheckFailed").await;
    assert!(message(&failed).contains(&refused), "{}", message(&failed));
    story.end().await;
}
