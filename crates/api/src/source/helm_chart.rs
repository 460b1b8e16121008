//! HelmChart: one chart out of a repository, a Git tree or a bucket.

use serde::{Deserialize, Serialize};

use super::{GROUP, HelmChartVerification, VERSION, source_status};
use crate::is_default;
use crate::kind::{Resource, Spec};
use crate::meta::{Artifact, Condition, Duration};

/// A chart of a repository, a Git tree or a bucket, as an artifact.
pub type HelmChart = Resource<HelmChartSpec>;

/// Which chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartSpec {
    /// Its name in a repository, or its path in a tree.
    pub chart: String,
    /// A version or a range.
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// Where it is.
    pub source_ref: LocalHelmChartSourceReference,
    /// How often to look.
    pub interval: Duration,
    /// `ChartVersion` or `Revision`.
    #[serde(skip_serializing_if = "is_default")]
    pub reconcile_strategy: String,
    /// Files merged in this order to the chart's values.
    #[serde(skip_serializing_if = "is_default")]
    pub values_files: Vec<String>,
    /// Whether such files may be missing.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_missing_values_files: bool,
    /// Whether to leave everything as it is.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// Whose signature is asked for.
    #[serde(skip_serializing_if = "is_default")]
    pub verify: Option<HelmChartVerification>,
}

/// The source of a chart, in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalHelmChartSourceReference {
    /// `group/version`; may be empty.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// `HelmRepository`, `GitRepository` or `Bucket`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// The chart that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartStatus {
    /// The generation last dealt with.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// The revision of the source it was made from.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_source_artifact_revision: String,
    /// The chart's name as its metadata has it.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_chart_name: String,
    /// The values files that were there.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_values_files: Vec<String>,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// The stable link to the artifact.
    #[serde(skip_serializing_if = "is_default")]
    pub url: String,
    /// What is stored.
    #[serde(skip_serializing_if = "is_default")]
    pub artifact: Option<Artifact>,
    /// The last handled reconcile request.
    #[serde(skip_serializing_if = "is_default")]
    pub last_handled_reconcile_at: String,
}

impl Spec for HelmChartSpec {
    type Status = HelmChartStatus;
    const GROUP: &'static str = GROUP;
    const VERSION: &'static str = VERSION;
    const KIND: &'static str = "HelmChart";
    const PLURAL: &'static str = "helmcharts";
    fn is_suspended(&self) -> bool {
        self.suspend
    }
}

source_status!(HelmChartStatus);
