//! `sluice build`: what a controller would apply, made of local files.

pub mod local;
mod sops;

use crate::cx::Cx;
use crate::error::CliResult;
use crate::print;
use local::{Local, LocalArgs};

/// Build a resource
///
/// The build command is used to build flux resources.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    #[command(visible_alias = "ks")]
    Kustomization(KustomizationArgs),
}

/// Build Kustomization
///
/// The build command queries the Kubernetes API and fetches the specified Flux Kustomization. It then uses the fetched
/// in cluster flux kustomization to perform needed transformation on the local kustomization.yaml pointed at by --path.
/// The local kustomization.yaml is generated if it does not exist. Finally it builds the overlays using the local
/// kustomization.yaml, and write the resulting multi-doc YAML to stdout.
///
/// It is possible to specify a Flux kustomization file using --kustomization-file.
#[derive(Debug, clap::Args)]
struct KustomizationArgs {
    #[command(flatten)]
    local: LocalArgs,
    /// Dry run mode
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(cx: &Cx, args: BuildArgs) -> CliResult {
    let What::Kustomization(args) = args.what;
    let name = args.local.name()?;
    let local = Local::new(cx, &args.local, args.dry_run, true)?;
    let path = local.check_path(&args.local)?;
    let built = local.build(name, &cx.namespace, &path, None, 0).await?;
    let text: String = built.objects.iter().map(print::yaml::of).map(|yaml| yaml + "---\n").collect();
    cx.ui.print(&text)
}
