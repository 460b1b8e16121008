//! The variables that a Kustomization's manifests are substituted with.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cluster::Resource;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::object::{list, namespace, text};

/// Those of the Secrets and ConfigMaps that it names, in order, then its own.
pub async fn of(cx: &Cx, kustomization: &Value) -> CliResult<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for reference in list(kustomization, "/spec/postBuild/substituteFrom") {
        variables.extend(referenced(cx, namespace(kustomization), reference).await?);
    }
    variables.extend(own(kustomization));
    Ok(variables)
}

/// Its own alone. A value cannot add lines to a manifest.
pub fn own(kustomization: &Value) -> BTreeMap<String, String> {
    let own = kustomization.pointer("/spec/postBuild/substitute").and_then(Value::as_object);
    let plain = |value: &Value| value.as_str().unwrap_or("").replace('\n', "");
    own.into_iter().flatten().map(|(key, value)| (key.clone(), plain(value))).collect()
}

async fn referenced(cx: &Cx, place: &str, reference: &Value) -> CliResult<BTreeMap<String, String>> {
    let (kind, name) = (text(reference, "/kind"), text(reference, "/name"));
    let resource = match kind {
        "Secret" => Resource::core("Secret", "secrets"),
        _ => Resource::core("ConfigMap", "configmaps"),
    };
    let found = cx.cluster().await?.find(&resource, place, name).await?;
    let Some(found) = found else {
        if reference.pointer("/optional") == Some(&Value::Bool(true)) {
            return Ok(BTreeMap::new());
        }
        let at = format!("'{kind}/{name}'");
        return Err(CliError::new(format!(
            "substitute from {at} error: {} \"{name}\" not found",
            resource.plural
        )));
    };
    let data = found.get("data").and_then(Value::as_object).into_iter().flatten();
    let mut variables = BTreeMap::new();
    for (key, value) in data {
        let value = value.as_str().unwrap_or("");
        let value = if kind == "Secret" {
            let decoded = STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            decoded
                .ok_or_else(|| CliError::new(format!("the value of {key} in Secret {name} is not text")))?
        } else {
            value.to_owned()
        };
        variables.insert(key.clone(), value.replace('\n', ""));
    }
    Ok(variables)
}
