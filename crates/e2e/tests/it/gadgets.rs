//! Definitions of custom resources, Gadgets, that stories make and take away, each in a group of its own.

use serde_json::{Value, json};

use crate::story::{PATIENCE, Story};

/// A definition of Gadgets in a group of the story's own.
pub fn definition(group: &str, scope: &str, versions: &[(&str, bool)]) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let stored = versions.iter().rposition(|(_, is_served)| *is_served).unwrap();
    let versions = versions.iter().enumerate().map(|(at, (name, is_served))| {
        json!({"name": name, "served": is_served, "storage": at == stored, "schema": schema})
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("gadgets.{group}")},
        "spec": {
            "group": group, "scope": scope, "versions": versions.collect::<Vec<_>>(),
            "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget", "listKind": "GadgetList"},
        },
    })
}

/// A Gadget of a size.
pub fn gadget(version: &str, size: u32) -> String {
    format!("apiVersion: {version}\nkind: Gadget\nmetadata:\n  name: small\nspec:\n  size: {size}\n")
}

/// Applies a definition, and waits until it is served as it says.
pub async fn define(story: &Story, definition: &Value) {
    story.apply(definition.clone()).await;
    let (group, versions) = (definition["spec"]["group"].as_str().unwrap(), &definition["spec"]["versions"]);
    let begun = std::time::Instant::now();
    for version in versions.as_array().unwrap() {
        let path = format!("/apis/{group}/{}", version["name"].as_str().unwrap());
        let is_as_said = |found: &Value| {
            let is_namespaced = definition["spec"]["scope"] == "Namespaced";
            found["resources"][0]["namespaced"] == is_namespaced
        };
        while story.api.get(&path).await.is_ok_and(|found| is_as_said(&found)) != (version["served"] == true)
        {
            assert!(begun.elapsed() < PATIENCE, "{path} is not as defined");
        }
    }
}

/// Deletes a definition and all of its objects.
pub async fn undefine(story: &Story, group: &str) {
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{group}");
    story.api.delete(&path).await.unwrap();
    story.api.wait_until(&path, PATIENCE, Value::is_null).await.unwrap();
    let begun = std::time::Instant::now();
    while story.api.get(&format!("/apis/{group}/v1")).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "{group} is still served");
    }
}
