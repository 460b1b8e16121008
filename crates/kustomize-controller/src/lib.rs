//! kustomize-controller: applies the manifests of a source to a cluster and keeps them so.

pub mod args;
mod drift;
mod kustomization;
mod last_builds;
mod needs;
mod remotes;
mod trees;
mod waits;
mod watch;

use std::sync::{Arc, Weak};

use sluice_api::{Bucket, ExternalArtifact, GitRepository, Kustomization, OCIRepository};
use sluice_bases::{Bases, Limits};
use sluice_cluster::{Cluster, Index, Selection};
use sluice_object::order;
use sluice_runtime::memory::GivesWay;
use sluice_runtime::post::Poster;
use sluice_runtime::{
    CommonFlags, Context, Engines, Key, Memory, Metrics, Pace, Recorder, Store, Waker, clock, driver,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use args::{GATES, KustomizeFlags};
use trees::Trees;

/// The name that upstream's controller has in events, Leases and field managers of applied objects.
pub const NAME: &str = "kustomize-controller";
/// The field manager of finalizer and status.
const STATUS_MANAGER: &str = "gotk-kustomize-controller";
/// Every applied object carries this label.
const OWNER_LABEL: &str = sluice_api::meta::labels::KUSTOMIZATION_NAME;
/// Kustomizations in their apply stage at once; each dry-runs several objects side by side.
const APPLYING: usize = 16;
/// Those of other clusters in it, which may be slow or gone: they stand in a line of their own.
const APPLYING_ELSEWHERE: usize = 16;
/// Artifacts fetched at once.
const FETCHING: usize = 8;

/// What sources this controller reads.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) git: Arc<Store<GitRepository>>,
    pub(crate) oci: Arc<Store<OCIRepository>>,
    pub(crate) buckets: Arc<Store<Bucket>>,
    pub(crate) external: Arc<Store<ExternalArtifact>>,
}

/// Everything a reconcile of a Kustomization uses.
pub(crate) struct Kustomize {
    pub(crate) cluster: Cluster,
    pub(crate) store: Arc<Store<Kustomization>>,
    pub(crate) sources: Sources,
    pub(crate) index: Index,
    pub(crate) waits: waits::Waits,
    pub(crate) wanted: kustomization::prune::Wanted,
    pub(crate) engines: Engines,
    pub(crate) trees: Arc<Trees>,
    pub(crate) needs: needs::Needs,
    pub(crate) bases: Bases,
    pub(crate) last_builds: last_builds::LastBuilds,
    pub(crate) applying: Semaphore,
    pub(crate) applying_elsewhere: Semaphore,
    pub(crate) remotes: remotes::Remotes,
    /// The service account that this process runs as, where it runs in a cluster.
    pub(crate) own_account: Option<Key>,
    pub(crate) stands_for: Vec<String>,
    pub(crate) common: CommonFlags,
    pub(crate) flags: KustomizeFlags,
    /// Where messages say that artifacts are unpacked.
    pub(crate) unpacked_at: String,
    pub(crate) custom_stages: std::collections::BTreeSet<sluice_object::GroupKind>,
    pub(crate) stop: CancellationToken,
}

/// What the process knows of the machine that it runs on.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub hostname: String,
    /// The folder for temporary files: artifacts are unpacked in memory, but messages name files as if they were there.
    pub temporary: String,
    /// Replaces the host of artifact URLs, for processes that run outside the cluster.
    pub source_localhost: Option<String>,
    /// The service account that the process runs as.
    pub account: Option<Key>,
    /// Controllers whose work this process does without being their Deployment.
    pub stands_for: Vec<String>,
}

/// Runs the controller until `stop`.
pub async fn run(
    cluster: Cluster,
    engines: Engines,
    common: CommonFlags,
    flags: KustomizeFlags,
    surroundings: Surroundings,
    metrics: Metrics,
    stop: CancellationToken,
) {
    let store: Arc<Store<Kustomization>> = Arc::default();
    let poster = (!common.events_addr.is_empty())
        .then(|| Poster::start(&common.events_addr, NAME, &surroundings.hostname));
    let recorder = Recorder::start(&cluster, NAME, poster);
    let drift_recorder = recorder.clone();
    let memory = engines.memory().clone();
    let trees = Arc::new(Trees::new(&memory, FETCHING, common.http_retry, surroundings.source_localhost));
    memory.add_cache(Arc::downgrade(&trees) as Weak<dyn GivesWay>);
    let index = Index::new(cluster.clone(), OWNER_LABEL, clock::now);
    let controller = Arc::new(Kustomize {
        cluster: cluster.clone(),
        store: Arc::clone(&store),
        sources: Sources::default(),
        index: index.clone(),
        waits: waits::Waits::default(),
        wanted: kustomization::prune::Wanted::default(),
        engines,
        trees,
        needs: needs::Needs::default(),
        bases: Bases::new(fetcher(), base_limits(&memory)),
        last_builds: last_builds::LastBuilds::default(),
        applying: Semaphore::new(APPLYING),
        applying_elsewhere: Semaphore::new(APPLYING_ELSEWHERE),
        remotes: remotes::Remotes::default(),
        own_account: surroundings.account,
        stands_for: surroundings.stands_for,
        unpacked_at: format!("{}/kustomization-0", surroundings.temporary.trim_end_matches('/')),
        custom_stages: order::parse_group_kinds(&flags.custom_apply_stage_kinds),
        common: common.clone(),
        flags,
        stop: stop.clone(),
    });
    let (waker, wakes) = Waker::new();
    let pace = Pace {
        min_retry: common.min_retry_delay,
        max_retry: common.max_retry_delay,
        jitter: common.interval_jitter_percentage,
    };
    let cx = Arc::new(Context { cluster: cluster.clone(), store: Arc::clone(&store), recorder, metrics });
    let own = Selection {
        namespace: common.watched_namespace().to_owned(),
        labels: common.watch_label_selector.clone(),
        ..Selection::default()
    };
    let all = Selection { namespace: common.watched_namespace().to_owned(), ..Selection::default() };
    let sources = &controller.sources;
    tokio::select! {
        () = driver::run(Arc::clone(&controller), cx, pace, wakes, stop.clone()) => {}
        () = store.follow(&cluster, own) => {}
        () = sources.git.follow(&cluster, all.clone()) => {}
        () = sources.oci.follow(&cluster, all.clone()) => {}
        () = sources.buckets.follow(&cluster, all.clone()) => {}
        () = sources.external.follow(&cluster, all) => {}
        () = watch::wake_on_changes(&controller, &waker) => {}
        () = drift::follow(&controller, &waker, &drift_recorder) => {}
    }
    index.stop();
}

/// Remote bases are in memory while they are built from.
fn base_limits(memory: &Memory) -> Limits {
    let limits = Limits::default();
    let file_bytes = memory.capped(limits.file_bytes as u64, 16) as usize;
    let all_file_bytes = memory.capped(limits.all_file_bytes as u64, 8) as usize;
    Limits { file_bytes, all_file_bytes, ..limits }
}

/// Git for remote bases, with upstream's defaults.
fn fetcher() -> sluice_git::Fetcher {
    sluice_git::Fetcher {
        clients: sluice_net::Clients::default(),
        algorithms: sluice_git::ssh::Algorithms::default(),
        limits: sluice_git::pack::Limits::default(),
        permits: Arc::new(Semaphore::new(1)),
    }
}
