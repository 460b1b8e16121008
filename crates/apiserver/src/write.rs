//! POST and PUT, and what every write goes through: metadata rules, what is kept, who set what.

mod body;
mod form;

use std::sync::Arc;

use serde_json::Value;

pub use self::body::pruned;
use self::body::{pruned_body, received};
pub use self::form::fit_to;
use self::form::{complete, settle};
use crate::call::{Answer, Call};
use crate::core::Core;
use crate::managed::{self, Write};
use crate::path::Target;
use crate::read::{find, key};
use crate::registry::Resource;
use crate::same::Same;
use crate::status::{About, Cause, Failure};
use crate::store::{Raced, Stored};
use crate::{admit, defaults, escalate, keep, life, validate};

/// How often a write that others overtake is made anew.
pub(crate) const ATTEMPTS: usize = 16;

pub(crate) fn about<'a>(resource: &'a Resource, name: &'a str) -> About<'a> {
    About { group: &resource.group, kind: &resource.plural, name }
}

pub(crate) fn about_kind<'a>(resource: &'a Resource, name: &'a str) -> About<'a> {
    About { group: &resource.group, kind: &resource.kind, name }
}

/// A resource's top-level fields that a write cannot set.
pub fn reset_fields(resource: &Resource, subresource: &str) -> &'static [&'static str] {
    match subresource {
        "status" if resource.is_custom => &["spec"],
        "status" | "approval" => &["spec"],
        "" if resource.has_status() => &["status"],
        _ => &[],
    }
}

/// POST.
pub fn create(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    if target.name.is_some() {
        return Err(Failure::method_not_allowed());
    }
    let mut object = received(call, resource, target)?;
    let mut warnings = pruned_body(call, resource, &mut object)?;
    warnings.extend(validate::warnings(resource, &object));
    let made = insert(core, call, resource, object, |object| {
        managed::updated(
            &Write {
                manager: &call.manager(),
                version: &resource.api_version(),
                subresource: "",
                time: &core.now(),
                schema: &resource.schema,
                reset: reset_fields(resource, ""),
            },
            None,
            object,
        );
    })?;
    Ok(made.answer(201, resource).with_warnings(warnings))
}

/// What a write came to.
pub enum Written {
    Kept(Arc<Stored>),
    /// A dry run.
    Tried(Value),
}

impl Written {
    /// As an answer, in the version that was asked for.
    pub fn answer(self, code: u16, resource: &Resource) -> Answer {
        match self {
            Written::Kept(stored) if resource.version == resource.storage_version => {
                Answer::bytes(code, stored.bytes())
            }
            other => Answer::json(code, &shown(resource, other.value())),
        }
    }

    pub fn value(self) -> Value {
        match self {
            Written::Kept(stored) => stored.value(),
            Written::Tried(object) => object,
        }
    }
}

/// In the version that was asked for.
pub fn shown(resource: &Resource, mut object: Value) -> Value {
    object["apiVersion"] = resource.api_version().into();
    object
}

/// In the version in which objects are kept.
fn kept(resource: &Resource, mut object: Value) -> Value {
    let group = &resource.group;
    object["apiVersion"] = crate::registry::api_version(group, &resource.storage_version).into();
    object
}

/// Creates an object; `record` writes its managedFields once it is complete.
pub fn insert(
    core: &Core,
    call: &Call,
    resource: &Resource,
    mut object: Value,
    record: impl Fn(&mut Value),
) -> Result<Written, Failure> {
    let is_dry_run = call.is_dry_run()?;
    if resource.version != resource.storage_version && !resource.is_custom {
        return Err(Failure::not_implemented(&format!("writes of {}", resource.api_version())));
    }
    if let Some(ns) = object["metadata"]["namespace"].as_str().filter(|_| resource.is_namespaced) {
        let namespace = core.store.read("/namespaces", &(String::new(), ns.to_owned()));
        let about = About { group: "", kind: "namespaces", name: ns };
        let namespace = namespace.ok_or_else(|| Failure::not_found(about))?;
        if namespace.is_deleted {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let message = format!(
                "{} {name:?} is forbidden: unable to create new content in namespace {ns} because it is being terminated",
                qualified(resource)
            );
            let mut failure = Failure::forbidden(self::about(resource, name), message);
            let cause = serde_json::json!({
                "reason": "NamespaceTerminating", "field": "metadata.namespace",
                "message": format!("namespace {ns} is being terminated"),
            });
            if let Some(details) = &mut failure.details {
                details["causes"] = serde_json::json!([cause]);
            }
            return Err(failure);
        }
    }
    let sent_version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if !sent_version.is_empty() {
        let message = "resourceVersion should not be set on objects to be created".to_owned();
        return Err(Failure { code: 500, reason: "", message, details: None, resume: None });
    }
    let metadata = keep::metadata(&mut object);
    let given = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (mut name, prefix) = (given("name"), given("generateName"));
    if name.is_empty() && !prefix.is_empty() {
        name = format!("{}{}", prefix.chars().take(58).collect::<String>(), core.suffix());
    }
    metadata.insert("name".into(), name.as_str().into());
    for key in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata.remove(key);
    }
    metadata.insert("uid".into(), core.uid().into());
    metadata.insert("creationTimestamp".into(), core.now().into());
    if resource.is_custom || defaults::has_generation(resource) {
        metadata.insert("generation".into(), 1.into());
    }
    if resource.has_status()
        && let Value::Object(fields) = &mut object
    {
        fields.remove("status");
    }
    complete(resource, &mut object, &Same::Nothing);
    // What a kind makes of itself is nobody's field.
    record(&mut object);
    defaults::on_create(core, resource, &mut object);
    if resource.is("", "pods") {
        admit::check(core, &object)?;
    }
    let causes = validate::object(resource, &object);
    if !causes.is_empty() {
        return Err(Failure::invalid(about_kind(resource, &name), &causes));
    }
    escalate::check(core, call, resource, None, &object)?;
    settle(resource, "", &mut object);
    let ns = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let key = (ns, name.clone());
    if is_dry_run {
        if core.store.read(&resource.table(), &key).is_some() {
            return Err(Failure::already_exists(about(resource, &name)));
        }
        return Ok(Written::Tried(object));
    }
    let written = core.store.write(&resource.table(), &key, None, kept(resource, object));
    let stored = written.map_err(|Raced| {
        let mut failure = Failure::already_exists(about(resource, &name));
        let known = core.store.read(&resource.table(), &key);
        if known.is_some_and(|known| known.is_deleted) {
            failure.message = format!("object is being deleted: {}", failure.message);
        }
        failure
    })?;
    core.after_write(resource, &stored);
    life::created(core, resource, &stored);
    Ok(Written::Kept(stored))
}

fn qualified(resource: &Resource) -> String {
    if resource.group.is_empty() {
        resource.plural.clone()
    } else {
        format!("{}.{}", resource.plural, resource.group)
    }
}

/// PUT. An object that is not there is not made, as for nearly all real kinds.
pub fn update(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    subresource: &str,
) -> Result<Answer, Failure> {
    let mut object = received(call, resource, target)?;
    let name = target.name.clone().unwrap_or_default();
    let metadata = keep::metadata(&mut object);
    match metadata.get("name").and_then(Value::as_str) {
        None | Some("") => {
            return Err(nameless(&name));
        }
        Some(sent) if sent == name => {}
        Some(sent) => {
            return Err(Failure::bad_request(format!(
                "the name of the object ({sent}) does not match the name on the URL ({name})"
            )));
        }
    }
    if resource.is_custom && object["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty() {
        find(core, resource, target)?;
        let cause = Cause::invalid("metadata.resourceVersion", &0.into(), "must be specified for an update");
        return Err(Failure::invalid(about(resource, &name), &[cause]));
    }
    let warnings = pruned_body(call, resource, &mut object)?;
    let updated = replace(core, call, resource, target, subresource, |live| {
        let mut object = object.clone();
        record_update(core, call, resource, subresource, live, &mut object);
        Ok(object)
    })?;
    Ok(updated.answer(200, resource).with_warnings(warnings))
}

pub fn nameless(name: &str) -> Failure {
    let why = "was undeterminable: name must be provided";
    Failure::bad_request(format!("the name of the object ({name} based on URL) {why}"))
}

/// What a write that is not an apply leaves in managedFields.
pub fn record_update(
    core: &Core,
    call: &Call,
    resource: &Resource,
    subresource: &str,
    live: &Value,
    object: &mut Value,
) {
    let same = Same::between(live, object);
    fit_to(resource, subresource, live, object, &same);
    let write = Write {
        manager: &call.manager(),
        version: &resource.api_version(),
        subresource,
        time: &core.now(),
        schema: &resource.schema,
        reset: reset_fields(resource, subresource),
    };
    managed::updated(&write, Some(live), object);
}

/// Replaces an object by what `make` makes of the live one, again when another write came between.
pub fn replace(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    subresource: &str,
    make: impl Fn(&Value) -> Result<Value, Failure>,
) -> Result<Written, Failure> {
    let is_dry_run = call.is_dry_run()?;
    if resource.version != resource.storage_version && !resource.is_custom {
        return Err(Failure::not_implemented(&format!("writes of {}", resource.api_version())));
    }
    let key = key(resource, target);
    let name = &key.1;
    for _attempt in 0..ATTEMPTS {
        let stored = find(core, resource, target)?;
        let mut live = core.store.value(&stored);
        if resource.version != resource.storage_version {
            live = Arc::new(shown(resource, Arc::unwrap_or_clone(live)));
        }
        let mut object = make(&live)?;
        let sent = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        if !sent.is_empty() && sent != stored.revision.to_string() {
            return Err(Failure::modified(about(resource, name)));
        }
        let (uid, own) = (object["metadata"]["uid"].clone(), &live["metadata"]["uid"]);
        if uid != *own && call.method == http::Method::PUT {
            return Err(other_uid(resource, target, subresource, &uid, own));
        }
        raise_generation(resource, subresource, &live, &mut object);
        let causes = validate::change(resource, &live, &object);
        if !causes.is_empty() {
            return Err(Failure::invalid(about_kind(resource, name), &causes));
        }
        escalate::check(core, call, resource, Some(&live), &object)?;
        settle(resource, subresource, &mut object);
        object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        if managed::is_unchanged(&live, &object) {
            return Ok(Written::Kept(stored));
        }
        if is_dry_run {
            return Ok(Written::Tried(object));
        }
        let is_over = life::is_over(resource, &object);
        let is_owned_otherwise = live["metadata"]["ownerReferences"] != object["metadata"]["ownerReferences"];
        let object = kept(resource, object);
        let table = resource.table();
        let done = if is_over {
            core.store.remove(&table, &key, stored.revision, object)
        } else {
            core.store.write(&table, &key, Some(stored.revision), object)
        };
        if let Ok(stored) = done {
            if is_over {
                life::removed(core, resource, &stored.value());
            } else {
                core.after_write(resource, &stored);
                if is_owned_otherwise {
                    life::created(core, resource, &stored);
                }
            }
            return Ok(Written::Kept(stored));
        }
    }
    Err(Failure::modified(about(resource, name)))
}

/// As storage, or for a scale its own part of the real server, refuses it.
fn other_uid(resource: &Resource, target: &Target, subresource: &str, sent: &Value, own: &Value) -> Failure {
    let name = target.name.as_deref().unwrap_or_default();
    let text = |uid: &Value| uid.as_str().unwrap_or_default().to_owned();
    let why = format!(
        "Precondition failed: UID in precondition: {}, UID in object meta: {}",
        text(sent),
        text(own)
    );
    if subresource == "scale" {
        let kind = format!("{}/scale", resource.plural);
        return Failure::conflict(About { group: &resource.group, kind: &kind, name }, &why);
    }
    let folder = match (resource.group.as_str(), resource.plural.as_str()) {
        (group, plural) if resource.is_custom => format!("{group}/{plural}"),
        ("", "nodes") => "minions".to_owned(),
        ("", "services") => "services/specs".to_owned(),
        ("", "endpoints") => "services/endpoints".to_owned(),
        ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
        (_, plural) => plural.to_owned(),
    };
    let ns = target.ns.as_ref().filter(|_| resource.is_namespaced);
    let place = ns.map_or_else(String::new, |ns| format!("{ns}/"));
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{folder}/{place}{name}, ResourceVersion: 0, AdditionalErrorMsg: {why}"
    );
    Failure::conflict(about(resource, name), &why)
}

/// A change of what is wanted counts as a new generation.
fn raise_generation(resource: &Resource, subresource: &str, live: &Value, object: &mut Value) {
    if subresource == "status" || !(resource.is_custom || defaults::has_generation(resource)) {
        return;
    }
    let ignored: &[&str] =
        if resource.has_status() || !resource.is_custom { &["metadata", "status"] } else { &["metadata"] };
    // A rollout may be asked for by an annotation; the number of the revision is its controller's.
    const REVISION: &[&str] = &["deployment.kubernetes.io/revision"];
    let none = Value::Object(serde_json::Map::new());
    let notes = |object: &'_ Value| match &object["metadata"]["annotations"] {
        notes @ Value::Object(_) => notes.clone(),
        _ => none.clone(),
    };
    let is_noted = (resource.is("apps", "deployments")
        && live["metadata"]["annotations"] != object["metadata"]["annotations"]
        && !keep::is_same_without(&notes(live), &notes(object), REVISION))
        || (resource.is("discovery.k8s.io", "endpointslices")
            && live["metadata"]["labels"] != object["metadata"]["labels"]);
    if is_noted || !keep::is_same_without(live, object, ignored) {
        let generation = live["metadata"]["generation"].as_i64().unwrap_or(0);
        object["metadata"]["generation"] = (generation + 1).into();
    }
}
