//! `sluice reconcile`: asks for a run now, and waits for its end.

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::on_kind::{KindFlag, OnKind, Verb};
use crate::kinds::{HELM_CHART, HELM_RELEASE, KUSTOMIZATION, Kind, Verbs, named};
use crate::object::{Reference, condition, name, namespace, reference, text};
use crate::readiness;

/// Reconcile sources and resources
///
/// The reconcile sub-commands trigger a reconciliation of sources and resources.
#[derive(Debug, clap::Args)]
pub struct ReconcileArgs {
    #[command(subcommand)]
    what: OnKind<Reconcile>,
}

#[derive(Debug)]
struct Reconcile;

impl Verb for Reconcile {
    fn takes(kind: &Kind) -> bool {
        kind.verbs == Verbs::All
    }

    fn about(what: &str) -> String {
        format!("Reconcile a {what}")
    }

    fn flags(kind: &Kind) -> &'static [KindFlag] {
        const WITH_SOURCE: KindFlag = ("with-source", "Reconcile its source first");
        match kind.kind {
            "Kustomization" | "HelmChart" => &[WITH_SOURCE],
            "HelmRelease" => &[
                WITH_SOURCE,
                ("force", "Force a one-off install or upgrade of the HelmRelease resource"),
                ("reset", "Reset the failure count for this HelmRelease resource"),
            ],
            _ => &[],
        }
    }
}

pub async fn run(cx: &Cx, args: ReconcileArgs) -> CliResult {
    let kind = args.what.kind()?;
    let Some(name) = args.what.names.first() else {
        return Err(CliError::new(format!("{} name is required", kind.kind)));
    };
    let with_source = args.what.has("with-source");
    let mut requests = vec!["reconcile.fluxcd.io/requestedAt"];
    requests.extend(args.what.has("force").then_some("reconcile.fluxcd.io/forceAt"));
    requests.extend(args.what.has("reset").then_some("reconcile.fluxcd.io/resetAt"));
    reconcile(cx, kind, &cx.namespace, name, with_source, &requests).await
}

/// Reconciles one object, before it, where asked, what it depends on.
fn reconcile<'a>(
    cx: &'a Cx,
    kind: &'static Kind,
    place: &'a str,
    name: &'a str,
    with_source: bool,
    requests: &'a [&'a str],
) -> BoxFuture<'a, CliResult> {
    async move {
        let cluster = cx.cluster().await?;
        let resource = kind.resource();
        let object = cluster.get(&resource, place, name).await?;
        if kind.is_static(&object) {
            cx.ui.success("reconciliation not supported by the object");
            return Ok(());
        }
        if kind.is_suspended(&object) {
            return Err(CliError::new("resource is suspended"));
        }
        if with_source {
            let (kind, source) = source(kind, &object)?;
            // A chart is made from its own source, so that comes first.
            let is_chart = kind.kind == HELM_CHART.kind;
            reconcile(cx, kind, &source.namespace, &source.name, is_chart, &requests[..1]).await?;
        }
        cx.ui.action(&format!("annotating {} {name} in {place} namespace", kind.kind));
        let now = Timestamp::now().to_string();
        let annotations: Map<String, Value> =
            requests.iter().map(|request| ((*request).to_owned(), json!(now))).collect();
        let patch = json!({"metadata": {"annotations": annotations}});
        cluster.merge(&resource, place, name, &patch).await?;
        cx.ui.success(&format!("{} annotated", kind.kind));

        cx.ui.waiting(&format!("waiting for {} reconciliation", kind.kind));
        let handled_before = last_handled(&object).to_owned();
        let is_handled = |object: &Value| {
            Ok::<_, CliError>(last_handled(object) != handled_before && readiness::is_current(object)?)
        };
        let object = cx.in_time(cluster.wait_for(&resource, place, name, is_handled)).await?;
        let Some(ready) = condition(&object, "Ready") else {
            return Err(CliError::new("status can't be determined"));
        };
        if text(ready, "/status") != "True" {
            let message = text(ready, "/message");
            return Err(CliError::new(format!("{} reconciliation failed: '{message}'", kind.kind)));
        }
        cx.ui.success(&kind.outcome(&object));
        Ok(())
    }
    .boxed()
}

fn last_handled(object: &Value) -> &str {
    text(object, "/status/lastHandledReconcileAt")
}

/// What `--with-source` reconciles before the object.
fn source(kind: &Kind, object: &Value) -> CliResult<(&'static Kind, Reference)> {
    let home = namespace(object);
    let (source, kinds): (_, &[&str]) = match kind.kind {
        of if of == KUSTOMIZATION.kind => {
            (reference(object, "/spec/sourceRef", home), &["OCIRepository", "GitRepository", "Bucket"])
        }
        of if of == HELM_CHART.kind => {
            let source = reference(object, "/spec/sourceRef", home);
            let source = source.map(|source| Reference { namespace: home.to_owned(), ..source });
            (source, &["HelmRepository", "GitRepository", "Bucket"])
        }
        of if of == HELM_RELEASE.kind => match reference(object, "/spec/chartRef", home) {
            Some(chart) => (Some(chart), &["HelmChart", "OCIRepository"]),
            None => (chart_of(object, home), &["HelmChart"]),
        },
        _ => (None, &[]),
    };
    let source = source.ok_or_else(|| CliError::new(format!("{} has no source", kind.kind)))?;
    let known = named(&source.kind).filter(|known| kinds.contains(&known.kind));
    let known =
        known.ok_or_else(|| CliError::new(format!("cannot reconcile source of kind {}", source.kind)))?;
    Ok((known, source))
}

/// The HelmChart that a HelmRelease's controller makes from its template.
fn chart_of(object: &Value, home: &str) -> Option<Reference> {
    let template = reference(object, "/spec/chart/spec/sourceRef", home)?;
    Some(Reference {
        kind: HELM_CHART.kind.to_owned(),
        namespace: template.namespace,
        name: format!("{home}-{}", name(object)),
    })
}
