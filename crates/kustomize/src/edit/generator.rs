//! Entries of `configMapGenerator` and `secretGenerator`: added, changed, taken away, tried out.

use std::rc::Rc;

use sluice_budget::Budget;
use sluice_tree::Tree;

use super::File;
use crate::error::{Result, fail};
use crate::file::{GeneratorArgs, GeneratorOptions, SecretArgs};
use crate::generate;
use crate::load::{Answers, Loader, Shared};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeneratorKind {
    ConfigMap,
    Secret,
}

impl GeneratorKind {
    fn noun(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// What an entry is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    pub literals: Vec<String>,
    pub files: Vec<String>,
    pub env: String,
    pub behavior: String,
    pub disable_name_suffix_hash: bool,
    /// The type of a Secret that is made new.
    pub secret_type: String,
}

/// The fields that both kinds of entries have.
struct Entry<'a> {
    name: &'a str,
    namespace: &'a mut String,
    behavior: &'a mut String,
    literals: &'a mut Vec<String>,
    files: &'a mut Vec<String>,
    envs: &'a mut Vec<String>,
    options: &'a mut Option<GeneratorOptions>,
}

macro_rules! entry {
    ($args:expr) => {{
        let args = $args;
        Entry {
            name: &args.name,
            namespace: &mut args.namespace,
            behavior: &mut args.behavior,
            literals: &mut args.literals,
            files: &mut args.files,
            envs: &mut args.envs,
            options: &mut args.options,
        }
    }};
}

fn is_same_namespace(one: &str, other: &str) -> bool {
    let whole = |name: &str| if name.is_empty() { "default".to_owned() } else { name.to_owned() };
    whole(one) == whole(other)
}

impl File {
    /// Adds to the entry of this name, or makes one. Gives its place in the list.
    pub fn add_generator(
        &mut self,
        kind: GeneratorKind,
        name: &str,
        namespace: &str,
        sources: Sources,
    ) -> usize {
        let at = self.find(kind, name, namespace).unwrap_or_else(|| {
            let (name, namespace) = (name.to_owned(), namespace.to_owned());
            let kustomization = &mut self.kustomization;
            match kind {
                GeneratorKind::ConfigMap => {
                    let args = GeneratorArgs { namespace, name, ..GeneratorArgs::default() };
                    kustomization.config_map_generator.push(args);
                    kustomization.config_map_generator.len() - 1
                }
                GeneratorKind::Secret => {
                    let kind = sources.secret_type.clone();
                    let args = SecretArgs { namespace, name, kind, ..SecretArgs::default() };
                    kustomization.secret_generator.push(args);
                    kustomization.secret_generator.len() - 1
                }
            }
        });
        let entry = self.entry(kind, at);
        entry.literals.extend(sources.literals);
        entry.files.extend(sources.files);
        if !sources.env.is_empty() {
            entry.envs.push(sources.env);
        }
        if sources.disable_name_suffix_hash {
            *entry.options =
                Some(GeneratorOptions { disable_name_suffix_hash: true, ..GeneratorOptions::default() });
        }
        if !sources.behavior.is_empty() {
            *entry.behavior = sources.behavior;
        }
        self.merge_options(kind, at);
        at
    }

    /// Changes literals and the namespace of an entry. Gives its place in the list.
    pub fn set_generator(
        &mut self,
        kind: GeneratorKind,
        name: &str,
        namespace: &str,
        literals: &[String],
        new_namespace: &str,
    ) -> Result<usize> {
        let noun = kind.noun();
        let Some(at) = self.find(kind, name, namespace) else {
            let name = crate::text::quote(name);
            fail!("could not set new {noun} value: unable to find {noun} with name {name}");
        };
        let entry = self.entry(kind, at);
        if !literals.is_empty() {
            let failed = |error: crate::Error| {
                error.within("failed to update literal sources: failed to update resource")
            };
            let mut known: Vec<(String, String)> = Vec::new();
            for literal in entry.literals.iter() {
                let (key, value) = read_literal(literal).map_err(failed)?;
                match known.iter_mut().find(|(known, _)| *known == key) {
                    Some(pair) => pair.1 = value,
                    None => known.push((key, value)),
                }
            }
            for literal in literals {
                let (key, value) = read_literal(literal).map_err(failed)?;
                match known.iter_mut().find(|(known, _)| *known == key) {
                    Some(pair) => pair.1 = value,
                    None => fail!("failed to update literal sources: key '{key}' not found in resource"),
                }
            }
            *entry.literals = known.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        }
        if !new_namespace.is_empty() {
            new_namespace.clone_into(entry.namespace);
        }
        self.merge_options(kind, at);
        Ok(at)
    }

    /// Takes entries away; gives the names that there were none of.
    pub fn remove_generators(&mut self, kind: GeneratorKind, names: &[&str], namespace: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut keep = |name: &str, its: &str| {
            let goes = names.contains(&name) && is_same_namespace(its, namespace);
            if goes {
                found.push(name.to_owned());
            }
            !goes
        };
        let kustomization = &mut self.kustomization;
        match kind {
            GeneratorKind::ConfigMap => {
                kustomization.config_map_generator.retain(|args| keep(&args.name, &args.namespace));
            }
            GeneratorKind::Secret => {
                kustomization.secret_generator.retain(|args| keep(&args.name, &args.namespace));
            }
        }
        let missing = names.iter().filter(|name| !found.iter().any(|found| found == *name));
        missing.map(|name| (*name).to_owned()).collect()
    }

    fn find(&mut self, kind: GeneratorKind, name: &str, namespace: &str) -> Option<usize> {
        let count = match kind {
            GeneratorKind::ConfigMap => self.kustomization.config_map_generator.len(),
            GeneratorKind::Secret => self.kustomization.secret_generator.len(),
        };
        (0..count).find(|at| {
            let entry = self.entry(kind, *at);
            entry.name == name && is_same_namespace(entry.namespace, namespace)
        })
    }

    fn entry(&mut self, kind: GeneratorKind, at: usize) -> Entry<'_> {
        match kind {
            GeneratorKind::ConfigMap => entry!(&mut self.kustomization.config_map_generator[at]),
            GeneratorKind::Secret => entry!(&mut self.kustomization.secret_generator[at]),
        }
    }

    /// kustomize writes the options of all into the entry that it has touched.
    fn merge_options(&mut self, kind: GeneratorKind, at: usize) {
        let all = self.kustomization.generator_options.clone();
        let options = self.entry(kind, at).options;
        *options = generate::merge_options(options.take(), all.as_ref());
    }
}

fn read_literal(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !value.contains('=') => Ok((key.to_owned(), value.to_owned())),
        _ => fail!("invalid format: literal values must be specified in the key=value format"),
    }
}

/// Makes the object of one entry to see whether it can be made; `folder` is where the kustomization lies in the tree.
pub fn check_generators(
    tree: &dyn Tree,
    folder: &str,
    file: &File,
    kind: GeneratorKind,
    at: usize,
    budget: &Budget,
) -> Result<()> {
    let args = match kind {
        GeneratorKind::ConfigMap => {
            file.kustomization.config_map_generator.get(at).cloned().map(generate::Args::from)
        }
        GeneratorKind::Secret => {
            file.kustomization.secret_generator.get(at).cloned().map(generate::Args::from)
        }
    };
    let Some(args) = args else { return Ok(()) };
    let answers = Answers::default();
    let shared = Rc::new(Shared::new(tree, &answers, budget));
    let loader = Loader::start(shared, folder)?;
    generate::generate(&args, &loader).map(|_| ())
}
