//! The flags of source-controller that others do not share.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sluice_runtime::flags::duration;

/// Gates that may be named in `--feature-gates`.
pub const GATES: [&str; 2] = ["CacheSecretsAndConfigMaps", "ObjectLevelWorkloadIdentity"];

/// Flags of source-controller.
#[derive(Debug, Clone, Args)]
pub struct SourceFlags {
    /// The local storage path.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub storage_path: PathBuf,
    /// The address the static file server binds to.
    #[arg(long, env = "STORAGE_ADDRESS", default_value = ":9090")]
    pub storage_addr: String,
    /// The advertised address of the static file server.
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "")]
    pub storage_adv_addr: String,
    /// The duration of time that artifacts from previous reconciliations will be kept in storage before being garbage collected.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub artifact_retention_ttl: Duration,
    /// The maximum number of artifacts to be kept in storage after a garbage collection.
    #[arg(long, default_value_t = 2)]
    pub artifact_retention_records: usize,
    /// The algorithm to use to calculate the digest of artifacts.
    #[arg(long, default_value = "sha256", value_parser = ["sha256", "sha384", "sha512"])]
    pub artifact_digest_algo: String,
    /// The list of key exchange algorithms to use for SSH connections, arranged from most preferred to the least.
    #[arg(long, value_delimiter = ',')]
    pub ssh_kex_algos: Vec<String>,
    /// The list of hostkey algorithms to use for SSH connections, arranged from most preferred to the least.
    #[arg(long, value_delimiter = ',')]
    pub ssh_hostkey_algos: Vec<String>,
    /// The maximum size in bytes of a Helm index; HelmRepositories are not fetched yet.
    #[arg(long, default_value_t = 50 << 20)]
    pub helm_index_max_size: i64,
    /// The maximum size in bytes of a Helm chart; HelmCharts are not fetched yet.
    #[arg(long, default_value_t = 10 << 20)]
    pub helm_chart_max_size: i64,
    /// The maximum size in bytes of a file in a Helm chart; HelmCharts are not fetched yet.
    #[arg(long, default_value_t = 5 << 20)]
    pub helm_chart_file_max_size: i64,
    /// The maximum number of Helm indexes in the cache; there is none yet.
    #[arg(long, default_value_t = 0)]
    pub helm_cache_max_size: i64,
    /// The time that a Helm index stays in the cache; there is none yet.
    #[arg(long, default_value = "15m", value_parser = duration)]
    pub helm_cache_ttl: Duration,
    /// The time between two cleanings of the cache of Helm indexes; there is none yet.
    #[arg(long, default_value = "1m", value_parser = duration)]
    pub helm_cache_purge_interval: Duration,
    /// Fetches repositories at the first address from the second, without credentials.
    #[arg(long, value_name = "FROM=TO", hide = true)]
    pub git_rewrite: Vec<String>,
    /// How hard artifacts are compressed, 0 to 9: where nobody keeps them, little is enough.
    #[arg(long, default_value_t = sluice_tree::pack::EFFORT, hide = true, value_parser = clap::value_parser!(u32).range(0..=9))]
    pub artifact_effort: u32,
}

impl SourceFlags {
    /// Where a repository is really fetched from, if not from its own address.
    pub(crate) fn rewritten(&self, url: &str) -> Option<&str> {
        self.git_rewrite.iter().find_map(|rule| {
            // The address that is put in place may hold no `=`; the other may.
            let (from, to) = rule.rsplit_once('=')?;
            (from == url).then_some(to)
        })
    }
}
