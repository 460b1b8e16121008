//! `sluice debug`: what an object's controller works with.

pub mod values;
pub mod variables;

use serde_json::Value;

use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::{HELM_RELEASE, KUSTOMIZATION, Kind};
use crate::print;

/// Debug a flux resource
///
/// The debug command can be used to troubleshoot failing resource reconciliations.
#[derive(Debug, clap::Args)]
pub struct DebugArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Debug a HelmRelease resource
    #[command(visible_alias = "hr")]
    Helmrelease {
        name: Option<String>,
        #[command(flatten)]
        show: ShowArgs,
        /// Print the final values of the Helm release
        #[arg(long)]
        show_values: bool,
    },
    /// Debug a Flux Kustomization resource
    #[command(visible_alias = "ks")]
    Kustomization {
        name: Option<String>,
        #[command(flatten)]
        show: ShowArgs,
        /// Print the final variables of the Kustomization
        #[arg(long)]
        show_vars: bool,
    },
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Print the status of the object
    #[arg(long)]
    show_status: bool,
    /// Print the history of the object
    #[arg(long)]
    show_history: bool,
}

const DOCUMENTATION: &str = "https://fluxcd.io/flux/components";

pub async fn run(cx: &Cx, args: DebugArgs) -> CliResult {
    let (kind, name, show, inputs, flag, page): (&Kind, _, _, _, _, _) = match args.what {
        What::Helmrelease { name, show, show_values } => {
            (&HELM_RELEASE, name, show, show_values, "--show-values", "helm/helmreleases/#")
        }
        What::Kustomization { name, show, show_vars } => {
            (&KUSTOMIZATION, name, show, show_vars, "--show-vars", "kustomize/kustomizations/#")
        }
    };
    let name = name.ok_or_else(|| CliError::new("accepts 1 arg(s), received 0"))?;
    let asked = [show.show_status, inputs, show.show_history].into_iter().filter(|asked| *asked).count();
    if asked != 1 {
        return Err(CliError::new(format!(
            "exactly one of --show-status, {flag}, or --show-history must be set"
        )));
    }
    let object = cx.cluster().await?.get(&kind.resource(), &cx.namespace, &name).await?;
    if inputs {
        return if kind.kind == HELM_RELEASE.kind {
            let values = values::of(cx, &object).await?;
            cx.ui.print(&print::yaml::of(&values))
        } else {
            if object.pointer("/spec/postBuild").is_none() {
                return Err(CliError::new("no post build substitutions found"));
            }
            let variables = variables::of(cx, &object).await?;
            let lines = variables.iter().map(|(key, value)| format!("{key}={value}\n"));
            cx.ui.print(&lines.collect::<Vec<_>>().concat())
        };
    }
    let part = |pointer: &str, empty: Value| object.pointer(pointer).cloned().unwrap_or(empty);
    let (what, anchor, value) = if show.show_status {
        let prefix = kind.kind.to_lowercase();
        ("Status", format!("{prefix}-status"), part("/status", serde_json::json!({})))
    } else {
        ("History", "history".to_owned(), part("/status/history", serde_json::json!([])))
    };
    cx.ui.println(&format!("# {what} documentation: {DOCUMENTATION}/{page}{anchor}"))?;
    cx.ui.print(&print::yaml::of(&value))
}
