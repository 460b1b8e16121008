//! DELETE: of one object or of all that a list shows, with its preconditions and what stands in its way.

use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::core::Core;
use crate::life;
use crate::path::Target;
use crate::read::find;
use crate::registry::Resource;
use crate::status::{About, Cause, Failure};
use crate::store::Stored;
use crate::write::{ATTEMPTS, about, about_kind, shown};

const JOBS: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// What a deletion asks for.
#[derive(Default)]
pub struct DeleteOptions {
    pub propagation: String,
    pub grace: Option<i64>,
    pub uid: Option<String>,
    pub revision: Option<String>,
    pub is_dry_run: bool,
}

impl DeleteOptions {
    /// At once, and dependents after it.
    pub fn at_once() -> Self {
        Self { propagation: "Background".to_owned(), grace: Some(0), ..Self::default() }
    }
}

fn refused(cause: &Cause) -> Failure {
    let about = About { group: "meta.k8s.io", kind: "DeleteOptions", name: "" };
    Failure::invalid(about, std::slice::from_ref(cause))
}

fn delete_options(call: &Call) -> Result<DeleteOptions, Failure> {
    let body = if call.body.is_empty() { json!({}) } else { call.options()? };
    let word = |key: &str| body[key].as_str().unwrap_or(call.parameter(key)).to_owned();
    let orphans = body["orphanDependents"].as_bool() == Some(true) || call.is_set("orphanDependents");
    let propagation = if orphans { "Orphan".to_owned() } else { word("propagationPolicy") };
    if !["", "Orphan", "Background", "Foreground"].contains(&propagation.as_str()) {
        let cause = Cause::unsupported(
            "propagationPolicy",
            &propagation.as_str().into(),
            &["Foreground", "Background", "Orphan", "nil"].map(str::to_owned),
        );
        return Err(refused(&cause));
    }
    if orphans && !body["propagationPolicy"].is_null() {
        let why = "orphanDependents and deletionPropagation cannot be both set";
        let cause = Cause::invalid("propagationPolicy", &body["propagationPolicy"], why);
        return Err(refused(&cause));
    }
    let dry_run = body["dryRun"].as_array().map(Vec::as_slice).unwrap_or_default();
    if dry_run.iter().any(|value| value != "All") {
        let cause = Cause::unsupported("dryRun", &body["dryRun"], &["All".to_owned()]);
        return Err(refused(&cause));
    }
    let text = |key: &str| body["preconditions"][key].as_str().map(str::to_owned);
    Ok(DeleteOptions {
        propagation,
        grace: body["gracePeriodSeconds"]
            .as_i64()
            .or_else(|| call.parameter("gracePeriodSeconds").parse().ok()),
        uid: text("uid"),
        revision: text("resourceVersion"),
        is_dry_run: !dry_run.is_empty() || call.is_dry_run()?,
    })
}

/// DELETE of one object.
pub fn delete(core: &Core, call: &Call, resource: &Resource, target: &Target) -> Result<Answer, Failure> {
    let options = delete_options(call)?;
    for _attempt in 0..ATTEMPTS {
        let stored = find(core, resource, target)?;
        if let Some(object) = delete_stored(core, resource, &stored, &options)? {
            return Ok(match object {
                Deleted::Gone(object) => {
                    let mut details = json!({
                        "name": object["metadata"]["name"], "kind": resource.plural, "uid": object["metadata"]["uid"],
                    });
                    if !resource.group.is_empty() {
                        details["group"] = resource.group.as_str().into();
                    }
                    if life::returns_object(resource) {
                        let mut object = object;
                        if resource.is("", "pods") {
                            let generation = object["metadata"]["generation"].as_i64().unwrap_or(0);
                            object["metadata"]["deletionTimestamp"] = core.now().into();
                            object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
                            object["metadata"]["generation"] = (generation + 1).into();
                        }
                        return Ok(Answer::json(200, &shown(resource, object)));
                    }
                    let status = json!({
                        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
                    });
                    Answer::json(200, &status)
                }
                Deleted::Marked(object) => {
                    let answer = Answer::json(200, &shown(resource, object));
                    if resource.is("batch", "jobs") && options.propagation.is_empty() {
                        return Ok(answer.also_warning(JOBS));
                    }
                    answer
                }
            });
        }
    }
    Err(Failure::modified(about(resource, target.name.as_deref().unwrap_or_default())))
}

/// What became of an object.
pub enum Deleted {
    Gone(Value),
    /// It waits for finalizers or for its grace.
    Marked(Value),
}

/// `None`: another write came between.
pub fn delete_stored(
    core: &Core,
    resource: &Resource,
    stored: &Stored,
    options: &DeleteOptions,
) -> Result<Option<Deleted>, Failure> {
    let live = stored.value();
    let name = &stored.key.1;
    let have = live["metadata"]["uid"].as_str().unwrap_or_default();
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != have) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({have}). The object might have been deleted and then recreated"
        );
        return Err(Failure::conflict(about_kind(resource, name), &why));
    }
    let have = stored.revision.to_string();
    if let Some(revision) = options.revision.as_deref().filter(|revision| *revision != have) {
        let why = format!(
            "the ResourceVersion in the precondition ({revision}) does not match the ResourceVersion in record ({have}). The object might have been modified"
        );
        return Err(Failure::conflict(about_kind(resource, name), &why));
    }
    let mut object = live.clone();
    let waits = life::mark(core, resource, &mut object, options);
    if options.is_dry_run {
        return Ok(Some(if waits { Deleted::Marked(object) } else { Deleted::Gone(live) }));
    }
    let table = resource.table();
    if !waits {
        let Ok(gone) = core.store.remove(&table, &stored.key, stored.revision, live) else { return Ok(None) };
        let gone = gone.value();
        life::removed(core, resource, &gone);
        return Ok(Some(Deleted::Gone(gone)));
    }
    if object == live {
        return Ok(Some(Deleted::Marked(live)));
    }
    let Ok(marked) = core.store.write(&table, &stored.key, Some(stored.revision), object) else {
        return Ok(None);
    };
    let object = marked.value();
    life::marked(core, resource, &object);
    core.after_write(resource, &marked);
    Ok(Some(Deleted::Marked(object)))
}

/// DELETE of what a list with the same selectors shows.
pub fn delete_collection(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
) -> Result<Answer, Failure> {
    let options = delete_options(call)?;
    let (list, objects) = crate::read::collection(core, call, resource, target)?;
    for stored in objects {
        let mut current = Some(stored);
        for _attempt in 0..ATTEMPTS {
            let Some(stored) = current else { break };
            if delete_stored(core, resource, &stored, &options)?.is_some() {
                break;
            }
            current = core.store.read(&resource.table(), &stored.key);
        }
    }
    Ok(list)
}
