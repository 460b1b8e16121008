//! Records what the real API server serves, discovery, columns and schemas without descriptions, as `src/facts.json.z`,
//! what a new cluster has as `src/beginning.json.z`, and how kinds are written as protobuf as `src/protobuf.json.z`.
//!
//! `cargo run -p sluice-apiserver --example record`; needs the reference programs (`cargo xtask peers`).
#![allow(clippy::print_stdout, reason = "a tool for a person")]
#![allow(clippy::disallowed_methods, reason = "it asks a program in Go")]

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Map, Value, json};
use sluice_testkit::api::Api;
use sluice_testkit::plane::{Options, Plane, Sort};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let plane = Plane::start(&Options { sort: Some(Sort::Real), ..Options::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut facts = runtime.block_on(record(&plane.api()))?;
    facts["columns"] = runtime.block_on(columns(&plane, &facts["groups"]))?;
    save("facts", &facts)?;
    save("protobuf", &protobuf()?)?;
    save("beginning", &runtime.block_on(beginning(&plane.api()))?)
}

fn save(name: &str, facts: &Value) -> Result<(), Failure> {
    let text = serde_json::to_vec(facts)?;
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(&text)?;
    let packed = writer.finish()?;
    let target = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{name}.json.z"));
    println!("{name}: {} bytes, {} packed", text.len(), packed.len());
    std::fs::write(target, packed)?;
    Ok(())
}

/// Roles, bindings and priority classes of a new cluster, without what is made anew each time.
async fn beginning(api: &Api) -> Result<Value, Failure> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    // The role `admin` is complete when the controllers have put it together.
    let patience = std::time::Duration::from_mins(1);
    let has_rules = |role: &Value| role["rules"].as_array().is_some_and(|rules| !rules.is_empty());
    for name in ["admin", "edit", "view"] {
        let path = format!("/apis/{RBAC}/v1/clusterroles/{name}");
        api.wait_until(&path, patience, has_rules).await.map_err(|last| last.to_string())?;
    }
    let mut out = Map::new();
    for (group, plural) in [
        (RBAC, "clusterroles"),
        (RBAC, "clusterrolebindings"),
        (RBAC, "roles"),
        (RBAC, "rolebindings"),
        ("scheduling.k8s.io", "priorityclasses"),
    ] {
        let mut list = api.get(&format!("/apis/{group}/v1/{plural}")).await?;
        let kind = list["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
        let version = list["apiVersion"].clone();
        for object in list["items"].as_array_mut().into_iter().flatten() {
            object["kind"] = kind.as_str().into();
            object["apiVersion"] = version.clone();
            for key in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
                object["metadata"].as_object_mut().and_then(|metadata| metadata.remove(key));
            }
        }
        out.insert(format!("{group}/{plural}"), list["items"].take());
    }
    Ok(Value::Object(out))
}

async fn record(api: &Api) -> Result<Value, Failure> {
    let mut groups = vec![json!({
        "name": "", "versions": [{ "version": "v1", "resources": resources(api, "/api/v1").await? }],
    })];
    let listed = api.get("/apis").await?;
    for group in listed["groups"].as_array().into_iter().flatten() {
        let mut versions = Vec::new();
        for version in group["versions"].as_array().into_iter().flatten() {
            let path = format!("/apis/{}", version["groupVersion"].as_str().unwrap_or_default());
            versions
                .push(json!({ "version": version["version"], "resources": resources(api, &path).await? }));
        }
        groups.push(json!({ "name": group["name"], "versions": versions }));
    }
    let (mut schemas, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    let index = api.get("/openapi/v3").await?;
    for (path, place) in index["paths"].as_object().into_iter().flatten() {
        if !path.starts_with("api") || path.split('/').count() < 2 {
            continue;
        }
        let document = api.get(place["serverRelativeURL"].as_str().unwrap_or_default()).await?;
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let named = schema["x-kubernetes-group-version-kind"].as_array().map(Vec::as_slice);
            if let Some([one]) = named {
                let part = |key: &str| one[key].as_str().unwrap_or_default();
                let key = format!("{}/{}/{}", part("group"), part("version"), part("kind"));
                kinds.insert(key, name.clone());
            }
            schemas.insert(name.clone(), stripped(schema));
        }
    }
    Ok(json!({
        "version": api.get("/version").await?, "groups": groups, "kinds": kinds, "schemas": schemas,
    }))
}

/// The columns of every kind: name, type, format, priority.
async fn columns(plane: &Plane, groups: &Value) -> Result<Value, Failure> {
    let certificate = reqwest::Certificate::from_pem(plane.authority().as_bytes())?;
    let client = reqwest::Client::builder().tls_certs_only([certificate]).no_proxy().build()?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut out = Map::new();
    for group in list(groups) {
        let name = group["name"].as_str().unwrap_or_default();
        for version in list(&group["versions"]) {
            let number = version["version"].as_str().unwrap_or_default();
            let root =
                if name.is_empty() { format!("api/{number}") } else { format!("apis/{name}/{number}") };
            for row in list(&version["resources"]) {
                let plural = row["name"].as_str().unwrap_or_default();
                if plural.contains('/') || !list(&row["verbs"]).contains(&"list".into()) {
                    continue;
                }
                let answer = client
                    .get(format!("{}/{root}/{plural}?limit=1", plane.url()))
                    .bearer_auth(plane.token())
                    .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
                    .send()
                    .await?;
                let table: Value = answer.json().await?;
                let columns = list(&table["columnDefinitions"]);
                let columns = columns
                    .iter()
                    .map(|one| json!([one["name"], one["type"], one["format"], one["priority"]]));
                out.insert(format!("{name}/{number}/{plural}"), columns.collect());
            }
        }
    }
    Ok(Value::Object(out))
}

/// What `peers/ask/protobuf` prints.
fn protobuf() -> Result<Value, Failure> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers/ask/protobuf");
    let printed = std::process::Command::new("go").args(["run", "."]).current_dir(folder).output()?;
    if !printed.status.success() {
        return Err(String::from_utf8_lossy(&printed.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&printed.stdout)?)
}

async fn resources(api: &Api, path: &str) -> Result<Value, Failure> {
    Ok(api.get(path).await?["resources"].take())
}

/// A schema without what is only for people, and with references as bare names.
fn stripped(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut out = Map::new();
            for (key, value) in fields {
                match key.as_str() {
                    "description" if value.is_string() => {}
                    "x-kubernetes-group-version-kind" => {}
                    "properties" => {
                        let fields = value.as_object().into_iter().flatten();
                        let fields = fields.map(|(name, schema)| (name.clone(), stripped(schema)));
                        out.insert(key.clone(), Value::Object(fields.collect()));
                    }
                    "$ref" => {
                        let name = value.as_str().unwrap_or_default();
                        let name = name.trim_start_matches("#/components/schemas/");
                        out.insert(key.clone(), Value::from(name));
                    }
                    "default" => {
                        out.insert(key.clone(), value.clone());
                    }
                    _ => {
                        out.insert(key.clone(), stripped(value));
                    }
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => Value::Array(items.iter().map(stripped).collect()),
        other => other.clone(),
    }
}
