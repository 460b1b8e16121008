//! `metadata.managedFields`: who set which fields, server-side apply and the record of other writes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_fields::{FieldSet, PathElement};

use crate::keep;
use crate::schema::Schema;
use crate::status::{Cause, Failure};
use crate::typed::{self, Comparison};

/// Managers that only update, before the oldest are folded into one.
const UPDATERS_LIMIT: usize = 10;
/// Under which name they are folded.
const ANCIENT: &str = "ancient-changes";

/// Who: operation, manager, version (updates only), subresource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    operation: String,
    manager: String,
    version: String,
    subresource: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    fields: FieldSet,
    version: String,
    time: String,
}

type Managers = BTreeMap<Identity, Entry>;

/// One write: who writes what, at which time.
pub struct Write<'a> {
    pub manager: &'a str,
    pub version: &'a str,
    pub subresource: &'a str,
    pub time: &'a str,
    pub schema: &'a Schema,
    /// Top-level fields that this write cannot set.
    pub reset: &'a [&'a str],
}

impl Write<'_> {
    fn identity(&self, operation: &str) -> Identity {
        let version = if operation == "Apply" { "" } else { self.version };
        Identity {
            operation: operation.to_owned(),
            manager: self.manager.to_owned(),
            version: version.to_owned(),
            subresource: self.subresource.to_owned(),
        }
    }

    /// Without what no manager owns.
    fn owned(&self, fields: &FieldSet) -> FieldSet {
        let field = |name: &str| PathElement::Field(name.to_owned());
        let mut nobody = FieldSet::default();
        let mut ignored: FieldSet = FieldSet::default();
        for name in ["apiVersion", "kind", "metadata"] {
            nobody.insert([field(name)]);
        }
        for name in [
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        ] {
            ignored.insert([field("metadata"), field(name)]);
        }
        for name in self.reset {
            ignored.insert([field(name)]);
        }
        fields.difference(&nobody).recursive_difference(&ignored)
    }
}

fn read(object: &Value) -> Managers {
    let mut managers = Managers::new();
    for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let Ok(fields) = FieldSet::from_value(&entry["fieldsV1"]) else { continue };
        let (operation, version) = (text("operation"), text("apiVersion"));
        let identity = Identity {
            version: if operation == "Apply" { String::new() } else { version.clone() },
            operation,
            manager: text("manager"),
            subresource: text("subresource"),
        };
        managers.insert(identity, Entry { fields, version, time: text("time") });
    }
    managers
}

fn write(object: &mut Value, managers: &Managers) {
    let mut entries: Vec<(&Identity, &Entry)> = managers.iter().collect();
    entries.sort_by(|(a, ea), (b, eb)| {
        (&a.operation, &ea.time, &a.manager, &ea.version, &a.subresource).cmp(&(
            &b.operation,
            &eb.time,
            &b.manager,
            &eb.version,
            &b.subresource,
        ))
    });
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(identity, entry)| {
            let mut value = json!({
                "manager": identity.manager, "operation": identity.operation, "apiVersion": entry.version,
                "time": entry.time, "fieldsType": "FieldsV1", "fieldsV1": entry.fields.to_value(),
            });
            if !identity.subresource.is_empty() {
                value["subresource"] = identity.subresource.as_str().into();
            }
            value
        })
        .collect();
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".into(), entries.into());
    }
}

fn bare(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(metadata) = bare["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    bare
}

/// Records a write that is not an apply: `object` gets its managedFields. `live` is `None` on creation.
pub fn updated(write_by: &Write, live: Option<&Value>, object: &mut Value) {
    // A client that sends none keeps what was there; one that sends an empty list resets them.
    let sent = object["metadata"]["managedFields"].as_array().cloned();
    let is_reset = sent.as_ref().is_some_and(|entries| entries.len() <= 1 && entries.iter().all(is_blank));
    if is_reset {
        write(object, &Managers::new());
        return;
    }
    let before = match (&sent, live) {
        (Some(_), _) if live.is_some() => read(object),
        (_, Some(live)) => read(live),
        _ => Managers::new(),
    };
    if live.is_some_and(|live| read(live).is_empty()) && before.is_empty() {
        write(object, &before);
        return;
    }
    let old = live.map_or_else(|| keep::blank(write_by.schema), bare);
    let new = bare(object);
    let found = typed::compare(write_by.schema, &old, &new);
    let mut managers = before.clone();
    let identity = write_by.identity("Update");
    take(&mut managers, &identity, write_by, &found);
    let had = managers.get(&identity).map(|entry| entry.fields.clone()).unwrap_or_default();
    let now = had.difference(&found.removed).union(&found.modified).union(&found.added);
    let now = write_by.owned(&now);
    if now.is_empty() {
        managers.remove(&identity);
    } else {
        let entry = Entry { fields: now, version: write_by.version.to_owned(), time: String::new() };
        managers.insert(identity, entry);
    }
    fold_oldest(&mut managers);
    keep_times(&before, &mut managers, write_by.time);
    write(object, &managers);
}

fn is_blank(entry: &Value) -> bool {
    entry.as_object().is_some_and(|fields| fields.is_empty())
}

/// What was changed by one is no longer anyone else's.
fn take(managers: &mut Managers, writer: &Identity, write_by: &Write, found: &Comparison) {
    let changed = write_by.owned(&found.modified.union(&found.added));
    for (identity, entry) in managers.iter_mut().filter(|(identity, _)| *identity != writer) {
        let _ = identity;
        entry.fields = entry.fields.difference(&changed).difference(&write_by.owned(&found.removed));
    }
    managers.retain(|identity, entry| identity == writer || !entry.fields.is_empty());
}

fn fold_oldest(managers: &mut Managers) {
    let mut updaters: Vec<(String, Identity)> = managers
        .iter()
        .filter(|(identity, _)| identity.operation == "Update" && identity.subresource.is_empty())
        .map(|(identity, entry)| (entry.time.clone(), identity.clone()))
        .collect();
    if updaters.len() <= UPDATERS_LIMIT {
        return;
    }
    // Entries of this write have no time yet and are the youngest.
    updaters.sort_by(|a, b| (a.0.is_empty(), &a.0).cmp(&(b.0.is_empty(), &b.0)));
    let surplus = updaters.len() - UPDATERS_LIMIT;
    for (time, identity) in updaters.into_iter().take(surplus + 1) {
        let Some(entry) = managers.remove(&identity) else { continue };
        let folded = Identity { manager: ANCIENT.to_owned(), ..identity };
        let known = managers.entry(folded).or_insert(Entry {
            fields: FieldSet::default(),
            version: entry.version,
            time,
        });
        known.fields = known.fields.union(&entry.fields);
    }
}

/// An entry keeps its time while its fields stay the same.
fn keep_times(before: &Managers, managers: &mut Managers, now: &str) {
    for (identity, entry) in managers.iter_mut() {
        let same =
            before.get(identity).filter(|old| old.fields == entry.fields && old.version == entry.version);
        entry.time = same.map_or(now, |old| old.time.as_str()).to_owned();
    }
}

/// Whether two objects differ in more than the times of their managers.
pub fn is_unchanged(live: &Value, object: &Value) -> bool {
    let timeless = |object: &Value| {
        let mut managers = read(object);
        for entry in managers.values_mut() {
            entry.time.clear();
        }
        managers
    };
    bare(live) == bare(object) && timeless(live) == timeless(object)
}

/// Applies a configuration: the merged object, with its managedFields. `complete` makes of a merged object what the
/// server would keep of it (defaults).
pub fn apply(
    write_by: &Write,
    live: Option<&Value>,
    config: &Value,
    force: bool,
    complete: impl Fn(&mut Value) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let identity = write_by.identity("Apply");
    let empty = json!({ "apiVersion": config["apiVersion"], "kind": config["kind"] });
    let live_bare = live.map_or(empty, bare);
    let mut before = live.map(read).unwrap_or_default();
    let original = before.clone();
    if before.is_empty()
        && let Some(live) = live
    {
        let found = typed::compare(write_by.schema, &json!({}), &bare(live));
        let whole = found.added.union(&found.modified);
        let unknown = Identity {
            operation: "Update".into(),
            manager: "before-first-apply".into(),
            version: write_by.version.into(),
            subresource: String::new(),
        };
        let fields = write_by.owned(&whole);
        before.insert(
            unknown,
            Entry { fields, version: write_by.version.to_owned(), time: write_by.time.to_owned() },
        );
    }
    let set = typed::field_set(write_by.schema, config).map_err(|error| described(&error))?;
    let merged = typed::merge(write_by.schema, &live_bare, config).map_err(|error| described(&error))?;
    let last = before.get(&identity).map(|entry| entry.fields.clone()).unwrap_or_default();
    let mut managers = before.clone();
    let entry =
        Entry { fields: write_by.owned(&set), version: write_by.version.to_owned(), time: String::new() };
    managers.insert(identity.clone(), entry);
    let mut object = prune(write_by.schema, &merged, &managers, &last)?;
    let found = typed::compare(write_by.schema, &live_bare, &object);
    let changed = write_by.owned(&found.modified.union(&found.added));
    let mut conflicts = Vec::new();
    for (other, entry) in managers.iter().filter(|(other, _)| **other != identity) {
        let shared = entry.fields.intersection(&changed);
        if !shared.is_empty() {
            conflicts.push((other.clone(), entry.clone(), shared));
        }
    }
    if !force && !conflicts.is_empty() {
        return Err(conflict(conflicts));
    }
    take(&mut managers, &identity, write_by, &found);
    managers.retain(|_, entry| !entry.fields.is_empty());
    complete(&mut object)?;
    keep_times(&original, &mut managers, write_by.time);
    write(&mut object, &managers);
    Ok(object)
}

fn described(error: &typed::TypedError) -> Failure {
    Failure::internal(&error.to_string())
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
