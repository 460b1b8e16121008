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
    let mut spec = object.get("spec").cloned().unwrap_or_else(|| json!({}));
    normalise_durations(&mut spec);
    let metadata = Fields::default()
        .text("name", name(object))
        .text("namespace", namespace(object))
        .maybe("labels", metadata("labels"))
        .maybe("annotations", metadata("annotations"));
    Fields::default()
        .put("apiVersion", kind.api_version())
        .put("kind", kind.kind)
        .put("metadata", metadata)
        .put("spec", spec)
        .into_value()
}

/// The reference reads durations into numbers and writes them its own way: `10m` becomes `10m0s`.
fn normalise_durations(spec: &mut Value) {
    for field in ["interval", "timeout", "retryInterval"] {
        normalise(spec.get_mut(field));
        normalise(spec.pointer_mut(&format!("/chart/spec/{field}")));
        for action in ["install", "upgrade", "rollback", "uninstall", "test"] {
            normalise(spec.pointer_mut(&format!("/{action}/{field}")));
        }
    }
}

fn normalise(field: Option<&mut Value>) {
    if let Some(field) = field
        && let Some(duration) = field.as_str().and_then(|text| text.parse::<Duration>().ok())
    {
        *field = json!(duration.to_string());
    }
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
