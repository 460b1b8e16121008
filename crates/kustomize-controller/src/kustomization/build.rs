//! Tree to Manifests: pure inside, run on an engine thread.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sluice_api::Kustomization;
use sluice_api::meta::reason;
use sluice_budget::Budget;
use sluice_manifests::{Answers, Ask, Outcome, Reads, Settings};
use sluice_object::Object;
use sluice_runtime::Failure;
use tokio::sync::oneshot;

use super::inputs::Inputs;
use super::retried;
use crate::Kustomize;
use crate::trees::Unpacked;

/// What a build gives.
pub(super) struct Manifests {
    pub(super) objects: Vec<Object>,
    /// `sha256:…` of the built YAML.
    pub(super) digest: String,
    pub(super) reads: Reads,
    /// Nothing came from the network, so the same tree gives the same again.
    pub(super) is_of_the_tree_alone: bool,
}

impl Kustomize {
    pub(super) async fn build(
        &self,
        ks: &Kustomization,
        tree: Arc<Unpacked>,
        inputs: Inputs,
    ) -> Result<Manifests, Failure> {
        let failed = |text: String| retried(ks, reason::BUILD_FAILED, text);
        if ks.spec.decryption.is_some() {
            return Err(failed("spec.decryption: SOPS decryption is not supported yet".into()));
        }
        let spec = Arc::new(serde_json::to_value(&ks.spec).map_err(|error| failed(error.to_string()))?);
        let inputs = Arc::new(inputs);
        let mut answering = self.bases.answering();
        loop {
            let run = Run {
                tree: Arc::clone(&tree),
                spec: Arc::clone(&spec),
                inputs: Arc::clone(&inputs),
                answers: answering.answers().clone(),
                strict: self.common.gate("StrictPostBuildSubstitutions", true),
                remote_bases: !self.flags.no_remote_bases,
                shown_root: self.unpacked_at.clone(),
            };
            let budget = budget();
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
            match outcome.map_err(|panic| failed(panic.to_string()))?.map_err(failed)? {
                Built::Done(manifests) => return Ok(manifests),
                // No permit of an engine is held while the network answers.
                Built::Need(asks) => {
                    let answered = tokio::time::timeout(ks.spec.timeout().to_std(), answering.answer(asks));
                    let answered =
                        answered.await.map_err(|_| failed("remote bases did not come in time".into()))?;
                    answered.map_err(|error| failed(format!("kustomize build failed: {error}")))?;
                }
            }
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

fn budget() -> Budget {
    Budget::new(500_000_000, MOST_BYTES, 512)
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
    fn build(self, budget: &Budget) -> Result<Built, String> {
        let settings = Settings {
            variables: &self.inputs.variables,
            missing: self.inputs.missing.as_deref(),
            strict: self.strict,
            shown_root: &self.shown_root,
            remote_bases: self.remote_bases,
            answers: &self.answers,
        };
        let built = sluice_manifests::build(&self.tree.tree, &self.spec, &settings, budget);
        match built.map_err(|error| error.to_string())? {
            Outcome::Need(asks) => Ok(Built::Need(asks)),
            Outcome::Done(manifests) => {
                let objects = manifests.objects.into_iter().filter_map(|value| Object::try_from(value).ok());
                Ok(Built::Done(Manifests {
                    objects: objects.collect(),
                    digest: format!("sha256:{}", manifests.digest),
                    reads: manifests.reads,
                    is_of_the_tree_alone: self.answers.files.is_empty()
                        && self.answers.repositories.is_empty(),
                }))
            }
        }
    }
}
