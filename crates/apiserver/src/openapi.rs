//! OpenAPI, v3 and v2: schemas without descriptions, and which paths take which kinds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::facts::written_schemas;
use crate::registry::{Registry, Resource};

const V3: &str = "#/components/schemas/";
const V2: &str = "#/definitions/";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// Descriptions out of a document that a person has, as `kubectl get --raw /openapi/v2` writes one.
#[derive(Debug, Default)]
pub struct Published(BTreeMap<String, Value>);

impl Published {
    /// Reads a document in either language; the error says why it is none.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let document = crate::text::read(text)?;
        let schemas = [&document["definitions"], &document["components"]["schemas"]];
        let found = schemas.into_iter().find_map(Value::as_object).ok_or("it has no schemas")?;
        Ok(Published(found.iter().map(|(name, schema)| (name.clone(), schema.clone())).collect()))
    }

    /// Adds to a document what its schemas are for.
    fn describe(&self, schemas: &mut Value) {
        for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
            let Some(known) = self.0.get(name) else { continue };
            describe(schema, known);
            for (field, schema) in schema["properties"].as_object_mut().into_iter().flatten() {
                describe(schema, &known["properties"][field]);
            }
        }
    }
}

fn describe(schema: &mut Value, known: &Value) {
    if known["description"].is_string() && schema.is_object() {
        schema["description"] = known["description"].clone();
    }
}

/// `/openapi/v3` and below, with descriptions where some are known.
pub fn described(registry: &Registry, rest: &[&str], published: &Published) -> Option<Value> {
    let mut document = document(registry, rest)?;
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        published.describe(schemas);
    }
    Some(document)
}

/// `/openapi/v3` and below.
fn document(registry: &Registry, rest: &[&str]) -> Option<Value> {
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
    let resources: Vec<&Resource> = registry.of_version(group, version).map(AsRef::as_ref).collect();
    let known = Schemas::new();
    let schemas = known.of(&resources, V3);
    Some(json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "1.36" },
        "paths": paths(&resources, |schema| json!({ "schema": schema })),
        "components": { "schemas": schemas },
    }))
}

/// `/openapi/v2`: everything in one document, in the older language.
pub fn swagger(registry: &Registry, published: &Published) -> Value {
    let versions = registry.api_versions();
    let resources: Vec<&Resource> = versions
        .iter()
        .map(|version| version.split_once('/').unwrap_or(("", version)))
        .flat_map(|(group, version)| registry.of_version(group, version))
        .map(AsRef::as_ref)
        .collect();
    let mut definitions = Schemas::new().of(&resources, V2);
    definitions.values_mut().for_each(older);
    let mut document = json!({
        "swagger": "2.0", "info": { "title": "Kubernetes", "version": "1.36" },
        "paths": paths(&resources, |schema| schema), "definitions": definitions,
    });
    published.describe(&mut document["definitions"]);
    document
}

/// References stand alone, and what v2 has no words for goes.
fn older(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let reference = fields.get("allOf").and_then(|all| all[0].get("$ref")).cloned();
            if let Some(reference) = reference {
                fields.remove("allOf");
                fields.remove("default");
                fields.insert("$ref".into(), reference);
            }
            if fields.get("oneOf").is_some_and(|of| of[0]["type"] == "string") {
                fields.insert("type".into(), "string".into());
            }
            for key in ["oneOf", "anyOf", "not", "nullable", "default"] {
                if fields
                    .get(key)
                    .is_some_and(|value| key == "default" || key == "nullable" || !value["type"].is_string())
                {
                    fields.remove(key);
                }
            }
            fields.values_mut().for_each(older);
        }
        Value::Array(items) => items.iter_mut().for_each(older),
        _ => {}
    }
}

fn paths(resources: &[&Resource], parameter_type: impl Fn(Value) -> Value) -> Value {
    let mut paths = Map::new();
    for resource in resources {
        let root = place(&resource.api_version());
        let inside = if resource.is_namespaced { "namespaces/{namespace}/" } else { "" };
        let kind = kind_of(resource, &resource.kind);
        let parameter = |name: &str| {
            let mut parameter = json!({ "name": name, "in": "query", "uniqueItems": true });
            for (key, value) in parameter_type(json!({ "type": "string" })).as_object().into_iter().flatten()
            {
                parameter[key] = value.clone();
            }
            parameter
        };
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
    paths.into()
}

fn kind_of(resource: &Resource, kind: &str) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": kind })
}

/// The recorded schemas, and the names of those that are kinds.
struct Schemas {
    schemas: BTreeMap<String, Value>,
    kinds: BTreeMap<String, String>,
}

impl Schemas {
    fn new() -> Self {
        let (schemas, kinds) = written_schemas();
        Schemas { schemas, kinds }
    }

    /// The schemas of resources, of their lists, and of all that they refer to.
    fn of(&self, resources: &[&Resource], prefix: &str) -> BTreeMap<String, Value> {
        let (mut out, mut wanted) = (BTreeMap::new(), BTreeSet::new());
        for resource in resources {
            for kind in [&resource.kind, &resource.list_kind] {
                let key = format!("{}/{}/{kind}", resource.group, resource.version);
                if let Some(name) = self.kinds.get(&key)
                    && let Some(schema) = self.schemas.get(name)
                {
                    let mut schema = refer(schema, prefix, &mut wanted);
                    schema["x-kubernetes-group-version-kind"] = json!([kind_of(resource, kind)]);
                    out.insert(name.clone(), schema);
                }
            }
            if let Some(written) = &resource.written {
                for (name, schema) in custom(resource, written) {
                    out.insert(name, refer(&schema, prefix, &mut wanted));
                }
            }
        }
        while let Some(name) = wanted.pop_first() {
            if let (false, Some(schema)) = (out.contains_key(&name), self.schemas.get(&name)) {
                out.insert(name, refer(schema, prefix, &mut wanted));
            }
        }
        out
    }
}

/// A CRD's schema with the fields that every object has, and that of its list.
fn custom(resource: &Resource, written: &Value) -> [(String, Value); 2] {
    let reversed: Vec<&str> = resource.group.rsplit('.').collect();
    let name = |kind: &str| format!("{}.{}.{kind}", reversed.join("."), resource.version);
    let mut schema = written.clone();
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    let text = json!({ "type": "string" });
    schema["properties"]["apiVersion"] = text.clone();
    schema["properties"]["kind"] = text.clone();
    schema["properties"]["metadata"] = json!({ "allOf": [{ "$ref": OBJECT_META }] });
    schema["x-kubernetes-group-version-kind"] = json!([kind_of(resource, &resource.kind)]);
    let item = format!("{V3}{}", name(&resource.kind));
    let list = json!({
        "type": "object", "required": ["items"],
        "properties": {
            "apiVersion": text, "kind": text,
            "items": { "type": "array", "items": { "allOf": [{ "$ref": item }] } },
            "metadata": { "allOf": [{ "$ref": LIST_META }] },
        },
        "x-kubernetes-group-version-kind": [kind_of(resource, &resource.list_kind)],
    });
    [(name(&resource.kind), schema), (name(&resource.list_kind), list)]
}

/// The schema with whole references, whose names are noted.
fn refer(schema: &Value, prefix: &str, wanted: &mut BTreeSet<String>) -> Value {
    match schema {
        Value::Object(fields) => {
            let each = fields.iter().map(|(key, value)| match (key.as_str(), value.as_str()) {
                ("$ref", Some(name)) => {
                    let name = name.trim_start_matches(V3);
                    wanted.insert(name.to_owned());
                    (key.clone(), format!("{prefix}{name}").into())
                }
                _ => (key.clone(), refer(value, prefix, wanted)),
            });
            Value::Object(each.collect())
        }
        Value::Array(items) => items.iter().map(|item| refer(item, prefix, wanted)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_a_person_describes_fields() {
        let name = "io.k8s.api.core.v1.ConfigMap";
        let text = json!({ "swagger": "2.0", "definitions": { name: {
            "description": "a map", "properties": { "data": { "description": "what it holds" } },
        } } });
        let published = Published::read(text.to_string().as_bytes()).unwrap();
        let registry = Registry::built_in();
        let document = described(&registry, &["api", "v1"], &published).unwrap();
        let map = &document["components"]["schemas"][name];
        assert_eq!(map["description"], "a map");
        assert_eq!(map["properties"]["data"]["description"], "what it holds");
        assert_eq!(swagger(&registry, &published)["definitions"][name]["description"], "a map");
        assert!(Published::read(b"{}").is_err());
    }
}
