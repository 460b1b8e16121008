//! `sluice kustomize build`.

use std::path::PathBuf;

use sluice_kustomize::Built;

use super::charts::Wanted;
use super::engine::{self, Job};
use super::output;
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

const LEGACY: &str = "legacy";
const NONE: &str = "none";
const ROOT_ONLY: &str = "LoadRestrictionsRootOnly";
const UNRESTRICTED: &str = "LoadRestrictionsNone";

/// Build a kustomization target from a directory or URL
///
/// Build a set of KRM resources using a 'kustomization.yaml' file. The DIR argument must be a path to a directory
/// containing 'kustomization.yaml', or a git repository URL with a path suffix specifying same with respect to the
/// repository root. If DIR is omitted, '.' is assumed.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    #[arg(value_name = "DIR")]
    folders: Vec<String>,
    /// If set to 'LoadRestrictionsNone', local kustomizations may load files from outside their root
    #[arg(long, default_value = ROOT_ONLY, value_name = "RESTRICTOR")]
    load_restrictor: String,
    /// If specified, write output to this path; into a folder, each object to a file of its own
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Fetch nothing: fail where a kustomization names a repository or a web address
    #[arg(long)]
    offline: bool,
    /// Enable use of the Helm chart inflator generator
    #[arg(long)]
    enable_helm: bool,
    /// Accepted; charts are rendered by the engine itself and no command is run
    #[arg(long, default_value = "helm", value_name = "COMMAND")]
    helm_command: String,
    /// Kubernetes api versions used by Helm for Capabilities.APIVersions
    #[arg(long, value_name = "VERSION")]
    helm_api_versions: Vec<String>,
    /// Kubernetes version used by Helm for Capabilities.KubeVersion
    #[arg(long, value_name = "VERSION")]
    helm_kube_version: Option<String>,
    /// Enable debug output from the Helm chart inflator generator
    #[arg(long)]
    helm_debug: bool,
    /// Refused: plugins are other programs
    #[arg(long)]
    enable_alpha_plugins: bool,
    /// Refused: functions are other programs
    #[arg(long)]
    enable_exec: bool,
    /// Accepted for functions, which are not run
    #[arg(long, short, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Accepted for functions, which are not run
    #[arg(long, value_name = "OPTIONS")]
    mount: Vec<String>,
    /// Accepted for functions, which are not run
    #[arg(long)]
    network: bool,
    /// Accepted for functions, which are not run
    #[arg(long, default_value = "bridge", value_name = "NAME")]
    network_name: String,
    /// Accepted for functions, which are not run
    #[arg(long)]
    as_current_user: bool,
    /// Deprecated: 'legacy' or 'none'
    #[arg(long, hide = true)]
    reorder: Option<String>,
    /// Deprecated: put `app.kubernetes.io/managed-by` on everything
    #[arg(long, hide = true)]
    enable_managedby_label: bool,
}

pub async fn run(ui: &Ui, args: BuildArgs) -> CliResult {
    if args.reorder.is_some() {
        ui.note(
            "Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization.yaml instead.",
        );
    }
    if args.enable_managedby_label {
        ui.note(
            "Flag --enable-managedby-label has been deprecated, The flag `enable-managedby-label` has been \
             deprecated. Use the `managedByLabel` option in the `buildMetadata` field instead.",
        );
    }
    let output = args.output.clone();
    let built = args.job()?.run(ui).await?;
    match output {
        Some(folder) if folder.is_dir() => output::write_objects(&folder, &built),
        Some(file) => output::write(&file, &text(&built)?),
        None => ui.print(&text(&built)?),
    }
}

/// What a plain build of a folder or repository prints.
pub async fn plain(ui: &Ui, target: &str) -> CliResult<String> {
    text(&Job { target: target.to_owned(), ..Job::default() }.run(ui).await?)
}

fn text(built: &Built) -> CliResult<String> {
    built.to_yaml(engine::threads()).map_err(|error| CliError::new(error.to_string()))
}

impl BuildArgs {
    fn job(self) -> CliResult<Job> {
        let illegal = |flag: &str, value: &str, legal: [&str; 2]| {
            let legal = legal.join(" ");
            Err(CliError::new(format!("illegal flag value --{flag} {value}; legal values: [{legal}]")))
        };
        let target = match self.folders.as_slice() {
            [] => ".".to_owned(),
            [one] => one.clone(),
            _ => return Err(CliError::new("specify one path to kustomization.yaml")),
        };
        if !["", ROOT_ONLY, UNRESTRICTED].contains(&self.load_restrictor.as_str()) {
            return illegal("load-restrictor", &self.load_restrictor, [ROOT_ONLY, UNRESTRICTED]);
        }
        if let Some(order) = self.reorder.as_ref().filter(|order| ![LEGACY, NONE].contains(&order.as_str())) {
            return illegal("reorder", order, [LEGACY, NONE]);
        }
        if self.enable_alpha_plugins || self.enable_exec {
            let flag = if self.enable_exec { "enable-exec" } else { "enable-alpha-plugins" };
            return Err(CliError::new(format!(
                "--{flag} is refused: plugins and functions are other programs, and a build starts none; what they \
                 make can be committed beside the kustomization, or made by a built-in generator or transformer"
            )));
        }
        if self.enable_helm && self.helm_command.is_empty() {
            return Err(CliError::new("must specify --helm-command"));
        }
        let charts = Wanted {
            api_versions: self.helm_api_versions,
            kube_version: self.helm_kube_version,
            debug: self.helm_debug,
        };
        Ok(Job {
            target,
            unrestricted: self.load_restrictor == UNRESTRICTED,
            offline: self.offline,
            keeps_order: self.reorder.as_deref() == Some(NONE),
            is_order_asked: self.reorder.is_some(),
            managed_by: self.enable_managedby_label,
            charts: self.enable_helm.then_some(charts),
        })
    }
}
