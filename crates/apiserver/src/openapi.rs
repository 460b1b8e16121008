//! OpenAPI v3 as far as clients need it to know kinds and that the server validates fields.

use serde_json::{Map, Value, json};

use crate::registry::Registry;

/// `/openapi/v3` and below.
pub fn document(registry: &Registry, rest: &[&str]) -> Option<Value> {
    match rest {
        [] => {
            let mut paths = Map::new();
            for version in registry.api_versions() {
                let place = place(&version);
                let url = format!("/openapi/v3/{place}");
                paths.insert(place, json!({ "serverRelativeURL": url }));
            }
            Some(json!({ "paths": paths }))
        }
        ["api", version] => of_version(registry, "", version),
        ["apis", group, version] => of_version(registry, group, version),
        _ => None,
    }
}

fn place(api_version: &str) -> String {
    if api_version.contains('/') { format!("apis/{api_version}") } else { format!("api/{api_version}") }
}

fn of_version(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    if !registry.serves(group, version) {
        return None;
    }
    let mut paths = Map::new();
    let root = place(&crate::registry::api_version(group, version));
    for resource in registry.of_version(group, version) {
        let inside = if resource.is_namespaced { "namespaces/{namespace}/" } else { "" };
        let kind = json!({ "group": group, "version": version, "kind": resource.kind });
        let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
        let parameters = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
        let operation = |action: &str| {
            json!({
                "parameters": parameters, "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": kind,
                "responses": { "200": { "description": "OK" } },
            })
        };
        let mut one = Map::new();
        for (verb, method) in [("get", "get"), ("update", "put"), ("patch", "patch"), ("delete", "delete")] {
            if resource.allows(verb) {
                one.insert(method.to_owned(), operation(method));
            }
        }
        let mut all = Map::new();
        for (verb, method) in [("list", "get"), ("create", "post"), ("deletecollection", "delete")] {
            if resource.allows(verb) {
                all.insert(method.to_owned(), operation(verb));
            }
        }
        paths.insert(format!("/{root}/{inside}{}", resource.plural), all.into());
        paths.insert(format!("/{root}/{inside}{}/{{name}}", resource.plural), one.into());
    }
    Some(json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "v1.36" }, "paths": paths,
        "components": { "schemas": {} },
    }))
}
