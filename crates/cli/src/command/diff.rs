//! `sluice diff`: what an apply of local files would change in the cluster.

use std::fmt::Write;
use std::path::Path;

use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;
use sluice_cluster::without;
use sluice_manifests::ignored::Rules;
use sluice_object::{Object, ObjectId, ca_bundle, has_drifted, normalize, redaction};

use super::build::local::{Local, LocalArgs, is_other};
use crate::cluster::ClusterError;
use crate::cx::Cx;
use crate::error::{CliError, CliResult, ErrorKind};
use crate::object::{id, list, name, namespace, text};
use crate::print;

/// Diff a flux resource
///
/// The diff command is used to do a server-side dry-run on flux resources, then prints the diff.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    #[command(visible_alias = "ks")]
    Kustomization(KustomizationArgs),
}

/// Diff Kustomization
///
/// The diff command does a build, then it performs a server-side dry-run and prints the diff. Exit status: 0 No
/// differences were found. 1 Differences were found. >1 diff failed with an error.
#[derive(Debug, clap::Args)]
struct KustomizationArgs {
    #[command(flatten)]
    local: LocalArgs,
    /// Accepted, and not used: nothing is drawn while the command works
    #[arg(long, hide = true)]
    progress_bar: bool,
    /// Ignore Kustomization not found errors on the cluster when diffing
    #[arg(long)]
    ignore_not_found: bool,
}

pub async fn run(cx: &Cx, args: DiffArgs) -> CliResult {
    let What::Kustomization(args) = args.what;
    let name = args.local.name()?.to_owned();
    let diff = async {
        let local = Local::new(cx, &args.local, false, false)?.showing_paths_as_typed();
        let path = local.check_path(&args.local)?;
        let comparison = Comparison { cx, local: &local, recursive: args.local.recursive };
        let given = args.ignore_not_found.then(|| empty(&name, &cx.namespace));
        comparison.of(&name, &cx.namespace, &path, given.as_ref(), 0).await
    };
    let found = diff.await.map_err(|error: CliError| error.with_kind(ErrorKind::NotCompared))?;
    cx.ui.print(&found.text)?;
    if found.has_changes {
        let text = "identified at least one change, exiting with non-zero exit code";
        return Err(CliError::new(text).with_kind(ErrorKind::Changes));
    }
    Ok(())
}

/// Stands in for a Kustomization that the cluster does not have.
fn empty(name: &str, namespace: &str) -> Value {
    serde_json::json!({"metadata": {"name": name, "namespace": namespace}, "spec": {}})
}

#[derive(Default)]
struct Found {
    text: String,
    has_changes: bool,
}

/// What would become of one object.
enum Change {
    Skipped,
    Created,
    Drifted { live: Value, wanted: Value },
    Unchanged,
}

struct Comparison<'a> {
    cx: &'a Cx,
    local: &'a Local<'a>,
    recursive: bool,
}

impl Comparison<'_> {
    fn of<'b>(
        &'b self,
        name: &'b str,
        place: &'b str,
        path: &'b Path,
        given: Option<&'b Value>,
        depth: usize,
    ) -> BoxFuture<'b, CliResult<Found>> {
        async move {
            let built = self.local.build(name, place, path, given, depth).await?;
            let ignored = Rules::of_spec(&built.kustomization["spec"]).map_err(CliError::new)?;
            let (mut found, mut errors, mut kept) = (Found::default(), Vec::new(), Vec::new());
            for object in &built.objects {
                let id = id(object);
                let change = match self.change(object, &id, &ignored).await {
                    Ok(change) => change,
                    Err(error) => {
                        errors.push(error.error);
                        continue;
                    }
                };
                let is_new = matches!(change, Change::Created);
                found.tell(&id, change);
                kept.push(id.clone());
                if self.recursive && !is_new && is_other(object, &built.kustomization) {
                    match self.inner(object, &id, depth).await {
                        Ok(inner) => found.join(&id, inner),
                        Err(error) => errors.push(error.error),
                    }
                }
            }
            if errors.is_empty() {
                found.tell_stale(&built.kustomization, &kept)?;
                return Ok(found);
            }
            Err(CliError::new(if errors.len() == 1 {
                errors.remove(0)
            } else {
                format!("[{}]", errors.join(", "))
            }))
        }
        .boxed()
    }

    /// What the Kustomization that was built here would change in turn.
    async fn inner(&self, object: &Value, id: &ObjectId, depth: usize) -> CliResult<Found> {
        if object.pointer("/spec/kubeConfig").is_some() {
            let text = format!("⚠️ {id} skipped: diff not supported for remote clusters\n");
            return Ok(Found { text, has_changes: false });
        }
        let path = self.local.path_of(object)?;
        self.of(name(object), namespace(object), &path, Some(object), depth + 1).await
    }

    async fn change(&self, object: &Value, id: &ObjectId, ignored: &Rules) -> CliResult<Change> {
        let cluster = self.cx.cluster().await?;
        let failed = |error: ClusterError| {
            let reason = error.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
            CliError::new(format!("{id} dry-run failed{reason}: {error}"))
        };
        let resource = cluster.kind(text(object, "/apiVersion"), &id.kind).await.map_err(failed)?;
        if resource.namespaced && id.namespace.is_empty() {
            return Err(CliError::new(format!("{id} namespace not specified")));
        }
        let mut wanted =
            Object::try_from(object.clone()).map_err(|error| CliError::new(error.to_string()))?;
        normalize::normalize(&mut wanted);
        ca_bundle::remove_invalid(&mut wanted);
        let live = cluster.find(&resource, &id.namespace, &id.name).await.map_err(failed)?;
        if is_left_alone(object, live.as_ref()) {
            return Ok(Change::Skipped);
        }
        let answer = match cluster.dry_run(&resource, &id.namespace, &wanted.to_value()).await {
            Ok(answer) => answer,
            // It would be deleted and made again.
            Err(error) if says(object, "force", "enabled") && error.to_string().contains("immutable") => {
                return Ok(Change::Created);
            }
            Err(error) => return Err(failed(error)),
        };
        let Some(live) = live else { return Ok(Change::Created) };
        let (Ok(mut live), Ok(mut answer)) = (Object::try_from(live), Object::try_from(answer)) else {
            return Err(CliError::new(format!("{id} is not an object")));
        };
        let pointers = ignored.fields_of(answer.fields());
        if !pointers.is_empty() {
            (live, answer) = (without(&live, &pointers), without(&answer, &pointers));
        }
        if !has_drifted(&live, &answer) {
            return Ok(Change::Unchanged);
        }
        if id.group.is_empty() && id.kind == "Secret" {
            redaction::mask(Some(&mut live), Some(&mut answer));
        }
        Ok(Change::Drifted { live: without_managers(live), wanted: without_managers(answer) })
    }
}

fn without_managers(object: Object) -> Value {
    let mut object = Value::from(object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// Whether a label or an annotation of Flux says this.
fn says(object: &Value, key: &str, value: &str) -> bool {
    ["labels", "annotations"].into_iter().any(|field| {
        let pointer = format!("/metadata/{field}/kustomize.toolkit.fluxcd.io~1{key}");
        text(object, &pointer).eq_ignore_ascii_case(value)
    })
}

fn is_left_alone(object: &Value, live: Option<&Value>) -> bool {
    let is_excluded = |object: &Value| says(object, "reconcile", "disabled") || says(object, "ssa", "ignore");
    is_excluded(object)
        || live.is_some_and(is_excluded)
        || (live.is_some() && says(object, "ssa", "ifnotpresent"))
}

impl Found {
    fn tell(&mut self, id: &ObjectId, change: Change) {
        let (what, body) = match change {
            Change::Unchanged => return,
            Change::Skipped => ("skipped", String::new()),
            Change::Created => ("created", String::new()),
            Change::Drifted { live, wanted } => ("drifted", print::diff::render(&live, &wanted)),
        };
        self.has_changes |= what != "skipped";
        // Writing into a text does not fail.
        let _ = write!(self.text, "► {id} {what}\n{body}");
    }

    /// Takes in what an inner Kustomization would change.
    fn join(&mut self, id: &ObjectId, inner: Found) {
        if inner.has_changes {
            self.has_changes = true;
            let _ = writeln!(self.text, "📁 {id} changed");
        }
        self.text.push_str(&inner.text);
    }

    /// What the Kustomization has applied before and no longer holds.
    fn tell_stale(&mut self, kustomization: &Value, kept: &[ObjectId]) -> CliResult {
        if kustomization.pointer("/spec/prune") != Some(&Value::Bool(true)) {
            return Ok(());
        }
        let mut stale = Vec::new();
        for entry in list(kustomization, "/status/inventory/entries") {
            let id = ObjectId::from_inventory(text(entry, "/id"))
                .map_err(|error| CliError::new(error.to_string()))?;
            if !kept.contains(&id) {
                stale.push(id);
            }
        }
        stale.sort();
        self.has_changes |= !stale.is_empty();
        for id in stale {
            let _ = writeln!(self.text, "► {id} deleted");
        }
        Ok(())
    }
}
