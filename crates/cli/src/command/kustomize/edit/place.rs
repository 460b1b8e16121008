//! The kustomization file of the working directory: found, read, written.

use std::path::Path;

use sluice_kustomize::edit::File;
use sluice_kustomize::file::FILE_NAMES;

use crate::error::{CliError, CliResult};
use crate::files;

/// A kustomization file on the disk.
pub struct Place {
    name: &'static str,
}

impl Place {
    /// The one file that there must be.
    pub fn find() -> CliResult<Self> {
        let found: Vec<&'static str> =
            FILE_NAMES.into_iter().filter(|name| Path::new(name).symlink_metadata().is_ok()).collect();
        match found.as_slice() {
            [] => Err(CliError::new("Missing kustomization file 'kustomization.yaml'.\n")),
            [name] if Path::new(name).is_dir() => Err(CliError::new(format!("{name} should be a file"))),
            [name] => Ok(Self { name }),
            _ => Err(CliError::new(format!("Found multiple kustomization file: [{}]\n", found.join(" ")))),
        }
    }

    pub fn name(&self) -> &str {
        self.name
    }

    pub fn read(&self) -> CliResult<File> {
        let text = files::read_text(Path::new(self.name))
            .map_err(|error| CliError::new(format!("open {}: {error}", self.name)))?;
        File::read(text.as_bytes()).map_err(|error| CliError::new(error.to_string()))
    }

    pub fn write(&self, file: &File) -> CliResult {
        std::fs::write(self.name, file.write())
            .map_err(|error| CliError::new(format!("write {}: {error}", self.name)))
    }
}

/// Reads the file, changes it, writes it.
pub fn change(work: impl FnOnce(&mut File) -> Result<(), sluice_kustomize::Error>) -> CliResult {
    let place = Place::find()?;
    let mut file = place.read()?;
    work(&mut file).map_err(|error| CliError::new(error.to_string()))?;
    place.write(&file)
}
