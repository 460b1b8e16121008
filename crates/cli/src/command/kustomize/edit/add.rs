//! `sluice kustomize edit add`.

use std::path::Path;

use sluice_kustomize::edit::{Entries, GeneratorKind, LabelOptions, Paths, pairs, read_metadata_options};
use sluice_kustomize::file::{Patch, Selector};

use super::place::{Place, change};
use super::sources::{Session, SourceArgs, files_or_bases};
use crate::error::{CliError, CliResult};

#[derive(Debug, clap::Subcommand)]
pub enum AddCommand {
    /// Adds one or more commonAnnotations to kustomization.yaml
    Annotation {
        #[arg(value_name = "KEY:VALUE")]
        pairs: Vec<String>,
        /// Overwrite commonAnnotation if it already exists
        #[arg(long, short)]
        force: bool,
    },
    /// Adds one or more bases to the kustomization.yaml in current directory
    Base {
        #[arg(value_name = "PATH[,PATH]")]
        paths: Vec<String>,
    },
    /// Adds one or more buildMetadata options to the kustomization.yaml in the current directory
    Buildmetadata {
        #[arg(value_name = "OPTION[,OPTION]")]
        options: Vec<String>,
    },
    /// Add the name of a file containing a component to the kustomization file
    Component {
        #[arg(value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Adds a configmap to the kustomization file
    Configmap {
        #[command(flatten)]
        sources: SourceArgs,
        /// create (the default), merge or replace
        #[arg(long, default_value = "", hide_default_value = true)]
        behavior: String,
    },
    /// Add the name of a file containing a generator configuration to the kustomization file
    Generator {
        #[arg(value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Adds one or more commonLabels to kustomization.yaml
    Label {
        #[arg(value_name = "KEY:VALUE")]
        pairs: Vec<String>,
        /// Overwrite commonLabel if it already exists
        #[arg(long, short)]
        force: bool,
        /// Using add labels without selector option
        #[arg(long)]
        without_selector: bool,
        /// Include labels in templates (requires --without-selector)
        #[arg(long)]
        include_templates: bool,
    },
    /// Add an item to patches field
    Patch(PatchArgs),
    /// Add the name of a file containing a resource to the kustomization file
    Resource {
        #[arg(value_name = "PATH")]
        paths: Vec<String>,
        /// Skip validation for resources
        #[arg(long)]
        no_verify: bool,
    },
    /// Adds a secret to the kustomization file
    Secret {
        #[command(flatten)]
        sources: SourceArgs,
        /// 'Opaque' (default) or 'kubernetes.io/tls'
        #[arg(long = "type", default_value = "Opaque")]
        secret_type: String,
    },
    /// Add the name of a file containing a transformer configuration to the kustomization file
    Transformer {
        #[arg(value_name = "PATH")]
        paths: Vec<String>,
    },
}

/// One patch and what it is for.
#[derive(Debug, clap::Args)]
pub struct PatchArgs {
    /// Path to the patch file. Cannot be used with --patch at the same time
    #[arg(long, default_value = "", hide_default_value = true)]
    path: String,
    /// Literal string of patch content. Cannot be used with --path at the same time
    #[arg(long, default_value = "", hide_default_value = true)]
    patch: String,
    /// API group in patch target
    #[arg(long, default_value = "", hide_default_value = true)]
    group: String,
    /// API version in patch target
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    /// Resource kind in patch target
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
    /// Resource name in patch target
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// annotationSelector in patch target
    #[arg(long, default_value = "", hide_default_value = true)]
    annotation_selector: String,
    /// labelSelector in patch target
    #[arg(long, default_value = "", hide_default_value = true)]
    label_selector: String,
}

impl PatchArgs {
    pub fn read(self, session: &Session<'_>) -> CliResult<Patch> {
        if !self.patch.is_empty() && !self.path.is_empty() {
            return Err(CliError::new("patch and path can't be set at the same time"));
        }
        let target = Selector {
            group: self.group,
            version: self.version,
            kind: self.kind,
            name: self.name,
            namespace: session.namespace.clone(),
            annotation_selector: self.annotation_selector,
            label_selector: self.label_selector,
        };
        Ok(Patch { path: self.path, patch: self.patch, target: Some(target), options: None })
    }
}

pub async fn run(session: &Session<'_>, what: AddCommand) -> CliResult {
    let failed = |error: sluice_kustomize::Error| CliError::new(error.to_string());
    match what {
        AddCommand::Annotation { pairs: words, force } => {
            let pairs = read_pairs(&words, "annotation")?;
            change(|file| file.add_entries(Entries::Annotations, pairs, force))
        }
        AddCommand::Label { pairs: words, force, without_selector, include_templates } => {
            if words.is_empty() {
                return Err(CliError::new("must specify label"));
            }
            if include_templates && !without_selector {
                let text = "--without-selector flag must be specified for --include-templates to work";
                return Err(CliError::new(text));
            }
            let pairs = read_pairs(&words, "label")?;
            let options = LabelOptions { force, without_selector, include_templates };
            change(|file| file.add_labels(pairs, options))
        }
        AddCommand::Base { paths } => add_bases(&paths),
        AddCommand::Buildmetadata { options } => {
            let options = read_metadata_options(&options).map_err(failed)?;
            change(|file| file.add_build_metadata(options))
        }
        AddCommand::Component { paths } => {
            let found = files_or_bases(&some(paths, "must specify a component file")?, false).await?;
            add_paths(session, Paths::Components, found)
        }
        AddCommand::Resource { paths, no_verify } => {
            let found = files_or_bases(&some(paths, "must specify a resource file")?, no_verify).await?;
            add_paths(session, Paths::Resources, found)
        }
        AddCommand::Generator { paths } => {
            let text = "must specify a yaml file which contains a generator plugin resource";
            let found = session.files(&some(paths, text)?)?;
            add_paths(session, Paths::Generators, found)
        }
        AddCommand::Transformer { paths } => {
            let text = "must specify a yaml file which contains a transformer plugin resource";
            let found = session.files(&some(paths, text)?)?;
            add_paths(session, Paths::Transformers, found)
        }
        AddCommand::Configmap { sources, behavior } => {
            sources.add(session, GeneratorKind::ConfigMap, &behavior, "")
        }
        AddCommand::Secret { sources, secret_type } => {
            sources.add(session, GeneratorKind::Secret, "", &secret_type)
        }
        AddCommand::Patch(args) => {
            let patch = args.read(session)?;
            if patch.patch.is_empty() && patch.path.is_empty() {
                return Err(CliError::new("must provide either patch or path"));
            }
            let place = Place::find()?;
            let mut file = place.read()?;
            if file.add_patch(patch) {
                return place.write(&file);
            }
            session.note("patch already in kustomization file");
            Ok(())
        }
    }
}

fn some(words: Vec<String>, text: &str) -> CliResult<Vec<String>> {
    if words.is_empty() { Err(CliError::new(text)) } else { Ok(words) }
}

/// Pairs of a command that wants at least one.
pub fn read_pairs(words: &[String], kind: &str) -> CliResult<std::collections::BTreeMap<String, String>> {
    if words.is_empty() {
        return Err(CliError::new(format!("must specify {kind}")));
    }
    pairs(words.iter().map(String::as_str), kind).map_err(|error| CliError::new(error.to_string()))
}

fn add_paths(session: &Session<'_>, paths: Paths, found: Vec<String>) -> CliResult {
    if found.is_empty() {
        return Ok(());
    }
    let place = Place::find()?;
    let mut file = place.read()?;
    let names_itself = matches!(paths, Paths::Resources | Paths::Components);
    let found = found.into_iter().filter(|path| !names_itself || path != place.name()).collect();
    let notes = file.add_paths(paths, found);
    session.notes(&notes);
    place.write(&file)
}

fn add_bases(words: &[String]) -> CliResult {
    let [word] = words else { return Err(CliError::new("must specify a base directory")) };
    let place = Place::find()?;
    let mut file = place.read()?;
    for base in word.split(',') {
        if Path::new(base).symlink_metadata().is_err() {
            return Err(CliError::new(format!("{base} does not exist")));
        }
        file.add_base(base).map_err(|error| CliError::new(error.to_string()))?;
    }
    place.write(&file)
}
