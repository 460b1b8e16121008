//! The values that a HelmRelease is rendered with: those it references, in order, then its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::cluster::Resource;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::object::{list, text};

pub async fn of(cx: &Cx, release: &Value) -> CliResult<Value> {
    let mut values = Map::new();
    for reference in list(release, "/spec/valuesFrom") {
        if !text(reference, "/targetPath").is_empty() {
            return Err(CliError::new("values that go to a target path are not shown yet"));
        }
        let Some(text) = content(cx, reference).await? else { continue };
        let read = sluice_yaml::json::from_yaml(&text).map_err(|error| CliError::new(error.to_string()))?;
        if let Value::Object(read) = read {
            merge(&mut values, read);
        }
    }
    if let Some(Value::Object(own)) = release.pointer("/spec/values") {
        merge(&mut values, own.clone());
    }
    Ok(Value::Object(values))
}

/// Maps are merged, anything else is replaced.
pub fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// The text at the reference's key; nothing where it is optional and not there.
async fn content(cx: &Cx, reference: &Value) -> CliResult<Option<String>> {
    let (kind, name) = (text(reference, "/kind"), text(reference, "/name"));
    let key = match text(reference, "/valuesKey") {
        "" => "values.yaml",
        key => key,
    };
    let is_optional = reference.pointer("/optional") == Some(&Value::Bool(true));
    let missing = |what: String| {
        if is_optional { Ok(None) } else { Err(CliError::new(what)) }
    };
    let at = format!("{kind} '{}/{name}'", cx.namespace);
    let resource = match kind {
        "Secret" => Resource::core("Secret", "secrets"),
        "ConfigMap" => Resource::core("ConfigMap", "configmaps"),
        _ => return Err(CliError::new(format!("unsupported ValuesReference kind '{kind}'"))),
    };
    let Some(object) = cx.cluster().await?.find(&resource, &cx.namespace, name).await? else {
        return missing(format!("could not find values reference {at}"));
    };
    let Some(found) = object.get("data").and_then(|data| data.get(key)).and_then(Value::as_str) else {
        return missing(format!("missing key '{key}' in values reference {at}"));
    };
    if kind == "ConfigMap" {
        return Ok(Some(found.to_owned()));
    }
    let decoded = STANDARD.decode(found).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.map(Some).ok_or_else(|| CliError::new(format!("the values in {at} are not text")))
}
