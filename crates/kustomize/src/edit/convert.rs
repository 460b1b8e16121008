//! `edit fix --vars`: variables become replacements, and what stood for them in files a placeholder.

use std::collections::{BTreeMap, BTreeSet};

use sluice_tree::{EntryKind, Tree};
use sluice_yaml::{Kind, Node};

use super::File;
use crate::error::{Error, Result, fail};
use crate::file::{
    FILE_NAMES, FieldOptions, Kustomization, Patch, Replacement, Selector, SourceSelector, TargetSelector,
    Var, decode,
};
use crate::origin::join;

/// How deep kustomizations are looked into.
const MAX_DEPTH: usize = 32;

/// A file with a new text; the path is that of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub path: String,
    pub text: String,
}

/// Replaces a file's variables. `folder` is where the kustomization lies in the tree.
pub fn convert_vars(file: &mut File, tree: &dyn Tree, folder: &str) -> Result<Vec<Edited>> {
    let Some(vars) = file.kustomization.vars.take() else { return Ok(Vec::new()) };
    let mut touched = Touched { tree, folder, files: Vec::new(), patches: BTreeMap::new() };
    touched.collect(&file.kustomization, "", 0)?;
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for path in &touched.files {
        if let Ok(content) = tree.read(&join(folder, path)) {
            texts.insert(path.clone(), String::from_utf8_lossy(&content).into_owned());
        }
    }
    let mut edited = BTreeSet::new();
    file.kustomization.replacements.clear();
    for var in &vars {
        let mut targets = Vec::new();
        for path in &touched.files {
            if let Some(text) = texts.get(path) {
                add_targets(&mut targets, var, path, text, touched.patches.get(path))?;
            }
        }
        let (from, to) = (format!("$({})", var.name), format!("{}_PLACEHOLDER", var.name));
        for (path, text) in &mut texts {
            if text.contains(&from) {
                *text = text.replace(&from, &to);
                edited.insert(path.clone());
            }
        }
        file.kustomization.replacements.push(Replacement {
            source: Some(source(var)),
            targets: Some(targets),
            ..Replacement::default()
        });
    }
    let edits = edited.into_iter().filter_map(|path| {
        let text = texts.remove(&path)?;
        Some(Edited { path: join(folder, &path), text })
    });
    Ok(edits.collect())
}

/// The files that a kustomization is made of.
struct Touched<'a> {
    tree: &'a dyn Tree,
    folder: &'a str,
    files: Vec<String>,
    patches: BTreeMap<String, Patch>,
}

impl Touched<'_> {
    fn collect(&mut self, kustomization: &Kustomization, below: &str, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            fail!("kustomizations lie more than {MAX_DEPTH} deep in each other");
        }
        for resource in &kustomization.resources {
            let place = join(self.folder, resource);
            for name in FILE_NAMES {
                let path = join(&place, name);
                if self.tree.kind(&path) != Ok(EntryKind::File) {
                    continue;
                }
                let Ok(content) = self.tree.read(&path) else { continue };
                let inner = decode::lenient(crate::text::yaml_to_record(&content)?)?;
                self.collect(&inner, resource, depth + 1)?;
            }
            self.files.push(join(below, resource));
        }
        for patch in kustomization.patches.iter().filter(|patch| !patch.path.is_empty()) {
            let path = join(below, &patch.path);
            self.files.push(path.clone());
            self.patches.insert(path, patch.clone());
        }
        Ok(())
    }
}

fn source(var: &Var) -> SourceSelector {
    let (group, version) = split_version(&var.objref.api_version);
    SourceSelector {
        group,
        version,
        kind: var.objref.kind.clone(),
        name: var.objref.name.clone(),
        namespace: var.objref.namespace.clone(),
        field_path: var.fieldref.field_path.clone(),
        options: None,
    }
}

fn split_version(text: &str) -> (String, String) {
    let (group, version) = text.rsplit_once('/').unwrap_or(("", text));
    (group.to_owned(), version.to_owned())
}

fn add_targets(
    targets: &mut Vec<TargetSelector>,
    var: &Var,
    path: &str,
    text: &str,
    patch: Option<&Patch>,
) -> Result<()> {
    let Ok(documents) = sluice_yaml::parse_documents(text, sluice_yaml::Limits::default()) else {
        return Ok(());
    };
    for document in &documents {
        let mut places = Vec::new();
        find(&document.root, &format!("$({})", var.name), &mut Vec::new(), &mut places)
            .map_err(|error| Error::new(format!("error with {path}: {error}")))?;
        for (field, options) in places {
            let options = (!options.delimiter.is_empty()).then_some(options);
            targets.push(TargetSelector {
                select: Some(select(&document.root, patch)),
                field_paths: vec![field],
                options,
                ..TargetSelector::default()
            });
        }
    }
    Ok(())
}

/// Which object a place is in: by the object's own identity, or the patch's target.
fn select(object: &Node, patch: Option<&Patch>) -> Selector {
    let text = |node: Option<&Node>, field: &str| {
        node.and_then(|node| node.get_str(field)).unwrap_or_default().to_owned()
    };
    let metadata = object.get("metadata");
    let (name, namespace) = (text(metadata, "name"), text(metadata, "namespace"));
    let kind = text(Some(object), "kind");
    let allowed = |patch: &Patch| {
        let options = patch.options.clone().unwrap_or_default();
        (options.allow_name_change, options.allow_kind_change)
    };
    match patch {
        Some(patch) if allowed(patch) != (true, true) => {
            let (names, kinds) = allowed(patch);
            let mut selector = patch.target.clone().unwrap_or_default();
            if names {
                selector.name = name;
            }
            if kinds {
                selector.kind = kind;
            }
            if !namespace.is_empty() {
                selector.namespace = namespace;
            }
            selector
        }
        _ => {
            let (group, version) = split_version(&text(Some(object), "apiVersion"));
            Selector { group, version, kind, name, namespace, ..Selector::default() }
        }
    }
}

fn find(
    node: &Node,
    var: &str,
    path: &mut Vec<String>,
    found: &mut Vec<(String, FieldOptions)>,
) -> Result<()> {
    match &node.kind {
        Kind::Sequence(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(at.to_string());
                find(item, var, path, found)?;
                path.pop();
            }
        }
        Kind::Mapping(entries) => {
            for (key, value) in entries {
                let key = key.as_str().unwrap_or_default().trim();
                path.push(if key.contains('.') { format!("[{key}]") } else { key.to_owned() });
                find(value, var, path, found)?;
                path.pop();
            }
        }
        Kind::Scalar(text) if text.contains(var) => found.push((path.join("."), options(text, var)?)),
        _ => {}
    }
    Ok(())
}

/// Where in a value the variable stands.
fn options(value: &str, var: &str) -> Result<FieldOptions> {
    if value == var {
        return Ok(FieldOptions::default());
    }
    let at = value.find(var).unwrap_or(0);
    let (before, after) = (value[..at].chars().next_back(), value[at + var.len()..].chars().next());
    let (delimiter, index) = match (before, after) {
        (None, Some(after)) => (after, 0),
        (Some(before), None) => (before, value.matches(before).count()),
        (Some(before), Some(after)) if before == after => {
            let index = value.split(before).position(|part| part == var);
            let index = index.ok_or_else(|| Error::new(format!("could not get index of var {var}")))?;
            (before, index)
        }
        _ => fail!("cannot convert all vars to replacements; {var} is not delimited"),
    };
    let index = i64::try_from(index).unwrap_or(i64::MAX);
    Ok(FieldOptions { delimiter: delimiter.to_string(), index, ..FieldOptions::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_in_values() {
        for (value, want) in
            [("$(V)", ("", 0)), ("$(V)/b", ("/", 0)), ("a/b/$(V)", ("/", 2)), ("a-$(V)-c", ("-", 1))]
        {
            let found = options(value, "$(V)").unwrap();
            assert_eq!((found.delimiter.as_str(), found.index), want, "{value}");
        }
        assert!(options("a-$(V)/c", "$(V)").is_err());
    }
}
