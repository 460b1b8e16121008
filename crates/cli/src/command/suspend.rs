//! `sluice suspend`: controllers leave the object alone until it is resumed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cluster::{ClusterError, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::on_kind::{OnKind, Verb};
use crate::kinds::{Kind, Verbs};
use crate::object::name;

/// Suspend resources
///
/// The suspend sub-commands suspend the reconciliation of a resource.
#[derive(Debug, clap::Args)]
pub struct SuspendArgs {
    #[command(subcommand)]
    what: OnKind<Suspend>,
    /// Suspend all resources in that namespace
    #[arg(long, global = true)]
    all: bool,
}

#[derive(Debug)]
struct Suspend;

impl Verb for Suspend {
    fn takes(kind: &Kind) -> bool {
        kind.verbs != Verbs::Read
    }

    fn about(what: &str) -> String {
        format!("Suspend reconciliation of a {what}")
    }
}

pub async fn run(cx: &Cx, args: SuspendArgs) -> CliResult {
    let kind = args.what.kind()?;
    if args.what.names.is_empty() && !args.all {
        return Err(CliError::new(format!("{} name is required", kind.human)));
    }
    if args.what.names.is_empty() {
        let everything = Selection::in_namespace(&cx.namespace);
        if set(cx, kind, &everything, true).await?.is_empty() {
            return Err(CliError::new("no objects found"));
        }
    }
    let mut seen = BTreeSet::new();
    for name in args.what.names.iter().filter(|&name| seen.insert(name)) {
        let one = Selection::in_namespace(&cx.namespace).named(name);
        let place = &cx.namespace;
        match set(cx, kind, &one, true).await {
            Ok(objects) if objects.is_empty() => {
                cx.ui.failure(&format!("{} {name} not found in {place} namespace", kind.kind));
            }
            Ok(_) => {}
            Err(error) => {
                let error = CliError::from(error).error;
                cx.ui.failure(&format!(
                    "failed suspending {} {name} in {place} namespace: {error}",
                    kind.kind
                ));
            }
        }
    }
    Ok(())
}

/// Sets or clears `spec.suspend` of the selected objects and returns them as they then are.
pub async fn set(
    cx: &Cx,
    kind: &Kind,
    selection: &Selection<'_>,
    suspend: bool,
) -> Result<Vec<Value>, ClusterError> {
    let (doing, done) = if suspend { ("suspending", "suspended") } else { ("resuming", "resumed") };
    // As upstream's structs are written: what is false is left out.
    let patch = if suspend { json!({"spec": {"suspend": true}}) } else { json!({"spec": {"suspend": null}}) };
    let cluster = cx.cluster().await.map_err(|error| ClusterError::Transport(error.error))?;
    let mut objects = Vec::new();
    for object in cluster.list(&kind.resource(), selection).await? {
        cx.ui.action(&format!("{doing} {} {} in {} namespace", kind.human, name(&object), cx.namespace));
        objects.push(cluster.merge(&kind.resource(), &cx.namespace, name(&object), &patch).await?);
        cx.ui.success(&format!("{} {done}", kind.human));
    }
    Ok(objects)
}
