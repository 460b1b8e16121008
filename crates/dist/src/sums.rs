//! Digests, and the checksums of what ships.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Outcome;

/// `sha256:…` of bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

/// A line for every file below a folder, as `sha256sum --check` reads them.
pub fn of(folder: &Path) -> Outcome<String> {
    let mut lines = String::new();
    for path in files(folder)? {
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.strip_prefix(folder).unwrap_or(&path);
        lines.push_str(&format!("{}  {}\n", hex(&bytes), name.display()));
    }
    Ok(lines)
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
