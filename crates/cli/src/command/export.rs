//! `sluice export`: an object as a person would have written it.

use serde_json::{Value, json};
use sluice_api::meta::Duration;

use super::create::fields::Fields;
use crate::cluster::{Resource, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::on_kind::{KindFlag, OnKind, Verb};
use crate::kinds::{Family, Kind};
use crate::object::{name, namespace, text};
use crate::print;

/// Export resources in YAML format
///
/// The export sub-commands export resources in YAML format.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(subcommand)]
    what: OnKind<Export>,
    /// Select all resources
    #[arg(long, global = true)]
    all: bool,
}

#[derive(Debug)]
struct Export;

impl Verb for Export {
    fn takes(_kind: &Kind) -> bool {
        true
    }

    fn about(what: &str) -> String {
        format!("Export {what} resources in YAML format")
    }

    fn flags(kind: &Kind) -> &'static [KindFlag] {
        if kind.family == Some(Family::Source) {
            &[("with-credentials", "Include credential secrets")]
        } else {
            &[]
        }
    }
}

pub async fn run(cx: &Cx, args: ExportArgs) -> CliResult {
    let kind = args.what.kind()?;
    let cluster = cx.cluster().await?;
    let objects = match args.what.names.first() {
        _ if args.all => {
            let objects = cluster.list(&kind.resource(), &Selection::in_namespace(&cx.namespace)).await?;
            if objects.is_empty() {
                return Err(CliError::new(format!("no objects found in {} namespace", cx.namespace)));
            }
            objects
        }
        Some(name) => vec![cluster.get(&kind.resource(), &cx.namespace, name).await?],
        None => return Err(CliError::new("name is required")),
    };
    for object in &objects {
        cx.ui.print(&print::yaml::document(&exported(kind, object)))?;
        let secret = text(object, "/spec/secretRef/name");
        if args.what.has("with-credentials") && !secret.is_empty() {
            cx.ui.print(&print::yaml::document(&credentials(cx, namespace(object), secret).await?))?;
        }
    }
    Ok(())
}

/// What a person wrote: names, labels, annotations and the spec.
fn exported(kind: &Kind, object: &Value) -> Value {
    let metadata = |key: &str| object.pointer(&format!("/metadata/{key}")).cloned();
    let spec = object.get("spec").cloned().unwrap_or_else(|| json!({}));
    let metadata = Fields::default()
        .text("name", name(object))
        .text("namespace", namespace(object))
        .maybe("labels", metadata("labels"))
        .maybe("annotations", metadata("annotations"));
    Fields::default()
        .put("apiVersion", kind.api_version())
        .put("kind", kind.kind)
        .put("metadata", metadata)
        .put("spec", rewritten(kind, spec))
        .into_value()
}

/// The spec as the reference's types write it again: durations in their own form (`10m` becomes `10m0s`), and what
/// says no more than its absence left out, though the API server's defaults have put it there.
fn rewritten(kind: &Kind, spec: Value) -> Value {
    let typed = match kind.kind {
        "GitRepository" => retyped::<sluice_api::GitRepository>(&spec),
        "OCIRepository" => retyped::<sluice_api::OCIRepository>(&spec),
        "HelmRepository" => retyped::<sluice_api::HelmRepository>(&spec),
        "HelmChart" => retyped::<sluice_api::HelmChart>(&spec),
        "Bucket" => retyped::<sluice_api::Bucket>(&spec),
        "ExternalArtifact" => retyped::<sluice_api::ExternalArtifact>(&spec),
        "ArtifactGenerator" => retyped::<sluice_api::ArtifactGenerator>(&spec),
        "Kustomization" => retyped::<sluice_api::Kustomization>(&spec),
        _ => None,
    };
    typed.unwrap_or_else(|| with_durations(spec))
}

fn retyped<K: sluice_api::Kind>(spec: &Value) -> Option<Value> {
    let typed: K::Spec = serde_json::from_value(spec.clone()).ok()?;
    serde_json::to_value(typed).ok()
}

/// For the kinds that have no type yet.
fn with_durations(mut spec: Value) -> Value {
    for field in ["interval", "timeout", "retryInterval"] {
        let nested = ["chart/spec", "install", "upgrade", "rollback", "uninstall", "test"];
        let nested = nested.map(|parent| format!("/{parent}/{field}"));
        for pointer in [format!("/{field}")].iter().chain(&nested) {
            if let Some(value) = spec.pointer_mut(pointer)
                && let Some(duration) = value.as_str().and_then(|text| text.parse::<Duration>().ok())
            {
                *value = json!(duration.to_string());
            }
        }
    }
    spec
}

async fn credentials(cx: &Cx, place: &str, secret: &str) -> CliResult<Value> {
    let found = cx.cluster().await?.get(&Resource::core("Secret", "secrets"), place, secret).await;
    let found = found.map_err(|error| {
        CliError::new(format!("failed to retrieve secret {secret}, error: {}", CliError::from(error).error))
    })?;
    Ok(Fields::default()
        .put("apiVersion", "v1")
        .put("kind", "Secret")
        .maybe("data", found.get("data").cloned())
        .put("metadata", json!({"name": secret, "namespace": place}))
        .text("type", text(&found, "/type"))
        .into_value())
}
