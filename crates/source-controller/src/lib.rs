//! source-controller: fetches sources, stores them as artifacts, serves these to those who apply them.
//!
//! GitRepository so far. The artifact of an object that cannot be fetched any more stays stored and served.

pub mod args;
mod git;
mod secret;
mod watch;

use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;

use sluice_api::GitRepository;
use sluice_artifact::{Retention, StoreError, advertised_address};
use sluice_cluster::{Cluster, Selection};
use sluice_net::Clients;
use sluice_runtime::post::Poster;
use sluice_runtime::{CommonFlags, Context, Engines, Metrics, Pace, Recorder, Store, Waker, driver};
use sluice_tree::Algorithm;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use args::{GATES, SourceFlags};
use git::Git;

/// The name that upstream's controller has in events, Leases and as field manager.
pub const NAME: &str = "source-controller";
/// Sources talking to their remotes at once. Only sockets and small buffers: processors have their own limit.
const FETCHING: usize = 64;

/// Why the controller could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("open the storage")]
    Storage(#[from] StoreError),
    #[error("listen on {address}")]
    Listen { address: String, source: io::Error },
}

/// Runs the controller until `stop`.
pub async fn run(
    cluster: Cluster,
    engines: Engines,
    common: CommonFlags,
    flags: SourceFlags,
    hostname: &str,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let listener = listen(&flags.storage_addr).await?;
    let on = listener.local_addr().map_or_else(|_| flags.storage_addr.clone(), |local| local.to_string());
    let asked = if flags.storage_addr.ends_with(":0") { on } else { flags.storage_addr.clone() };
    let address = advertised_address(&flags.storage_adv_addr, &asked, hostname);
    let retention =
        Retention { ttl: flags.artifact_retention_ttl, records: flags.artifact_retention_records };
    let artifacts = sluice_artifact::Store::open(&flags.storage_path, &address, retention)?;
    let store: Arc<Store<GitRepository>> = Arc::default();
    let poster = (!common.events_addr.is_empty()).then(|| Poster::start(&common.events_addr, NAME, hostname));
    let recorder = Recorder::start(&cluster, NAME, poster);
    let room = git::memory::Room::new(engines.memory(), available_parallelism().map_or(2, usize::from));
    let controller = Arc::new(Git {
        cluster: cluster.clone(),
        store: Arc::clone(&store),
        artifacts: artifacts.clone(),
        algorithm: flags.artifact_digest_algo.parse().unwrap_or(Algorithm::Sha256),
        fetcher: sluice_git::Fetcher {
            clients: Clients::default(),
            algorithms: sluice_git::ssh::Algorithms {
                key_exchange: flags.ssh_kex_algos.clone(),
                host_key: flags.ssh_hostkey_algos.clone(),
            },
            limits: room.limits(),
            permits: Arc::new(room.clone()),
        },
        room,
        fetching: Semaphore::new(FETCHING),
        engines,
        common: common.clone(),
        flags,
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
    let serving = sluice_artifact::serve(listener, artifacts.root().to_owned(), stop.clone());
    let working = async {
        tokio::select! {
            () = driver::run(Arc::clone(&controller), cx, pace, wakes, stop.clone()) => {}
            () = store.follow(&cluster, own) => {}
            () = watch::wake_on_changes(&store, &waker) => {}
        }
    };
    tokio::join!(serving, working);
    Ok(())
}

/// `:9090` is every address of the machine.
async fn listen(address: &str) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { address: address.to_owned(), source };
    if let Some(port) = address.strip_prefix(':') {
        if let Ok(listener) = TcpListener::bind(format!("[::]:{port}")).await {
            return Ok(listener);
        }
        return TcpListener::bind(format!("0.0.0.0:{port}")).await.map_err(failed);
    }
    TcpListener::bind(address).await.map_err(failed)
}
