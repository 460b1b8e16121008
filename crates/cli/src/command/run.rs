//! `sluice run`: the controllers, one, several or all in one process.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use sluice_cluster::Cluster;
use sluice_kustomize_controller as kustomize_controller;
use sluice_runtime::{CommonFlags, Engines};
use tokio_util::sync::CancellationToken;

use crate::error::{CliError, CliResult};

/// Run controllers
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Controllers to run (or 'all'), then their flags
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CONTROLLER|FLAG",
        required = true
    )]
    words: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    All,
    KustomizeController,
}

/// Run one, several or all controllers in one process. Flags are those of the controllers.
#[derive(Debug, Parser)]
#[command(name = "sluice run")]
struct RunFlags {
    /// Which controllers to run.
    #[arg(required = true)]
    controllers: Vec<Name>,
    /// Path to the kubeconfig file; by default that of the environment or of the Pod.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use.
    #[arg(long, requires = "kubeconfig")]
    context: Option<String>,
    #[command(flatten)]
    common: CommonFlags,
    #[command(flatten)]
    kustomize: kustomize_controller::KustomizeFlags,
}

pub async fn run(args: RunArgs) -> CliResult {
    let words = [OsString::from("sluice run")].into_iter().chain(args.words);
    let matches = match RunFlags::command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) if error.exit_code() == 0 => return error.print().map_err(CliError::from),
        Err(error) => return Err(CliError::new(error.to_string().trim_start_matches("error: ").trim_end())),
    };
    let flags = RunFlags::from_arg_matches(&matches).map_err(|error| CliError::new(error.to_string()))?;
    flags.common.check_gates(&kustomize_controller::GATES).map_err(|e| CliError::new(e.to_string()))?;
    sluice_runtime::log::start(&flags.common.log_level, &flags.common.log_encoding);
    let cluster = match &flags.kubeconfig {
        Some(path) => Cluster::from_kubeconfig(path, flags.context.as_deref()).await,
        None => Cluster::infer().await,
    };
    let cluster = cluster.map_err(|error| CliError::new(error.to_string()))?;
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone())?;
    run_all(cluster, flags, stop).await;
    Ok(())
}

async fn run_all(cluster: Cluster, flags: RunFlags, stop: CancellationToken) {
    let engines = Engines::start();
    let is_wanted = |name| flags.controllers.iter().any(|wanted| *wanted == name || *wanted == Name::All);
    let kustomize = async {
        if is_wanted(Name::KustomizeController) {
            let surroundings = kustomize_controller::Surroundings {
                hostname: hostname(),
                temporary: environment("TMPDIR").unwrap_or_else(|| "/tmp".to_owned()),
                source_localhost: environment("SOURCE_CONTROLLER_LOCALHOST"),
            };
            kustomize_controller::run(
                cluster.clone(),
                engines.clone(),
                flags.common.clone(),
                flags.kustomize.clone(),
                surroundings,
                stop.clone(),
            )
            .await;
        }
    };
    kustomize.await;
}

/// SIGTERM and Ctrl-C end the process cleanly: runs end between two objects, Leases are given back.
fn stop_on_signals(stop: CancellationToken) -> CliResult {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    sluice_runtime::task::background("signals", async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        stop.cancel();
    });
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a face reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn hostname() -> String {
    environment("HOSTNAME")
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|text| text.trim().to_owned()))
        .unwrap_or_else(|| "localhost".to_owned())
}
