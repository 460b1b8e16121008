//! `metadata.managedFields`: who set which fields, server-side apply and the record of other writes.

mod apply;
pub mod scale;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Value, json};
use sluice_fields::{FieldSet, PathElement};

pub use self::apply::{apply, note_sent};
use crate::keep;
use crate::print;
use crate::schema::Schema;
use crate::typed::{self, Comparison};

/// Managers that only update, before the oldest are folded into one.
const UPDATERS_LIMIT: usize = 10;
/// Under which name they are folded.
const ANCIENT: &str = "ancient-changes";
/// Whose the fields of an untracked object are when it is first applied.
const UNTRACKED: &str = "before-first-apply";

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
    /// Empty where nobody has said: who sets what already was so has changed nothing.
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

    /// Without what this write cannot set.
    fn settable(&self, fields: &FieldSet) -> FieldSet {
        let mut ignored = FieldSet::default();
        for name in self.reset {
            ignored.insert([PathElement::Field((*name).to_owned())]);
        }
        fields.recursive_difference(&ignored)
    }

    /// Without what no manager owns.
    fn owned(&self, fields: &FieldSet) -> FieldSet {
        if fields.is_empty() {
            return FieldSet::default();
        }
        let (nobody, ignored) = unowned();
        let owned = fields.difference(nobody).recursive_difference(ignored);
        if self.reset.is_empty() {
            return owned;
        }
        let reset = self.reset.iter().map(|name| vec![PathElement::Field((*name).to_owned())]);
        owned.recursive_difference(&reset.collect())
    }
}

/// What nobody owns: fields themselves, and fields with all that is below them.
fn unowned() -> &'static (FieldSet, FieldSet) {
    static SETS: OnceLock<(FieldSet, FieldSet)> = OnceLock::new();
    SETS.get_or_init(|| {
        let field = |name: &str| PathElement::Field(name.to_owned());
        let nobody = ["apiVersion", "kind", "metadata"].map(|name| vec![field(name)]);
        let ignored = [
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        ];
        let ignored = ignored.map(|name| vec![field("metadata"), field(name)]);
        (nobody.into_iter().collect(), ignored.into_iter().collect())
    })
}

fn read(object: &Value) -> Managers {
    decoded(object).unwrap_or_default()
}

/// `None`: an entry is none of ours.
fn decoded(object: &Value) -> Option<Managers> {
    let mut managers = Managers::new();
    for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let (operation, version) = (text("operation"), text("apiVersion"));
        if !matches!(operation.as_str(), "Apply" | "Update")
            || version.is_empty()
            || text("fieldsType") != "FieldsV1"
        {
            return None;
        }
        let fields = match &entry["fieldsV1"] {
            Value::Null => FieldSet::default(),
            fields => FieldSet::from_value(fields).ok()?,
        };
        let identity = Identity {
            version: if operation == "Apply" { String::new() } else { version.clone() },
            operation,
            manager: text("manager"),
            subresource: text("subresource"),
        };
        managers.insert(identity, Entry { fields, version, time: text("time") });
    }
    Some(managers)
}

/// Writes the managers. Most often nothing but a time is other than `before`, and `entries`, which those were read from,
/// are written again.
fn write(object: &mut Value, managers: &Managers, before: &Managers, entries: &[Value]) {
    let mut ordered: Vec<(&Identity, &Entry)> = managers.iter().collect();
    ordered.sort_by(|(a, ea), (b, eb)| {
        (&a.operation, &ea.time, &a.manager, &ea.version, &a.subresource).cmp(&(
            &b.operation,
            &eb.time,
            &b.manager,
            &eb.version,
            &b.subresource,
        ))
    });
    let again = |identity: &Identity, entry: &Entry| -> Option<Value> {
        let same = before.get(identity).filter(|known| known.fields == entry.fields)?;
        let mut found = entries.iter().filter(|one| {
            let is = |key: &str, wanted: &str| one[key].as_str().unwrap_or_default() == wanted;
            is("manager", &identity.manager)
                && is("operation", &identity.operation)
                && is("subresource", &identity.subresource)
                && is("apiVersion", &same.version)
        });
        // One that is there twice is nobody's.
        let one = found.next().filter(|_| found.next().is_none())?;
        Some(one["fieldsV1"].clone())
    };
    let written: Vec<Value> = ordered
        .into_iter()
        .map(|(identity, entry)| {
            let fields = again(identity, entry).unwrap_or_else(|| entry.fields.to_value());
            let mut value = json!({
                "manager": identity.manager, "operation": identity.operation, "apiVersion": entry.version,
                "fieldsType": "FieldsV1",
            });
            value["fieldsV1"] = fields;
            if !entry.time.is_empty() {
                value["time"] = entry.time.as_str().into();
            }
            if !identity.subresource.is_empty() {
                value["subresource"] = identity.subresource.as_str().into();
            }
            value
        })
        .collect();
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    if written.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".into(), written.into());
    }
}

/// An object without its managers, which are often the most of it.
fn bare(object: &Value) -> Value {
    let Value::Object(fields) = object else { return object.clone() };
    let field = |(name, value): (&String, &Value)| match value {
        Value::Object(metadata) if name == "metadata" => {
            let kept = metadata.iter().filter(|(name, _)| *name != "managedFields");
            (name.clone(), Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect()))
        }
        value => (name.clone(), value.clone()),
    };
    Value::Object(fields.iter().map(field).collect())
}

/// Records a write that is not an apply: `object` gets its managedFields. `live` is `None` on creation.
pub fn updated(write_by: &Write, live: Option<&Value>, object: &mut Value) {
    let (mut managers, origin) = known(write_by, live, object);
    if live.is_some() && managers.is_empty() {
        write(object, &managers, &Managers::new(), &[]);
        return;
    }
    let before = managers.clone();
    // Whose managers are other than they were is no change of anybody's field.
    match live {
        Some(live) => record(write_by, write_by.manager, live, object, &mut managers),
        None => record(write_by, write_by.manager, &blank(object), object, &mut managers),
    }
    let sent = object["metadata"].as_object_mut().and_then(|metadata| metadata.remove("managedFields"));
    let entries = match origin {
        Origin::Live => live.map(entries).unwrap_or_default(),
        Origin::Sent => sent.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default(),
    };
    write(object, &managers, &before, entries);
}

/// Out of which object managers were read.
enum Origin {
    Live,
    Sent,
}

/// Whose fields they were. A client that sends no managers keeps those that there are; one that sends an empty list
/// or an empty entry resets them.
fn known(write_by: &Write, live: Option<&Value>, object: &Value) -> (Managers, Origin) {
    let of_live = || (live.map(read).unwrap_or_default(), Origin::Live);
    if !write_by.subresource.is_empty() {
        return of_live();
    }
    let sent = object["metadata"]["managedFields"].as_array();
    if sent.is_some_and(|entries| entries.len() <= 1 && entries.iter().all(is_blank)) {
        return (Managers::new(), Origin::Sent);
    }
    match decoded(object).filter(|managers| !managers.is_empty()) {
        Some(managers) => (managers, Origin::Sent),
        None => of_live(),
    }
}

/// An object of the same kind with nothing set, as Go prints it.
fn blank(object: &Value) -> Value {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    print::blank(text("apiVersion"), text("kind")).unwrap_or_else(|| json!({}))
}

/// What is added or changed becomes the manager's, and is nobody else's; what is removed is nobody's.
fn record(write_by: &Write, manager: &str, old: &Value, new: &Value, managers: &mut Managers) {
    let found = typed::compare(write_by.schema, old, new);
    take(managers, None, write_by, &found);
    let set = write_by.owned(&found.modified.union(&found.added));
    if !set.is_empty() {
        let identity = Identity { manager: manager.to_owned(), ..write_by.identity("Update") };
        let had = managers.get(&identity).map(|entry| entry.fields.clone()).unwrap_or_default();
        let (version, time) = (write_by.version.to_owned(), write_by.time.to_owned());
        managers.insert(identity, Entry { fields: had.union(&set), version, time });
    }
    fold_oldest(managers);
}

fn is_blank(entry: &Value) -> bool {
    entry.as_object().is_some_and(|fields| fields.is_empty())
}

/// What was changed by one is no longer anyone else's.
fn take(managers: &mut Managers, writer: Option<&Identity>, write_by: &Write, found: &Comparison) {
    let changed = write_by.owned(&found.modified.union(&found.added));
    let removed = write_by.owned(&found.removed);
    for (_, entry) in managers.iter_mut().filter(|(identity, _)| Some(*identity) != writer) {
        if !entry.fields.intersection(&changed).is_empty() || !entry.fields.intersection(&removed).is_empty()
        {
            entry.fields = entry.fields.difference(&changed).difference(&removed);
        }
    }
    managers.retain(|_, entry| !entry.fields.is_empty());
}

/// The oldest of too many updaters become one, by version.
fn fold_oldest(managers: &mut Managers) {
    let mut updaters: Vec<(String, Identity)> = managers
        .iter()
        .filter(|(identity, _)| identity.operation == "Update")
        .map(|(identity, entry)| (entry.time.clone(), identity.clone()))
        .collect();
    updaters.sort_by(|(a, x), (b, y)| {
        (a, &x.manager, &x.version, &x.subresource).cmp(&(b, &y.manager, &y.version, &y.subresource))
    });
    let mut count = updaters.len();
    let mut first_of: BTreeMap<String, Identity> = BTreeMap::new();
    for (time, identity) in updaters {
        if count <= UPDATERS_LIMIT {
            return;
        }
        let Some(first) = first_of.get(&identity.version) else {
            first_of.insert(identity.version.clone(), identity);
            continue;
        };
        let bucket = Identity { manager: ANCIENT.to_owned(), subresource: String::new(), ..identity.clone() };
        if !managers.contains_key(&bucket)
            && let Some(oldest) = managers.remove(first)
        {
            managers.insert(bucket.clone(), oldest);
        }
        if let (Some(entry), Some(folded)) = (managers.remove(&identity), managers.get_mut(&bucket)) {
            folded.fields = folded.fields.union(&entry.fields);
            folded.time = time;
        }
        count -= 1;
    }
}

fn entries(object: &Value) -> &[Value] {
    object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn is_same_but_managers(live: &Value, object: &Value) -> bool {
    keep::is_same_without(live, object, &["metadata"])
        && keep::is_same_without(&live["metadata"], &object["metadata"], &["managedFields"])
}

/// Whether two objects differ in more than the times of their managers.
pub fn is_unchanged(live: &Value, object: &Value) -> bool {
    if !is_same_but_managers(live, object) {
        return false;
    }
    let (old, new) = (entries(live), entries(object));
    let mut pairs = old.iter().zip(new);
    if old.len() == new.len() && pairs.all(|(old, new)| keep::is_same_without(old, new, &["time"])) {
        return true;
    }
    // They may still be the same in another order.
    let timeless = |object: &Value| {
        let mut managers = read(object);
        for entry in managers.values_mut() {
            entry.time.clear();
        }
        managers
    };
    timeless(live) == timeless(object)
}
