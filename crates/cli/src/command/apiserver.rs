//! `sluice apiserver`: the embedded Kubernetes API server alone.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_apiserver::Server;
use sluice_cluster::Cluster;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{CliError, CliResult};

/// Run an embedded Kubernetes API server, in memory
#[derive(Debug, clap::Args)]
pub struct ApiserverArgs {
    /// Port on 127.0.0.1 to listen on (0: any that is free)
    #[arg(long, default_value_t = 6443)]
    port: u16,
    /// File to write an administrator's kubeconfig to
    #[arg(long, default_value = "sluice.kubeconfig")]
    kubeconfig: PathBuf,
    /// OpenAPI document to publish descriptions from (`kubectl get --raw /openapi/v2` writes one)
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
    /// What to simulate: controllers (Pods stay Pending, as without nodes) or workloads (Pods run as well)
    #[arg(long, value_enum)]
    simulate: Option<Simulate>,
}

/// How much of a cluster is pretended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Simulate {
    Controllers,
    Workloads,
}

/// Plays the parts of a cluster that are asked for, until dropped.
pub(super) async fn simulated(cluster: Cluster, authority: String, what: Simulate) -> CliResult {
    let now = sluice_runtime::clock::now;
    let controllers = sluice_simulate::controllers(cluster.clone(), authority, now);
    let workloads = async {
        match what {
            Simulate::Workloads => sluice_simulate::workloads(cluster, now).await,
            Simulate::Controllers => std::future::pending().await,
        }
    };
    tokio::try_join!(controllers, workloads).map_err(|error| CliError::new(error.to_string()))?;
    Ok(())
}

/// Serves until interrupted; the kubeconfig goes with the server.
pub async fn run(args: ApiserverArgs) -> CliResult {
    let clock = Arc::new(sluice_runtime::clock::now);
    let mut server = Server::bind(args.port, clock)
        .await
        .map_err(|error| CliError::new(sluice_runtime::failure::chain(&error)))?;
    if let Some(path) = &args.openapi {
        let cannot = |why: String| CliError::new(format!("cannot read {}: {why}", path.display()));
        let document = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
        server.describe(&document).map_err(cannot)?;
    }
    write(&args.kubeconfig, &server.kubeconfig())?;
    eprintln!("► serving {}, kubeconfig {}", server.url(), args.kubeconfig.display());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::from)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::from)?;
    let authority = server.authority().to_owned();
    let pretended = async {
        let Some(what) = args.simulate else { return std::future::pending().await };
        let cluster = Cluster::from_kubeconfig(&args.kubeconfig, None).await;
        simulated(cluster.map_err(|error| CliError::new(error.to_string()))?, authority, what).await
    };
    if args.simulate.is_some() {
        eprintln!("► workloads are simulated: nothing is pulled, nothing is run");
    }
    let mut ended = Ok(());
    tokio::select! {
        () = server.run() => {}
        result = pretended => ended = result,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let _ = std::fs::remove_file(&args.kubeconfig);
    ended
}

/// It holds a token: nobody else may read it.
pub(super) fn write(path: &Path, text: &str) -> CliResult {
    use std::io::Write;
    let cannot = |error| CliError::new(format!("cannot write {}: {error}", path.display()));
    let mut options = std::fs::File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)
}
