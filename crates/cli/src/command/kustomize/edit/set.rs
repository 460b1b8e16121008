//! `sluice kustomize edit set`.

use sluice_kustomize::edit::{
    Entries, File, GeneratorKind, is_annotation_key, read_images, read_metadata_options, read_replicas,
};

use super::add::read_pairs;
use super::place::change;
use super::sources::{ChangeArgs, Session};
use crate::error::{CliError, CliResult};

#[derive(Debug, clap::Subcommand)]
pub enum SetCommand {
    /// Sets one or more commonAnnotations in kustomization.yaml
    Annotation {
        #[arg(value_name = "KEY:VALUE")]
        pairs: Vec<String>,
    },
    /// Sets one or more buildMetadata options to the kustomization.yaml in the current directory
    Buildmetadata {
        #[arg(value_name = "OPTION[,OPTION]")]
        options: Vec<String>,
    },
    /// Edits the value for an existing key for a ConfigMap in the kustomization.yaml file
    Configmap(ChangeArgs),
    /// Sets images and their new names, new tags or digests in the kustomization file
    Image {
        #[arg(value_name = "IMAGE=NEW:TAG")]
        images: Vec<String>,
    },
    /// Sets one or more commonLabels in kustomization.yaml
    Label {
        #[arg(value_name = "KEY:VALUE")]
        pairs: Vec<String>,
    },
    /// Sets the value of the namePrefix field in the kustomization file
    Nameprefix {
        #[arg(value_name = "PREFIX")]
        values: Vec<String>,
    },
    /// Sets the value of the namespace field in the kustomization file
    Namespace {
        #[arg(value_name = "NAMESPACE")]
        values: Vec<String>,
    },
    /// Sets the value of the nameSuffix field in the kustomization file
    Namesuffix {
        #[arg(value_name = "SUFFIX")]
        values: Vec<String>,
    },
    /// Sets replicas count for resources in the kustomization file
    Replicas {
        #[arg(value_name = "NAME=COUNT")]
        replicas: Vec<String>,
    },
    /// Edits the value for an existing key for a Secret in the kustomization.yaml file
    Secret(ChangeArgs),
}

pub fn run(session: &Session<'_>, what: SetCommand) -> CliResult {
    let failed = |error: sluice_kustomize::Error| CliError::new(error.to_string());
    match what {
        SetCommand::Annotation { pairs } => {
            let pairs = read_pairs(&pairs, "annotation")?;
            if !pairs.keys().all(|key| is_annotation_key(key)) {
                return Err(CliError::new(
                    "invalid annotation key: see the syntax and character set rules at \
                     https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/",
                ));
            }
            put(|file| file.set_entries(Entries::Annotations, pairs))
        }
        SetCommand::Label { pairs } => {
            let pairs = read_pairs(&pairs, "label")?;
            put(|file| file.set_entries(Entries::Labels, pairs))
        }
        SetCommand::Buildmetadata { options } => {
            let options = read_metadata_options(&options).map_err(failed)?;
            put(|file| file.kustomization.build_metadata = options)
        }
        SetCommand::Image { images } => {
            let images = read_images(&images).map_err(failed)?;
            put(|file| file.set_images(images))
        }
        SetCommand::Replicas { replicas } => {
            let replicas = read_replicas(&replicas).map_err(failed)?;
            put(|file| file.set_replicas(replicas))
        }
        SetCommand::Nameprefix { values } => {
            let value = one(values, "prefix")?;
            put(|file| file.kustomization.name_prefix = value)
        }
        SetCommand::Namesuffix { values } => {
            let value = one(values, "suffix")?;
            put(|file| file.kustomization.name_suffix = value)
        }
        SetCommand::Namespace { values } => {
            let value = one(values, "namespace")?;
            put(|file| file.kustomization.namespace = value)
        }
        SetCommand::Configmap(args) => args.set(session, GeneratorKind::ConfigMap),
        SetCommand::Secret(args) => args.set(session, GeneratorKind::Secret),
    }
}

fn put(work: impl FnOnce(&mut File)) -> CliResult {
    change(|file| {
        work(file);
        Ok(())
    })
}

fn one(values: Vec<String>, what: &str) -> CliResult<String> {
    <[String; 1]>::try_from(values)
        .map(|[value]| value)
        .map_err(|_| CliError::new(format!("must specify exactly one {what} value")))
}
