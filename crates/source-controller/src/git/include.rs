//! Other GitRepositories whose artifacts are copied in.

use bytes::Bytes;
use sluice_api::GitRepository;
use sluice_api::meta::{Artifact, Condition, ConditionStatus, condition_type, reason};
use sluice_api::source::git::GitRepositoryInclude;
use sluice_artifact::Store as Artifacts;
use sluice_runtime::{Draft, Failure, Key};
use sluice_tree::layout::LayoutError;
use sluice_tree::unpack::{self, Item, UnpackError};
use sluice_tree::{Layout, Node};

use super::unchanged::are_includes_changed;
use super::{Git, waiting};

/// Everything that the includes of one source may hold: it is in memory while the source is packed.
pub(super) const MOST_BYTES: u64 = 256 << 20;

/// What is to be copied in, and where.
#[derive(Debug, Clone, Default)]
pub(super) struct Includes {
    asked: Vec<GitRepositoryInclude>,
    artifacts: Vec<Artifact>,
}

impl Includes {
    pub(super) fn artifacts(&self) -> &[Artifact] {
        &self.artifacts
    }

    pub(super) fn into_artifacts(self) -> Vec<Artifact> {
        self.artifacts
    }
}

/// Why an include could not be copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error("read the artifact")]
    Read(#[from] sluice_artifact::StoreError),
    #[error("unpack the artifact")]
    Unpack(#[from] UnpackError),
    #[error("cannot stat {0}: no such file or directory")]
    Missing(String),
    #[error("{0} exists already")]
    Exists(String),
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error("the includes hold more than the {0} bytes that are left for them")]
    TooLarge(u64),
}

impl Git {
    /// Finds the artifacts of all includes.
    pub(super) fn find_includes(&self, draft: &mut Draft<GitRepository>) -> Result<Includes, Failure> {
        let object = draft.object().clone();
        let mut found = Includes { asked: object.spec.include.clone(), artifacts: Vec::new() };
        for include in &object.spec.include {
            let name = &include.repository.name;
            let Some(other) = self.store.get(&Key::new(&object.metadata.namespace, name)) else {
                let message = format!(
                    "could not get resource for include '{name}': GitRepository.source.toolkit.fluxcd.io \"{name}\" not found"
                );
                return Err(waiting(draft, reason::NOT_FOUND, message, self.common.requeue_dependency));
            };
            let Some(artifact) = other.status.artifact.clone() else {
                let message = format!("no artifact available for include '{name}'");
                return Err(waiting(draft, reason::NO_ARTIFACT, message, self.common.requeue_dependency));
            };
            found.artifacts.push(artifact);
        }
        draft.forget(condition_type::INCLUDE_UNAVAILABLE);
        let stored = &draft.status().included_artifacts;
        if are_includes_changed(stored, &found.artifacts) {
            let message = "included artifacts differ from last observed includes";
            if !stored.is_empty() {
                let outdated = Condition::new(
                    condition_type::ARTIFACT_OUTDATED,
                    ConditionStatus::True,
                    reason::INCLUDE_CHANGE,
                    message,
                );
                draft.note(outdated);
            }
            draft.progress(&format!("building artifact: {message}"));
        }
        Ok(found)
    }
}

/// Copies all includes into a layout. The error comes with the include that it is about.
pub(super) fn copy_all<C>(
    includes: &Includes,
    artifacts: &Artifacts,
    layout: &mut Layout<C>,
    content: impl Fn(Bytes) -> C,
    most: u64,
) -> Result<(), (GitRepositoryInclude, CopyError)> {
    let mut left = most;
    for (include, artifact) in includes.asked.iter().zip(&includes.artifacts) {
        copy(include, artifact, artifacts, layout, &content, &mut left)
            .map_err(|error| (include.clone(), error))?;
    }
    Ok(())
}

fn copy<C>(
    include: &GitRepositoryInclude,
    artifact: &Artifact,
    artifacts: &Artifacts,
    layout: &mut Layout<C>,
    content: &impl Fn(Bytes) -> C,
    left: &mut u64,
) -> Result<(), CopyError> {
    let (from, to) = (joined(&include.from_path), joined(include.to_path()));
    // What is put somewhere must not mix with what is there.
    if layout.at(&to).is_some() && !(to.is_empty() && layout.is_empty()) {
        return Err(CopyError::Exists(if to.is_empty() { "/".to_owned() } else { to }));
    }
    let file = artifacts.read(&artifact.path)?;
    let mut found: Layout<Bytes> = Layout::default();
    let limits = unpack::Limits { bytes: *left, ..unpack::Limits::default() };
    let mut placed: Result<(), LayoutError> = Ok(());
    let unpacked = unpack::each(std::io::BufReader::new(file), limits, |item| {
        if placed.is_ok() {
            placed = match item {
                Item::Folder { path } => found.add_folder(path),
                Item::File { path, executable, bytes } => found.add_file(path, executable, bytes),
            };
        }
        Ok(())
    })?;
    placed?;
    *left = left.checked_sub(unpacked.bytes).ok_or(CopyError::TooLarge(*left))?;
    let mut any = from.is_empty();
    for (path, node) in found.iter() {
        let Some(rest) = below(&from, &path) else { continue };
        any = true;
        let target = [to.as_str(), rest].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>();
        let target = target.join("/");
        match node {
            Node::Folder if target.is_empty() => {}
            Node::Folder => layout.add_folder(&target)?,
            Node::File { executable, content: bytes } => {
                layout.add_file(&target, *executable, content(bytes.clone()))?;
            }
        }
    }
    if any { Ok(()) } else { Err(CopyError::Missing(from)) }
}

/// What lies below a folder, or is the file itself; its path from there.
fn below<'a>(from: &str, path: &'a str) -> Option<&'a str> {
    if from.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(from)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// A path inside the root: `..` cannot leave it.
fn joined(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use sluice_api::meta::LocalObjectReference;
    use sluice_artifact::Retention;
    use sluice_tree::pack::{Writing, pack};
    use sluice_tree::{Algorithm, Ignore};

    use super::*;

    fn store(files: &[(&str, &str)]) -> (Artifacts, Artifact, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(home.path(), "h", Retention::default()).unwrap();
        let mut layout = Layout::default();
        for (path, text) in files {
            layout.add_file(path, false, Bytes::copy_from_slice(text.as_bytes())).unwrap();
        }
        let read = |bytes: &Bytes| Ok::<_, Infallible>(bytes.clone());
        artifacts
            .write("a/b/c.tar.gz", |out| {
                pack(&layout, &Ignore::nothing(), read, Writing::new(Algorithm::Sha256, 1 << 20), out)
                    .map(|_| ())
            })
            .unwrap()
            .unwrap();
        (artifacts, Artifact { path: "a/b/c.tar.gz".into(), ..Artifact::default() }, home)
    }

    fn copied(from: &str, to: &str) -> Result<Vec<String>, String> {
        let (artifacts, artifact, _home) =
            store(&[("deep/er/c.yaml", "c"), ("deeper", "x"), ("a.yaml", "a")]);
        let include = GitRepositoryInclude {
            repository: LocalObjectReference { name: "other".into() },
            from_path: from.into(),
            to_path: to.into(),
        };
        let includes = Includes { asked: vec![include], artifacts: vec![artifact] };
        let mut layout: Layout<Bytes> = Layout::default();
        layout.add_file("own/x.yaml", false, Bytes::new()).unwrap();
        copy_all(&includes, &artifacts, &mut layout, |bytes| bytes, MOST_BYTES)
            .map_err(|(_, error)| error.to_string())?;
        Ok(layout.iter().filter(|(path, _)| !path.starts_with("own")).map(|(path, _)| path).collect())
    }

    #[test]
    fn contents_are_copied_to_their_place() {
        assert_eq!(
            copied("deep", "from-other").unwrap(),
            ["from-other", "from-other/er", "from-other/er/c.yaml"]
        );
        assert_eq!(copied("", "").unwrap()[..2], ["other", "other/a.yaml"]);
        assert_eq!(copied("/a.yaml", "new/b.yaml").unwrap(), ["new", "new/b.yaml"]);
        assert_eq!(copied("../../deep/./er", "../../x").unwrap(), ["x", "x/c.yaml"]);
    }

    #[test]
    fn what_is_missing_or_in_the_way_is_an_error() {
        assert_eq!(copied("absent", "x").unwrap_err(), "cannot stat absent: no such file or directory");
        assert_eq!(copied("deep", "own").unwrap_err(), "own exists already");
        assert_eq!(copied("deep", "/").unwrap_err(), "/ exists already");
        assert!(copied("deep", "own/x.yaml/y").unwrap_err().contains("both a file and a folder"));
    }
}
