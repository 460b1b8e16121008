//! `sluice kustomize create`.

use std::path::Path;

use sluice_budget::Budget;
use sluice_kustomize::edit::{File, pairs};
use sluice_kustomize::file::FILE_NAMES;

use super::edit::place::Place;
use super::edit::sources::files_or_bases;
use crate::error::{CliError, CliResult};
use crate::files;

/// No folder that is searched holds more, or lies deeper.
const MOST: usize = 100_000;
const DEEPEST: usize = 64;

/// Create a new kustomization in the current directory
#[derive(Debug, clap::Args)]
#[command(visible_alias = "init")]
pub struct CreateArgs {
    /// Files and bases to add to the kustomization file
    #[arg(long, default_value = "", hide_default_value = true, value_name = "PATH[,PATH]")]
    resources: String,
    /// Add one or more common annotations
    #[arg(long, default_value = "", hide_default_value = true, value_name = "KEY:VALUE[,KEY:VALUE]")]
    annotations: String,
    /// Add one or more common labels
    #[arg(long, default_value = "", hide_default_value = true, value_name = "KEY:VALUE[,KEY:VALUE]")]
    labels: String,
    /// Sets the value of the namePrefix field in the kustomization file
    #[arg(long, default_value = "", hide_default_value = true, value_name = "PREFIX")]
    nameprefix: String,
    /// Sets the value of the nameSuffix field in the kustomization file
    #[arg(long, default_value = "", hide_default_value = true, value_name = "SUFFIX")]
    namesuffix: String,
    /// Search for kubernetes resources in the current directory to be added to the kustomization file
    #[arg(long)]
    autodetect: bool,
    /// Enable recursive directory searching for resource auto-detection
    #[arg(long)]
    recursive: bool,
    #[arg(hide = true)]
    ignored: Vec<String>,
}

pub async fn run(namespace: Option<String>, args: CreateArgs) -> CliResult {
    let mut resources = match args.resources.as_str() {
        "" => Vec::new(),
        words => {
            let words: Vec<String> = words.split(',').map(str::to_owned).collect();
            files_or_bases(&words, false).await?
        }
    };
    if Place::find().is_ok() {
        return Err(CliError::new("kustomization file already exists"));
    }
    if args.autodetect {
        let mut found = Vec::new();
        detect(Path::new(""), args.recursive, 0, &mut found)?;
        for path in found {
            if !resources.contains(&path) {
                resources.push(path);
            }
        }
    }
    // As upstream, a file is there from here on, whatever comes.
    std::fs::write(FILE_NAMES[0], "")?;
    let failed = |error: sluice_kustomize::Error| CliError::new(error.to_string());
    let place = Place::find()?;
    let mut file: File = place.read()?;
    let kustomization = &mut file.kustomization;
    kustomization.resources = resources;
    kustomization.namespace = namespace.unwrap_or_default();
    kustomization.name_prefix = args.nameprefix;
    kustomization.name_suffix = args.namesuffix;
    let words = |text: &'static str, words: &str| {
        let words: Vec<String> = words.split(',').filter(|_| !words.is_empty()).map(str::to_owned).collect();
        pairs(words.iter().map(String::as_str), text).map_err(failed)
    };
    kustomization.common_annotations = words("annotation", &args.annotations)?;
    kustomization.common_labels = Some(words("label", &args.labels)?);
    place.write(&file)
}

/// The files that hold objects, and with `recursive` the folders that are kustomizations.
fn detect(folder: &Path, recursive: bool, depth: usize, found: &mut Vec<String>) -> CliResult {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if depth > DEEPEST {
        return Err(CliError::new(format!("{} lies more than {DEEPEST} deep", here.display())));
    }
    let mut entries: Vec<_> = std::fs::read_dir(here)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if found.len() > MOST {
            return Err(CliError::new(format!("more than {MOST} resources")));
        }
        let path = folder.join(entry.file_name());
        let shown = path.display().to_string();
        if entry.file_type()?.is_dir() {
            if recursive && FILE_NAMES.iter().any(|name| path.join(name).exists()) {
                found.push(shown);
            } else if recursive {
                detect(&path, recursive, depth + 1, found)?;
            }
            continue;
        }
        let text = match files::read_text(&path) {
            Ok(text) => text,
            // What is no text, or too large, holds no objects.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(CliError::new(format!("open {shown}: {error}"))),
        };
        if sluice_kustomize::check_objects(text.as_bytes(), &Budget::generous()).is_ok() {
            found.push(shown);
        }
    }
    Ok(())
}
