//! Packing a commit's files, with includes and without what is ignored, and publishing them as the object's artifact.

use bytes::Bytes;
use sluice_api::meta::{Artifact, reason};
use sluice_api::source::git::GitRepositoryInclude;
use sluice_api::{GitRepository, Kind as _};
use sluice_artifact::{Place, Store as Artifacts, StoreError};
use sluice_git::{Blob, Checkout, CheckoutError};
use sluice_runtime::failure::chain;
use sluice_runtime::{Draft, Failure, Next, OrFail as _, clock};
use sluice_tree::ignore::{self, Ignore};
use sluice_tree::pack::{PackError, Packed, Writing, ignore_files, pack};
use sluice_tree::{Layout, Node};

use super::include::{CopyError, Includes, copy_all};
use super::unchanged::{are_includes_changed, is_content_changed};
use super::{Git, storage_failed, tell_stored};

/// Files of one artifact before compression.
const MOST_BYTES: u64 = 2 << 30;

/// Where a file of the artifact comes from.
enum Content {
    Commit(Blob),
    Include(Bytes),
}

/// Why no artifact was made.
#[derive(Debug, thiserror::Error)]
enum BuildError {
    #[error("copy an include")]
    Include(GitRepositoryInclude, #[source] CopyError),
    #[error("failed to load source ignore patterns from repository")]
    Ignore(#[source] PackError<CheckoutError>),
    #[error("lay out the files")]
    Layout(#[from] sluice_tree::layout::LayoutError),
    #[error("unable to archive artifact to storage")]
    Store(#[from] StoreError),
    #[error("unable to archive artifact to storage")]
    Pack(#[source] PackError<CheckoutError>),
}

impl Git {
    /// Stores the artifact of a checkout, unless it is stored already, and records it.
    pub(super) async fn publish(
        &self,
        draft: &mut Draft<GitRepository>,
        checkout: Box<Checkout>,
        revision: &str,
        includes: Includes,
    ) -> Result<(), Failure> {
        let object = draft.object().clone();
        let status = draft.status();
        if status.artifact.as_ref().is_some_and(|artifact| artifact.has_revision(revision))
            && !are_includes_changed(&status.included_artifacts, includes.artifacts())
            && !is_content_changed(&object.spec, status, includes.artifacts())
        {
            let text = format!("artifact up-to-date with remote revision: '{revision}'");
            draft.bare_event(sluice_api::event::Severity::Trace, reason::ARTIFACT_UP_TO_DATE, text);
            return Ok(());
        }
        let (namespace, name) = (&object.metadata.namespace, &object.metadata.name);
        let place = Place { kind: GitRepository::KIND, namespace, name };
        let path = place.path(&format!("{}.tar.gz", checkout.commit.id));
        let subject = checkout.commit.subject();
        let job = Job {
            checkout,
            includes: includes.clone(),
            ignore: object.spec.ignore.clone(),
            artifacts: self.artifacts.clone(),
            path: path.clone(),
            include_bytes: self.room.include_bytes(),
            writing: Writing {
                effort: self.flags.artifact_effort,
                ..Writing::new(self.algorithm, MOST_BYTES)
            },
        };
        let memory = self.room.reserve().await;
        let built = self
            .engines
            .run(move || job.run())
            .await
            .or_fail(reason::ARCHIVE_OPERATION_FAILED, Next::Backoff)?;
        drop(memory);
        let packed = built.map_err(|error| failure_of(draft, error))?;
        let artifact = Artifact {
            url: self.artifacts.url(&path),
            path,
            digest: packed.digest.to_string(),
            revision: revision.to_owned(),
            last_update_time: clock::now().into(),
            size: Some(packed.size as i64),
            metadata: Default::default(),
        };
        let is_new =
            object.status.artifact.as_ref().is_none_or(|before| !before.has_digest(&artifact.digest));
        let status = draft.status_mut();
        status.artifact = Some(artifact);
        status.included_artifacts = includes.into_artifacts();
        status.observed_ignore.clone_from(&object.spec.ignore);
        status.observed_recurse_submodules = object.spec.recurse_submodules;
        status.observed_include.clone_from(&object.spec.include);
        status.observed_sparse_checkout.clone_from(&object.spec.sparse_checkout);
        if is_new {
            tell_stored(draft, reason::NEW_ARTIFACT, &format!("stored artifact for commit '{subject}'"));
        }
        Ok(())
    }
}

fn failure_of(draft: &mut Draft<GitRepository>, error: BuildError) -> Failure {
    match error {
        BuildError::Include(include, error) => {
            let from = if include.from_path.is_empty() { "/" } else { &include.from_path };
            let message = format!(
                "failed to copy '{}' include from {from} to {}: {}",
                include.repository.name,
                include.to_path(),
                chain(&error)
            );
            storage_failed(draft, reason::COPY_FAILURE, message)
        }
        error @ BuildError::Ignore(_) => {
            Failure::new(reason::SOURCE_IGNORE_ERROR, chain(&error), Next::Backoff)
        }
        error => storage_failed(draft, reason::ARCHIVE_OPERATION_FAILED, chain(&error)),
    }
}

/// Everything that packing needs, to be moved to an engine thread.
struct Job {
    checkout: Box<Checkout>,
    includes: Includes,
    ignore: Option<String>,
    artifacts: Artifacts,
    path: String,
    include_bytes: u64,
    writing: Writing,
}

impl Job {
    fn run(mut self) -> Result<Packed, BuildError> {
        let mut layout: Layout<Content> = Layout::default();
        for (path, node) in self.checkout.take_layout().iter() {
            match node {
                Node::Folder => layout.add_folder(&path)?,
                Node::File { executable, content } => {
                    layout.add_file(&path, *executable, Content::Commit(*content))?;
                }
            }
        }
        copy_all(&self.includes, &self.artifacts, &mut layout, Content::Include, self.include_bytes)
            .map_err(|(include, error)| BuildError::Include(include, error))?;
        let checkout = &mut self.checkout;
        let mut read = |content: &Content| match content {
            Content::Commit(blob) => checkout.read(blob),
            Content::Include(bytes) => Ok(bytes.clone()),
        };
        let mut patterns = ignore_files(&layout, &mut read).map_err(BuildError::Ignore)?;
        if let Some(text) = &self.ignore {
            ignore::read_patterns(text.as_bytes(), "", &mut patterns)
                .map_err(|error| BuildError::Ignore(error.into()))?;
        }
        let ignore = Ignore::of_source(patterns);
        let writing = self.writing;
        self.artifacts
            .write(&self.path, |out| {
                pack(&layout, &ignore, &mut read, writing, out).map(|(_, packed)| packed)
            })?
            .map_err(BuildError::Pack)
    }
}
