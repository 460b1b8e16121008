//! Stories of other clusters: what a kubeconfig names gets the objects, and what it may not do is refused.

use serde_json::{Value, json};
use sluice_testkit::plane::{Options, Plane, Sort};

use crate::story::{Story, condition, config_map, deployment};

/// A second API server.
fn second() -> Plane {
    let options = Options { sort: Some(Sort::Embedded), ..Options::default() };
    tokio::task::block_in_place(|| Plane::start(&options)).unwrap()
}

async fn secret(story: &Story, name: &str, key: &str, text: &str) {
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: text},
    });
    story.apply(object).await;
}

fn by_secret(name: &str) -> Value {
    json!({"kubeConfig": {"secretRef": {"name": name}}})
}

fn message(object: &Value) -> String {
    condition(object, "Ready")["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_is_applied_to_pruned_and_waited_for() {
    let Some(mut story) = Story::begin("another_cluster").await else { return };
    let there = second();
    let api = there.api();
    api.create_namespace(&story.ns).await.unwrap();
    let revision = story.commit(&[
        ("app/a.yaml", Some(&config_map("one", "1"))),
        ("app/b.yaml", Some(&deployment("worker", 0))),
        ("app/c.yaml", Some(&config_map("two", "1"))),
    ]);
    story.source().await;
    let kubeconfig = std::fs::read_to_string(there.kubeconfig()).unwrap();
    secret(&story, "there", "value.yaml", &kubeconfig).await;
    let mut spec = by_secret("there");
    spec["wait"] = json!(true);
    story.kustomization("app", spec).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(condition(&ks, "Healthy")["status"], "True");
    assert_eq!(ks["status"]["inventory"]["entries"].as_array().unwrap().len(), 3);
    assert_eq!(api.get(&story.path("ConfigMap", "one")).await.unwrap()["data"]["key"], "1");
    assert_eq!(
        api.get(&story.path("Deployment", "worker")).await.unwrap()["status"]["observedGeneration"],
        1
    );
    assert!(story.get("ConfigMap", "one").await.is_null(), "nothing of it is here");

    // What is not healthy there is waited for.
    story.push(&[("app/b.yaml", Some(&deployment("worker", 1))), ("app/c.yaml", None)]).await;
    let revision = story.push(&[("app/b.yaml", Some(&deployment("worker", 0)))]).await;
    story.applied("app", &revision).await;
    assert_eq!(api.get(&story.path("ConfigMap", "two")).await.unwrap_err().code(), 404);

    // An account is impersonated there, and it has no rights there.
    let mut spec = by_secret("there");
    spec["serviceAccountName"] = json!("tenant");
    spec["path"] = json!("./app");
    story.kustomization("tenant", spec).await;
    let refused = message(&story.failed("Kustomization", "tenant", "ReconciliationFailed").await);
    let account = format!("system:serviceaccount:{}:tenant", story.ns);
    assert!(refused.contains(&account) && refused.contains("cannot patch"), "{refused}");
    story.api.delete(&story.path("Kustomization", "tenant")).await.unwrap();

    // With the Kustomization its objects go.
    story.api.delete(&story.path("Kustomization", "app")).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    assert_eq!(api.get(&story.path("ConfigMap", "one")).await.unwrap_err().code(), 404);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kubeconfig_that_asks_for_too_much_is_refused() {
    let Some(mut story) = Story::begin("a_kubeconfig_that_asks_for_too_much").await else { return };
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    let kubeconfig = |cluster: &str, user: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- {{name: a, context: {{cluster: a, user: a}}}}\n\
             clusters:\n- {{name: a, cluster: {{{cluster}}}}}\nusers:\n- {{name: a, user: {{{user}}}}}\n"
        )
    };
    let there = "server: https://127.0.0.1:1";
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [{}]}}",
        story.canary
    );
    let ns = &story.ns;
    let cases = [
        ("exec", "value", kubeconfig(there, &exec), "'exec'"),
        ("file", "value", kubeconfig(there, "tokenFile: /etc/hostname"), "'tokenFile'"),
        (
            "authority",
            "value",
            kubeconfig("server: https://127.0.0.1:1, certificate-authority: /etc/hostname", "token: t"),
            "'certificate-authority'",
        ),
        ("dead", "value", kubeconfig(there, &format!("token: {}", story.canary)), "does not answer"),
        ("odd", "value", kubeconfig(there, &format!("token: {{{}: 1}}", story.canary)), "form of one"),
        (
            "key",
            "other",
            story.canary.clone(),
            &format!("KubeConfig secret '{ns}/key' does not contain a 'value' key with a kubeconfig"),
        ),
        ("missing", "", String::new(), &format!("unable to read KubeConfig secret '{ns}/missing' error")),
    ];
    for (name, key, text, _) in &cases {
        if !key.is_empty() {
            secret(&story, name, key, text).await;
        }
        let mut spec = by_secret(name);
        spec["path"] = json!("./app");
        story.kustomization(name, spec).await;
    }
    story
        .apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-token"},
            "data": {"provider": "generic", "address": story.api_url(), "serviceAccountName": "default"},
        }))
        .await;
    let spec = json!({"kubeConfig": {"configMapRef": {"name": "by-token"}}, "path": "./app"});
    story.kustomization("gate", spec).await;
    for (name, _, _, wanted) in &cases {
        let refused = message(&story.failed("Kustomization", name, "ReconciliationFailed").await);
        assert!(refused.contains(wanted), "{name}: {refused}");
        assert!(!refused.starts_with("failed to build"), "{refused}");
        story.event(name, "ReconciliationFailed", "failed to build kube client: ").await;
    }
    let refused = message(&story.failed("Kustomization", "gate", "ReconciliationFailed").await);
    assert!(refused.ends_with("ObjectLevelWorkloadIdentity feature gate is not enabled"), "{refused}");

    // Others go on, and a Secret that is mended wakes who names it.
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;
    story.end().await;
}
