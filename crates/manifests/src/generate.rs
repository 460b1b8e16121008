//! The kustomization that is built: the folder's own, or one made for its manifests; then the Kustomization's fields.

use serde_json::Value;
use sluice_budget::{Budget, Exceeded};
use sluice_kustomize::file::{Image, Kustomization, Patch, Selector, decode};
use sluice_kustomize::{Reads, file};
use sluice_tree::{EntryKind, Tree};

use crate::{Error, Settings};

/// What `kustomize::build` is given in place of the folder's file.
pub(crate) struct Generated {
    pub kustomization: Kustomization,
    pub file_name: String,
    pub reads: Reads,
}

/// How deep folders are searched for manifests.
const MAX_DEPTH: usize = 100;

fn failed(text: impl Into<String>) -> Error {
    Error::Generate(text.into())
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

pub(crate) fn generate(
    tree: &dyn Tree,
    folder: &str,
    spec: &Value,
    settings: &Settings<'_>,
    budget: &Budget,
) -> Result<Generated, Error> {
    let mut reads = Reads::default();
    let found: Vec<&str> = file::FILE_NAMES
        .into_iter()
        .filter(|name| {
            let path = join(folder, name);
            let is_file = matches!(tree.kind(&path), Ok(EntryKind::File));
            if !is_file {
                reads.missing.insert(path);
            }
            is_file
        })
        .collect();
    let (mut kustomization, file_name) = if let Some(name) = found.first() {
        let path = join(folder, name);
        let shown = format!("{}/{path}", settings.shown_root);
        let content = tree.read(&path).map_err(|error| failed(format!("open {shown}: {error}")))?;
        budget.charge_bytes(content.len() as u64)?;
        reads.files.insert(path);
        if found.len() > 1 {
            let root = format!("{}/{folder}", settings.shown_root);
            let text = format!("Found multiple kustomization files under: {}\n", root.trim_end_matches('/'));
            return Err(Error::Kustomize(text));
        }
        let value = sluice_yaml::json::from_yaml(&content)
            .map_err(|error| failed(format!("error converting YAML to JSON: {error}")))?;
        let mut kustomization: Kustomization =
            decode::lenient(value).map_err(|error| failed(error.to_string()))?;
        if kustomization.resources.is_empty() {
            kustomization.build_metadata = vec!["originAnnotations".to_owned()];
        }
        (kustomization, (*name).to_owned())
    } else {
        let mut scan = Scan { tree, settings, budget, reads: &mut reads, resources: Vec::new() };
        scan.folder(folder, ".", 0)?;
        let mut kustomization = Kustomization { resources: scan.resources, ..Kustomization::default() };
        if kustomization.resources.is_empty() {
            // Without anything in it the file would be refused as empty.
            "_placeholder".clone_into(&mut kustomization.namespace);
        }
        (kustomization, "kustomization.yaml".to_owned())
    };
    amend(&mut kustomization, tree, folder, spec, &mut reads)?;
    kustomization.fix();
    let root = format!("{}/{folder}", settings.shown_root);
    kustomization.check(root.trim_end_matches('/')).map_err(|error| Error::Kustomize(error.to_string()))?;
    Ok(Generated { kustomization, file_name, reads })
}

struct Scan<'a> {
    tree: &'a dyn Tree,
    settings: &'a Settings<'a>,
    budget: &'a Budget,
    reads: &'a mut Reads,
    resources: Vec<String>,
}

impl Scan<'_> {
    /// Manifests in a folder and below; a folder with a kustomization of its own is one resource.
    fn folder(&mut self, folder: &str, shown: &str, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(failed(format!("folders are nested deeper than {MAX_DEPTH} levels at {shown}")));
        }
        let entries = self.tree.list(folder).map_err(|error| failed(format!("lstat {error}")))?;
        self.reads.folders.insert(folder.to_owned());
        for entry in entries {
            self.budget.charge(1)?;
            let path = join(folder, &entry.name);
            let shown = format!("{shown}/{}", entry.name);
            if entry.kind == EntryKind::Folder && !entry.link {
                let own = file::FILE_NAMES.iter().any(|name| {
                    let path = join(&path, name);
                    let is_file = matches!(self.tree.kind(&path), Ok(EntryKind::File));
                    if !is_file {
                        self.reads.missing.insert(path);
                    }
                    is_file
                });
                if own {
                    self.resources.push(shown);
                } else {
                    self.folder(&path, &shown, depth + 1)?;
                }
                continue;
            }
            if !entry.name.ends_with(".yaml") && !entry.name.ends_with(".yml") {
                continue;
            }
            let full = format!("{}/{path}", self.settings.shown_root);
            let content = self.tree.read(&path).map_err(|error| failed(error.to_string()))?;
            self.reads.files.insert(path);
            sluice_kustomize::check_objects(&content, self.budget).map_err(|error| match error.kind {
                sluice_kustomize::ErrorKind::Stopped(stopped @ Exceeded::Stopped) => Error::Stopped(stopped),
                // Which file went beyond the limits is what a person has to know.
                _ => failed(format!("failed to decode Kubernetes YAML from {full}: {error}")),
            })?;
            self.resources.push(shown);
        }
        Ok(())
    }
}

/// Puts the Kustomization's own fields on top.
fn amend(
    kustomization: &mut Kustomization,
    tree: &dyn Tree,
    folder: &str,
    spec: &Value,
    reads: &mut Reads,
) -> Result<(), Error> {
    let text = |name: &str| spec.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(namespace) = text("targetNamespace") {
        kustomization.namespace = namespace;
    }
    if let Some(prefix) = text("namePrefix") {
        kustomization.name_prefix = prefix;
    }
    if let Some(suffix) = text("nameSuffix") {
        kustomization.name_suffix = suffix;
    }
    for (at, patch) in list(spec, "patches").iter().enumerate() {
        if !patch.is_object() {
            return Err(failed(format!(
                "unable to get patches: unable to convert patch {at} to map[string]interface{{}}"
            )));
        }
        let patch: Patch = decode::lenient(patch.clone())
            .map_err(|error| failed(format!("unable to get patches: {error}")))?;
        kustomization.patches.push(Patch { patch: patch.patch, target: patch.target, ..Patch::default() });
    }
    let ignore_missing = spec.get("ignoreMissingComponents").and_then(Value::as_bool).unwrap_or(false);
    for component in list(spec, "components").iter().filter_map(Value::as_str) {
        if !is_local_and_relative(component) {
            return Err(failed(format!("component path '{component}' must be local and relative")));
        }
        let path = join(folder, component);
        if ignore_missing && tree.kind(&path).is_err() {
            reads.missing.insert(path);
            continue;
        }
        kustomization.components.push(component.to_owned());
    }
    for patch in list(spec, "patchesStrategicMerge") {
        kustomization.patches_strategic_merge.get_or_insert_default().push(patch.to_string());
    }
    for patch in list(spec, "patchesJson6902") {
        let target: Selector = decode::lenient(patch.get("target").cloned().unwrap_or_default())
            .map_err(|error| failed(format!("unable to get patchesJson6902: {error}")))?;
        let operations = patch.get("patch").cloned().unwrap_or_default().to_string();
        kustomization.patches_json6902.get_or_insert_default().push(Patch {
            patch: operations,
            target: Some(target),
            ..Patch::default()
        });
    }
    for image in list(spec, "images") {
        let image: Image = decode::lenient(image.clone())
            .map_err(|error| failed(format!("unable to get images: {error}")))?;
        match kustomization.images.iter_mut().find(|known| known.name == image.name) {
            Some(known) => {
                if !image.new_name.is_empty() {
                    known.new_name = image.new_name;
                }
                if !image.new_tag.is_empty() || !image.digest.is_empty() {
                    known.new_tag = image.new_tag;
                    known.digest = image.digest;
                }
            }
            None => kustomization.images.push(Image { tag_suffix: String::new(), ..image }),
        }
    }
    let metadata: Vec<String> =
        list(spec, "buildMetadata").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if !metadata.is_empty() {
        kustomization.build_metadata = metadata;
    }
    Ok(())
}

fn list<'a>(spec: &'a Value, name: &str) -> &'a [Value] {
    spec.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// True for what can only be a folder beside us.
fn is_local_and_relative(path: &str) -> bool {
    let lower = path.to_lowercase();
    let remote = ["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];
    !remote.iter().any(|prefix| lower.len() > prefix.len() && lower.starts_with(prefix))
        && !path.starts_with('/')
        && !lower.strip_prefix("file://").unwrap_or(&lower).starts_with('/')
}
