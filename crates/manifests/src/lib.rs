//! A Flux Kustomization's build, for the controller and the command line alike: a kustomization generated where a
//! folder has none, the Kustomization's own fields on top, kustomize, substitution. Pure: what is not in the tree is
//! asked for (`Outcome::Need`).

pub mod envsubst;
mod generate;
pub mod ignored;
mod incremental;
pub mod metadata;
mod post_render;
mod substitute;

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sluice_budget::Budget;
use sluice_kustomize::{Options, Reorder};
use sluice_tree::Tree;
use sluice_yaml::{Kind, Node};

pub use incremental::{Change, Incremental};
pub use post_render::post_render;
pub use sluice_kustomize::{Answers, Ask, Reads, RepoSpec};

/// Why a build failed. Displays what Flux puts behind `BuildFailed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The kustomization could not be generated or amended.
    #[error("{0}")]
    Generate(String),
    #[error("kustomize build failed: {0}")]
    Kustomize(String),
    #[error("failed to decode Kubernetes apiVersion, kind and name from: {0}")]
    NotAnObject(String),
    #[error("post build failed for '{id}': {text}")]
    PostBuild { id: String, text: String },
    /// The run was ended by its budget.
    #[error(transparent)]
    Stopped(#[from] sluice_budget::Exceeded),
}

/// What a build is given besides the tree and the Kustomization's spec.
#[derive(Clone)]
pub struct Settings<'a> {
    /// Variables of `substituteFrom` and `substitute`, later sources already over earlier ones.
    pub variables: &'a BTreeMap<String, String>,
    /// Why variables could not be had: the first object that wants substitution fails with it.
    pub missing: Option<&'a str>,
    /// A variable without value and default is an error.
    pub strict: bool,
    /// The tree's root as messages show it.
    pub shown_root: &'a str,
    /// Repositories and web addresses may be asked for.
    pub remote_bases: bool,
    /// What the caller found for the asks of earlier runs.
    pub answers: &'a Answers,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    Done(Manifests),
    /// Answer these and run again.
    Need(Vec<Ask>),
}

/// Built objects.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// In kustomize's order, as a controller reads them.
    pub objects: Vec<Value>,
    /// The whole output as YAML.
    pub yaml: String,
    /// SHA-256 of `yaml` in hexadecimal.
    pub digest: String,
    pub reads: Reads,
    pub warnings: Vec<String>,
}

/// Builds a Kustomization. `spec` is its spec as JSON; `path` in it is taken from the tree's root.
pub fn build(
    tree: &dyn Tree,
    spec: &Value,
    settings: &Settings<'_>,
    budget: &Budget,
) -> Result<Outcome, Error> {
    let folder = folder(spec);
    let generated = generate::generate(tree, &folder, spec, settings, budget)?;
    let options = options(&generated, settings);
    let outcome =
        sluice_kustomize::build(tree, &folder, &options, settings.answers, budget).map_err(from_engine)?;
    let built = match outcome {
        sluice_kustomize::Outcome::Need(asks) => return Ok(Outcome::Need(asks)),
        sluice_kustomize::Outcome::Done(built) => built,
    };
    let documents = documents(&built.objects, spec, settings, budget)?;
    Ok(Outcome::Done(assemble(built, generated.reads, documents)))
}

fn options<'a>(generated: &'a generate::Generated, settings: &Settings<'a>) -> Options<'a> {
    Options {
        shown_root: settings.shown_root,
        unrestricted: true,
        remote: settings.remote_bases,
        reorder: Reorder::None,
        given: Some((&generated.file_name, &generated.kustomization)),
        ..Options::default()
    }
}

/// Each object as text and value, substituted.
fn documents(
    objects: &[sluice_kustomize::Object],
    spec: &Value,
    settings: &Settings<'_>,
    budget: &Budget,
) -> Result<Vec<substitute::Document>, Error> {
    let post_build = spec.get("postBuild").filter(|post_build| post_build.is_object());
    objects.iter().map(|object| document(object, post_build, settings, budget)).collect()
}

fn document(
    object: &sluice_kustomize::Object,
    post_build: Option<&Value>,
    settings: &Settings<'_>,
    budget: &Budget,
) -> Result<substitute::Document, Error> {
    // Values are shared until they are written: one may be large and stand in many places.
    budget.charge(1)?;
    budget.charge_bytes(text_size(object.node()))?;
    let yaml = object.to_yaml().map_err(from_engine)?;
    let id = substitute::Id::of(object.node());
    if !id.is_complete() {
        let shown =
            sluice_yaml::json::from_node(object.node()).map(|value| value.to_string()).unwrap_or_default();
        return Err(Error::NotAnObject(shown));
    }
    let replaced = match post_build {
        Some(post_build) => substitute::object(&yaml, object.node(), post_build, settings)
            .map_err(|text| Error::PostBuild { id: id.to_string(), text })?,
        None => None,
    };
    match replaced {
        Some(replaced) => {
            budget.charge_bytes(replaced.yaml.len() as u64)?;
            Ok(replaced)
        }
        None => substitute::Document::of(object.node(), yaml).map_err(Error::Kustomize),
    }
}

/// About as many bytes as a tree has when it is written. Trees of the engine are of limited depth.
fn text_size(node: &Node) -> u64 {
    match &node.kind {
        Kind::Scalar(text) => text.len() as u64 + 2,
        Kind::Sequence(items) => items.iter().map(text_size).sum::<u64>() + 2,
        Kind::Mapping(entries) => {
            entries.iter().map(|(key, value)| text_size(key) + text_size(value)).sum::<u64>() + 2
        }
        _ => 2,
    }
}

fn assemble(
    built: sluice_kustomize::Built,
    generated: Reads,
    documents: Vec<substitute::Document>,
) -> Manifests {
    let mut manifests = Manifests { reads: built.reads, warnings: built.warnings, ..Manifests::default() };
    manifests.reads.extend(generated);
    for (at, document) in documents.into_iter().enumerate() {
        if at > 0 {
            manifests.yaml.push_str(PARTING);
        }
        manifests.yaml.push_str(&document.yaml);
        collect(document.value, &mut manifests.objects);
    }
    manifests.digest = digest(manifests.yaml.as_bytes());
    manifests
}

/// What stands between documents.
const PARTING: &str = "---\n";

fn digest(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(hex).collect()
}

fn hex(byte: &u8) -> String {
    format!("{byte:02x}")
}

/// The folder that a spec names, without the leading `./`.
fn folder(spec: &Value) -> String {
    let path = spec.get("path").and_then(Value::as_str).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

fn from_engine(error: sluice_kustomize::Error) -> Error {
    match error.kind {
        sluice_kustomize::ErrorKind::Stopped(exceeded) => Error::Stopped(exceeded),
        _ => Error::Kustomize(error.to_string()),
    }
}

/// Takes an object in as a controller reads it: lists apart, kustomizations and what is no object left out.
fn collect(value: Value, objects: &mut Vec<Value>) {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
    if text("/kind").ends_with("List")
        && let Some(items) = value.get("items").and_then(Value::as_array)
    {
        for item in items.clone() {
            collect(item, objects);
        }
        return;
    }
    let named = ["/apiVersion", "/kind", "/metadata/name"].iter().all(|path| !text(path).is_empty());
    let kustomization =
        text("/kind") == "Kustomization" && text("/apiVersion").starts_with("kustomize.config.k8s.io/");
    if named && !kustomization {
        objects.push(value);
    }
}
