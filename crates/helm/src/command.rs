//! What Helm's commands print, without the command line: charts and values in, text out.

pub mod dependency;
pub mod explain;
pub mod jsonpath;
pub mod lint;
pub mod show;
pub mod template;
pub mod values;

use jiff::Zoned;
use sluice_budget::Budget;
use sluice_gotmpl::Hooks;

use crate::chart::Chart;

/// What a command may use of the outside.
pub struct Environment<'a> {
    pub budget: &'a Budget,
    pub now: Zoned,
    pub random: &'a dyn Fn(&mut [u8]),
    pub hooks: &'a dyn Hooks,
}

/// A chart cannot be installed as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstallableError {
    #[error("{0} charts are not installable")]
    Kind(String),
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
        .0.join(", ")
    )]
    Missing(Vec<String>),
}

/// Checks what Helm checks before it renders for an install; gives a warning for charts that are given up.
pub fn check_installable(chart: &Chart) -> Result<Option<String>, InstallableError> {
    match chart.metadata.kind.as_str() {
        "" | "application" => {}
        kind => return Err(InstallableError::Kind(kind.to_owned())),
    }
    let missing = missing_dependencies(chart);
    if !missing.is_empty() {
        return Err(InstallableError::Missing(missing));
    }
    Ok(chart.metadata.deprecated.then(|| "this chart is deprecated".to_owned()))
}

/// The dependencies that `Chart.yaml` names and `charts/` does not hold.
pub fn missing_dependencies(chart: &Chart) -> Vec<String> {
    let is_there = |name: &str| chart.dependencies.iter().any(|inner| inner.name() == name);
    let missing = chart.metadata.dependencies().filter(|dependency| !is_there(&dependency.name));
    missing.map(|dependency| dependency.name.clone()).collect()
}
