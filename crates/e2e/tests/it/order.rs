//! Stories of order: dependencies between Kustomizations, definitions before their objects.

use serde_json::{Value, json};

use crate::story::{Story, condition, config_map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dependency_goes_first() {
    let Some(mut story) = Story::begin("a_dependency_goes_first").await else { return };
    let (one, two) = (config_map("one", "1"), config_map("two", "1"));
    let revision = story.commit(&[("second/a.yaml", Some(&two)), ("first/a.yaml", Some(&one))]);
    story.source().await;
    story.kustomization("second", json!({"dependsOn": [{"name": "first"}]})).await;
    let second = story.failed("Kustomization", "second", "DependencyNotReady").await;
    assert!(condition(&second, "Ready")["message"].as_str().unwrap().contains("/first' not found"));
    assert!(story.get("ConfigMap", "two").await.is_null());
    story.kustomization("first", json!({})).await;
    let first = story.applied("first", &revision).await;
    let second = story.applied("second", &revision).await;
    let when = |object: &Value| object["status"]["history"][0]["lastReconciled"].as_str().unwrap().to_owned();
    assert!(when(&first) <= when(&second));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_say_when_a_dependency_is_ready() {
    let Some(mut story) = Story::begin("expressions_say_when_a_dependency_is_ready").await else { return };
    let revision = story.commit(&[
        ("second/a.yaml", Some(&config_map("two", "1"))),
        ("first/a.yaml", Some(&config_map("one", "1"))),
    ]);
    story.source().await;
    story.kustomization("first", json!({})).await;
    story.applied("first", &revision).await;
    let on = |text: &str| json!({"dependsOn": [{"name": "first", "readyExpr": text}]});
    for (text, reason, says) in [
        (
            "dep.spec.path",
            "InvalidCELExpression",
            "Reconciliation failed terminally due to configuration error: failed to evaluate dependency first: CEL \
             expression output type mismatch: expected bool, got dyn",
        ),
        (
            "dep.metadata.labels['go'] == 'yes'",
            "DependencyNotReady",
            "failed to evaluate the CEL expression 'dep.metadata.labels['go'] == 'yes'': no such key: labels",
        ),
        (
            "self.spec.path == dep.spec.path",
            "DependencyNotReady",
            "/first' is not ready according to readyExpr eval",
        ),
    ] {
        story.kustomization("second", on(text)).await;
        let second = story
            .until("Kustomization", "second", |ks| {
                let ready = condition(ks, "Ready");
                ready["reason"] == reason
                    && ready["message"].as_str().is_some_and(|text| text.ends_with(says))
            })
            .await;
        assert_eq!(condition(&second, "Stalled").is_null(), reason == "DependencyNotReady");
    }
    story.kustomization("second", on("dep.status.conditions.exists(c, c.type == 'Ready')")).await;
    story.applied("second", &revision).await;
    story.end().await;
}

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gadgets.order.example.com
spec:
  group: order.example.com
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_and_its_object_converge_in_one_reconcile() {
    let Some(mut story) = Story::begin("a_definition_and_its_object_converge").await else { return };
    let gadget =
        "apiVersion: order.example.com/v1\nkind: Gadget\nmetadata:\n  name: small\nspec:\n  size: 1\n";
    let revision =
        story.commit(&[("app/a-gadget.yaml", Some(gadget)), ("app/definition.yaml", Some(DEFINITION))]);
    story.source().await;
    story.kustomization("app", json!({"wait": true})).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(ks["status"]["history"].as_array().unwrap().len(), 1, "it never failed on the way");
    let path = format!("/apis/order.example.com/v1/namespaces/{}/gadgets/small", story.ns);
    assert_eq!(story.api.get(&path).await.unwrap()["spec"]["size"], 1);
    let ks_path = story.path("Kustomization", "app");
    story.api.delete(&ks_path).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    story.end().await;
}
