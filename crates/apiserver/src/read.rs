//! GET, LIST and WATCH.

mod resume;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::accept::{self, Wish};
use crate::call::{Answer, Call};
use crate::core::Core;
use crate::path::Target;
use crate::registry::Resource;
use crate::selector::{FieldSelector, LabelSelector};
use crate::status::{About, Cause, Failure};
use crate::store::{Forgotten, Key, Stored};
use crate::table::{Include, Tabular};
use crate::watch::{Form, Timer, View, Watch, error_line};

/// A watch that does not say how long ends after half an hour, as real ones do at the least.
const WATCH_TIME: Duration = Duration::from_mins(30);

/// One object.
pub fn get(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    let stored = find(core, resource, target)?;
    Ok(Answer::bytes(200, view(core, call, resource, target)?.shown(&stored)))
}

/// The object that a path names.
pub fn find(core: &Core, resource: &Resource, target: &Target) -> Result<Arc<Stored>, Failure> {
    let key = key(resource, target);
    let name = &key.1;
    core.store
        .read(&resource.table(), &key)
        .ok_or_else(|| Failure::not_found(About { group: &resource.group, kind: &resource.plural, name }))
}

pub fn key(resource: &Resource, target: &Target) -> Key {
    let ns = target.ns.clone().filter(|_| resource.is_namespaced).unwrap_or_default();
    (ns, target.name.clone().unwrap_or_default())
}

fn view(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<View, Failure> {
    let bad = |error: String| Failure::bad_request(error);
    let labels = LabelSelector::parse(call.parameter("labelSelector")).map_err(bad)?;
    let fields = FieldSelector::parse(call.parameter("fieldSelector")).map_err(bad)?;
    for field in fields.fields() {
        let is_common = field == "metadata.name" || (field == "metadata.namespace" && resource.is_namespaced);
        if !is_common
            && !selectable(resource).contains(&field)
            && !resource.selectable.iter().any(|f| f == field)
        {
            if resource.is_custom {
                return Err(Failure::bad_request(format!("field label not supported: {field}")));
            }
            let mut known = vec!["metadata.name"];
            if resource.is_namespaced {
                known.push("metadata.namespace");
            }
            known.extend(selectable(resource));
            let known: Vec<String> = known.iter().map(|field| format!("{field:?}")).collect();
            return Err(Failure::bad_request(format!(
                "{field:?} is not a known field selector: only {}",
                known.join(", ")
            )));
        }
    }
    Ok(View {
        api_version: resource.api_version(),
        converts: resource.version != resource.storage_version,
        kind: resource.kind.clone(),
        ns: target.ns.clone().filter(|_| resource.is_namespaced),
        name: target.name.clone().or_else(|| fields.only_name().map(str::to_owned)),
        labels,
        fields,
        form: form(core, call, resource, target.name.is_some())?,
    })
}

/// What the client would rather have: the best of its wishes that this server knows.
fn form(core: &Core, call: &Call, resource: &Resource, is_one: bool) -> Result<Form, Failure> {
    let Wish { shape, version, .. } = accept::wish(call, is_one, resource.is_custom)?;
    match shape.as_deref() {
        None => Ok(Form::Whole),
        Some("Table") => {
            let include = match call.parameter("includeObject") {
                "" | "Metadata" => Include::Metadata,
                "None" => Include::None,
                "Object" => Include::Object,
                other => {
                    return Err(Failure::bad_request(format!(
                        "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
                    )));
                }
            };
            let table = Tabular { resource: resource.clone(), clock: core.clock(), include, version };
            Ok(Form::Table(Box::new(table)))
        }
        Some("PartialObjectMetadataList") if is_one => Err(Failure::not_acceptable(
            format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*{}.{})",
                accept::package(resource),
                resource.kind
            ),
            None,
        )),
        Some(_) => Ok(Form::Metadata),
    }
}

/// What else field selectors may name, by resource.
fn selectable(resource: &Resource) -> &'static [&'static str] {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("", "secrets") => &["type"],
        ("", "namespaces") => &["status.phase"],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => &["status.replicas"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        _ => &[],
    }
}

/// A list, and the objects that it shows.
pub fn collection(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
) -> Result<(Answer, Vec<Arc<Stored>>), Failure> {
    let view = view(core, call, resource, target)?;
    let listed = core.store.list(&resource.table(), view.ns.as_deref());
    let objects = listed.objects.into_iter().filter(|stored| view.sees(stored)).collect();
    Ok((list(core, call, resource, target)?, objects))
}

/// A collection: listed or watched.
pub fn list(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    for name in ["limit", "timeoutSeconds"] {
        let text = call.parameter(name);
        if !text.is_empty() && text.parse::<i64>().is_err() {
            let why = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
            return Err(Failure::bad_request(why));
        }
    }
    if call.is_set("watch") {
        return watch(core, call, resource, target);
    }
    check_list(call)?;
    let view = view(core, call, resource, target)?;
    let limit: usize = call.parameter("limit").parse().unwrap_or(0);
    let table = resource.table();
    let from = resume::read(call)?;
    let asked: Option<u64> = call.parameter("resourceVersion").parse().ok().filter(|asked| *asked > 0);
    let current = core.store.revision();
    let wanted = from.as_ref().map(|(revision, _)| *revision).filter(|revision| *revision > 0).or(asked);
    if let Some(wanted) = wanted.filter(|wanted| *wanted > current) {
        return Err(Failure::too_new(wanted, current));
    }
    let is_exact = call.parameter("resourceVersionMatch") == "Exact";
    let listed = match &from {
        Some((revision, key)) if *revision > 0 => {
            core.store
                .list_at(&table, view.ns.as_deref(), *revision)
                .map_err(|Forgotten(_)| resume::too_late(key, view.ns.is_some()))?
        }
        None if is_exact => core
            .store
            .list_at(&table, view.ns.as_deref(), asked.unwrap_or(0))
            .map_err(|Forgotten(_)| Failure::expired(resume::GONE))?,
        _ => core.store.list(&table, view.ns.as_deref()),
    };
    let after = from.as_ref().map(|(_, key)| key);
    let mut objects = listed.objects.iter().filter(|stored| after.is_none_or(|after| stored.key > *after));
    let mut seen = objects.by_ref().filter(|stored| view.sees(stored));
    let shown: Vec<&Arc<Stored>> =
        if limit > 0 { seen.by_ref().take(limit).collect() } else { seen.by_ref().collect() };
    let left = if limit > 0 { seen.count() } else { 0 };
    let revision = listed.revision;
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    if let (true, Some(last)) = (left > 0, shown.last()) {
        metadata["continue"] = resume::write(revision, &last.key, view.ns.is_some()).into();
        if view.labels.is_empty() && view.fields.is_empty() {
            metadata["remainingItemCount"] = left.into();
        }
    }
    if resource.is_custom && metadata.get("continue").is_none() {
        metadata["continue"] = "".into();
    }
    if let Form::Table(table) = &view.form {
        if metadata["continue"] == "" {
            metadata.as_object_mut().into_iter().for_each(|fields| drop(fields.remove("continue")));
        }
        let objects: Vec<Value> = shown.iter().map(|stored| view.whole(stored.value())).collect();
        return Ok(Answer::json(200, &table.table(metadata, &objects, true)));
    }
    let (kind, api_version) = if matches!(view.form, Form::Metadata) {
        ("PartialObjectMetadataList", "meta.k8s.io/v1")
    } else {
        (resource.list_kind.as_str(), view.api_version.as_str())
    };
    // Texts are joined: a list of many objects is not parsed to be written again.
    let mut body =
        format!("{{\"kind\":{kind:?},\"apiVersion\":{api_version:?},\"metadata\":{metadata},\"items\":[")
            .into_bytes();
    body.reserve_exact(shown.iter().map(|stored| stored.len() + 1).sum::<usize>() + 2);
    for (index, stored) in shown.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        // Items of built-in lists do not repeat their kind.
        if resource.is_custom || matches!(view.form, Form::Metadata) {
            body.extend_from_slice(&view.shown(stored));
        } else {
            stored.write_bare(&mut body);
        }
    }
    body.extend_from_slice(b"]}");
    Ok(Answer::bytes(200, body.into()))
}

/// Options of lists that do not fit together.
fn check_list(call: &Call) -> Result<(), Failure> {
    let about = About { group: "meta.k8s.io", kind: "ListOptions", name: "" };
    let forbidden = |field: &str, why: &str| {
        let cause = Cause::new("FieldValueForbidden", field, format!("Forbidden: {why}"));
        Err(Failure::invalid(about, &[cause]))
    };
    let (version, matching) = (call.parameter("resourceVersion"), call.parameter("resourceVersionMatch"));
    if call.query.contains_key("sendInitialEvents") {
        return forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    match matching {
        "" => {}
        _ if !call.parameter("continue").is_empty() => {
            let why = "resourceVersionMatch is forbidden when continue is provided";
            return forbidden("resourceVersionMatch", why);
        }
        _ if version.is_empty() => {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            return forbidden("resourceVersionMatch", why);
        }
        "Exact" if version == "0" => {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            return forbidden("resourceVersionMatch", why);
        }
        "Exact" | "NotOlderThan" => {}
        other => {
            let known = ["Exact", "NotOlderThan", ""].map(str::to_owned);
            let cause = Cause::unsupported("resourceVersionMatch", &other.into(), &known);
            return Err(Failure::invalid(about, &[cause]));
        }
    }
    if !version.is_empty() && version.parse::<u64>().is_err() {
        let why = format!(
            "invalid resource version: resourceVersion: Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
        );
        return Err(Failure::bad_request(why));
    }
    Ok(())
}

/// Options of watches that do not fit together.
fn check_watch(call: &Call) -> Result<(), Failure> {
    const FIELD: &str = "resourceVersionMatch";
    let about = About { group: "meta.k8s.io", kind: "ListOptions", name: "" };
    let matching = call.parameter(FIELD);
    let why = match (call.query.contains_key("sendInitialEvents"), matching) {
        (true, "NotOlderThan") | (false, "") => None,
        (true, _) => Some("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        (false, _) => {
            Some("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
        }
    };
    let mut causes: Vec<Cause> = why
        .map(|why| Cause::new("FieldValueForbidden", FIELD, format!("Forbidden: {why}")))
        .into_iter()
        .collect();
    if !matches!(matching, "" | "NotOlderThan") {
        causes.push(Cause::unsupported(FIELD, &matching.into(), &["NotOlderThan".to_owned()]));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(about, &causes)) }
}

fn watch(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    check_watch(call)?;
    let view = view(core, call, resource, target)?;
    let table = resource.table();
    let wants_initial = call.is_set("sendInitialEvents");
    let asked = call.parameter("resourceVersion");
    let after: u64 = match asked {
        "" => 0,
        text => text.parse().map_err(|_| {
            Failure::plain(format!(
                "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            ))
        })?,
    };
    let begins_now = after == 0 || wants_initial;
    let (initial, revision) = if begins_now {
        let listed = core.store.list(&table, view.ns.as_deref());
        let initial = listed.objects.into_iter().filter(|stored| view.sees(stored)).collect();
        let is_quiet = call.query.get("sendInitialEvents").is_some_and(|value| value == "false");
        (if is_quiet { VecDeque::new() } else { initial }, listed.revision)
    } else {
        (VecDeque::new(), after)
    };
    let changes = match core.store.watch(&table, revision) {
        Ok(changes) => changes,
        // The real server says so inside of the watch.
        Err(Forgotten(oldest)) => {
            let failure = Failure::expired(&format!("too old resource version: {revision} ({oldest})"));
            return Ok(Answer::bytes(200, error_line(&failure)));
        }
    };
    let seconds = call.parameter("timeoutSeconds").parse().ok().filter(|seconds| *seconds > 0);
    let time = seconds.map_or(WATCH_TIME, Duration::from_secs);
    Ok(Answer::Watch(Box::new(Watch {
        view,
        initial,
        changes,
        bookmarks: call.is_set("allowWatchBookmarks"),
        marks_end_of_initial: wants_initial && call.is_set("allowWatchBookmarks"),
        revision,
        ends: Instant::now() + time,
        has_columns: false,
        timer: Timer::default(),
    })))
}
