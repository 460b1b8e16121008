//! `sluice stats`: how many objects of each kind run, fail and rest.

use serde_json::Value;

use crate::cluster::Selection;
use crate::cx::Cx;
use crate::error::CliResult;
use crate::kinds::{
    ALERT, BUCKET, GIT_REPOSITORY, HELM_CHART, HELM_RELEASE, HELM_REPOSITORY, IMAGE_POLICY, IMAGE_REPOSITORY,
    IMAGE_UPDATE_AUTOMATION, KUSTOMIZATION, Kind, OCI_REPOSITORY, PROVIDER, RECEIVER,
};
use crate::object::{condition, number, text};
use crate::print::table::Table;

/// Stats of Flux reconciles
///
/// The stats command prints a report of Flux custom resources present on a cluster, including their reconcile status
/// and the amount of cumulative storage used for each source type.
#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    /// List the statistics for objects across all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
}

static COUNTED: [&Kind; 13] = [
    &GIT_REPOSITORY,
    &OCI_REPOSITORY,
    &HELM_REPOSITORY,
    &HELM_CHART,
    &BUCKET,
    &KUSTOMIZATION,
    &HELM_RELEASE,
    &ALERT,
    &PROVIDER,
    &RECEIVER,
    &IMAGE_UPDATE_AUTOMATION,
    &IMAGE_POLICY,
    &IMAGE_REPOSITORY,
];

pub async fn run(cx: &Cx, args: StatsArgs) -> CliResult {
    let cluster = cx.cluster().await?;
    let namespace = (!args.all_namespaces).then_some(cx.namespace.as_str());
    let selection = Selection { namespace, ..Selection::default() };
    let titles = ["Reconcilers", "Running", "Failing", "Suspended", "Storage"];
    let mut table = Table::new(titles.map(str::to_owned).to_vec());
    for kind in COUNTED {
        // A kind that cannot be listed counts as none: its controller may not be installed.
        let objects = cluster.list(&kind.resource(), &selection).await.unwrap_or_default();
        let count = |wanted: &dyn Fn(&Value) -> bool| objects.iter().filter(|object| wanted(object)).count();
        let suspended = count(&|object| kind.is_suspended(object));
        let failing = count(&|object| {
            condition(object, "Ready").is_some_and(|ready| text(ready, "/status") == "False")
        });
        let stored: i64 = objects.iter().map(|object| number(object, "/status/artifact/size")).sum();
        table.rows.push(vec![
            kind.kind.to_owned(),
            (objects.len() - suspended).to_string(),
            failing.to_string(),
            suspended.to_string(),
            size(stored),
        ]);
    }
    cx.ui.print(&table.render())
}

/// `760 B`, `1.5 KiB`; `-` for nothing.
fn size(bytes: i64) -> String {
    if bytes == 0 {
        return "-".to_owned();
    }
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut amount, mut unit) = (bytes as f64 / 1024.0, 0);
    while amount >= 1024.0 && unit < 5 {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}iB", ["K", "M", "G", "T", "P", "E"][unit])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_told_in_the_largest_unit() {
        let sizes = [0, 760, 1024, 1536, 5 * 1024 * 1024].map(size);
        assert_eq!(sizes, ["-", "760 B", "1.0 KiB", "1.5 KiB", "5.0 MiB"]);
    }
}
