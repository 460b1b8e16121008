//! Server-side apply: a configuration merged into an object, what others own of it, and what goes.

use serde_json::{Value, json};
use sluice_fields::{FieldSet, PathElement};

use super::{
    Entry, Identity, Managers, UNTRACKED, Write, bare, blank, entries, is_same_but_managers, read, record,
    take, write,
};
use crate::same::Same;
use crate::schema::Schema;
use crate::status::{Cause, Failure};
use crate::typed;

const KUBECTL: &str = "kubectl";
/// What kubectl notes when it applies on the client's side.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Applies a configuration: the merged object, with its managedFields. `complete` makes of a merged object what the
/// server would keep of it (defaults); what is as it was is complete.
pub fn apply(
    write_by: &Write,
    live: Option<&Value>,
    config: &Value,
    force: bool,
    complete: impl Fn(&mut Value, &Same),
) -> Result<Value, Failure> {
    let identity = write_by.identity("Apply");
    let empty = json!({ "apiVersion": config["apiVersion"], "kind": config["kind"] });
    let kept = live.unwrap_or(&empty);
    let mut before = live.map(read).unwrap_or_default();
    if before.is_empty() && live.is_some() {
        record(write_by, UNTRACKED, &blank(config), &bare(kept), &mut before);
    }
    let set = typed::unique_field_set(write_by.schema, config).map_err(|error| described(&error))?;
    let mut merged = bare(kept);
    let same = typed::merge(write_by.schema, &mut merged, config, kept).map_err(|error| described(&error))?;
    if let Some(metadata) = merged.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let is_as_it_was = same.is_all();
    let (last, last_time) =
        before.get(&identity).map(|entry| (entry.fields.clone(), entry.time.clone())).unwrap_or_default();
    let mut managers = before.clone();
    let owned = write_by.owned(&set);
    if let (Some(live), Some(own)) = (live, managers.get(&identity))
        && is_as_it_was
        && own.fields == owned
        && own.version == write_by.version
        && write_by.manager != KUBECTL
    {
        return Ok(live.clone());
    }
    let (version, time) = (write_by.version.to_owned(), last_time);
    // What is applied again is not taken out.
    let (mut object, same, is_as_it_was) = if last.is_within(&owned) {
        managers.insert(identity.clone(), Entry { fields: FieldSet::default(), version, time });
        (merged, same, is_as_it_was)
    } else {
        // What is owned by nobody is kept where the configuration says it.
        let fields = write_by.settable(&set);
        managers.insert(identity.clone(), Entry { fields, version, time });
        let pruned = prune(write_by.schema, &merged, &managers, &last)?;
        let (same, is_as_it_was) = (Same::between(kept, &pruned), is_same_but_managers(kept, &pruned));
        (pruned, same, is_as_it_was)
    };
    if let Some(entry) = managers.get_mut(&identity) {
        entry.fields = owned;
    }
    // That its managers are gone is no change of anybody's field.
    let found = typed::compare_rest(write_by.schema, kept, &object, &same);
    let changed = write_by.owned(&found.modified.union(&found.added));
    let mut conflicts = Vec::new();
    for (other, entry) in managers.iter().filter(|(other, _)| **other != identity && !changed.is_empty()) {
        let shared = entry.fields.intersection(&changed);
        if !shared.is_empty() {
            conflicts.push((other.clone(), entry.clone(), shared));
        }
    }
    if !force && !conflicts.is_empty() {
        let allowed = last_applied(write_by, live, &bare(kept));
        for (_, _, shared) in &mut conflicts {
            *shared = shared.difference(&allowed);
        }
        conflicts.retain(|(_, _, shared)| !shared.is_empty());
    }
    if !force && !conflicts.is_empty() {
        return Err(conflict(conflicts));
    }
    take(&mut managers, Some(&identity), write_by, &found);
    // Who applies what already is so has changed nothing, and its time stays.
    if let Some(entry) = managers.get_mut(&identity).filter(|_| !is_as_it_was) {
        write_by.time.clone_into(&mut entry.time);
    }
    if write_by.manager == KUBECTL
        && object["metadata"]["annotations"][LAST_APPLIED].as_str().is_some_and(|text| !text.is_empty())
    {
        object["metadata"]["annotations"][LAST_APPLIED] = client_side(config).into();
    }
    complete(&mut object, &same);
    write(&mut object, &managers, &before, live.map(entries).unwrap_or_default());
    Ok(object)
}

/// What kubectl applied on the client's side and still is so: it may take that over.
fn last_applied(write_by: &Write, live: Option<&Value>, live_bare: &Value) -> FieldSet {
    let none = FieldSet::default();
    let text = live.and_then(|live| live["metadata"]["annotations"][LAST_APPLIED].as_str());
    let Some(text) = text.filter(|_| write_by.manager == KUBECTL) else { return none };
    let Ok(applied) = serde_json::from_str::<Value>(text) else { return none };
    if applied["apiVersion"] != write_by.version {
        return none;
    }
    let Ok(set) = typed::field_set(write_by.schema, &applied) else { return none };
    let found = typed::compare(write_by.schema, &applied, live_bare);
    set.difference(&found.modified).difference(&found.added).difference(&found.removed)
}

/// Where an apply has written down its configuration for kubectl's other way of applying, it is told as it was sent.
pub fn note_sent(
    object: &mut Value,
    config: &Value,
    sent: impl FnOnce() -> Result<Value, Failure>,
) -> Result<(), Failure> {
    let note = object.pointer_mut("/metadata/annotations").and_then(|notes| notes.get_mut(LAST_APPLIED));
    if let Some(note) = note.filter(|note| **note == client_side(config).as_str()) {
        *note = client_side(&sent()?).into();
    }
    Ok(())
}

/// A configuration as the annotation keeps it.
fn client_side(config: &Value) -> String {
    let mut config = config.clone();
    if let Some(notes) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        notes.remove(LAST_APPLIED);
    }
    let text = config.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    format!("{text}\n")
}

fn described(error: &typed::TypedError) -> Failure {
    Failure::plain(error.to_string())
}

/// Takes out what this manager applied before and does not apply now, unless others own it.
fn prune(schema: &Schema, merged: &Value, managers: &Managers, last: &FieldSet) -> Result<Value, Failure> {
    if last.is_empty() {
        return Ok(merged.clone());
    }
    let fields = |value: &Value| {
        let set = typed::field_set(schema, value).map_err(|error| described(&error))?;
        Ok(typed::named_members(schema, &set))
    };
    let last = typed::named_members(schema, last);
    let in_merged = fields(merged)?;
    let mut pruned = typed::remove(schema, merged, &last);
    let owned = managers.values().fold(FieldSet::default(), |all, entry| all.union(&entry.fields));
    let kept = fields(&pruned)?.union(&typed::named_members(schema, &owned));
    pruned = typed::remove(schema, merged, &in_merged.difference(&kept));
    let gone = in_merged.difference(&fields(&pruned)?).intersection(&last);
    Ok(typed::remove(schema, merged, &gone))
}

/// Of fields in one place those come first that have none below them.
fn outer_first(a: &[PathElement], b: &[PathElement]) -> std::cmp::Ordering {
    let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let is_below = |path: &[PathElement]| path.len() > shared + 1;
    is_below(a).cmp(&is_below(b)).then_with(|| a.cmp(b))
}

/// As the real server words it.
fn conflict(conflicts: Vec<(Identity, Entry, FieldSet)>) -> Failure {
    let described = |identity: &Identity, entry: &Entry| {
        let mut text = format!("{:?}", identity.manager);
        if !identity.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", identity.subresource));
        }
        if identity.operation == "Update" {
            text.push_str(&format!(" using {}", entry.version));
        }
        text
    };
    let shown = |path: &[PathElement]| path.iter().map(ToString::to_string).collect::<String>();
    let mut by_manager: Vec<(String, Vec<String>)> = Vec::new();
    for (identity, entry, fields) in &conflicts {
        let mut paths = fields.leaves().paths();
        paths.sort_by(|a, b| outer_first(a, b));
        let paths: Vec<String> = paths.iter().map(|path| shown(path)).collect();
        by_manager.push((described(identity, entry), paths));
    }
    by_manager.sort();
    let count: usize = by_manager.iter().map(|(_, paths)| paths.len()).sum();
    let causes = by_manager.iter().flat_map(|(who, paths)| {
        paths.iter().map(move |path| Cause::new("FieldManagerConflict", path, format!("conflict with {who}")))
    });
    let causes: Vec<Cause> = causes.collect();
    let noun = if count == 1 { "conflict" } else { "conflicts" };
    let message = match by_manager.as_slice() {
        [(who, paths)] if paths.len() == 1 => {
            format!("Apply failed with {count} {noun}: conflict with {who}: {}", paths[0])
        }
        _ => {
            let parts = by_manager
                .iter()
                .map(|(who, paths)| format!("conflicts with {who}:\n- {}", paths.join("\n- ")));
            format!("Apply failed with {count} {noun}: {}", parts.collect::<Vec<_>>().join("\n"))
        }
    };
    Failure::apply_conflict(message, causes)
}
