//! Reading the files that a person names on the command line, bounded; and the disk that their paths lead over.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sluice_tree::{Folder, Limits};

use crate::error::{CliError, CliResult};

/// No file that is given as a flag is larger.
const MAX_FILE: u64 = 16 << 20;

/// The whole file as text.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 16 MiB"));
    }
    Ok(text)
}

/// The whole disk: a chart or a kustomization may name folders anywhere beside its own.
pub fn disk() -> CliResult<Folder> {
    Folder::open(Path::new("/"), Limits::default()).map_err(|error| CliError::new(error.to_string()))
}
