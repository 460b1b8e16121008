//! `sluice create helmrelease`.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use sluice_api::meta::Duration;

use super::fields::Fields;
use super::reference::{Typed, chart_source, depends_on, one_of, split_kind};
use super::{CommonArgs, Draft, NameArgs, Told};
use crate::command::debug::values::merge;
use crate::error::{CliError, CliResult};
use crate::files;
use crate::kinds::HELM_RELEASE;

/// Create or update a HelmRelease resource
///
/// The helmrelease create command generates a HelmRelease resource for a given HelmRepository source.
#[derive(Debug, clap::Args)]
pub struct HelmReleaseArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Source that contains the chart in the format '<kind>/<name>.<namespace>', where kind must be one of:
    /// (HelmRepository, GitRepository, Bucket)
    #[arg(long, value_parser = chart_source)]
    source: Option<Typed>,
    /// Helm chart name or path
    #[arg(long)]
    chart: Option<String>,
    /// Helm chart version, accepts a semver range (ignored for charts from GitRepository sources)
    #[arg(long)]
    chart_version: Option<String>,
    /// The name of the HelmChart resource to use as source for the HelmRelease, in the format
    /// '<kind>/<name>.<namespace>', where kind must be one of: (OCIRepository,HelmChart)
    #[arg(long)]
    chart_ref: Option<String>,
    /// The interval of which to check for new chart versions
    #[arg(long, value_name = "DURATION")]
    chart_interval: Option<Duration>,
    /// Name used for the Helm release, defaults to a composition of '[<target-namespace>-]<HelmRelease-name>'
    #[arg(long)]
    release_name: Option<String>,
    /// HelmReleases that must be ready before this release can be installed, supported formats '<name>' and
    /// '<namespace>/<name>'
    #[arg(long, value_delimiter = ',')]
    depends_on: Vec<String>,
    /// Namespace to install this release, defaults to the HelmRelease namespace
    #[arg(long)]
    target_namespace: Option<String>,
    /// Namespace to store the Helm release, defaults to the target namespace
    #[arg(long)]
    storage_namespace: Option<String>,
    /// Create the target namespace if it does not exist
    #[arg(long)]
    create_target_namespace: bool,
    /// The name of the service account to impersonate when reconciling this HelmRelease
    #[arg(long)]
    service_account: Option<String>,
    /// The reconcile strategy for helm chart created by the helm release (accepted values: Revision and
    /// ChartVersion)
    #[arg(long, default_value = "ChartVersion")]
    reconcile_strategy: String,
    /// Local path to values.yaml files, also accepts comma-separated values
    #[arg(long, value_delimiter = ',')]
    values: Vec<PathBuf>,
    /// A Kubernetes object reference that contains the values.yaml data key in the format '<kind>/<name>', where kind
    /// must be one of: (Secret,ConfigMap)
    #[arg(long, value_delimiter = ',')]
    values_from: Vec<String>,
    /// Upgrade CRDs policy
    #[arg(long, value_parser = |text: &str| one_of(text, "upgrade CRDs policy", &["Skip", "Create", "CreateReplace"]))]
    crds: Option<String>,
    /// The name of the Kubernetes Secret that contains a key with the kubeconfig file for connecting to a remote
    /// cluster
    #[arg(long)]
    kubeconfig_secret_ref: Option<String>,
}

impl HelmReleaseArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let chart = match (&self.chart, &self.chart_ref) {
            (None, None) => return Err(CliError::new("chart or chart-ref is required")),
            (Some(_), Some(_)) => {
                return Err(CliError::new("cannot use --chart in combination with --chart-ref"));
            }
            (Some(chart), None) => ("chart", json!({"spec": self.template(chart)?})),
            (None, Some(reference)) => ("chartRef", chart_ref(reference)?),
        };
        let kubeconfig = self.kubeconfig_secret_ref.as_ref();
        let install = Fields::default()
            .flag("createNamespace", self.create_target_namespace)
            .maybe("crds", self.crds.as_ref().map(|_| "Create"));
        let installs = self.create_target_namespace || self.crds.is_some();
        let spec = Fields::default()
            .some_text("releaseName", self.release_name.as_ref())
            .put("interval", common.interval().to_string())
            .some_text("targetNamespace", self.target_namespace.as_ref())
            .some_text("storageNamespace", self.storage_namespace.as_ref().or(self.target_namespace.as_ref()))
            .list("dependsOn", depends_on(&self.depends_on))
            .put(chart.0, chart.1)
            .maybe("kubeConfig", kubeconfig.map(|name| json!({"secretRef": {"name": name}})))
            .maybe("install", installs.then_some(install))
            .maybe("upgrade", self.crds.as_ref().map(|policy| json!({"crds": policy})))
            .some_text("serviceAccountName", self.service_account.as_ref())
            .maybe("values", self.values()?)
            .list("valuesFrom", self.values_from()?);
        Ok((name, Draft::new(&HELM_RELEASE, "HelmRelease", Told::Applied, spec)))
    }

    fn template(&self, chart: &str) -> CliResult<Value> {
        let strategy = reconcile_strategy(&self.reconcile_strategy)?;
        let source = self.source.clone().unwrap_or_default();
        Ok(Fields::default()
            .text("chart", chart)
            .some_text("version", self.chart_version.as_ref())
            .put("sourceRef", source.into_value())
            .text("reconcileStrategy", strategy)
            .duration("interval", self.chart_interval)
            .into_value())
    }

    /// The values of all files, a later one over an earlier.
    fn values(&self) -> CliResult<Option<Value>> {
        if self.values.is_empty() {
            return Ok(None);
        }
        let mut merged = Map::new();
        for path in &self.values {
            let shown = path.display();
            let text = files::read_text(path)
                .map_err(|error| CliError::new(format!("reading values from {shown} failed: {error}")))?;
            let values = sluice_yaml::json::from_yaml(&text).map_err(|error| {
                CliError::new(format!("converting values to JSON from {shown} failed: {error}"))
            })?;
            match values {
                Value::Object(values) => merge(&mut merged, values),
                Value::Null => {}
                _ => {
                    let why = "not a mapping of names to values";
                    return Err(CliError::new(format!("unmarshaling values from {shown} failed: {why}")));
                }
            }
        }
        Ok(Some(Value::Object(merged)))
    }

    fn values_from(&self) -> CliResult<Vec<Value>> {
        const KINDS: [&str; 2] = ["Secret", "ConfigMap"];
        let read = |text: &String| {
            let (kind, name) = split_kind(text);
            if kind.is_empty() {
                return Err(CliError::new(format!(
                    "invalid Kubernetes object reference '{text}', must be in format <kind>/<name>"
                )));
            }
            let known = KINDS.iter().find(|known| known.eq_ignore_ascii_case(kind)).ok_or_else(|| {
                let kinds = KINDS.join(", ");
                CliError::new(format!("reference kind '{kind}' is not supported, must be one of: {kinds}"))
            })?;
            Ok(json!({"kind": known, "name": name}))
        };
        self.values_from.iter().map(read).collect()
    }
}

pub(super) fn reconcile_strategy(text: &str) -> CliResult<&str> {
    match text {
        "Revision" | "ChartVersion" => Ok(text),
        _ => Err(CliError::new(format!(
            "'{text}' is an invalid reconcile strategy(valid: Revision, ChartVersion)"
        ))),
    }
}

fn chart_ref(text: &str) -> CliResult<Value> {
    const KINDS: [&str; 2] = ["OCIRepository", "HelmChart"];
    let typed = Typed::split(text);
    if !KINDS.contains(&typed.kind.as_str()) {
        let kinds = KINDS.join(", ");
        return Err(CliError::new(format!(
            "chart reference kind '{}' is not supported, must be one of: {kinds}",
            typed.kind
        )));
    }
    Ok(typed.into_value())
}
