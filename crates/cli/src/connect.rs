//! Which API server, as whom, in which namespace: the flags that every command takes, and the client they make.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};

use sluice_api::meta::Duration as GoDuration;

use crate::cluster::{Cluster, ClusterError};
use crate::environment::non_empty;
use crate::error::{CliError, CliResult, chain};
use crate::ui::Ui;

/// The namespace of the controllers where nothing says otherwise.
pub const DEFAULT_NAMESPACE: &str = "flux-system";

#[derive(Debug, Args)]
#[command(next_help_heading = "Global Options")]
pub struct GlobalArgs {
    /// If present, the namespace scope for this CLI request
    #[arg(long, short, global = true)]
    pub namespace: Option<String>,
    /// Use the namespace from the kubeconfig context instead of the default flux-system namespace, can also be
    /// set via FLUX_NS_FOLLOWS_KUBE_CONTEXT env var
    #[arg(long, global = true)]
    pub ns_follows_kube_context: bool,
    /// Timeout for this operation
    #[arg(long, global = true, default_value = "5m0s", value_name = "DURATION")]
    pub timeout: GoDuration,
    /// Print generated objects
    #[arg(long, global = true)]
    pub verbose: bool,
    /// Path to the kubeconfig file to use for CLI requests
    #[arg(long, global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// The name of the kubeconfig context to use
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// The name of the kubeconfig cluster to use
    #[arg(long, global = true)]
    pub cluster: Option<String>,
    /// The name of the kubeconfig user to use
    #[arg(long, global = true)]
    pub user: Option<String>,
    /// The address and port of the Kubernetes API server
    #[arg(long, global = true)]
    pub server: Option<String>,
    /// Bearer token for authentication to the API server
    #[arg(long, global = true)]
    pub token: Option<String>,
    /// Username to impersonate for the operation. User could be a regular user or a service account in a
    /// namespace
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate for the operation, this flag can be repeated to specify multiple groups
    #[arg(long, global = true, value_name = "GROUP")]
    pub as_group: Vec<String>,
    /// UID to impersonate for the operation
    #[arg(long, global = true, value_name = "UID")]
    pub as_uid: Option<String>,
    /// User extras to impersonate for the operation, this flag can be repeated to specify multiple values for
    /// the same key
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub as_user_extra: Vec<String>,
    /// Path to a cert file for the certificate authority to authenticate the Kubernetes API server
    #[arg(long, global = true)]
    pub certificate_authority: Option<PathBuf>,
    /// Path to a client certificate file for TLS authentication to the Kubernetes API server
    #[arg(long, global = true)]
    pub client_certificate: Option<String>,
    /// Path to a client key file for TLS authentication to the Kubernetes API server
    #[arg(long, global = true)]
    pub client_key: Option<String>,
    /// If true, the Kubernetes API server's certificate will not be checked for validity. This will make your
    /// HTTPS connections insecure
    #[arg(long, global = true)]
    pub insecure_skip_tls_verify: bool,
    /// Server name to use for server certificate validation. If it is not provided, the hostname used to contact
    /// the server is used
    #[arg(long, global = true)]
    pub tls_server_name: Option<String>,
    /// If true, opt-out of response compression for all requests to the server
    #[arg(long, global = true)]
    pub disable_compression: bool,
    /// Default cache directory; accepted, and not used: nothing is cached
    #[arg(long, global = true, hide = true)]
    pub cache_dir: Option<PathBuf>,
    /// The maximum queries-per-second of requests sent to the Kubernetes API; accepted, and not used: the server's
    /// own flow control decides
    #[arg(long, global = true, hide = true)]
    pub kube_api_qps: Option<f32>,
    /// The maximum burst queries-per-second of requests sent to the Kubernetes API; accepted, and not used
    #[arg(long, global = true, hide = true)]
    pub kube_api_burst: Option<u32>,
}

/// A DNS label: up to 63 of `a-z`, `0-9` and, inside, `-`.
pub fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| inner(byte) || byte == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().next_back().is_some_and(inner)
}

impl GlobalArgs {
    /// The namespace that the command works in.
    pub fn choose_namespace(&self, ui: &Ui) -> CliResult<String> {
        let namespace = self.namespace.clone().or_else(|| self.context_namespace());
        let namespace = namespace.unwrap_or_else(|| default_namespace(ui));
        if !is_dns_label(&namespace) {
            return Err(CliError::new(format!("namespace must be a valid DNS label: {namespace:?}")));
        }
        Ok(namespace)
    }

    fn context_namespace(&self) -> Option<String> {
        if !self.ns_follows_kube_context && non_empty("FLUX_NS_FOLLOWS_KUBE_CONTEXT").is_none() {
            return None;
        }
        let config = self.read_kubeconfig().ok()??;
        let current = self.context.clone().or(config.current_context)?;
        let context = config.contexts.into_iter().find(|named| named.name == current)?.context?;
        context.namespace.filter(|namespace| !namespace.is_empty())
    }

    /// The kubeconfig named, or that of the environment, or the one at home; nothing where there is none.
    fn read_kubeconfig(&self) -> CliResult<Option<Kubeconfig>> {
        let failed = |error: kube::config::KubeconfigError| ClusterError::Configuration(chain(&error));
        if let Some(path) = &self.kubeconfig {
            return Ok(Some(Kubeconfig::read_from(path).map_err(failed)?));
        }
        let at_home =
            || non_empty("HOME").is_some_and(|home| PathBuf::from(home).join(".kube/config").exists());
        if non_empty("KUBECONFIG").is_none() && !at_home() {
            return Ok(None);
        }
        Ok(Some(Kubeconfig::read().map_err(failed)?))
    }

    async fn config(&self) -> CliResult<kube::Config> {
        let failed = |error: &dyn std::error::Error| ClusterError::Configuration(chain(error));
        let mut config = match self.read_kubeconfig()? {
            Some(file) => {
                let options = KubeConfigOptions {
                    context: self.context.clone(),
                    cluster: self.cluster.clone(),
                    user: self.user.clone(),
                };
                kube::Config::from_custom_kubeconfig(file, &options).await.map_err(|e| failed(&e))?
            }
            None => match &self.server {
                Some(_) => kube::Config::new(http::Uri::from_static("http://localhost:8080")),
                None => kube::Config::incluster().map_err(|e| failed(&e))?,
            },
        };
        if let Some(server) = &self.server {
            config.cluster_url = server.parse().map_err(|e: http::uri::InvalidUri| failed(&e))?;
        }
        if let Some(path) = &self.certificate_authority {
            config.root_cert_file = Some(path.clone());
        }
        config.accept_invalid_certs |= self.insecure_skip_tls_verify;
        config.disable_compression |= self.disable_compression;
        if self.tls_server_name.is_some() {
            config.tls_server_name.clone_from(&self.tls_server_name);
        }
        // Only watches live long, and they are opened again when they end.
        config.connect_timeout = Some(Duration::from_secs(30));
        self.identify(&mut config.auth_info)?;
        Ok(config)
    }

    fn identify(&self, identity: &mut kube::config::AuthInfo) -> CliResult {
        if let Some(token) = &self.token {
            identity.token = Some(token.clone().into());
        }
        if let Some(path) = &self.client_certificate {
            identity.client_certificate = Some(path.clone());
            identity.client_certificate_data = None;
        }
        if let Some(path) = &self.client_key {
            identity.client_key = Some(path.clone());
            identity.client_key_data = None;
        }
        if self.impersonate.is_some() {
            identity.impersonate.clone_from(&self.impersonate);
        }
        if self.as_uid.is_some() {
            identity.impersonate_uid.clone_from(&self.as_uid);
        }
        if !self.as_group.is_empty() {
            identity.impersonate_groups = Some(self.as_group.clone());
        }
        for extra in &self.as_user_extra {
            let (key, value) = extra.split_once('=').ok_or_else(|| {
                CliError::new(format!("invalid value {extra:?} for --as-user-extra: must be key=value"))
            })?;
            let extras = identity.impersonate_user_extra.get_or_insert_default();
            extras.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        Ok(())
    }

    pub async fn connect(&self) -> CliResult<Cluster> {
        let config = self.config().await?;
        let client = kube::Client::try_from(config).map_err(|error| {
            CliError::new(format!("kubernetes client initialization failed: {}", chain(&error)))
        })?;
        Ok(Cluster::new(client))
    }
}

fn default_namespace(ui: &Ui) -> String {
    match non_empty("FLUX_SYSTEM_NAMESPACE") {
        Some(namespace) if is_dns_label(&namespace) => namespace,
        Some(namespace) => {
            ui.warning(&format!(" ignoring invalid FLUX_SYSTEM_NAMESPACE: {namespace:?}"));
            DEFAULT_NAMESPACE.to_owned()
        }
        None => DEFAULT_NAMESPACE.to_owned(),
    }
}
