//! `--output`: a build into one file, or each object into a file of its own.

use std::collections::BTreeSet;
use std::path::Path;

use sluice_kustomize::{Built, Object, is_cluster_scoped};

use crate::error::{CliError, CliResult};

/// Writes one file.
pub fn write(path: &Path, text: &str) -> CliResult {
    std::fs::write(path, text).map_err(|error| {
        let shown = path.display();
        CliError::new(match error.kind() {
            std::io::ErrorKind::NotFound => format!("open {shown}: no such file or directory"),
            _ => format!("open {shown}: {error}"),
        })
    })
}

/// Writes every object into a folder. Names begin with the namespace where there are several of them.
pub fn write_objects(folder: &Path, built: &Built) -> CliResult {
    let places: BTreeSet<String> = built.objects.iter().filter_map(namespace).collect();
    for object in &built.objects {
        let mut name = format!("{}_{}.yaml", kind(object), text(object, "name")).to_lowercase();
        if let Some(place) = namespace(object).filter(|_| places.len() > 1) {
            name = format!("{}_{name}", place.to_lowercase());
        }
        if name.contains(['/', '\\']) {
            return Err(CliError::new(format!("'{name}' is no name of a file")));
        }
        let yaml = object.to_yaml().map_err(|error| CliError::new(error.to_string()))?;
        write(&folder.join(name), &yaml)?;
    }
    Ok(())
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.node().get("metadata").and_then(|metadata| metadata.get_str(field)).unwrap_or_default()
}

/// `group_version_kind`, without what is empty.
fn kind(object: &Object) -> String {
    let version = object.node().get_str("apiVersion").unwrap_or_default().replace('/', "_");
    let kind = object.node().get_str("kind").unwrap_or_default();
    [version.as_str(), kind].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// The namespace of an object that may have one.
fn namespace(object: &Object) -> Option<String> {
    let version = object.node().get_str("apiVersion").unwrap_or_default();
    let kind = object.node().get_str("kind").unwrap_or_default();
    let name = text(object, "namespace");
    (!is_cluster_scoped(version, kind)).then(|| if name.is_empty() { "default" } else { name }.to_owned())
}
