//! Stories of coming and going: what stands in the way of an installation is named, and what was applied outlives it.

use std::process::Command;

use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::plane::{self, Plane};
use sluice_testkit::subject::{Kind, Options, Subject};
use sluice_testkit::trace::replay::Stage;

use crate::story::{Story, config_map};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_applied_outlives_the_installation() {
    let test = "what_was_applied_outlives";
    let Some(kind) = Kind::sluice().filter(Kind::is_built) else {
        return peers::skip(test, "sluice is not built");
    };
    let Kind::Program { program, .. } = &kind else { return };
    let plane = tokio::task::block_in_place(|| Plane::start(&plane::Options::default())).unwrap();
    Stage::prepare(&plane, &kind).await.unwrap();
    let sluice = |words: &[&str]| {
        let mut command = Command::new(program);
        command.args(words).env("KUBECONFIG", plane.kubeconfig());
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let mut subject = Subject::start(&kind, &plane, &Options::default()).unwrap();
    let mut story = Story::on(&plane, test).await;
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;
    assert!(subject.stop(std::time::Duration::from_secs(20)));

    // An old version in which objects may be stored is named, with the way out.
    let (is_well, told) = sluice(&["check", "--pre"]);
    assert!(is_well, "{told}");
    let name = "gitrepositories.source.toolkit.fluxcd.io";
    let mut versions =
        story.api.get(&format!("{DEFINITIONS}/{name}")).await.unwrap()["spec"]["versions"].clone();
    let mut old = versions[0].clone();
    old["name"] = json!("v1beta2");
    old["storage"] = json!(false);
    versions.as_array_mut().unwrap().push(old);
    let spec = json!({"spec": {"versions": versions}});
    story.api.merge_patch(&format!("{DEFINITIONS}/{name}"), &spec).await.unwrap();
    let stored = json!({"status": {"storedVersions": ["v1beta2", "v1"]}});
    story.api.merge_patch(&format!("{DEFINITIONS}/{name}/status"), &stored).await.unwrap();
    let (is_well, told) = sluice(&["check", "--pre"]);
    assert!(!is_well && told.contains(&format!("{name} may hold objects stored as v1beta2")), "{told}");
    assert!(told.contains("flux migrate"), "{told}");

    // The installation, as its labels have it.
    let labels = json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "flux"}}});
    let definitions = story.api.get(DEFINITIONS).await.unwrap();
    for definition in definitions["items"].as_array().unwrap() {
        let name = definition["metadata"]["name"].as_str().unwrap();
        if name.ends_with("fluxcd.io") {
            story.api.merge_patch(&format!("{DEFINITIONS}/{name}"), &labels).await.unwrap();
        }
    }
    let account = |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "labels": labels}});
    let part_of = json!({"app.kubernetes.io/part-of": "flux"});
    story.api.apply("person", "flux-system", &account("kustomize-controller", part_of)).await.unwrap();
    story.api.apply("person", "flux-system", &account("somebody", json!({}))).await.unwrap();

    let (is_well, told) = sluice(&["uninstall", "--dry-run"]);
    let line = format!("✔ Kustomization/{}/app finalizers deleted (dry run)", story.ns);
    assert!(is_well && told.contains(&line), "{told}");
    assert!(!story.get("Kustomization", "app").await["metadata"]["finalizers"].is_null());
    let (is_well, told) = sluice(&["uninstall", "--silent", "--keep-namespace"]);
    assert!(is_well && told.contains("✔ uninstall finished"), "{told}");
    assert!(
        told.contains("ServiceAccount/flux-system/kustomize-controller deleted")
            && !told.contains("somebody"),
        "{told}"
    );
    let gone =
        story.api.wait_until(&format!("{DEFINITIONS}/{name}"), crate::story::PATIENCE, Value::is_null).await;
    gone.unwrap();
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "1", "what was applied stays");
    let (is_well, told) = sluice(&["uninstall", "--silent"]);
    assert!(is_well && told.contains("Namespace/flux-system deleted"), "{told}");
    let _ = story.api.delete(&format!("/api/v1/namespaces/{}", story.ns)).await;
}
