//! Figures about the process and its reconciles, under the names that upstream's dashboards use.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sluice_api::Kind;
use sluice_cluster::Cluster;

use crate::store::Key;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ObjectLabels {
    kind: &'static str,
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    controller: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    controller: &'static str,
}

/// Ten steps from 10 ms to half an hour, as upstream's histogram has.
fn duration_histogram() -> Histogram {
    let (first, last, steps) = (0.01_f64, 1800.0_f64, 10);
    let factor = (last / first).powf(1.0 / f64::from(steps - 1));
    Histogram::new((0..steps).map(|step| first * factor.powi(step)))
}

/// The figures of one process.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    durations: Family<ObjectLabels, Histogram, fn() -> Histogram>,
    results: Family<ResultLabels, Counter>,
    active: Family<ControllerLabels, Gauge>,
    cluster: Option<Cluster>,
}

impl Metrics {
    /// `cluster` is asked for the requests that it has sent.
    pub fn new(cluster: Option<Cluster>) -> Self {
        let mut registry = Registry::default();
        let durations: Family<ObjectLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(duration_histogram);
        let results = Family::<ResultLabels, Counter>::default();
        let active = Family::<ControllerLabels, Gauge>::default();
        registry.register(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a GitOps Toolkit resource reconciliation",
            durations.clone(),
        );
        registry.register(
            "controller_runtime_reconcile",
            "Total number of reconciliations per controller",
            results.clone(),
        );
        registry.register(
            "controller_runtime_active_workers",
            "Number of currently used workers per controller",
            active.clone(),
        );
        Self { registry: Arc::new(registry), durations, results, active, cluster }
    }

    pub(crate) fn begin<K: Kind>(&self) {
        self.active.get_or_create(&ControllerLabels { controller: controller_of::<K>() }).inc();
    }

    pub(crate) fn end<K: Kind>(&self, key: &Key, took: Duration, result: &'static str) {
        let controller = controller_of::<K>();
        self.active.get_or_create(&ControllerLabels { controller }).dec();
        self.results.get_or_create(&ResultLabels { controller, result }).inc();
        self.durations.get_or_create(&labels_of::<K>(key)).observe(took.as_secs_f64());
    }

    /// The object is gone, and its series with it.
    pub(crate) fn forget<K: Kind>(&self, key: &Key) {
        self.durations.remove(&labels_of::<K>(key));
    }

    /// All figures in the text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        let end = text.trim_end().trim_end_matches("# EOF").len();
        text.truncate(end);
        if let Some(cluster) = &self.cluster {
            text.push_str(
                "# HELP rest_client_requests Number of requests to the API server, by verb and resource\n",
            );
            text.push_str("# TYPE rest_client_requests counter\n");
            for (label, count) in cluster.request_counts() {
                let (verb, resource) = label.split_once(' ').unwrap_or((&label, ""));
                let _ = writeln!(
                    text,
                    "rest_client_requests_total{{verb=\"{verb}\",resource=\"{resource}\"}} {count}"
                );
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

fn labels_of<K: Kind>(key: &Key) -> ObjectLabels {
    ObjectLabels { kind: K::KIND, name: key.name.to_string(), namespace: key.namespace.to_string() }
}

/// controller-runtime calls a controller by its kind in small letters; these are all we have.
fn controller_of<K: Kind>() -> &'static str {
    match K::KIND {
        "GitRepository" => "gitrepository",
        "OCIRepository" => "ocirepository",
        "HelmRepository" => "helmrepository",
        "HelmChart" => "helmchart",
        "Bucket" => "bucket",
        "Kustomization" => "kustomization",
        "HelmRelease" => "helmrelease",
        other => other,
    }
}
