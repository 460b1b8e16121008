//! Joins structure and descriptions, and refuses where the Rust types and the schema do not agree.

use std::path::Path;

use serde_json::{Map, Value, json};
use sluice_api::kind::{Kind, Spec};

use super::rust_types::{self, RustType, RustTypes};
use super::yaml;

/// A kind and the Rust names of its parts.
struct Names {
    plural: &'static str,
    kind: &'static str,
    spec: &'static str,
    status: &'static str,
}

fn names<K: Kind>() -> Names {
    let last = |name: &'static str| name.rsplit("::").next().unwrap_or(name);
    Names {
        plural: K::PLURAL,
        kind: K::KIND,
        spec: last(std::any::type_name::<K::Spec>()),
        status: last(std::any::type_name::<<K::Spec as Spec>::Status>()),
    }
}

fn kinds() -> Vec<Names> {
    vec![
        names::<sluice_api::Alert>(),
        names::<sluice_api::ArtifactGenerator>(),
        names::<sluice_api::Bucket>(),
        names::<sluice_api::ExternalArtifact>(),
        names::<sluice_api::GitRepository>(),
        names::<sluice_api::HelmChart>(),
        names::<sluice_api::HelmRelease>(),
        names::<sluice_api::HelmRepository>(),
        names::<sluice_api::ImagePolicy>(),
        names::<sluice_api::ImageRepository>(),
        names::<sluice_api::ImageUpdateAutomation>(),
        names::<sluice_api::Kustomization>(),
        names::<sluice_api::OCIRepository>(),
        names::<sluice_api::Provider>(),
        names::<sluice_api::Receiver>(),
    ]
}

/// The structure of a CRD without any description, and its plural name.
pub fn structure_of(text: &str) -> Result<(String, Value), String> {
    let mut documents = yaml::read(text)?;
    let mut crd = documents.pop().ok_or("no document")?;
    without_descriptions(&mut crd);
    if let Some(annotations) = crd.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !key.starts_with("controller-gen."));
    }
    let plural =
        crd.pointer("/spec/names/plural").and_then(Value::as_str).ok_or("no plural name")?.to_owned();
    Ok((plural, crd))
}

/// Takes descriptions out of a CRD; properties that are called `description` stay.
pub fn without_descriptions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, field| !(key == "description" && field.is_string()));
            fields.values_mut().for_each(without_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_descriptions),
        _ => {}
    }
}

/// All CRDs: file name and text.
pub fn all(root: &Path) -> Result<Vec<(String, String)>, String> {
    let types = rust_types::read(&root.join("src"))?;
    let mut files = Vec::new();
    for names in kinds() {
        let path = root.join("schema").join(format!("{}.json", names.plural));
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut crd: Value =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        describe(&types, &names, &mut crd)?;
        let group = crd.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
        files.push((format!("{group}_{}.yaml", names.plural), yaml::write(&crd)));
    }
    Ok(files)
}

fn describe(types: &RustTypes, names: &Names, crd: &mut Value) -> Result<(), String> {
    let schema = crd
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
        .ok_or_else(|| format!("{}: no schema", names.kind))?;
    let doc = types.kinds.get(names.kind).ok_or_else(|| format!("{}: no type of that name", names.kind))?;
    put(schema, doc);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let properties = properties.ok_or_else(|| format!("{}: no properties", names.kind))?;
    for (name, doc) in
        [("apiVersion", "The API group and version of the object."), ("kind", "The kind of the object.")]
    {
        if let Some(property) = properties.get_mut(name) {
            put(property, doc);
        }
    }
    for (name, of) in [("spec", names.spec), ("status", names.status)] {
        if let Some(property) = properties.get_mut(name) {
            join(types, of, property, &format!("{}.{name}", names.kind))?;
        } else if of != "NoStatus" {
            return Err(format!("{}: the schema has no {name}", names.kind));
        }
    }
    Ok(())
}

fn put(schema: &mut Value, doc: &str) {
    if let Some(schema) = schema.as_object_mut().filter(|_| !doc.is_empty()) {
        schema.insert("description".into(), doc.into());
    }
}

/// Describes a schema by a Rust type, all the way down.
fn join(types: &RustTypes, of: &str, schema: &mut Value, path: &str) -> Result<(), String> {
    let unequal = |what: &str| Err(format!("{path}: {what} (Rust has {of})"));
    let is = |schema: &Value, kind: &str| schema["type"] == kind;
    if let Some(inner) = wrapped(of, "Option") {
        return join(types, inner, schema, path);
    }
    if let Some(inner) = wrapped(of, "Vec") {
        return match schema.get_mut("items") {
            Some(items) => join(types, inner, items, &format!("{path}[]")),
            None => unequal("not a list"),
        };
    }
    if let Some(inner) = wrapped(of, "BTreeMap") {
        let inner = inner.split_once(", ").map_or(inner, |(_, value)| value);
        return match schema.get_mut("additionalProperties") {
            Some(items) => join(types, inner, items, &format!("{path}{{}}")),
            None => unequal("not a map"),
        };
    }
    let fits = match of {
        "String" => is(schema, "string"),
        "bool" => is(schema, "boolean"),
        "i64" => is(schema, "integer"),
        "Duration" => is(schema, "string") && schema.get("enum").is_none(),
        "Time" => is(schema, "string") && schema["format"] == "date-time",
        "Value" => schema.get("x-kubernetes-preserve-unknown-fields").is_some(),
        "ConditionStatus" => schema["enum"] == json!(["True", "False", "Unknown"]),
        _ => {
            return match types.types.get(of) {
                Some(of) if !of.values.is_empty() => join_enum(of, schema, path),
                Some(of) => join_struct(types, of, schema, path),
                None => unequal("no such type"),
            };
        }
    };
    if fits { Ok(()) } else { unequal("another type") }
}

fn join_enum(of: &RustType, schema: &Value, path: &str) -> Result<(), String> {
    let texts =
        |values: &[Value]| values.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let Some(values) = schema["enum"].as_array() else {
        // A status repeats a value of the spec without its limits.
        return if schema["type"] == "string" { Ok(()) } else { Err(format!("{path}: not an enum")) };
    };
    let (mut want, mut have) = (texts(values), of.values.clone());
    want.sort();
    have.sort();
    if want == have { Ok(()) } else { Err(format!("{path}: the schema has {want:?}, Rust has {have:?}")) }
}

fn join_struct(types: &RustTypes, of: &RustType, schema: &mut Value, path: &str) -> Result<(), String> {
    let empty = Map::new();
    let required: Vec<String> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let missing: Vec<&String> = known.keys().filter(|name| !of.fields.contains_key(*name)).collect();
    let unknown: Vec<&String> = of.fields.keys().filter(|name| !known.contains_key(*name)).collect();
    if !missing.is_empty() || !unknown.is_empty() {
        return Err(format!("{path}: Rust lacks {missing:?}, the schema lacks {unknown:?}"));
    }
    for (name, field) in &of.fields {
        let path = format!("{path}.{name}");
        if !field.is_optional && !required.contains(name) {
            return Err(format!("{path}: Rust always writes it, the schema does not ask for it"));
        }
        let property = &mut schema["properties"][name];
        join(types, &field.of, property, &path)?;
        put(property, &field.doc);
    }
    // The description of a struct that is a field's type is the field's own.
    put(schema, &of.doc);
    Ok(())
}

/// `T` of `Name<T>`.
fn wrapped<'a>(of: &'a str, name: &str) -> Option<&'a str> {
    of.strip_prefix(name)?.strip_prefix('<')?.strip_suffix('>')
}
