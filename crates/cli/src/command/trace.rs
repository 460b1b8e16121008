//! `sluice trace`: from an object back to the source it came from.

mod lookup;
mod report;

use serde_json::Value;

use crate::cluster::Resource;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::{
    EXTERNAL_ARTIFACT, GIT_REPOSITORY, HELM_CHART, HELM_RELEASE, HELM_REPOSITORY, KUSTOMIZATION, Kind,
    OCI_REPOSITORY, named,
};
use crate::object::{Reference, list, name, namespace, reference, text};
use report::Report;

/// Trace in-cluster objects throughout the GitOps delivery pipeline
///
/// The trace command shows how one or more objects are managed by Flux, from which source and revision they come, and
/// what the latest reconciliation status is. You can also trace multiple objects with different resource kinds using
/// <resource>/<name> multiple times.
#[derive(Debug, clap::Args)]
pub struct TraceArgs {
    /// <resource> <name>..., or <resource>/<name>...
    #[arg(value_name = "RESOURCE")]
    names: Vec<String>,
    /// The Kubernetes object kind, e.g. Deployment
    #[arg(long)]
    kind: Option<String>,
    /// The Kubernetes object API version, e.g. 'apps/v1'
    #[arg(long)]
    api_version: Option<String>,
}

pub async fn run(cx: &Cx, args: TraceArgs) -> CliResult {
    let objects = match (&args.kind, &args.api_version) {
        (None, None) => lookup::objects(cx, &args.names).await?,
        (kind, api_version) => {
            vec![named_object(cx, &args.names, kind.as_ref(), api_version.as_ref()).await?]
        }
    };
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            cx.ui.println("---")?;
        }
        match trace(cx, object).await {
            Ok(report) => cx.ui.print(&report)?,
            Err(error) => {
                let (kind, name, place) = (text(object, "/kind"), name(object), namespace(object));
                cx.ui.note(&format!("failed to trace {kind}/{name} in namespace {place}: {}", error.error));
            }
        }
    }
    Ok(())
}

async fn named_object(
    cx: &Cx,
    names: &[String],
    kind: Option<&String>,
    api_version: Option<&String>,
) -> CliResult<Value> {
    let name = names.first().ok_or_else(|| CliError::new("object name is required"))?;
    let kind = kind.ok_or_else(|| CliError::new("object kind is required (--kind)"))?;
    let api_version =
        api_version.ok_or_else(|| CliError::new("object apiVersion is required (--api-version)"))?;
    found("object", find(cx, api_version, kind, &cx.namespace, name).await)
}

async fn find(cx: &Cx, api_version: &str, kind: &str, namespace: &str, name: &str) -> CliResult<Value> {
    let cluster = cx.cluster().await?;
    let resource: Resource = cluster.kind(api_version, kind).await?;
    Ok(cluster.get(&resource, namespace, name).await?)
}

fn found(what: &str, result: CliResult<Value>) -> CliResult<Value> {
    result.map_err(|error| CliError::new(format!("failed to find {what}: {}", error.error)))
}

async fn trace(cx: &Cx, object: &Value) -> CliResult<String> {
    if let Some((namespace, name)) = manager(cx, object, KUSTOMIZATION.group).await {
        return by_kustomization(cx, object, &namespace, &name).await;
    }
    if let Some((namespace, name)) = manager(cx, object, HELM_RELEASE.group).await {
        return by_release(cx, object, &namespace, &name).await;
    }
    Err(CliError::new("object not managed by Flux"))
}

/// How many owners are followed.
const MAX_OWNERS: usize = 16;

/// The namespace and name of what manages the object, or one of its owners.
async fn manager(cx: &Cx, object: &Value, group: &str) -> Option<(String, String)> {
    let mut object = object.clone();
    for _ in 0..MAX_OWNERS {
        let label = |key: &str| text(&object, &format!("/metadata/labels/{group}~1{key}")).to_owned();
        let name = label("name");
        if !name.is_empty() {
            return Some((label("namespace"), name));
        }
        let mut owner = None;
        for reference in list(&object, "/metadata/ownerReferences") {
            let (api_version, kind) = (text(reference, "/apiVersion"), text(reference, "/kind"));
            let found =
                find(cx, api_version, kind, namespace(&object), text(reference, "/name")).await.ok()?;
            let is_managed = !text(&found, &format!("/metadata/labels/{group}~1name")).is_empty();
            let has_owner = list(&found, "/metadata/ownerReferences").next().is_some();
            if is_managed || has_owner {
                owner = Some(found);
                break;
            }
        }
        object = owner?;
    }
    None
}

async fn get(cx: &Cx, kind: &Kind, namespace: &str, name: &str, what: &str) -> CliResult<Value> {
    let object = cx.cluster().await?.get(&kind.resource(), namespace, name).await;
    found(what, object.map_err(CliError::from))
}

async fn by_kustomization(cx: &Cx, object: &Value, place: &str, name: &str) -> CliResult<String> {
    let kustomization = get(cx, &KUSTOMIZATION, place, name, "kustomization").await?;
    let mut report = Report::new(17);
    report.managed(object);
    report.block("Kustomization", &kustomization);
    report.line("Target", text(&kustomization, "/spec/targetNamespace"));
    report.always("Path", text(&kustomization, "/spec/path"));
    report.always("Revision", text(&kustomization, "/status/lastAppliedRevision"));
    report.status(&kustomization, false);
    if let Some(source) = reference(&kustomization, "/spec/sourceRef", place) {
        source_block(cx, &mut report, &source, true).await?;
    }
    Ok(report.render())
}

async fn by_release(cx: &Cx, object: &Value, place: &str, name: &str) -> CliResult<String> {
    let release = get(cx, &HELM_RELEASE, place, name, "HelmRelease").await?;
    let mut report = Report::new(16);
    report.managed(object);
    report.block("HelmRelease", &release);
    report.line("Target", text(&release, "/spec/targetNamespace"));
    report.always("Revision", text(&release, "/status/lastAttemptedRevision"));
    report.status(&release, false);
    if let Some((namespace, name)) = text(&release, "/status/helmChart").split_once('/') {
        let chart = get(cx, &HELM_CHART, namespace, name, "HelmChart").await?;
        report.block("HelmChart", &chart);
        report.always("Chart", text(&chart, "/spec/chart"));
        report.always("Version", text(&chart, "/spec/version"));
        report.line("Revision", text(&chart, "/status/artifact/revision"));
        report.status(&chart, false);
    }
    let source = match reference(&release, "/spec/chart/spec/sourceRef", place) {
        Some(source) => Some(source),
        None => reference(&release, "/spec/chartRef", place),
    };
    if let Some(source) = source {
        source_block(cx, &mut report, &source, false).await?;
    }
    Ok(report.render())
}

/// The source's block; the widths of its labels differ by kind as the reference's do.
async fn source_block(cx: &Cx, report: &mut Report, source: &Reference, with_origin: bool) -> CliResult {
    let kinds = [&GIT_REPOSITORY, &OCI_REPOSITORY, &EXTERNAL_ARTIFACT, &HELM_REPOSITORY];
    let Some(kind) = named(&source.kind).filter(|kind| kinds.iter().any(|known| known.kind == kind.kind))
    else {
        return Ok(());
    };
    let object = get(cx, kind, &source.namespace, &source.name, kind.kind).await?;
    if kind.kind == EXTERNAL_ARTIFACT.kind && object.pointer("/spec/sourceRef").is_none() {
        let (namespace, name) = (&source.namespace, &source.name);
        return Err(CliError::new(format!("ExternalArtifact {namespace}/{name} is missing spec.sourceRef")));
    }
    report.width = match kind.kind {
        "GitRepository" if !with_origin => 15,
        "HelmRepository" => 16,
        _ => 17,
    };
    report.block(kind.kind, &object);
    if kind.kind == EXTERNAL_ARTIFACT.kind {
        let of = |key: &str| text(&object, &format!("/spec/sourceRef/{key}")).to_owned();
        report.always("Source", &format!("{}/{}/{}", of("kind"), of("namespace"), of("name")));
    } else {
        report.always("URL", text(&object, "/spec/url"));
    }
    let by = [("Tag", "tag"), ("Tag", "semver"), ("Branch", "branch"), ("Digest", "digest")];
    let by = by.into_iter().filter(|(label, _)| match kind.kind {
        "GitRepository" => *label != "Digest",
        "OCIRepository" => *label != "Branch",
        _ => false,
    });
    let mut by = by.map(|(label, key)| (label, text(&object, &format!("/spec/ref/{key}"))));
    if let Some((label, value)) = by.find(|(_, value)| !value.is_empty()) {
        report.always(label, value);
    }
    report.line("Revision", text(&object, "/status/artifact/revision"));
    if with_origin && kind.kind != GIT_REPOSITORY.kind {
        let origin = |key: &str| {
            text(&object, &format!("/status/artifact/metadata/org.opencontainers.image.{key}")).to_owned()
        };
        report.line("Origin Revision", &origin("revision"));
        report.line("Origin Source", &origin("source"));
    }
    report.status(&object, kind.kind != HELM_REPOSITORY.kind);
    Ok(())
}
