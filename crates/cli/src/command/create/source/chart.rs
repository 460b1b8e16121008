//! `sluice create source chart`.

use super::verify::VerifyArgs;
use crate::command::create::fields::Fields;
use crate::command::create::reference::{Typed, local_chart_source};
use crate::command::create::{CommonArgs, Draft, Generating, NameArgs, Told, required};
use crate::error::{CliError, CliResult};
use crate::kinds::HELM_CHART;

/// Create or update a HelmChart source
///
/// The create source chart command generates a HelmChart resource and waits for the chart to be available.
#[derive(Debug, clap::Args)]
pub struct ChartArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Helm chart name or path
    #[arg(long)]
    chart: Option<String>,
    /// Helm chart version, accepts a semver range (ignored for charts from GitRepository sources)
    #[arg(long)]
    chart_version: Option<String>,
    /// Source that contains the chart in the format '<kind>/<name>', where kind must be one of: (HelmRepository,
    /// GitRepository, Bucket)
    #[arg(long, value_parser = local_chart_source)]
    source: Option<Typed>,
    /// The reconcile strategy for helm chart (accepted values: Revision and ChartVersion)
    #[arg(long, default_value = "ChartVersion")]
    reconcile_strategy: String,
    #[command(flatten)]
    verify: VerifyArgs,
}

impl ChartArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let name = self.name.check()?;
        let source = self.source.clone().ok_or_else(|| CliError::new("chart source is required"))?;
        let chart = required(self.chart.as_ref(), "chart name or path is required")?;
        let spec = Fields::default()
            .text("chart", chart)
            .some_text("version", self.chart_version.as_ref())
            .put("interval", common.interval().to_string())
            .text("reconcileStrategy", &self.reconcile_strategy)
            .put("sourceRef", source.into_value())
            .maybe("verify", self.verify.verification()?);
        let mut draft = Draft::new(&HELM_CHART, "HelmChart source", Told::Fetched, spec);
        draft.generating = Generating::Always;
        Ok((name, draft))
    }
}
