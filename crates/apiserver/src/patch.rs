//! PATCH: JSON patches, merge patches, strategic merge patches, server-side apply.

mod json;
mod strategic;

use serde_json::Value;

use crate::call::{Answer, Call};
use crate::core::Core;
use crate::managed::{self, Write};
use crate::path::Target;
use crate::read::find;
use crate::registry::Resource;
use crate::status::Failure;
use crate::{act, defaults, keep, write};

/// Changes an object.
pub fn patch(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    subresource: &str,
) -> Result<Answer, Failure> {
    let body = |text: &[u8]| -> Result<Value, Failure> {
        serde_json::from_slice(text)
            .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))
    };
    match call.content_type() {
        "application/apply-patch+yaml" if subresource == "scale" => {
            Err(Failure::not_implemented("server-side apply of scale"))
        }
        "application/apply-patch+yaml" => apply(core, call, resource, target, subresource),
        "application/json-patch+json" => {
            let patch = json::parse(&body(&call.body)?)?;
            change(core, call, resource, target, subresource, |live| json::apply(&patch, live))
        }
        "application/merge-patch+json" => {
            let patch = object(body(&call.body)?)?;
            change(core, call, resource, target, subresource, |live| {
                let mut out = live.clone();
                merge(&mut out, &patch);
                Ok(out)
            })
        }
        "application/strategic-merge-patch+json" if !resource.is_custom => {
            let patch = object(body(&call.body)?)?;
            change(core, call, resource, target, subresource, |live| {
                strategic::apply(&resource.schema, live, &patch)
            })
        }
        "application/strategic-merge-patch+json" => Err(Failure {
            code: 415,
            reason: "UnsupportedMediaType",
            message: "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml".to_owned(),
            details: None,
        }),
        _ => Err(Failure::unsupported_patch_type()),
    }
}

fn object(patch: Value) -> Result<Value, Failure> {
    if patch.is_object() {
        Ok(patch)
    } else {
        Err(Failure::bad_request("error decoding patch: not an object"))
    }
}

fn change(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    subresource: &str,
    make: impl Fn(&Value) -> Result<Value, Failure>,
) -> Result<Answer, Failure> {
    if subresource == "scale" {
        return act::rescale(core, call, resource, target, make);
    }
    let warnings = std::cell::RefCell::new(Vec::new());
    let changed = write::replace(core, call, resource, target, subresource, |live| {
        let mut object = make(live)?;
        if object["metadata"]["name"] != live["metadata"]["name"]
            || object["metadata"]["namespace"] != live["metadata"]["namespace"]
        {
            let sent = object["metadata"]["name"].as_str().unwrap_or_default();
            let name = target.name.as_deref().unwrap_or_default();
            return Err(Failure::bad_request(format!(
                "the name of the object ({sent}) does not match the name on the URL ({name})"
            )));
        }
        object["kind"] = live["kind"].clone();
        object["apiVersion"] = live["apiVersion"].clone();
        if !resource.is_custom {
            write::typed(resource, &mut object)?;
        }
        *warnings.borrow_mut() = write::pruned(call, resource, &mut object)?;
        write::record_update(core, call, resource, subresource, live, &mut object);
        Ok(object)
    })?;
    Ok(Answer::json(200, &write::shown(resource, changed)).with_warnings(warnings.into_inner()))
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(out) = target else { return };
    for (key, value) in fields {
        if value.is_null() {
            out.remove(key);
        } else {
            merge(out.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Server-side apply: creates what is not there.
fn apply(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    subresource: &str,
) -> Result<Answer, Failure> {
    let manager = call.parameter("fieldManager").to_owned();
    if manager.is_empty() {
        let about = crate::status::About { group: "meta.k8s.io", kind: "PatchOptions", name: "" };
        let cause = crate::status::Cause::required("fieldManager", "is required for apply patch");
        return Err(Failure::invalid(about, &[cause]));
    }
    let force = call.is_set("force");
    let mut config = sluice_yaml::json::from_yaml(&call.body)
        .map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?;
    if !config.is_object() {
        return Err(Failure::bad_request("error decoding YAML: not an object"));
    }
    let sent_ns = config["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    check_identity(&mut config, resource, target)?;
    let sent_uid = config["metadata"]["uid"].as_str().map(str::to_owned);
    let sent_revision = config["metadata"]["resourceVersion"].as_str().map(str::to_owned);
    if config["metadata"]["managedFields"].as_array().is_some_and(|list| !list.is_empty()) {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let warnings = write::pruned(call, resource, &mut config.clone())?;
    if !warnings.is_empty() && !resource.is_custom {
        let first = warnings[0].trim_start_matches("unknown field ").trim_matches('"').to_owned();
        let message = format!(
            "failed to create typed patch object ({sent_ns}/{}; {}/{}, Kind={}): .{first}: field not declared in schema",
            target.name.as_deref().unwrap_or_default(),
            resource.group,
            resource.version,
            resource.kind
        );
        return Err(Failure { code: 500, reason: "", message, details: None });
    }
    keep::prune(&resource.schema, &mut config);
    let api_version = resource.api_version();
    let time = core.now();
    let by = Write {
        manager: &manager,
        version: &api_version,
        subresource,
        time: &time,
        schema: &resource.schema,
        reset: write::reset_fields(resource, subresource),
    };
    for _attempt in 0..4 {
        if find(core, resource, target).is_err() {
            if !subresource.is_empty() {
                find(core, resource, target)?;
            }
            if sent_uid.is_some() {
                let name = target.name.as_deref().unwrap_or_default();
                let why = format!(
                    "uid mismatch: the provided object specified uid {}, and no existing object was found",
                    sent_uid.unwrap_or_default()
                );
                let about = crate::status::About { group: &resource.group, kind: &resource.plural, name };
                return Err(Failure::conflict(about, &why));
            }
            let mut object = managed::apply(&by, None, &config, force, |_| Ok(()))?;
            let fields = object["metadata"]["managedFields"].take();
            keep::metadata(&mut object).remove("managedFields");
            let made = write::insert(core, call, resource, object, |object| {
                if !fields.is_null() {
                    object["metadata"]["managedFields"] = fields.clone();
                }
            });
            match made {
                Err(failure) if failure.reason == "AlreadyExists" => continue,
                made => {
                    let (object, _) = made?;
                    return Ok(
                        Answer::json(201, &write::shown(resource, object)).with_warnings(warnings.clone())
                    );
                }
            }
        }
        let applied = write::replace(core, call, resource, target, subresource, |live| {
            let mut object = managed::apply(&by, Some(live), &config, force, |object| {
                let own = &live["metadata"];
                object["metadata"]["uid"] =
                    sent_uid.as_deref().map_or_else(|| own["uid"].clone(), Value::from);
                write::fit_to(resource, subresource, live, object);
                Ok(())
            })?;
            defaults::on_update(resource, live, &mut object);
            object["metadata"]["resourceVersion"] = sent_revision.as_deref().map_or(Value::Null, Value::from);
            Ok(object)
        });
        match applied {
            Err(failure) if failure.reason == "NotFound" => {}
            applied => {
                return Ok(
                    Answer::json(200, &write::shown(resource, applied?)).with_warnings(warnings.clone())
                );
            }
        }
    }
    Err(Failure::internal("the object comes and goes"))
}

/// The configuration is about the object of the path.
fn check_identity(config: &mut Value, resource: &Resource, target: &Target) -> Result<(), Failure> {
    let sent = |config: &Value, key: &str| config[key].as_str().unwrap_or_default().to_owned();
    let (kind, version) = (sent(config, "kind"), sent(config, "apiVersion"));
    if kind.is_empty() || version.is_empty() {
        return Err(Failure::bad_request("invalid object type: /, Kind="));
    }
    if kind != resource.kind || version != resource.api_version() {
        return Err(Failure::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {}",
            resource.kind
        )));
    }
    let metadata = keep::metadata(config);
    for (key, wanted) in [("name", target.name.as_ref()), ("namespace", target.ns.as_ref())] {
        let Some(wanted) = wanted else { continue };
        match metadata.get(key).and_then(Value::as_str) {
            None | Some("") => {
                metadata.insert(key.into(), wanted.as_str().into());
            }
            Some(sent) if sent == wanted => {}
            Some(sent) if key == "name" => {
                return Err(Failure::bad_request(format!(
                    "the name of the object ({sent}) does not match the name on the URL ({wanted})"
                )));
            }
            Some(_) => {
                return Err(Failure::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        }
    }
    Ok(())
}
