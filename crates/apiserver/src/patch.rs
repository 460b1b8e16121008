//! PATCH: JSON patches, merge patches, strategic merge patches, server-side apply.

mod json;
mod strategic;

use std::sync::Arc;

use serde_json::Value;

use crate::call::{Answer, Call};
use crate::core::Core;
use crate::managed::{self, Write};
use crate::path::Target;
use crate::read::find;
use crate::registry::Resource;
use crate::schema::Schema;
use crate::status::{About, Cause, Failure};
use crate::write::Written;
use crate::{act, again, decode, keep, text, write};

/// Changes an object.
pub fn patch(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    subresource: &str,
) -> Result<Answer, Failure> {
    let refused = |why: String| Failure::bad_request(format!("error decoding patch: {why}"));
    match call.content_type() {
        "application/apply-patch+yaml" => apply(core, call, resource, target, subresource),
        "application/json-patch+json" => {
            let patch = json::parse(&text::read(&call.body).map_err(refused)?)?;
            change(core, call, resource, target, subresource, None, |live| json::apply(&patch, live))
        }
        "application/merge-patch+json" => {
            let patch = text::read_map(&call.body).map_err(refused)?;
            change(core, call, resource, target, subresource, None, |live| {
                let mut out = live.clone();
                merge(&mut out, &patch);
                Ok(out)
            })
        }
        "application/strategic-merge-patch+json" if !resource.is_custom => {
            let patch = text::read_map(&call.body).map_err(Failure::bad_request)?;
            let schema = if subresource == "scale" { act::scale_schema() } else { &resource.schema };
            change(core, call, resource, target, subresource, Some(&patch), |live| {
                strategic::apply(schema, live, &patch)
            })
        }
        "application/strategic-merge-patch+json" => Err(Failure {
            code: 415,
            reason: "UnsupportedMediaType",
            message: "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml".to_owned(),
            details: None,
            resume: None,
        }),
        _ => Err(Failure::unsupported_patch_type()),
    }
}

/// A patch whose outcome is no object of its kind.
fn misfit(shown: &str, why: &str) -> Failure {
    let cause = Cause::invalid("patch", &shown.into(), why);
    Failure::invalid(About { group: "", kind: "", name: "" }, &[cause])
}

fn change(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    subresource: &str,
    strategic: Option<&Value>,
    make: impl Fn(&Value) -> Result<Value, Failure>,
) -> Result<Answer, Failure> {
    // How the outcome is read depends on the patch, and so do the words for what does not fit.
    let read = |schema: &Schema, object: &mut Value, live: &Value| match strategic {
        Some(patch) => {
            decode::restore(schema, object).map_err(|why| misfit(&decode::shown_as_go(patch), &why))?;
            decode::body(schema, object).map_err(|why| misfit(&decode::shown_as_go(patch), &why))
        }
        // What does not fit is shown as it was before it was read.
        None => decode::body(schema, object).map_err(|why| match make(live) {
            Ok(mut object) => {
                object["kind"] = live["kind"].clone();
                object["apiVersion"] = live["apiVersion"].clone();
                misfit(&object.to_string(), &why)
            }
            Err(failure) => failure,
        }),
    };
    if subresource == "scale" {
        return act::patch_scale(core, call, resource, target, |live| {
            let mut scale = make(live)?;
            read(act::scale_schema(), &mut scale, live)?;
            Ok(scale)
        });
    }
    let warnings = std::cell::RefCell::new(Vec::new());
    let changed = write::replace(core, call, resource, target, subresource, |live| {
        let mut object = make(live)?;
        if object["metadata"]["namespace"].is_null() && !live["metadata"]["namespace"].is_null() {
            keep::metadata(&mut object).insert("namespace".into(), live["metadata"]["namespace"].clone());
        }
        if object["metadata"]["name"] != live["metadata"]["name"]
            || object["metadata"]["namespace"] != live["metadata"]["namespace"]
        {
            let sent = object["metadata"]["name"].as_str().unwrap_or_default();
            let name = target.name.as_deref().unwrap_or_default();
            if sent.is_empty() {
                return Err(write::nameless(name));
            }
            return Err(Failure::bad_request(format!(
                "the name of the object ({sent}) does not match the name on the URL ({name})"
            )));
        }
        object["kind"] = live["kind"].clone();
        object["apiVersion"] = live["apiVersion"].clone();
        if !resource.is_custom {
            read(&resource.schema, &mut object, live)?;
        }
        *warnings.borrow_mut() = write::pruned(call, resource, &mut object)?;
        write::record_update(core, call, resource, subresource, live, &mut object);
        Ok(object)
    })?;
    Ok(changed.answer(200, resource).with_warnings(warnings.into_inner()))
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
        let about = About { group: "meta.k8s.io", kind: "PatchOptions", name: "" };
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Failure::invalid(about, &[cause]));
    }
    let request = again::Request::of(call, resource, subresource);
    let before = find(core, resource, target).ok();
    if let (Some(request), Some(stored)) = (request, &before)
        && core.again.changed_nothing(request, stored.revision)
    {
        call.is_dry_run()?;
        return Ok(Written::Kept(Arc::clone(stored)).answer(200, resource));
    }
    let force = call.is_set("force");
    let refused = |why: String| Failure::bad_request(format!("error decoding YAML: {why}"));
    let mut config = configuration(&call.body)?;
    if !config.is_object() {
        let (found, go) = (text::kind(&config), "Go value of type map[string]interface {}");
        return Err(refused(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into {go}"
        )));
    }
    if subresource == "scale" {
        check_kind(&config, "autoscaling/v1", "Scale")?;
        return act::apply_scale(core, call, resource, target, &config, force);
    }
    let sent_ns = config["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    check_identity(&mut config, resource, target)?;
    let sent_uid = config["metadata"]["uid"].as_str().map(str::to_owned);
    let sent_revision = config["metadata"]["resourceVersion"].as_str().map(str::to_owned);
    if config["metadata"]["managedFields"].as_array().is_some_and(|list| !list.is_empty()) {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    keep::metadata(&mut config).remove("managedFields");
    let warnings = write::pruned(call, resource, &mut config)?;
    if !warnings.is_empty() && !resource.is_custom {
        let first = warnings[0].trim_start_matches("unknown field ").trim_matches('"').to_owned();
        let message = format!(
            "failed to create typed patch object ({sent_ns}/{}; {}/{}, Kind={}): .{first}: field not declared in schema",
            target.name.as_deref().unwrap_or_default(),
            resource.group,
            resource.version,
            resource.kind
        );
        return Err(Failure { code: 500, reason: "", message, details: None, resume: None });
    }
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
    // A configuration whose fields do not fit is told by its object.
    let untyped = |mut failure: Failure| {
        if failure.code == 500 && failure.reason.is_empty() {
            let name = target.name.as_deref().unwrap_or_default();
            let (group, version, kind) = (&resource.group, &resource.version, &resource.kind);
            let place = format!("{sent_ns}/{name}; {group}/{version}, Kind={kind}");
            failure.message = format!("failed to create typed patch object ({place}): {}", failure.message);
        }
        failure
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
                let about = About { group: &resource.group, kind: &resource.plural, name };
                return Err(Failure::conflict(about, &why));
            }
            let mut object = managed::apply(&by, None, &config, force, |_, _| ()).map_err(untyped)?;
            managed::note_sent(&mut object, &config, || configuration(&call.body))?;
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
                    return Ok(made?.answer(201, resource).with_warnings(warnings));
                }
            }
        }
        let applied = write::replace(core, call, resource, target, subresource, |live| {
            let mut object = managed::apply(&by, Some(live), &config, force, |object, same| {
                write::fit_to(resource, subresource, live, object, same);
            })
            .map_err(untyped)?;
            managed::note_sent(&mut object, &config, || configuration(&call.body))?;
            if let Some(uid) = &sent_uid {
                object["metadata"]["uid"] = uid.as_str().into();
            }
            object["metadata"]["resourceVersion"] = sent_revision.as_deref().map_or(Value::Null, Value::from);
            Ok(object)
        });
        match applied {
            Err(failure) if failure.reason == "NotFound" => {}
            applied => {
                let applied = applied?;
                if let (Some(request), Some(before), Written::Kept(after)) = (request, &before, &applied)
                    && before.revision == after.revision
                    && warnings.is_empty()
                {
                    core.again.remember(request, after.revision);
                }
                return Ok(applied.answer(200, resource).with_warnings(warnings));
            }
        }
    }
    Err(Failure::internal("the object comes and goes"))
}

/// What is applied is YAML, and most often JSON. Where both mean the same by the letter, the quicker reader is asked.
fn configuration(body: &[u8]) -> Result<Value, Failure> {
    let is_letter = |byte: u8| byte == b'\n' || (0x20..0x7f).contains(&byte);
    // Without an early end, so that many bytes are looked at together.
    let has_letters_alone = || body.iter().fold(true, |all, byte| all & is_letter(*byte));
    let begins_a_half = |part: &[u8]| matches!(part, [b'u', b'd' | b'D', ..]);
    let is_plain = body.first() == Some(&b'{')
        && has_letters_alone()
        // Halves of a pair, each by itself, are letters of their own in YAML.
        && !body.split(|byte| *byte == b'\\').skip(1).any(begins_a_half);
    if is_plain
        && let Ok(value) = serde_json::from_slice(body)
        && !has_fraction(&value)
    {
        return Ok(value);
    }
    sluice_yaml::json::from_yaml(body).map_err(|error| {
        Failure::bad_request(format!("error decoding YAML: error converting YAML to JSON: {error}"))
    })
}

/// Whether a number is written otherwise than as an integer: YAML has forms of its own for those.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

/// The configuration is about the object of the path.
fn check_identity(config: &mut Value, resource: &Resource, target: &Target) -> Result<(), Failure> {
    check_kind(config, &resource.api_version(), &resource.kind)?;
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

fn check_kind(config: &Value, version: &str, kind: &str) -> Result<(), Failure> {
    let sent = |key: &str| config[key].as_str().unwrap_or_default();
    if sent("kind") == kind && sent("apiVersion") == version {
        return Ok(());
    }
    let (group, version) = sent("apiVersion").rsplit_once('/').unwrap_or(("", sent("apiVersion")));
    Err(Failure::bad_request(format!("invalid object type: {group}/{version}, Kind={}", sent("kind"))))
}
