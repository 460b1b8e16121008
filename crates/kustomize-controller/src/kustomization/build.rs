//! Tree to Manifests: pure inside, run on an engine thread.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sluice_api::Kustomization;
use sluice_api::meta::reason;
use sluice_budget::{Budget, Exceeded};
use sluice_manifests::{Answers, Ask, Outcome, Reads, Settings};
use sluice_object::Object;
use sluice_runtime::memory::TooLarge;
use sluice_runtime::{Draft, Failure, Key, Next};
use tokio::sync::{SemaphorePermit, oneshot};

use super::identity::Target;
use super::inputs::Inputs;
use super::source::Source;
use super::{doing, retried};
use crate::Kustomize;
use crate::needs::Needs;
use crate::trees::Unpacked;

/// What a build gives.
pub(super) struct Manifests {
    pub(super) objects: Vec<Object>,
    /// `sha256:…` of the built YAML.
    pub(super) digest: String,
    pub(super) reads: Reads,
    /// Bytes that the build has made.
    pub(super) charged: u64,
    /// Nothing came from the network, so the same tree gives the same again.
    pub(super) is_of_the_tree_alone: bool,
}

/// What a run builds from, and with what.
pub(super) struct From<'a> {
    pub(super) source: &'a Source,
    pub(super) target: &'a Target,
    pub(super) tree: &'a Arc<Unpacked>,
    /// What the build may use.
    pub(super) memory: u64,
}

impl Kustomize {
    /// The permit to apply is taken before the build: who waits for it has nothing built that would be kept until then.
    pub(super) async fn build(
        &self,
        ks: &Kustomization,
        from: &From<'_>,
        inputs: Inputs,
        draft: &mut Draft<Kustomization>,
    ) -> Result<(Manifests, SemaphorePermit<'_>), Failure> {
        let failed = |text: String| retried(ks, reason::BUILD_FAILED, text);
        if ks.spec.decryption.is_some() {
            return Err(failed("spec.decryption: SOPS decryption is not supported yet".into()));
        }
        let spec = Arc::new(serde_json::to_value(&ks.spec).map_err(|error| failed(error.to_string()))?);
        let inputs = Arc::new(inputs);
        let mut answering = self.bases.answering();
        loop {
            let run = Run {
                tree: Arc::clone(from.tree),
                spec: Arc::clone(&spec),
                inputs: Arc::clone(&inputs),
                answers: answering.answers().clone(),
                strict: self.common.gate("StrictPostBuildSubstitutions", true),
                remote_bases: !self.flags.no_remote_bases,
                shown_root: self.unpacked_at.clone(),
            };
            let permit = self.permit_to_apply(from.target, draft).await;
            draft.progress(&doing("Building manifests", ks, &from.source.artifact.revision));
            let most_bytes = self.most_bytes(from.memory);
            let budget = Budget::new(500_000_000, most_bytes, 512);
            let (stop, (begun, began)) = (budget.stop_flag(), oneshot::channel());
            let building = self.engines.run(move || {
                // Nobody is told where nobody waits any more.
                let _ = begun.send(());
                run.build(&budget)
            });
            let outcome = tokio::select! {
                outcome = building => outcome,
                never = stopping(began, &stop) => match never {},
            };
            if !matches!(outcome, Ok(Ok(_))) && stop.load(Ordering::Relaxed) {
                return Err(failed(format!("the build was ended after {}s", BUILT_WITHIN.as_secs())));
            }
            let built = match outcome.map_err(|panic| failed(panic.to_string()))? {
                Ok(built) => built,
                Err(sluice_manifests::Error::Stopped(Exceeded::Bytes(limit))) if limit < MOST_BYTES => {
                    return Err(self.exceeded(ks, from));
                }
                Err(error) => return Err(failed(error.to_string())),
            };
            match built {
                Built::Done(manifests) => {
                    self.needs.note_charged(Key::of(ks), manifests.charged);
                    return Ok((manifests, permit));
                }
                Built::Need(asks) => {
                    // Nothing is held up while the network answers.
                    drop(permit);
                    let answered = tokio::time::timeout(ks.spec.timeout().to_std(), answering.answer(asks));
                    let answered =
                        answered.await.map_err(|_| failed("remote bases did not come in time".into()))?;
                    answered.map_err(|error| failed(format!("kustomize build failed: {error}")))?;
                }
            }
        }
    }
}

impl Kustomize {
    /// How many bytes a build may charge that has so much memory.
    fn most_bytes(&self, memory: u64) -> u64 {
        let is_bounded = self.engines.memory().most().is_some();
        if is_bounded { Needs::charged_in(memory).min(MOST_BYTES) } else { MOST_BYTES }
    }

    /// A build needs more memory than its run has reserved: the next run gets more, as far as there is more.
    fn exceeded(&self, ks: &Kustomization, from: &From<'_>) -> Failure {
        let most = |error: &TooLarge| error.most.0.saturating_sub(from.tree.memory());
        match self.engines.memory().too_large() {
            Some(error) if !self.needs.note_exceeded(Key::of(ks), from.memory, most(&error)) => {
                let path = if ks.spec.path.is_empty() { "./" } else { &ks.spec.path };
                let text = format!("building {path} was ended: {error}");
                Failure::new(reason::BUILD_FAILED, text, Next::Stalled)
            }
            _ => Failure::interrupted("the build needs more memory than this run has"),
        }
    }
}

/// A build that makes more than this would push its neighbours out of memory.
const MOST_BYTES: u64 = 256 << 20;

/// A build that takes longer would keep its neighbours from theirs.
const BUILT_WITHIN: Duration = Duration::from_secs(30);

/// Tells a build to end when its time is over.
async fn stopping(began: oneshot::Receiver<()>, stop: &AtomicBool) -> Infallible {
    if began.await.is_ok() {
        tokio::time::sleep(BUILT_WITHIN).await;
        stop.store(true, Ordering::Relaxed);
    }
    std::future::pending().await
}

/// One run of the engine, with all that it reads.
struct Run {
    tree: Arc<Unpacked>,
    spec: Arc<serde_json::Value>,
    inputs: Arc<Inputs>,
    answers: Answers,
    strict: bool,
    remote_bases: bool,
    shown_root: String,
}

enum Built {
    Done(Manifests),
    Need(Vec<Ask>),
}

impl Run {
    fn build(self, budget: &Budget) -> Result<Built, sluice_manifests::Error> {
        let settings = Settings {
            variables: &self.inputs.variables,
            missing: self.inputs.missing.as_deref(),
            strict: self.strict,
            shown_root: &self.shown_root,
            remote_bases: self.remote_bases,
            answers: &self.answers,
        };
        match sluice_manifests::build(&self.tree.tree, &self.spec, &settings, budget)? {
            Outcome::Need(asks) => Ok(Built::Need(asks)),
            Outcome::Done(manifests) => {
                let objects = manifests.objects.into_iter().filter_map(|value| Object::try_from(value).ok());
                Ok(Built::Done(Manifests {
                    objects: objects.collect(),
                    digest: format!("sha256:{}", manifests.digest),
                    reads: manifests.reads,
                    charged: budget.bytes_used(),
                    is_of_the_tree_alone: self.answers.files.is_empty()
                        && self.answers.repositories.is_empty(),
                }))
            }
        }
    }
}
