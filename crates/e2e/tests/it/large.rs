//! Stories of much: two thousand objects in one Kustomization, and objects as large as the API server takes them, and
//! larger.

use serde_json::{Value, json};

use crate::gadgets::{define, definition, gadget, undefine};
use crate::story::{Story, condition, config_map};

const OBJECTS: usize = 2000;
const FILES: usize = 20;

fn documents(file: usize, value: &str) -> String {
    let numbers = (0..OBJECTS).filter(|number| number % FILES == file);
    let name = |number: usize| format!("object-{number:04}");
    let documents = numbers.map(|number| format!("---\n{}", config_map(&name(number), value)));
    documents.collect::<Vec<_>>().concat()
}

fn versions(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ours = list["items"].as_array().unwrap().iter().map(|item| &item["metadata"]);
    let ours = ours.filter(|metadata| metadata["name"].as_str().unwrap().starts_with("object-"));
    ours.map(|metadata| (text(&metadata["name"]), text(&metadata["resourceVersion"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_objects_in_one_kustomization() {
    let Some(mut story) = Story::begin("two_thousand_objects").await else { return };
    for file in 0..FILES {
        story.write(&format!("app/{file:02}.yaml"), &documents(file, "1"));
    }
    let revision = story.commit(&[]);
    story.source().await;
    story.kustomization("app", json!({"wait": true, "timeout": "80s"})).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(ks["status"]["inventory"]["entries"].as_array().unwrap().len(), OBJECTS);
    story.event("app", "Progressing", "object-0000 created").await;
    let collection = story.path("ConfigMap", "");
    let before = versions(&story.api.get(collection.trim_end_matches('/')).await.unwrap());
    assert_eq!(before.len(), OBJECTS);

    // One file changes and one goes: nothing else is written.
    let revision = story.push(&[("app/00.yaml", Some(&documents(0, "2"))), ("app/01.yaml", None)]).await;
    let ks = story.applied("app", &revision).await;
    let left = OBJECTS - OBJECTS / FILES;
    assert_eq!(ks["status"]["inventory"]["entries"].as_array().unwrap().len(), left);
    let after = versions(&story.api.get(collection.trim_end_matches('/')).await.unwrap());
    assert_eq!(after.len(), left);
    assert_eq!(after.iter().filter(|object| !before.contains(object)).count(), OBJECTS / FILES);
    story.api.delete(&story.path("Kustomization", "app")).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    assert!(versions(&story.api.get(collection.trim_end_matches('/')).await.unwrap()).is_empty());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_as_large_as_they_may_be_and_larger() {
    let Some(mut story) = Story::begin("large_objects").await else { return };
    let group = "large.example.com";
    let of_size =
        |size: usize| format!("{}  text: {}\n", gadget("large.example.com/v1", 1), "x".repeat(size));
    let revision = story.commit(&[
        ("gadget/a.yaml", Some(&of_size(1_400_000))),
        ("map/a.yaml", Some(&config_map("map", &"x".repeat(1_400_000)))),
        ("too-large/a.yaml", Some(&of_size(2_000_000).replace("small", "too-large"))),
        ("good/a.yaml", Some(&config_map("good", "1"))),
    ]);
    define(&story, &definition(group, "Namespaced", &[("v1", true)])).await;
    story.source().await;
    for name in ["gadget", "map", "too-large", "good"] {
        story.kustomization(name, json!({"retryInterval": "10m"})).await;
    }
    story.applied("good", &revision).await;
    story.applied("gadget", &revision).await;
    let path = format!("/apis/{group}/v1/namespaces/{}/gadgets/small", story.ns);
    assert_eq!(story.api.get(&path).await.unwrap()["spec"]["text"].as_str().unwrap().len(), 1_400_000);
    for (name, shown, says) in [("map", "ConfigMap/", "1048576"), ("too-large", "Gadget/", "too large")] {
        let failed = story.failed("Kustomization", name, "ReconciliationFailed").await;
        let said = condition(&failed, "Ready")["message"].as_str().unwrap();
        assert!(said.starts_with(shown) && said.contains(says) && said.len() < 4096, "{name}: {said:.2000}");
        story.event(name, "ReconciliationFailed", says).await;
    }
    undefine(&story, group).await;
    story.end().await;
}
