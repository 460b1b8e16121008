//! `sluice run`: the controllers, one, several or all in one process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use sha2::{Digest, Sha256};
use sluice_cluster::{Cluster, Guard};
use sluice_kustomize_controller as kustomize_controller;
use sluice_runtime::lease::{Candidate, Timings};
use sluice_runtime::serve::{self, Answers};
use sluice_runtime::{CommonFlags, Engines, Key, Memory, Metrics, memory};
use sluice_source_controller as source_controller;
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
    SourceController,
    KustomizeController,
}

/// Run one, several or all controllers in one process. Flags are those of the controllers.
#[derive(Debug, Parser)]
#[command(name = "sluice run", args_override_self = true)]
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
    source: source_controller::SourceFlags,
    #[command(flatten)]
    kustomize: kustomize_controller::KustomizeFlags,
}

/// Runs all controllers on a cluster until `stop`, with these flags.
pub async fn all_on(cluster: Cluster, flags: &[String], stop: CancellationToken) -> CliResult {
    let words = ["sluice run", "all"].into_iter().chain(flags.iter().map(String::as_str));
    let flags = RunFlags::try_parse_from(words).map_err(|error| CliError::new(error.to_string()))?;
    run_all(cluster, flags, stop).await
}

pub async fn run(args: RunArgs) -> CliResult {
    let first = args.words.first().and_then(|word| word.to_str()).unwrap_or_default();
    if CONTROLLERS.contains(&first) && Name::from_str(first, false).is_err() {
        let text = format!("{first} is not there yet: leave the image of its Deployment as it is");
        return Err(CliError::new(text));
    }
    let words = [OsString::from("sluice run")].into_iter().chain(args.words);
    let matches = match RunFlags::command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) if error.exit_code() == 0 => return error.print().map_err(CliError::from),
        Err(error) => return Err(CliError::new(error.to_string().trim_start_matches("error: ").trim_end())),
    };
    let flags = RunFlags::from_arg_matches(&matches).map_err(|error| CliError::new(error.to_string()))?;
    let gates = [&kustomize_controller::GATES[..], &source_controller::GATES].concat();
    flags.common.check_gates(&gates).map_err(|e| CliError::new(e.to_string()))?;
    let accounts = [
        &flags.kustomize.default_decryption_service_account,
        &flags.kustomize.default_kubeconfig_service_account,
    ];
    if accounts.iter().any(|name| !name.is_empty())
        && !flags.common.gate("ObjectLevelWorkloadIdentity", false)
    {
        let text = "invalid configuration: a default service account for workload identity needs the feature gate \
                    ObjectLevelWorkloadIdentity";
        return Err(CliError::new(text));
    }
    sluice_runtime::log::start(&flags.common.log_level, &flags.common.log_encoding);
    let cluster = match &flags.kubeconfig {
        Some(path) => Cluster::from_kubeconfig(path, flags.context.as_deref()).await,
        None => Cluster::infer().await,
    };
    let cluster = cluster.map_err(|error| CliError::new(error.to_string()))?;
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone())?;
    run_all(cluster, flags, stop).await
}

async fn run_all(cluster: Cluster, flags: RunFlags, stop: CancellationToken) -> CliResult {
    let metrics = Metrics::new(Some(cluster.clone()));
    let bind = |address: String| async move {
        serve::bind(&address)
            .await
            .map_err(|error| CliError::new(format!("cannot listen on {address}: {error}")))
    };
    let metrics_listener = bind(flags.common.metrics_addr.clone()).await?;
    let health_listener = bind(flags.common.health_addr.clone()).await?;
    let budget = flags.common.memory_budget.or_else(memory::of_cgroup);
    let engines = Engines::start(Memory::new(budget));
    let is_wanted = |name| flags.controllers.iter().any(|wanted| *wanted == name || *wanted == Name::All);
    let account = std::fs::read_to_string(ACCOUNT_TOKEN).ok().and_then(|token| account_of(&token));
    let deployed_as = controller_named(account.as_ref().map(|account| &*account.name), &hostname());
    let stands_for = [
        (Name::SourceController, source_controller::NAME),
        (Name::KustomizeController, kustomize_controller::NAME),
    ]
    .into_iter()
    .filter(|(wanted, name)| is_wanted(*wanted) && deployed_as != Some(*name))
    .map(|(_, name)| name.to_owned())
    .collect();
    let surroundings = kustomize_controller::Surroundings {
        hostname: hostname(),
        temporary: environment("TMPDIR").unwrap_or_else(|| "/tmp".to_owned()),
        source_localhost: environment("SOURCE_CONTROLLER_LOCALHOST"),
        account,
        stands_for,
    };
    let kustomize = async {
        if !is_wanted(Name::KustomizeController) {
            return stop.cancelled().await;
        }
        let start = |cluster: Cluster, stop: CancellationToken| {
            kustomize_controller::run(
                cluster,
                engines.clone(),
                flags.common.clone(),
                flags.kustomize.clone(),
                surroundings.clone(),
                metrics.clone(),
                stop,
            )
        };
        elected(&cluster, &flags.common, kustomize_controller::NAME, &surroundings.hostname, &stop, start)
            .await;
    };
    let failed = Mutex::new(Ok(()));
    let source = async {
        if !is_wanted(Name::SourceController) {
            return stop.cancelled().await;
        }
        let start = |cluster: Cluster, term: CancellationToken| async {
            let running = source_controller::run(
                cluster,
                engines.clone(),
                flags.common.clone(),
                flags.source.clone(),
                &surroundings.hostname,
                metrics.clone(),
                term,
            );
            if let Err(error) = running.await {
                // Without sources the others have nothing to do.
                let error = CliError::new(sluice_runtime::failure::chain(&error));
                *failed.lock().expect("no panic while keeping an error") = Err(error);
                stop.cancel();
            }
        };
        elected(&cluster, &flags.common, source_controller::NAME, &surroundings.hostname, &stop, start).await;
    };
    tokio::join!(
        source,
        kustomize,
        serve::serve(metrics_listener, Answers::Metrics(metrics.clone()), stop.clone()),
        serve::serve(health_listener, Answers::Health, stop.clone()),
    );
    failed.into_inner().expect("no panic while keeping an error")
}

/// Runs a controller while this process holds its Lease, or at once where no election is asked for.
async fn elected<F: Future<Output = ()>>(
    cluster: &Cluster,
    flags: &CommonFlags,
    controller: &str,
    hostname: &str,
    stop: &CancellationToken,
    start: impl Fn(Cluster, CancellationToken) -> F,
) {
    if !flags.enable_leader_election {
        return start(cluster.clone(), stop.clone()).await;
    }
    let name = format!("{controller}-leader-election{}", shard_suffix(&flags.watch_label_selector));
    let identity = format!("{hostname}_{}", std::process::id());
    while !stop.is_cancelled() {
        let guard = Guard::default();
        let timings = Timings::of(flags);
        let namespace = &flags.runtime_namespace;
        let mut candidate =
            Candidate::new(cluster.clone(), namespace, &name, &identity, timings, guard.clone());
        if !candidate.acquire(stop).await {
            return;
        }
        let term = stop.child_token();
        let lost = async {
            candidate.keep(stop).await;
            term.cancel();
        };
        tokio::join!(lost, start(cluster.guarded(guard), term.clone()));
        candidate.release().await;
    }
}

/// Shards of one controller hold Leases of their own: upstream's suffix of the selector.
fn shard_suffix(selector: &str) -> String {
    if selector.is_empty() {
        return String::new();
    }
    let digest = Sha256::digest(selector.as_bytes());
    digest.iter().take(4).fold(String::from("-"), |text, byte| format!("{text}{byte:02x}"))
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

/// Controllers whose image this program may be.
const CONTROLLERS: [&str; 7] = [
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-reflector-controller",
    "image-automation-controller",
    "source-watcher",
];

/// Which controller the flags on the command line are meant for, where there are only flags, as in the Deployments of
/// Flux: the Pod's service account has its name, or the Pod itself begins with it.
pub fn controller_of_pod(words: &[OsString]) -> Option<&'static str> {
    let words: Vec<&str> = words.iter().skip(1).map(|word| word.to_str().unwrap_or_default()).collect();
    let is_question = |word: &&str| ["--help", "--version"].contains(word);
    let are_flags = !words.is_empty() && words.iter().all(|word| word.starts_with("--"));
    if !are_flags || words.iter().any(is_question) {
        return None;
    }
    let account = std::fs::read_to_string(ACCOUNT_TOKEN).ok().and_then(|token| account_of(&token));
    let hostname = environment("HOSTNAME").unwrap_or_default();
    controller_named(account.as_ref().map(|account| &*account.name), &hostname)
}

fn controller_named(account: Option<&str>, hostname: &str) -> Option<&'static str> {
    let is_of = |name: &&str| hostname.strip_prefix(*name).is_some_and(|rest| rest.starts_with('-'));
    let by_account = CONTROLLERS.into_iter().find(|name| account == Some(*name));
    by_account.or_else(|| CONTROLLERS.into_iter().find(is_of))
}

/// Where Kubernetes puts the token of a Pod's service account.
const ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// The service account that a token is about.
fn account_of(token: &str) -> Option<Key> {
    let claims = URL_SAFE_NO_PAD.decode(token.trim().split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let (namespace, name) =
        claims["sub"].as_str()?.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    Some(Key::new(namespace, name))
}

fn hostname() -> String {
    environment("HOSTNAME")
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|text| text.trim().to_owned()))
        .unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_says_which_controller_it_is() {
        let of = |account, hostname| controller_named(account, hostname);
        assert_eq!(of(Some("kustomize-controller"), "x"), Some("kustomize-controller"));
        assert_eq!(of(None, "source-controller-5d7c-x"), Some("source-controller"));
        assert_eq!((of(Some("default"), "source-controllers"), of(None, "laptop")), (None, None));
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        for not_flags in [&["sluice"][..], &["sluice", "--version"], &["sluice", "--namespace", "a", "get"]] {
            assert_eq!(controller_of_pod(&words(not_flags)), None);
        }
    }

    #[test]
    fn the_flags_of_upstreams_deployments_are_read_and_the_last_of_two_counts() {
        let words = [
            "sluice run",
            "source-controller",
            "--events-addr=http://notification-controller.flux-system.svc.cluster.local.",
            "--watch-all-namespaces=true",
            "--log-level=info",
            "--log-encoding=json",
            "--enable-leader-election",
            "--storage-path=/data",
            "--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local.",
            "--concurrent=4",
            "--concurrent=20",
            "--requeue-dependency=5s",
            "--helm-cache-max-size=10",
            "--helm-cache-ttl=60m",
            "--helm-cache-purge-interval=5m",
            "--helm-index-max-size=52428800",
            "--helm-chart-max-size=10485760",
            "--helm-chart-file-max-size=5242880",
            "--feature-gates=CacheSecretsAndConfigMaps=true",
        ];
        let flags = RunFlags::try_parse_from(words).map_err(|error| error.to_string());
        assert_eq!(flags.map(|flags| flags.common.concurrent), Ok(20));
    }

    #[test]
    fn a_token_says_whose_it_is() {
        let token = |claims: &str| format!("e30.{}.x\n", URL_SAFE_NO_PAD.encode(claims));
        let own = account_of(&token(r#"{"sub":"system:serviceaccount:flux-system:kustomize-controller"}"#));
        assert_eq!(own, Some(Key::new("flux-system", "kustomize-controller")));
        assert_eq!((account_of(&token(r#"{"sub":"ada"}"#)), account_of("x")), (None, None));
    }
}
