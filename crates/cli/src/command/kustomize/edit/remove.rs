//! `sluice kustomize edit remove`.

use sluice_kustomize::edit::{Entries, GeneratorKind, Paths, read_metadata_options};

use super::add::PatchArgs;
use super::place::{Place, change};
use super::sources::Session;
use crate::error::{CliError, CliResult};

#[derive(Debug, clap::Subcommand)]
pub enum RemoveCommand {
    /// Removes one or more commonAnnotations from kustomization.yaml
    Annotation(EntryArgs),
    /// Removes one or more buildMetadata options to the kustomization.yaml in the current directory
    Buildmetadata {
        #[arg(value_name = "OPTION[,OPTION]")]
        options: Vec<String>,
    },
    /// Removes the specified configmap(s) from kustomization.yaml
    Configmap {
        #[arg(value_name = "NAME[,NAME]")]
        names: Vec<String>,
    },
    /// Removes one or more commonLabels from kustomization.yaml
    Label(EntryArgs),
    /// Removes a patch from kustomization.yaml
    Patch(PatchArgs),
    /// Removes one or more resource file paths from kustomization.yaml
    Resource {
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
    },
    /// Removes the specified secret(s) from kustomization.yaml
    Secret {
        #[arg(value_name = "NAME[,NAME]")]
        names: Vec<String>,
    },
    /// Removes one or more transformers from kustomization.yaml
    Transformer {
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
pub struct EntryArgs {
    #[arg(value_name = "KEY[,KEY]")]
    keys: Vec<String>,
    /// Ignore error if the given label doesn't exist
    #[arg(long, short)]
    ignore_non_existence: bool,
}

impl EntryArgs {
    /// Upstream calls annotations labels here.
    fn remove(&self, entries: Entries) -> CliResult {
        let [word] = self.keys.as_slice() else {
            return Err(CliError::new(match self.keys.len() {
                0 => "must specify label",
                _ => "labels must be comma-separated, with no spaces",
            }));
        };
        let names: Vec<&str> = word.split(',').collect();
        if names.contains(&"") {
            return Err(CliError::new("invalid label: '' (name is empty)"));
        }
        change(|file| file.remove_entries(entries, &names, self.ignore_non_existence))
    }
}

pub fn run(session: &Session<'_>, what: RemoveCommand) -> CliResult {
    match what {
        RemoveCommand::Annotation(args) => args.remove(Entries::Annotations),
        RemoveCommand::Label(args) => args.remove(Entries::Labels),
        RemoveCommand::Buildmetadata { options } => {
            let options =
                read_metadata_options(&options).map_err(|error| CliError::new(error.to_string()))?;
            change(|file| {
                file.kustomization.build_metadata.retain(|option| !options.contains(option));
                Ok(())
            })
        }
        RemoveCommand::Configmap { names } => remove_generators(session, GeneratorKind::ConfigMap, &names),
        RemoveCommand::Secret { names } => remove_generators(session, GeneratorKind::Secret, &names),
        RemoveCommand::Resource { patterns } => {
            remove_paths(Paths::Resources, &patterns, "must specify a resource file")
        }
        RemoveCommand::Transformer { patterns } => {
            remove_paths(Paths::Transformers, &patterns, "must specify a transformer file")
        }
        RemoveCommand::Patch(args) => {
            let patch = args.read(session)?;
            let text = patch.patch.clone();
            let place = Place::find()?;
            let mut file = place.read()?;
            if file.remove_patch(patch) {
                return place.write(&file);
            }
            session.note(&format!("patch {text} doesn't exist in kustomization file"));
            Ok(())
        }
    }
}

fn remove_paths(paths: Paths, patterns: &[String], text: &str) -> CliResult {
    if patterns.is_empty() {
        return Err(CliError::new(text));
    }
    let place = Place::find()?;
    let mut file = place.read()?;
    let changed = file.remove_paths(paths, patterns).map_err(|error| CliError::new(error.to_string()))?;
    if changed { place.write(&file) } else { Ok(()) }
}

fn remove_generators(session: &Session<'_>, kind: GeneratorKind, words: &[String]) -> CliResult {
    let noun = if kind == GeneratorKind::Secret { "secret" } else { "configmap" };
    let [word] = words else {
        return Err(CliError::new(match words {
            [] => format!("at least one {noun} name must be specified"),
            _ => format!(
                "too many arguments: [{}]; to provide multiple {noun}s to remove, please separate {noun} names by \
                 commas",
                words.join(" ")
            ),
        }));
    };
    let names: Vec<&str> = word.split(',').collect();
    let reading = |what: &str| {
        let what = what.to_owned();
        move |error: CliError| {
            CliError::new(format!("could not read kustomization file{what}: {}", error.error))
        }
    };
    let place = Place::find().map_err(reading(""))?;
    let mut file = place.read().map_err(reading(" contents"))?;
    let missing = file.remove_generators(kind, &names, &session.namespace);
    if missing.len() == names.len() {
        let text = format!("no specified {noun}(s) were found in the kustomization.yaml file");
        return Err(CliError::new(text));
    }
    for name in missing {
        session.note(&format!("{noun} {name} doesn't exist in kustomization file"));
    }
    place.write(&file)
}
