//! What a HelmRelease installed, read from where Helm stores its releases.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sluice_object::{ObjectId, id::split_api_version};

use crate::cluster::{Resource, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::HELM_RELEASE;
use crate::object::{name, text};

/// A release is a Secret of at most 1 MiB, compressed; what unpacks to more is no release.
const MAX_RELEASE: u64 = 64 << 20;
const CRD: &str = "CustomResourceDefinition";
const CRD_GROUP: &str = "apiextensions.k8s.io";

/// The objects of the newest release, in its own order; nothing where there is none here.
pub async fn inventory(cx: &Cx, of: &ObjectId) -> CliResult<Vec<ObjectId>> {
    let cluster = cx.cluster().await?;
    let object = cluster.get(&HELM_RELEASE.resource(), &of.namespace, &of.name).await?;
    let storage = text(&object, "/status/storageNamespace");
    let Some(latest) = object.pointer("/status/history/0") else { return Ok(Vec::new()) };
    if object.pointer("/spec/kubeConfig").is_some() || storage.is_empty() {
        return Ok(Vec::new());
    }
    let version = latest.pointer("/version").and_then(Value::as_i64).unwrap_or(0);
    let secret = format!("sh.helm.release.v1.{}.v{version}", text(latest, "/name"));
    let Some(secret) = cluster.find(&Resource::core("Secret", "secrets"), storage, &secret).await? else {
        return Ok(Vec::new());
    };
    let undecodable = || {
        let at = format!("{}/{}", of.namespace, of.name);
        CliError::new(format!("failed to decode the Helm storage object for HelmRelease '{at}'"))
    };
    let manifest = decode(text(&secret, "/data/release")).ok_or_else(undecodable)?;
    let mut objects = Vec::new();
    for document in sluice_yaml::json::split_reader(&manifest).map_err(|_| undecodable())? {
        let object = sluice_yaml::json::from_yaml(document.as_bytes()).map_err(|_| undecodable())?;
        if !object.is_null() {
            objects.push(identify(cx, &object, text(latest, "/namespace")).await?);
        }
    }
    if makes_definitions(&object) {
        let group = HELM_RELEASE.group;
        let labels = format!("{group}/name={},{group}/namespace={}", of.name, of.namespace);
        let definitions = Resource::of(CRD_GROUP, "v1", CRD, "customresourcedefinitions").cluster_wide();
        let found =
            cluster.list(&definitions, &Selection::default().labelled(labels)).await.unwrap_or_default();
        for definition in &found {
            let is_known = objects.iter().any(|known| known.kind == CRD && known.name == name(definition));
            if !is_known {
                let name = name(definition).to_owned();
                let (group, kind) = (CRD_GROUP.to_owned(), CRD.to_owned());
                objects.push(ObjectId { namespace: String::new(), name, group, kind });
            }
        }
    }
    Ok(objects)
}

/// Whether the release brings definitions along, which Helm does not store with it.
fn makes_definitions(object: &Value) -> bool {
    ["/spec/install/crds", "/spec/upgrade/crds"]
        .into_iter()
        .any(|pointer| !matches!(text(object, pointer), "" | "Skip"))
}

async fn identify(cx: &Cx, object: &Value, home: &str) -> CliResult<ObjectId> {
    let (api_version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
    let mut namespace = text(object, "/metadata/namespace").to_owned();
    if namespace.is_empty() {
        // A kind that the server does not know (any more) is shown without a namespace.
        let found = cx.cluster().await?.kind(api_version, kind).await;
        if found.is_ok_and(|resource| resource.namespaced) {
            home.clone_into(&mut namespace);
        }
    }
    Ok(ObjectId {
        namespace,
        name: name(object).to_owned(),
        group: split_api_version(api_version).0.to_owned(),
        kind: kind.to_owned(),
    })
}

/// The Secret's value: base64 for Kubernetes, base64 for Helm, gzip, and in it the JSON that holds the manifest.
fn decode(stored: &str) -> Option<String> {
    let bytes = STANDARD.decode(stored).ok()?;
    let mut bytes = STANDARD.decode(bytes).ok()?;
    if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut unpacked = Vec::new();
        let mut gunzip = flate2::read::GzDecoder::new(bytes.as_slice()).take(MAX_RELEASE + 1);
        gunzip.read_to_end(&mut unpacked).ok()?;
        bytes = unpacked;
    }
    if bytes.len() as u64 > MAX_RELEASE {
        return None;
    }
    let release: Value = serde_json::from_slice(&bytes).ok()?;
    Some(text(&release, "/manifest").to_owned())
}
