//! `sluice apiserver`: the embedded Kubernetes API server alone.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_apiserver::Server;
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
}

/// Serves until interrupted; the kubeconfig goes with the server.
pub async fn run(args: ApiserverArgs) -> CliResult {
    let clock = Arc::new(sluice_runtime::clock::now);
    let server = Server::bind(args.port, clock)
        .await
        .map_err(|error| CliError::new(sluice_runtime::failure::chain(&error)))?;
    write(&args.kubeconfig, &server.kubeconfig())?;
    eprintln!("► serving {}, kubeconfig {}", server.url(), args.kubeconfig.display());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::from)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::from)?;
    tokio::select! {
        () = server.run() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let _ = std::fs::remove_file(&args.kubeconfig);
    Ok(())
}

/// It holds a token: nobody else may read it.
fn write(path: &Path, text: &str) -> CliResult {
    use std::io::Write;
    let cannot = |error| CliError::new(format!("cannot write {}: {error}", path.display()));
    let mut options = std::fs::File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)
}
