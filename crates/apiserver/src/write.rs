//! POST and PUT, and what every write goes through: metadata rules, what is kept, who set what.

use std::sync::Arc;

use serde_json::Value;

use crate::call::{Answer, Call};
use crate::core::Core;
use crate::facts::facts;
use crate::managed::{self, Write};
use crate::path::Target;
use crate::read::{find, key};
use crate::registry::Resource;
use crate::status::{About, Cause, Failure};
use crate::store::{Raced, Stored};
use crate::{admit, decode, defaults, escalate, keep, life, print, text, validate};

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

/// What the client sent, made to fit the path.
fn received(call: &Call, resource: &Resource, target: &Target) -> Result<Value, Failure> {
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
pub fn typed(resource: &Resource, object: &mut Value) -> Result<(), Failure> {
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
fn pruned_body(call: &Call, resource: &Resource, object: &mut Value) -> Result<Vec<String>, Failure> {
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

/// Defaults and what the kind itself sets.
pub fn complete(resource: &Resource, object: &mut Value) {
    if resource.is_custom {
        keep::default(&resource.schema, object);
    } else {
        keep::drop_nulls(object);
        if object["spec"].is_null() || object["spec"]["template"].is_null() {
            // A struct that nobody has set is there.
            keep::default(&resource.schema, object);
        }
        // Amounts take their form; what does not fit is told elsewhere.
        let _ = decode::body(&resource.schema, object);
        defaults::set(resource, object);
        keep::default(&resource.schema, object);
        keep::drop_nulls(object);
        print::zeros(&resource.group, &resource.version, &resource.kind, object);
    }
    let metadata = keep::metadata(object);
    for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let is_empty = metadata.get(name).is_some_and(|value| {
            value.is_null()
                || value.as_object().is_some_and(|map| map.is_empty())
                || value.as_array().is_some_and(Vec::is_empty)
        });
        if is_empty {
            metadata.remove(name);
        }
    }
    metadata.retain(|_, value| !value.is_null());
}

/// What is left out of an object when it is kept, after it is recorded who set what.
fn settle(resource: &Resource, subresource: &str, object: &mut Value) {
    if resource.is_custom {
        return;
    }
    if is_about_status(subresource) {
        // The rest is as it was kept.
        let mut status = serde_json::json!({ "status": object["status"].take() });
        print::settle(&resource.group, &resource.version, &resource.kind, &mut status);
        set_or_remove(object, "status", status["status"].take());
        return;
    }
    print::settle(&resource.group, &resource.version, &resource.kind, object);
    if resource.is("", "services")
        && object["spec"]["type"] == "ExternalName"
        && let Some(spec) = object["spec"].as_object_mut()
    {
        spec.remove("internalTrafficPolicy");
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
                Answer::bytes(code, stored.bytes.clone())
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
    complete(resource, &mut object);
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
    fit_to(resource, subresource, live, object);
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

fn is_about_status(subresource: &str) -> bool {
    matches!(subresource, "status" | "approval")
}

/// What this write may not change is as it was.
pub fn fit_to(resource: &Resource, subresource: &str, live: &Value, object: &mut Value) {
    let is_status = is_about_status(subresource);
    if is_status && let Value::Object(fields) = object {
        // The rest is as it was, and complete.
        fields.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
    }
    complete(resource, object);
    if is_status {
        let status = object["status"].take();
        let sent = object["metadata"].clone();
        *object = live.clone();
        set_or_remove(object, "status", status);
        // Metadata goes along for built-in kinds, save what is the object's own.
        if !resource.is_custom {
            object["metadata"]["labels"] = sent["labels"].clone();
            object["metadata"]["annotations"] = sent["annotations"].clone();
        }
        object["metadata"]["managedFields"] = sent["managedFields"].clone();
        object["metadata"]["resourceVersion"] = sent["resourceVersion"].clone();
        object["metadata"]["uid"] = sent["uid"].clone();
        keep::metadata(object).retain(|_, value| !value.is_null());
    } else if resource.has_status() && subresource.is_empty() {
        set_or_remove(object, "status", live["status"].clone());
    }
    defaults::on_update(resource, live, object);
    let metadata = keep::metadata(object);
    for key in
        ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"]
    {
        match live["metadata"].get(key) {
            Some(value) => metadata.insert(key.to_owned(), value.clone()),
            None => metadata.remove(key),
        };
    }
    if metadata.get("uid").is_none_or(|uid| uid == "") {
        metadata.insert("uid".into(), live["metadata"]["uid"].clone());
    }
}

fn set_or_remove(object: &mut Value, key: &str, value: Value) {
    let Value::Object(fields) = object else { return };
    if value.is_null() {
        fields.remove(key);
    } else {
        fields.insert(key.to_owned(), value);
    }
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
