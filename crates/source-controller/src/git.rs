//! GitRepository: one commit of a repository, as an artifact.

mod artifact;
mod include;
mod login;
pub(crate) mod memory;
mod storage;
mod unchanged;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use sluice_api::event::Severity;
use sluice_api::meta::{Condition, ConditionStatus, condition_type, find_condition, reason};
use sluice_api::{GitRepository, event};
use sluice_cluster::Cluster;
use sluice_git::{Checkout, Choice, Fetcher, ObjectId, Outcome, Reference, Request, revision};
use sluice_net::Url;
use sluice_runtime::failure::chain;
use sluice_runtime::{
    CommonFlags, Controller, Done, Draft, Engines, Failure, Next, OrFail as _, Rules, Store, Told,
};
use sluice_tree::Algorithm;
use tokio::sync::Semaphore;

use crate::args::SourceFlags;
use unchanged::is_content_changed;

const TIMEOUT: Duration = Duration::from_mins(1);

/// Everything a reconcile of a GitRepository uses.
pub(crate) struct Git {
    pub(crate) cluster: Cluster,
    pub(crate) store: Arc<Store<GitRepository>>,
    pub(crate) artifacts: sluice_artifact::Store,
    pub(crate) algorithm: Algorithm,
    pub(crate) fetcher: Fetcher,
    pub(crate) room: memory::Room,
    pub(crate) fetching: Semaphore,
    pub(crate) engines: Engines,
    pub(crate) common: CommonFlags,
    pub(crate) flags: SourceFlags,
}

/// What the remote was found to have.
enum Found {
    /// What is stored already.
    Stored(String),
    New(Box<Checkout>, String),
}

impl Controller for Git {
    type Kind = GitRepository;
    const MANAGER: &'static str = crate::NAME;
    const RULES: Rules = Rules { ready_in_progress: None, suspended_needs_ready: false };

    async fn reconcile(&self, draft: &mut Draft<GitRepository>) -> Result<Done, Failure> {
        begin(draft);
        self.check_storage(draft).await?;
        let login = self.log_in(draft).await?;
        let includes = self.find_includes(draft)?;
        let commit = match self.fetch(draft, login, &includes).await? {
            Found::Stored(revision) => {
                note_stored(draft, &revision);
                revision
            }
            Found::New(checkout, revision) => {
                self.verify(draft, &checkout).await?;
                note_revision(draft, &revision);
                let subject = checkout.commit.subject();
                self.publish(draft, checkout, &revision, includes).await?;
                subject
            }
        };
        Ok(end(draft, &commit))
    }

    async fn finalize(&self, draft: &mut Draft<GitRepository>) -> Result<(), Failure> {
        self.remove_all(draft).await
    }
}

/// The first words of a run.
fn begin(draft: &mut Draft<GitRepository>) {
    let (observed, generation) = (draft.status().observed_generation, draft.generation());
    if observed == generation {
        draft.progress("reconciliation in progress");
    } else {
        draft.progress(&format!("processing object: new generation {observed} -> {generation}"));
    }
    draft.forget(condition_type::STORAGE_OPERATION_FAILED);
    let verified = find_condition(&draft.status().conditions, condition_type::SOURCE_VERIFIED);
    if verified.is_some_and(Condition::is_false) {
        draft.forget(condition_type::SOURCE_VERIFIED);
    }
}

/// What a good run says: news of a new artifact or of a recovery, and the conditions.
fn end(draft: &mut Draft<GitRepository>, commit: &str) -> Done {
    let old = Arc::clone(draft.object());
    let failed = [
        condition_type::FETCH_FAILED,
        condition_type::INCLUDE_UNAVAILABLE,
        condition_type::STORAGE_OPERATION_FAILED,
    ];
    let had_failed = failed
        .iter()
        .any(|kind| find_condition(&old.status.conditions, kind).is_some_and(Condition::is_true));
    for kind in failed.into_iter().chain([condition_type::ARTIFACT_OUTDATED]) {
        draft.forget(kind);
    }
    let Some(artifact) = draft.status().artifact.clone() else {
        return Done::new(reason::SUCCEEDED, "").every(old.spec.interval.to_std());
    };
    let message = format!("stored artifact for revision '{}'", artifact.revision);
    draft.note(Condition::new(
        condition_type::ARTIFACT_IN_STORAGE,
        ConditionStatus::True,
        reason::SUCCEEDED,
        message.clone(),
    ));
    let is_new = old.status.artifact.as_ref().is_none_or(|before| !before.has_digest(&artifact.digest));
    if !is_new && had_failed {
        tell_stored(draft, reason::SUCCEEDED, &format!("stored artifact for commit '{commit}'"));
    }
    Done::new(reason::SUCCEEDED, message).every(old.spec.interval.to_std())
}

/// The remote has what is stored.
fn note_stored(draft: &mut Draft<GitRepository>, revision: &str) {
    let choice = reference(draft.object()).choice();
    let (reason, text) = match choice {
        Choice::Commit { .. } | Choice::Semver(_) => {
            (reason::ARTIFACT_UP_TO_DATE, format!("artifact up-to-date with remote revision: '{revision}'"))
        }
        Choice::Name(_) | Choice::Tag(_) | Choice::Branch(_) => (
            reason::GIT_OPERATION_SUCCEEDED,
            format!("no changes since last reconciliation: observed revision '{revision}'"),
        ),
    };
    draft.bare_event(Severity::Trace, reason, text);
}

/// A revision that is not the stored one is on its way.
fn note_revision(draft: &mut Draft<GitRepository>, revision: &str) {
    let stored = draft.status().artifact.as_ref().map(|artifact| artifact.has_revision(revision));
    if stored == Some(true) {
        return;
    }
    let message = format!("new upstream revision '{revision}'");
    if stored == Some(false) {
        let outdated = Condition::new(
            condition_type::ARTIFACT_OUTDATED,
            ConditionStatus::True,
            reason::NEW_REVISION,
            message.clone(),
        );
        draft.note(outdated);
    }
    draft.progress(&format!("building artifact: {message}"));
}

/// An event with the artifact's revision and digest.
fn tell_stored(draft: &Draft<GitRepository>, reason: &str, text: &str) {
    if let Some(artifact) = &draft.status().artifact {
        let more = [(event::REVISION, artifact.revision.as_str()), (event::DIGEST, artifact.digest.as_str())];
        draft.event_with(Severity::Info, reason, text, &more);
    }
}

/// `spec.ref` in the words of the fetch.
fn reference(object: &GitRepository) -> Reference {
    let given = object.spec.reference.clone().unwrap_or_default();
    Reference {
        branch: given.branch,
        tag: given.tag,
        semver: given.semver,
        name: given.name,
        commit: given.commit,
    }
}

/// A failure that a condition of its own records beside Ready.
fn failing(
    draft: &mut Draft<GitRepository>,
    condition: &str,
    status: ConditionStatus,
    failure: Failure,
) -> Failure {
    draft.note(Condition::new(condition, status, failure.reason, failure.message.clone()));
    failure
}

/// A failure to get at the remote.
fn fetch_failed(
    draft: &mut Draft<GitRepository>,
    reason: &'static str,
    message: String,
    next: Next,
) -> Failure {
    let failure = Failure::new(reason, message, next);
    failing(draft, condition_type::FETCH_FAILED, ConditionStatus::True, failure)
}

/// A failure to write or read files.
fn storage_failed(draft: &mut Draft<GitRepository>, reason: &'static str, message: String) -> Failure {
    let failure = Failure::new(reason, message, Next::Backoff);
    failing(draft, condition_type::STORAGE_OPERATION_FAILED, ConditionStatus::True, failure)
}

impl Git {
    /// Asks the remote what it has, and gets it unless it is stored already.
    async fn fetch(
        &self,
        draft: &mut Draft<GitRepository>,
        login: login::Login,
        includes: &include::Includes,
    ) -> Result<Found, Failure> {
        let object = Arc::clone(draft.object());
        let mut request = request(&object, login);
        let stored = find_condition(&draft.status().conditions, condition_type::ARTIFACT_IN_STORAGE)
            .is_some_and(Condition::is_true);
        if stored {
            request.observed = draft.status().artifact.as_ref().map(|artifact| artifact.revision.clone());
        }
        let mut outcome = self.ask(draft, &request).await?;
        if let Outcome::Unchanged { .. } = outcome
            && is_content_changed(&object.spec, draft.status(), includes.artifacts())
        {
            request.observed = None;
            outcome = self.ask(draft, &request).await?;
        }
        draft.forget(condition_type::ARTIFACT_OUTDATED);
        match outcome {
            Outcome::Unchanged { commit, name, .. } => {
                draft.forget(condition_type::FETCH_FAILED);
                Ok(Found::Stored(revision_of(&object, &name, commit)))
            }
            Outcome::Empty => Err(fetch_failed(
                draft,
                reason::EMPTY_GIT_REPOSITORY,
                "git repository is empty".to_owned(),
                Next::Backoff,
            )),
            Outcome::Fetched(checkout) => {
                if let Some(path) = object.spec.sparse_checkout.iter().find(|path| !checkout.has(path)) {
                    let shown = path.trim_start_matches("./");
                    let message = format!(
                        "failed to sparse checkout directories : sparse checkout dir '{path}' does not exist in repository: lstat {shown}: no such file or directory"
                    );
                    return Err(fetch_failed(draft, reason::GIT_OPERATION_FAILED, message, Next::Backoff));
                }
                draft.forget(condition_type::FETCH_FAILED);
                let revision = revision_of(&object, &checkout.name, checkout.commit.id);
                Ok(Found::New(checkout, revision))
            }
        }
    }

    async fn ask(&self, draft: &mut Draft<GitRepository>, request: &Request) -> Result<Outcome, Failure> {
        let permit = self.fetching.acquire().await.or_fail(reason::GIT_OPERATION_FAILED, Next::Backoff)?;
        let result = self.fetcher.fetch(request).await;
        drop(permit);
        result.map_err(|error| {
            let message = format!("failed to checkout and determine revision: {}", chain(&error));
            let (message, next) = match self.room.too_large(&error) {
                Some(way_out) => (format!("{message}; {way_out}"), Next::Stalled),
                None => (message, Next::Backoff),
            };
            fetch_failed(draft, reason::GIT_OPERATION_FAILED, message, next)
        })
    }
}

fn revision_of(object: &GitRepository, name: &str, commit: ObjectId) -> String {
    let whole_name = object.spec.reference.as_ref().is_some_and(|reference| !reference.name.is_empty());
    let name = match reference(object).choice() {
        // The name that the object gives, not what it was peeled to.
        Choice::Name(name) => name,
        _ => name.to_owned(),
    };
    revision(&name, whole_name, commit)
}

fn request(object: &GitRepository, login: login::Login) -> Request {
    let spec = &object.spec;
    Request {
        url: spec.url.clone(),
        from: login.from,
        auth: login.auth,
        proxy: login.proxy,
        reference: reference(object),
        sparse: spec
            .sparse_checkout
            .iter()
            .map(|path| path.strip_prefix("./").unwrap_or(path).to_owned())
            .collect(),
        recurse_submodules: spec.recurse_submodules,
        observed: None,
        timeout: spec.timeout.map_or(TIMEOUT, sluice_api::meta::Duration::to_std),
    }
}

/// A URL as the spec gives it.
fn parse_url(draft: &mut Draft<GitRepository>, text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| {
        let message = format!("failed to parse url '{text}': {error}");
        fetch_failed(draft, reason::URL_INVALID, message, Next::Stalled)
    })
}

/// A failure that is waiting for something: told as trace only.
fn waiting(
    draft: &mut Draft<GitRepository>,
    reason: &'static str,
    message: String,
    after: Duration,
) -> Failure {
    draft.bare_event(Severity::Trace, reason, message.clone());
    let failure = Failure::new(reason, message, Next::After(after)).telling(Told::Nothing);
    failing(draft, condition_type::INCLUDE_UNAVAILABLE, ConditionStatus::True, failure)
}
