//! Subresources that are deeds or other views of an object: binding, eviction, scale, tokens.

use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::core::Core;
use crate::delete::{DeleteOptions, delete_stored};
use crate::facts::facts;
use crate::managed::{self, Write};
use crate::path::Target;
use crate::read::find;
use crate::registry::Resource;
use crate::schema::{ANY, Schema};
use crate::status::{About, Failure};
use crate::{keep, token, write};

/// `pods/NAME/binding`: the Pod goes to a node.
pub fn bind(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    let binding = call.object("Binding")?;
    let node = binding["target"]["name"].as_str().unwrap_or_default().to_owned();
    let name = target.name.clone().unwrap_or_default();
    if node.is_empty() {
        return Err(Failure::bad_request("a binding names its target"));
    }
    let uid = binding["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    write::replace(core, call, resource, target, "binding", |live| {
        let about = About { group: "", kind: "pods/binding", name: &name };
        let bound = live["spec"]["nodeName"].as_str().unwrap_or_default();
        if !bound.is_empty() {
            let why = format!("pod {name} is already assigned to node {bound:?}");
            return Err(Failure::conflict(about, &why));
        }
        if live["metadata"]["deletionTimestamp"].is_string() {
            let why = format!("pod {name} is being deleted, cannot be assigned to a host");
            return Err(Failure::conflict(about, &why));
        }
        if !uid.is_empty() && live["metadata"]["uid"] != uid.as_str() {
            return Err(Failure::conflict(about, "the UID of the Pod is another"));
        }
        let mut pod = live.clone();
        pod["spec"]["nodeName"] = node.as_str().into();
        let conditions = &mut pod["status"]["conditions"];
        if !conditions.is_array() {
            *conditions = json!([]);
        }
        if let Some(list) = conditions.as_array_mut() {
            list.retain(|condition| condition["type"] != "PodScheduled");
            list.push(json!({
                "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": core.now(),
            }));
        }
        Ok(pod)
    })?;
    Ok(success())
}

/// `bindings`, the older way: the Pod is named by the binding.
pub fn bind_named(core: &Core, call: &Call, target: &Target) -> Result<Answer, Failure> {
    let binding = call.object("Binding")?;
    let registry = core.registry();
    let pods = registry.resource("", "v1", "pods").ok_or_else(Failure::no_resource)?;
    let name = binding["metadata"]["name"].as_str().map(str::to_owned);
    let target = Target {
        resource: "pods".to_owned(),
        name,
        subresource: Some("binding".to_owned()),
        ..target.clone()
    };
    bind(core, call, pods, &target)
}

fn success() -> Answer {
    let status =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Answer::json(201, &status)
}

/// `pods/NAME/eviction`: a deletion that a PodDisruptionBudget may refuse.
pub fn evict(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    let eviction = call.object("Eviction")?;
    let stored = find(core, resource, target)?;
    let pod = stored.value();
    let labels = &pod["metadata"]["labels"];
    let ns = target.ns.as_deref().unwrap_or_default();
    for budget in core.store.list("policy/poddisruptionbudgets", Some(ns)).objects {
        let budget = budget.value();
        let wanted = budget["spec"]["selector"]["matchLabels"].as_object();
        let is_meant = wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value));
        if is_meant && budget["status"]["disruptionsAllowed"].as_i64().unwrap_or(0) < 1 {
            return Err(Failure::too_many_disruptions(
                budget["metadata"]["name"].as_str().unwrap_or_default(),
                budget["status"]["desiredHealthy"].as_i64().unwrap_or(0),
                budget["status"]["currentHealthy"].as_i64().unwrap_or(0),
            ));
        }
    }
    let options = DeleteOptions {
        propagation: String::new(),
        grace: eviction["deleteOptions"]["gracePeriodSeconds"].as_i64(),
        uid: eviction["deleteOptions"]["preconditions"]["uid"].as_str().map(str::to_owned),
        revision: None,
        is_dry_run: call.is_dry_run()?,
    };
    delete_stored(core, resource, &stored, &options)?;
    Ok(success())
}

/// Where the numbers of a scale are.
struct Places {
    wanted: String,
    found: String,
    selector: Option<String>,
}

impl Places {
    fn of(resource: &Resource) -> Self {
        let written = &resource.subresources["scale"]["paths"];
        let pointer = |key: &str| Some(written[key].as_str()?.replace('.', "/"));
        Places {
            wanted: pointer("specReplicasPath").unwrap_or_else(|| "/spec/replicas".to_owned()),
            found: pointer("statusReplicasPath").unwrap_or_else(|| "/status/replicas".to_owned()),
            selector: pointer("labelSelectorPath"),
        }
    }
}

/// The Scale of an object.
fn scale_of(resource: &Resource, live: &Value) -> Value {
    let places = Places::of(resource);
    let number = |pointer: &str| live.pointer(pointer).and_then(Value::as_i64);
    let mut metadata = json!({});
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = live["metadata"].get(key) {
            metadata[key] = value.clone();
        }
    }
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {}, "status": { "replicas": number(&places.found).unwrap_or(0) },
    });
    if let Some(wanted) = number(&places.wanted).filter(|wanted| *wanted != 0) {
        scale["spec"]["replicas"] = wanted.into();
    }
    let selector = match &places.selector {
        Some(pointer) => live.pointer(pointer).and_then(Value::as_str).map(str::to_owned),
        None if resource.is_custom => None,
        None => Some(selector_text(&live["spec"]["selector"])),
    };
    if let Some(selector) = selector.filter(|text| !text.is_empty()) {
        scale["status"]["selector"] = selector.into();
    }
    scale
}

/// `a=b,c in (d,e)`.
pub fn selector_text(selector: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut parts: Vec<String> = equal.map(|(key, value)| format!("{key}={}", text(value))).collect();
    for one in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = text(&one["key"]);
        let mut values: Vec<String> = one["values"].as_array().into_iter().flatten().map(text).collect();
        values.sort();
        parts.push(match one["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key,
        });
    }
    parts.sort();
    parts.join(",")
}

/// GET of a scale.
pub fn scale(core: &Core, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    let stored = find(core, resource, target)?;
    Ok(Answer::json(200, &scale_of(resource, &stored.value())))
}

/// The Scale of an object, with who owns its number.
fn owned_scale(resource: &Resource, live: &Value) -> Value {
    let mut scale = scale_of(resource, live);
    managed::scale::to_scale(live, &Places::of(resource).wanted, &mut scale);
    scale
}

pub fn scale_schema() -> &'static Schema {
    facts().schema("io.k8s.api.autoscaling.v1.Scale").unwrap_or(&ANY)
}

/// Changes the number by what `make` makes of the Scale.
pub fn rescale(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    make: impl Fn(&Write, &Value) -> Result<Value, Failure>,
) -> Result<Answer, Failure> {
    let places = Places::of(resource);
    let name = target.name.as_deref().unwrap_or_default();
    let (manager, time) = (call.manager(), core.now());
    let by = Write {
        manager: &manager,
        version: "autoscaling/v1",
        subresource: "scale",
        time: &time,
        schema: scale_schema(),
        reset: &["status"],
    };
    let changed = write::replace(core, call, resource, target, "scale", |live| {
        let scale = make(&by, &owned_scale(resource, live))?;
        let wanted = match &scale["spec"]["replicas"] {
            Value::Null => 0,
            number => number.as_i64().ok_or_else(|| Failure::bad_request("spec.replicas is not a number"))?,
        };
        if wanted < 0 {
            let about = About { group: "autoscaling", kind: "Scale", name };
            let why = "must be greater than or equal to 0";
            let cause = crate::status::Cause::invalid("spec.replicas", &wanted.into(), why);
            return Err(Failure::invalid(about, &[cause]));
        }
        let mut object = live.clone();
        if let Some((parent, key)) = places.wanted.rsplit_once('/')
            && let Some(Value::Object(fields)) = object.pointer_mut(parent)
        {
            fields.insert(key.to_owned(), wanted.into());
        }
        managed::scale::to_object(live, &resource.api_version(), &places.wanted, &scale, &mut object);
        object["metadata"]["resourceVersion"] = scale["metadata"]["resourceVersion"].clone();
        keep::metadata(&mut object).retain(|_, value| !value.is_null());
        Ok(object)
    })?;
    Ok(Answer::json(200, &scale_of(resource, &changed.value())))
}

/// PUT of a scale.
pub fn put_scale(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    let sent = call.object("Scale")?;
    rescale(core, call, resource, target, |by, live| {
        let mut scale = sent.clone();
        managed::updated(by, Some(live), &mut scale);
        Ok(scale)
    })
}

/// PATCH of a scale.
pub fn patch_scale(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    make: impl Fn(&Value) -> Result<Value, Failure>,
) -> Result<Answer, Failure> {
    rescale(core, call, resource, target, |by, live| {
        let mut scale = make(live)?;
        managed::updated(by, Some(live), &mut scale);
        Ok(scale)
    })
}

/// Server-side apply of a scale, which is there while its object is.
pub fn apply_scale(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    config: &Value,
    force: bool,
) -> Result<Answer, Failure> {
    rescale(core, call, resource, target, |by, live| {
        let mut scale = managed::apply(by, Some(live), config, force, |_, _| ())?;
        scale["metadata"]["resourceVersion"] = config["metadata"]["resourceVersion"].clone();
        Ok(scale)
    })
}

/// `serviceaccounts/NAME/token`: a token for an account.
pub fn token(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    let mut request = call.object("TokenRequest")?;
    let account = find(core, resource, target)?.value();
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(3600).clamp(600, 1 << 32);
    let audiences = request["spec"]["audiences"].as_array().cloned().unwrap_or_default();
    let audiences = if audiences.is_empty() { vec![Value::from(token::ISSUER)] } else { audiences };
    let issued = token::issue(core, &account, &audiences, seconds);
    let name = account["metadata"]["name"].clone();
    request["kind"] = "TokenRequest".into();
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["metadata"] = json!({
        "name": name, "namespace": account["metadata"]["namespace"], "creationTimestamp": core.now(),
    });
    request["spec"]["audiences"] = audiences.into();
    request["spec"]["expirationSeconds"] = seconds.into();
    request["spec"].as_object_mut().into_iter().for_each(|spec| {
        spec.entry("boundObjectRef").or_insert(Value::Null);
    });
    request["status"] = json!({ "token": issued.text, "expirationTimestamp": issued.ends });
    Ok(Answer::json(201, &request))
}
