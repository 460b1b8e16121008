//! `sluice create kustomization`.

use serde_json::{Value, json};
use sluice_api::meta::Duration;

use super::fields::Fields;
use super::reference::{Typed, depends_on, kustomization_source, one_of};
use super::{CommonArgs, Draft, NameArgs, Told};
use crate::error::{CliError, CliResult};
use crate::kinds::{HELM_RELEASE, KUSTOMIZATION};

/// Create or update a Kustomization resource
///
/// The create command generates a Kustomization resource for a given source.
#[derive(Debug, clap::Args)]
pub struct KustomizationArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Source that contains the Kubernetes manifests in the format '[<kind>/]<name>.<namespace>', where kind must be
    /// one of: (OCIRepository, GitRepository, Bucket), if kind is not specified it defaults to GitRepository
    #[arg(long, value_parser = kustomization_source)]
    source: Option<Typed>,
    /// Path to the directory containing a kustomization.yaml file
    #[arg(long, default_value = "./")]
    path: String,
    /// Enable garbage collection
    #[arg(long)]
    prune: bool,
    /// Enable health checking of all the applied resources
    #[arg(long)]
    wait: bool,
    /// Workload to be included in the health assessment, in the format '<kind>/<name>.<namespace>'
    #[arg(long, value_delimiter = ',')]
    health_check: Vec<String>,
    /// Timeout of health checking operations
    #[arg(long, default_value = "2m0s", value_name = "DURATION")]
    health_check_timeout: Duration,
    /// Kustomization that must be ready before this Kustomization can be applied, supported formats '<name>' and
    /// '<namespace>/<name>', also accepts comma-separated values
    #[arg(long, value_delimiter = ',')]
    depends_on: Vec<String>,
    /// The name of the service account to impersonate when reconciling this Kustomization
    #[arg(long)]
    service_account: Option<String>,
    /// Decryption provider, available options are: (sops)
    #[arg(long, value_parser = |text: &str| one_of(text, "decryption provider", &["sops"]))]
    decryption_provider: Option<String>,
    /// Set the Kubernetes secret name that contains the OpenPGP private keys used for sops decryption
    #[arg(long)]
    decryption_secret: Option<String>,
    /// Overrides the namespace of all Kustomization objects reconciled by this Kustomization
    #[arg(long)]
    target_namespace: Option<String>,
    /// The name of the Kubernetes Secret that contains a key with the kubeconfig file for connecting to a remote
    /// cluster
    #[arg(long)]
    kubeconfig_secret_ref: Option<String>,
    /// The interval at which to retry a previously failed reconciliation
    #[arg(long, value_name = "DURATION")]
    retry_interval: Option<Duration>,
    /// No longer used: all resources are validated using server-side apply dry-run
    #[arg(long, hide = true)]
    validation: Option<String>,
}

impl KustomizationArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let path = safe_path(&self.path);
        let source = self.source.clone().ok_or_else(|| CliError::new("source is required"))?;
        let checks = if self.wait { Vec::new() } else { self.health_checks()? };
        let checks_health = self.wait || !checks.is_empty();
        let kubeconfig = self.kubeconfig_secret_ref.as_ref();
        let decryption = self.decryption_provider.as_ref().map(|provider| {
            Fields::default().text("provider", provider).named("secretRef", self.decryption_secret.as_ref())
        });
        let spec = Fields::default()
            .put("interval", common.interval().to_string())
            .text("path", path)
            .put("prune", self.prune)
            .put("sourceRef", source.into_value())
            .some_text("targetNamespace", self.target_namespace.as_ref())
            .list("dependsOn", depends_on(&self.depends_on))
            .maybe("kubeConfig", kubeconfig.map(|name| json!({"secretRef": {"name": name}})))
            .list("healthChecks", checks)
            .duration("timeout", checks_health.then_some(self.health_check_timeout))
            .flag("wait", self.wait)
            .some_text("serviceAccountName", self.service_account.as_ref())
            .maybe("decryption", decryption)
            .duration("retryInterval", self.retry_interval);
        Ok((name, Draft::new(&KUSTOMIZATION, "Kustomization", Told::Applied, spec)))
    }

    fn health_checks(&self) -> CliResult<Vec<Value>> {
        self.health_check.iter().map(|text| health_check(text)).collect()
    }
}

/// A path below the source's root: `..` leads no higher.
fn safe_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.trim().split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("./{}", parts.join("/"))
}

fn health_check(text: &str) -> CliResult<Value> {
    let halves: Vec<&str> = text.split('/').collect();
    let [kind, object] = halves[..] else {
        let halves = halves.join(" ");
        return Err(CliError::new(format!(
            "invalid health check '{text}' must be in the format 'kind/name.namespace' [{halves}]"
        )));
    };
    if !["Deployment", "DaemonSet", "StatefulSet", HELM_RELEASE.kind].contains(&kind) {
        return Err(CliError::new(format!(
            "invalid health check kind '{kind}' can be HelmRelease, Deployment, DaemonSet or StatefulSet"
        )));
    }
    let Some((name, namespace)) = object.split_once('.').filter(|(_, namespace)| !namespace.contains('.'))
    else {
        return Err(CliError::new(format!(
            "invalid health check '{text}' must be in the format 'kind/name.namespace'"
        )));
    };
    let check = Fields::default().text("kind", kind).text("name", name).text("namespace", namespace);
    let api_version = (kind == HELM_RELEASE.kind).then(|| HELM_RELEASE.api_version());
    Ok(check.maybe("apiVersion", api_version).into_value())
}
