//! Charts and files from this machine's disk, bounded.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use sluice_helm::chart::archive::{self, ArchiveError};
use sluice_helm::chart::{Chart, ChartError, Limits, folder};
use sluice_tree::Folder;

use crate::error::{CliError, CliResult};

/// No file that is given as a flag or chart is larger.
const MAX_FILE: u64 = 100 << 20;

/// A file's bytes; the error is in Go's words.
pub fn read(name: &str) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    let opened = File::open(name).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut data));
    opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {name}: no such file or directory"),
        _ => format!("open {name}: {error}"),
    })?;
    if data.len() as u64 > MAX_FILE {
        Err(format!("{name} is larger than {MAX_FILE} bytes"))
    } else {
        Ok(data)
    }
}

/// Randomness from the operating system.
pub fn random(bytes: &mut [u8]) {
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(bytes))
        .expect("the operating system has randomness");
}

/// The whole disk as a view, and the chart's place in it: links of a person's own charts may lead anywhere.
pub fn tree(chart: &str) -> CliResult<(Folder, String)> {
    let full = fs::canonicalize(chart).map_err(|_| CliError::new(format!("path {chart:?} not found")))?;
    if !full.is_dir() {
        return Err(CliError::new(format!("{chart:?} is not a directory")));
    }
    let tree = Folder::open(Path::new("/"), sluice_tree::Limits::default())
        .map_err(|error| CliError::new(error.to_string()))?;
    Ok((tree, full.to_string_lossy().into_owned()))
}

/// Loads a chart from a folder or an archive.
pub fn load(chart: &str) -> CliResult<Chart> {
    let full = fs::canonicalize(chart).map_err(|_| CliError::new(format!("path {chart:?} not found")))?;
    if full.is_dir() {
        let (tree, path) = tree(chart)?;
        return folder::load(&tree, &path, &Limits::default())
            .map_err(|error| CliError::new(error.to_string()));
    }
    let name = full.to_string_lossy();
    let data = read(&name).map_err(CliError::new)?;
    archive::check_content(&name, &data).map_err(|error| CliError::new(error.to_string()))?;
    Chart::load_archive(&data, &Limits::default()).map_err(|error| {
        CliError::new(match error {
            ChartError::Archive(ArchiveError::NotGzip) => {
                format!("file '{name}' does not appear to be a valid chart file (details: {error})")
            }
            ChartError::Archive(_) => "unable to load chart archive".to_owned(),
            other => other.to_string(),
        })
    })
}

/// Loads a chart from a folder with the times of its files.
pub fn load_with_times(chart: &str) -> CliResult<Chart> {
    let (tree, path) = tree(chart)?;
    let modified = |path: &str| {
        let time = fs::metadata(path).ok()?.modified().ok()?;
        jiff::Timestamp::try_from(time).ok()
    };
    folder::load_with_times(&tree, &path, &Limits::default(), &modified)
        .map_err(|error| CliError::new(error.to_string()))
}

/// Writes a file, or appends to it; folders on the way are made.
pub fn write(path: &Path, data: &[u8], append: bool) -> CliResult {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = if append { OpenOptions::new().append(true).open(path)? } else { File::create(path)? };
    Ok(file.write_all(data)?)
}
