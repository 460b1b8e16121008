//! What a client sends to be written: read, made to fit its path, without what its kind does not know.

use serde_json::Value;

use crate::call::Call;
use crate::facts::facts;
use crate::path::Target;
use crate::registry::Resource;
use crate::status::Failure;
use crate::{decode, keep, text};

/// What the client sent, made to fit the path.
pub(super) fn received(call: &Call, resource: &Resource, target: &Target) -> Result<Value, Failure> {
    let mut object = call.object(&resource.kind)?;
    check_kind(resource, &object)?;
    object["kind"] = resource.kind.as_str().into();
    object["apiVersion"] = resource.api_version().into();
    if !resource.is_custom {
        typed(resource, &mut object)?;
    }
    if !object["metadata"].is_null() && !object["metadata"].is_object() {
        return Err(Failure::bad_request("metadata is not an object"));
    }
    let metadata = keep::metadata(&mut object);
    if resource.is_namespaced {
        let ns = target.ns.clone().unwrap_or_default();
        match metadata.get("namespace").and_then(Value::as_str) {
            None | Some("") => {
                metadata.insert("namespace".into(), ns.into());
            }
            Some(sent) if sent == ns => {}
            Some(_) => {
                return Err(Failure::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        }
    } else {
        metadata.remove("namespace");
    }
    Ok(object)
}

/// An object of another kind or version is none for this path.
fn check_kind(resource: &Resource, object: &Value) -> Result<(), Failure> {
    let sent = |key: &str| object[key].as_str().unwrap_or_default();
    let (kind, version) = (sent("kind"), sent("apiVersion"));
    if (kind.is_empty() || kind == resource.kind) && (version.is_empty() || version == resource.api_version())
    {
        return Ok(());
    }
    let (group, number) = version.rsplit_once('/').unwrap_or(("", version));
    let wanted = &resource.kind;
    let why = if resource.is_custom {
        if kind == *wanted {
            return Err(Failure::bad_request(format!(
                "the API version in the data ({version}) does not match the expected API version ({})",
                resource.api_version()
            )));
        }
        "the object's kind and version do not fit the path".to_owned()
    } else if facts().schema_of(group, number, kind).is_some() {
        let package =
            |group: &str| group.split('.').next().filter(|one| !one.is_empty()).unwrap_or("core").to_owned();
        let own = package(&resource.group);
        format!("converting ({number}.{kind}) to ({own}.{wanted}): unknown conversion")
    } else {
        format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
        )
    };
    Err(Failure::bad_request(format!("{kind} in version {number:?} cannot be handled as a {wanted}: {why}")))
}

/// A built-in kind's fields have their types.
fn typed(resource: &Resource, object: &mut Value) -> Result<(), Failure> {
    decode::body(&resource.schema, object).map_err(|why| {
        let (kind, version) = (&resource.kind, &resource.version);
        Failure::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    })
}

/// Unknown fields go, with the words that `fieldValidation` wants about them.
pub fn pruned(call: &Call, resource: &Resource, object: &mut Value) -> Result<Vec<String>, Failure> {
    let dropped = keep::prune(&resource.schema, object);
    told(call, resource, dropped, Vec::new())
}

/// As `pruned`, for a whole object in the body, whose fields may also come twice.
pub(super) fn pruned_body(
    call: &Call,
    resource: &Resource,
    object: &mut Value,
) -> Result<Vec<String>, Failure> {
    let dropped = keep::prune(&resource.schema, object);
    if call.parameter("fieldValidation") == "Ignore" || !call.is_json() {
        return told(call, resource, dropped, Vec::new());
    }
    if resource.is_custom {
        let mut dropped = dropped;
        dropped.sort();
        return told(call, resource, dropped, text::strict(None, &call.body));
    }
    told(call, resource, Vec::new(), text::strict(Some(&resource.schema), &call.body))
}

fn told(
    call: &Call,
    resource: &Resource,
    dropped: Vec<String>,
    mut texts: Vec<String>,
) -> Result<Vec<String>, Failure> {
    texts.extend(dropped.iter().map(|path| format!("unknown field {path:?}")));
    if texts.is_empty() {
        return Ok(texts);
    }
    match call.parameter("fieldValidation") {
        "Strict" => Err(Failure::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: strict decoding error: {}",
            resource.kind,
            resource.version,
            resource.kind,
            texts.join(", ")
        ))),
        "Ignore" => Ok(Vec::new()),
        _ => Ok(texts),
    }
}
