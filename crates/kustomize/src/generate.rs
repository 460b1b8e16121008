//! Generators: ConfigMaps and Secrets from literals, files and env files; the GKE identity account.

mod pairs;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_yaml::{Node, Style, Tag};
use smol_str::SmolStr;

use crate::error::{Result, fail};
use crate::file::{GeneratorArgs, GeneratorOptions, SecretArgs};
use crate::load::Loader;
use crate::nodes;
use crate::resource::{Behavior, Resource};

/// What a ConfigMap and a Secret generator have in common.
pub(crate) struct Args {
    pub namespace: String,
    pub name: String,
    pub behavior: String,
    pub literals: Vec<String>,
    pub files: Vec<String>,
    pub envs: Vec<String>,
    pub options: Option<GeneratorOptions>,
    /// A Secret's type; `None` for a ConfigMap.
    pub secret: Option<String>,
}

impl From<GeneratorArgs> for Args {
    fn from(args: GeneratorArgs) -> Self {
        Self {
            namespace: args.namespace,
            name: args.name,
            behavior: args.behavior,
            literals: args.literals,
            files: args.files,
            envs: args.envs,
            options: args.options,
            secret: None,
        }
    }
}

impl From<SecretArgs> for Args {
    fn from(args: SecretArgs) -> Self {
        Self {
            namespace: args.namespace,
            name: args.name,
            behavior: args.behavior,
            literals: args.literals,
            files: args.files,
            envs: args.envs,
            options: args.options,
            secret: Some(args.kind),
        }
    }
}

/// Puts the kustomization's options behind those of one generator.
pub(crate) fn merge_options(
    own: Option<GeneratorOptions>,
    all: Option<&GeneratorOptions>,
) -> Option<GeneratorOptions> {
    let Some(all) = all else { return own };
    let mut own = own.unwrap_or_default();
    for (name, text) in &all.labels {
        own.labels.entry(name.clone()).or_insert_with(|| text.clone());
    }
    for (name, text) in &all.annotations {
        own.annotations.entry(name.clone()).or_insert_with(|| text.clone());
    }
    own.disable_name_suffix_hash |= all.disable_name_suffix_hash;
    own.immutable |= all.immutable;
    Some(own)
}

/// Makes one ConfigMap or Secret.
pub(crate) fn generate(args: &Args, loader: &Loader<'_>) -> Result<Resource> {
    if args.name.is_empty() {
        fail!("a configmap must have a name");
    }
    let kind = if args.secret.is_some() { "Secret" } else { "ConfigMap" };
    let field = |name: &str, node: Node| (nodes::key(name), node);
    let mut metadata = vec![field("name", Node::string(args.name.as_str()))];
    if !args.namespace.is_empty() {
        metadata.push(field("namespace", Node::string(args.namespace.as_str())));
    }
    let options = args.options.clone().unwrap_or_default();
    for (name, map) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if !map.is_empty() {
            let entries = map
                .iter()
                .map(|(name, text)| field(name, Node::string(text.as_str()).with_style(Style::SingleQuoted)))
                .collect();
            metadata.push(field(name, Node::mapping(entries)));
        }
    }
    let mut entries = vec![
        field("apiVersion", Node::string("v1")),
        field("kind", Node::string(kind)),
        field("metadata", Node::mapping(metadata)),
    ];
    if let Some(secret) = &args.secret {
        let text = if secret.is_empty() { "Opaque" } else { secret };
        entries.push(field("type", Node::string(text)));
    }
    let pairs = pairs::load(args, loader).map_err(|error| error.within("loading KV pairs"))?;
    let mut known: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (key, content) in pairs {
        if known.contains_key(&key) {
            fail!("configmap {} illegally repeats the key `{key}`", args.name);
        }
        known.insert(key, content);
    }
    let (mut data, mut binary) = (Vec::new(), Vec::new());
    for (key, content) in known {
        loader.budget().charge(1 + content.len() as u64 / 64)?;
        if args.secret.is_some() {
            data.push(field(&key, encoded(&content)));
            continue;
        }
        match String::from_utf8(content) {
            Ok(text) => data.push(field(&key, text_node(text))),
            Err(error) => binary.push(field(&key, encoded(error.as_bytes()))),
        }
    }
    if args.secret.is_some() || !data.is_empty() {
        entries.push(field("data", Node::mapping(data)));
    }
    if !binary.is_empty() {
        entries.push(field("binaryData", Node::mapping(binary)));
    }
    if options.immutable {
        entries.push(field("immutable", Node::bool(true)));
    }
    let mut resource = Resource::new(Node::mapping(entries));
    resource.memory.needs_hash = !options.disable_name_suffix_hash;
    resource.memory.behavior = Behavior::parse(&args.behavior);
    Ok(resource)
}

fn text_node(text: String) -> Node {
    let style = if text.contains('\n') { Style::Literal } else { Style::Default };
    Node::string(text).with_style(style)
}

/// Base64, broken into lines of 70 where it is longer than that.
fn encoded(content: &[u8]) -> Node {
    let text = STANDARD.encode(content);
    if text.len() < 70 {
        return Node::string(text);
    }
    let mut lines = String::with_capacity(text.len() + text.len() / 70 + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(70));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    text_node(lines)
}

/// Puts merged data into a generated object.
pub(crate) fn set_data(
    resource: &mut Resource,
    data: &BTreeMap<SmolStr, SmolStr>,
    binary: &BTreeMap<SmolStr, SmolStr>,
) -> Result<()> {
    resource.with_tree(|node| {
        for (name, map) in [("data", data), ("binaryData", binary)] {
            nodes::clear(node, name);
            if map.is_empty() {
                continue;
            }
            let entries = map
                .iter()
                .map(|(key, text)| {
                    let style = if text.contains('\n') { Style::Literal } else { Style::Default };
                    (nodes::key(key.clone()), nodes::scalar(text.clone(), Tag::Str).with_style(style))
                })
                .collect();
            nodes::set_field(node, name, Node::mapping(entries))?;
        }
        Ok(())
    })?;
    Ok(())
}
