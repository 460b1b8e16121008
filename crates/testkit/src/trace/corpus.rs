//! The scenarios on disk.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{peers, yaml};

/// Whose traces: decides the namespace's prefix and what is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    Kustomization,
    Source,
    HelmRelease,
}

impl Family {
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomization",
            Self::Source => "source",
            Self::HelmRelease => "helmrelease",
        }
    }

    /// The prefix of namespaces and repositories at the time of recording; digests were computed with it.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Kustomization => "ks",
            Self::Source => "src",
            Self::HelmRelease => "hr",
        }
    }
}

/// One scenario: what is done, and what Flux wrote then.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub family: Family,
    pub name: String,
    pub steps: Vec<Value>,
    pub trace: Vec<Value>,
}

impl Scenario {
    /// `kustomization/apply-ok`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.family.folder(), self.name)
    }

    /// The repository's name, and with `t-` before it the namespace.
    pub fn repository(&self) -> String {
        format!("{}-{}", self.family.prefix(), self.name)
    }

    pub fn ns(&self) -> String {
        format!("t-{}", self.repository())
    }

    /// Reads one scenario.
    pub fn load(corpus: &Path, family: Family, name: &str) -> Result<Self, String> {
        let folder = corpus.join(family.folder()).join(name);
        let read = |file: &str| {
            let path = folder.join(file);
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            match yaml::document(&text).map_err(|error| format!("{}: {error}", path.display()))? {
                Value::Array(rows) => Ok(rows),
                _ => Err(format!("{}: not a list", path.display())),
            }
        };
        let mut trace = read("trace.yaml")?;
        trace.iter_mut().for_each(mask_included_size);
        Ok(Self { family, name: name.to_owned(), steps: read("steps.yaml")?, trace })
    }

    /// All scenarios of a family, by name.
    pub fn all(corpus: &Path, family: Family) -> Result<Vec<Self>, String> {
        let folder = corpus.join(family.folder());
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names.iter().map(|name| Self::load(corpus, family, name)).collect()
    }
}

/// The recorder masked an included artifact's size in states and forgot it in reads; it is the compressor's there too.
fn mask_included_size(row: &mut Value) {
    let included = row.pointer_mut("/read/status/includedArtifacts").and_then(Value::as_array_mut);
    for artifact in included.into_iter().flatten() {
        artifact["size"] = "<size>".into();
    }
}

/// Where the corpus is.
pub fn folder() -> PathBuf {
    peers::workspace().join("crates/e2e/tests/corpus/flux")
}
