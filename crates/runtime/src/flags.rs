//! The flags that all controllers share, with upstream's names and defaults.

use std::time::Duration;

use clap::Args;
use sluice_api::meta;

use crate::memory::{self, Size};

/// Flags of every controller.
#[derive(Debug, Clone, Args)]
pub struct CommonFlags {
    /// The address the metric endpoint binds to.
    #[arg(long, env = "METRICS_ADDR", default_value = ":8080")]
    pub metrics_addr: String,
    /// The address the health endpoint binds to.
    #[arg(long, env = "HEALTH_ADDR", default_value = ":9440")]
    pub health_addr: String,
    /// The address of the events receiver.
    #[arg(long, env = "EVENTS_ADDR", default_value = "")]
    pub events_addr: String,
    /// Set logging level. Can be trace, debug, info or error.
    #[arg(long, default_value = "info", value_parser = ["trace", "debug", "info", "error"])]
    pub log_level: String,
    /// Log encoding format. Can be 'json' or 'console'.
    #[arg(long, default_value = "json", value_parser = ["json", "console"])]
    pub log_encoding: String,
    /// The maximum queries-per-second of requests sent to the Kubernetes API.
    #[arg(long, default_value_t = 50.0)]
    pub kube_api_qps: f64,
    /// The maximum burst queries-per-second of requests sent to the Kubernetes API.
    #[arg(long, default_value_t = 300)]
    pub kube_api_burst: u32,
    /// Enable leader election for controller manager.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub enable_leader_election: bool,
    /// Defines if the leader should step down voluntarily on controller manager shutdown.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub leader_election_release_on_cancel: bool,
    /// Interval at which non-leader candidates will wait to force acquire leadership.
    #[arg(long, default_value = "35s", value_parser = duration)]
    pub leader_election_lease_duration: Duration,
    /// Duration that the leading controller manager will retry refreshing leadership before giving up.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub leader_election_renew_deadline: Duration,
    /// Duration the LeaderElector clients should wait between tries of actions.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub leader_election_retry_period: Duration,
    /// The minimum amount of time for which an object being reconciled will have to wait before a retry.
    #[arg(long, default_value = "750ms", value_parser = duration)]
    pub min_retry_delay: Duration,
    /// The maximum amount of time for which an object being reconciled will have to wait before a retry.
    #[arg(long, default_value = "15m", value_parser = duration)]
    pub max_retry_delay: Duration,
    /// A comma separated list of key=value pairs defining the state of experimental features.
    #[arg(long, value_delimiter = ',')]
    pub feature_gates: Vec<String>,
    /// Watch for custom resources in all namespaces, if set to false it will only watch the runtime namespace.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub watch_all_namespaces: bool,
    /// Watch for resources with matching labels.
    #[arg(long, default_value = "")]
    pub watch_label_selector: String,
    /// Watch for ConfigMaps and Secrets with matching labels.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
    /// Percentage of jitter to apply to interval durations.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=99))]
    pub interval_jitter_percentage: u8,
    /// The number of concurrent reconciles. Sluice takes any number at once and limits its stages instead.
    #[arg(long, default_value_t = 4)]
    pub concurrent: usize,
    /// The interval at which failing dependencies are reevaluated.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub requeue_dependency: Duration,
    /// When set to true, references between custom resources are allowed only in the same namespace.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub no_cross_namespace_refs: bool,
    /// The maximum size of the token cache.
    #[arg(long, default_value_t = 100)]
    pub token_cache_max_size: usize,
    /// The maximum duration for which a token is cached.
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub token_cache_max_duration: Duration,
    /// Default service account to use.
    #[arg(long, default_value = "")]
    pub default_service_account: String,
    /// The maximum number of retries when failing to fetch artifacts over HTTP.
    #[arg(long, default_value_t = 9)]
    pub http_retry: u32,
    /// Allow use of the user.exec section in kubeconfigs provided for remote apply.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub insecure_kubeconfig_exec: bool,
    /// Allow that kubeconfigs provided for remote apply can disable TLS verification.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub insecure_kubeconfig_tls: bool,
    /// The memory that the whole process may use, such as 512Mi; by default 1/1.3 of its cgroup's limit where it has one.
    #[arg(long, value_name = "SIZE", value_parser = memory::parse_budget)]
    pub memory_budget: Option<Size>,
    /// The namespace that the controllers run in.
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "flux-system", hide = true)]
    pub runtime_namespace: String,
}

/// Reads a duration as Go writes it, such as `1m30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<meta::Duration>().map(meta::Duration::to_std).map_err(|error| error.to_string())
}

/// A feature gate that a flag names and no controller knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("unable to load feature gates: feature-gate '{0}' not supported")]
    Unknown(String),
    #[error("unable to load feature gates: '{0}' is not of the form key=bool")]
    Form(String),
}

impl CommonFlags {
    /// Whether a gate is on, given its default.
    pub fn gate(&self, name: &str, default: bool) -> bool {
        let set = self.feature_gates.iter().rev().filter_map(|gate| gate.split_once('='));
        set.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok()).unwrap_or(default)
    }

    /// Refuses gates that are not among `known`.
    pub fn check_gates(&self, known: &[&str]) -> Result<(), GateError> {
        for gate in &self.feature_gates {
            match gate.split_once('=') {
                Some((key, "true" | "false")) if known.contains(&key) => {}
                Some((key, "true" | "false")) => return Err(GateError::Unknown(key.into())),
                _ => return Err(GateError::Form(gate.clone())),
            }
        }
        Ok(())
    }

    /// The namespace to watch; empty for all.
    pub fn watched_namespace(&self) -> &str {
        if self.watch_all_namespaces { "" } else { &self.runtime_namespace }
    }
}
