//! Rendered files through a function and back: each document carries its file's name on the way.

use std::collections::BTreeMap;

use sluice_yaml::{Limits, Node, SequenceIndent, Style, emit_with};

use crate::manifest::{self, INSTALL_ORDER, ManifestError};

/// The annotation that carries a document's file through the function.
const FILE_NAME: &str = "postrenderer.helm.sh/postrender-filename";

/// Text of all documents in, text of all documents out.
pub type PostRender<'a> = &'a mut dyn FnMut(String) -> Result<String, String>;

/// What of a release goes through the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Everything at once.
    #[default]
    Combined,
    /// Hooks and manifests, one after the other.
    Separate,
    /// Manifests alone.
    NoHooks,
}

/// Why post-rendering failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostRenderError {
    #[error("error merging {group}: parsing {file}: {text}")]
    Merge { group: &'static str, file: String, text: String },
    #[error("error while running post render on {group}: {text}")]
    Run { group: &'static str, text: String },
    #[error("error while parsing post rendered output{group}: {text}")]
    Parse { group: &'static str, text: String },
    #[error("{0}")]
    Manifest(#[from] ManifestError),
}

type Files = BTreeMap<String, String>;

pub(super) fn run(
    files: Files,
    strategy: Strategy,
    function: PostRender<'_>,
) -> Result<Files, PostRenderError> {
    if strategy == Strategy::Combined {
        return through(&files, Group { merge: "manifests", run: "files", parse: "", prefix: "" }, function);
    }
    let sorted = manifest::sort(&files, INSTALL_ORDER)?;
    let mut hooks = Files::new();
    for hook in sorted.hooks {
        add(&mut hooks, hook.path, hook.manifest);
    }
    let mut manifests = Files::new();
    for document in sorted.manifests {
        add(&mut manifests, document.name, document.content);
    }
    let mut result = Files::new();
    for (name, group) in [("hooks", hooks), ("manifests", manifests)] {
        if group.is_empty() {
            continue;
        }
        let done = if name == "hooks" && strategy == Strategy::NoHooks {
            group
        } else {
            let parse = if name == "hooks" { " for hooks" } else { " for manifests" };
            through(&group, Group { merge: name, run: name, parse, prefix: name }, &mut *function)?
        };
        for (path, content) in done {
            add(&mut result, path, content);
        }
    }
    Ok(result)
}

fn add(files: &mut Files, path: String, content: String) {
    files
        .entry(path)
        .and_modify(|existing| {
            existing.push_str("\n---\n");
            existing.push_str(&content);
        })
        .or_insert(content);
}

/// How a group of files is called in errors and made-up names.
#[derive(Clone, Copy)]
struct Group {
    merge: &'static str,
    run: &'static str,
    parse: &'static str,
    prefix: &'static str,
}

fn through(files: &Files, group: Group, function: PostRender<'_>) -> Result<Files, PostRenderError> {
    let mut documents = Vec::new();
    for (path, content) in files {
        let last = path.rsplit('/').next().unwrap_or(path);
        if last.starts_with('_') {
            continue;
        }
        for document in manifest::split(content) {
            let failed = |error: sluice_yaml::Error| PostRenderError::Merge {
                group: group.merge,
                file: path.clone(),
                text: error.to_string(),
            };
            for mut node in parse(document).map_err(failed)? {
                annotate(&mut node, path);
                documents.push(node);
            }
        }
    }
    let output =
        function(join(&documents)).map_err(|text| PostRenderError::Run { group: group.run, text })?;
    let nodes = parse(&output)
        .map_err(|error| PostRenderError::Parse { group: group.parse, text: error.to_string() })?;
    let mut by_file: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    for (at, mut node) in nodes.into_iter().enumerate() {
        let name = take_annotation(&mut node).filter(|name| !name.is_empty()).unwrap_or_else(|| {
            let dash = if group.prefix.is_empty() { "" } else { "-" };
            format!("generated-by-postrender-{}{dash}{at}.yaml", group.prefix)
        });
        by_file.entry(name).or_default().push(node);
    }
    Ok(by_file.into_iter().map(|(name, nodes)| (name, join(&nodes))).collect())
}

/// The documents that hold anything.
fn parse(text: &str) -> Result<Vec<Node>, sluice_yaml::Error> {
    let nodes = sluice_yaml::parse(text, Limits::default())?;
    Ok(nodes.into_iter().filter(|node| !node.is_null()).collect())
}

fn join(nodes: &[Node]) -> String {
    let texts: Vec<String> = nodes.iter().map(|node| emit_with(node, SequenceIndent::Compact)).collect();
    texts.join("---\n")
}

/// The map below a key, made when it is absent or null.
fn map_below<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let below = node.get_or_insert_with(key, || Node::mapping(Vec::new()))?;
    if below.is_null() {
        *below = Node::mapping(Vec::new());
    }
    Some(below)
}

fn annotate(node: &mut Node, file: &str) {
    let annotations = map_below(node, "metadata").and_then(|metadata| map_below(metadata, "annotations"));
    if let Some(annotations) = annotations {
        annotations.set(FILE_NAME, Node::string(file).with_style(Style::SingleQuoted));
    }
}

/// Takes the annotation off, and the empty map that it leaves.
fn take_annotation(node: &mut Node) -> Option<String> {
    let metadata = node.get_mut("metadata")?;
    let annotations = metadata.get_mut("annotations")?;
    let value = annotations.remove(FILE_NAME)?;
    if annotations.map().is_some_and(<[_]>::is_empty) {
        metadata.remove("annotations");
    }
    value.as_str().map(str::to_owned)
}
