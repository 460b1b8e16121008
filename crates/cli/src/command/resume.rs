//! `sluice resume`: ends a suspension, and waits for the run that follows.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::Value;

use super::suspend;
use crate::cluster::Selection;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::on_kind::{OnKind, Verb};
use crate::kinds::{Kind, Verbs};
use crate::object::name;
use crate::readiness;

/// Resume suspended resources
///
/// The resume sub-commands resume a suspended resource.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    #[command(subcommand)]
    what: OnKind<Resume>,
    /// Resume all resources in that namespace
    #[arg(long, global = true)]
    all: bool,
    /// Waits for one resource to reconcile before moving to the next one
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    wait: Option<bool>,
}

#[derive(Debug)]
struct Resume;

impl Verb for Resume {
    fn takes(kind: &Kind) -> bool {
        kind.verbs != Verbs::Read
    }

    fn about(what: &str) -> String {
        format!("Resume a suspended {what}")
    }
}

pub async fn run(cx: &Cx, args: ResumeArgs) -> CliResult {
    let kind = args.what.kind()?;
    let names = &args.what.names;
    if names.is_empty() && !args.all {
        return Err(CliError::new(format!("{} name is required", kind.human)));
    }
    let place = &cx.namespace;
    let mut resumed = Vec::new();
    if names.is_empty() {
        let objects =
            suspend::set(cx, kind, &Selection::in_namespace(place), false).await.map_err(|error| {
                CliError::new(format!("failed patching objects: {}", CliError::from(error).error))
            })?;
        if objects.is_empty() {
            cx.ui.failure(&format!("no {} objects found in {place} namespace", kind.kind));
        }
        resumed.extend(objects);
    }
    let mut seen = BTreeSet::new();
    for name in names.iter().filter(|&name| seen.insert(name)) {
        let objects = suspend::set(cx, kind, &Selection::in_namespace(place).named(name), false).await?;
        if objects.is_empty() {
            cx.ui.failure(&format!("{} object '{name}' not found in {place} namespace", kind.kind));
        }
        resumed.extend(objects);
    }
    // One object alone is waited for unless the person says otherwise.
    if args.wait.unwrap_or(names.len() == 1) { wait(cx, kind, resumed).await } else { Ok(()) }
}

/// Waits for all at once, then tells of each by name.
async fn wait(cx: &Cx, kind: &'static Kind, mut objects: Vec<Value>) -> CliResult {
    objects.sort_by(|a, b| name(a).cmp(name(b)));
    let ends = join_all(objects.iter().map(|object| wait_for(cx, kind, object))).await;
    let mut failures = 0;
    for (object, end) in objects.iter().zip(ends) {
        let name = name(object);
        match end {
            Ok(object) => {
                cx.ui.success(&format!("{} {name} reconciliation completed", kind.kind));
                cx.ui.success(&kind.outcome(&object));
            }
            Err(error) => {
                failures += 1;
                cx.ui.failure(&format!("{} {name} reconciliation failed: {}", kind.kind, error.error));
            }
        }
    }
    match failures {
        0 => Ok(()),
        _ => Err(CliError::new(format!("reconciliation failed for {failures} {}(s)", kind.kind))),
    }
}

async fn wait_for(cx: &Cx, kind: &'static Kind, object: &Value) -> CliResult<Value> {
    cx.ui.waiting(&format!("waiting for {} reconciliation", kind.kind));
    let is_ready = |object: &Value| readiness::is_ready(object, kind.is_static(object));
    let resource = kind.resource();
    let wait = cx.cluster().await?.wait_for(&resource, &cx.namespace, name(object), is_ready);
    cx.in_time(wait).await
}
