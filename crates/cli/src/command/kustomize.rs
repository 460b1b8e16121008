//! `sluice kustomize`: the commands of kustomize itself, by our engine. They need no cluster.

mod build;
mod charts;
mod create;
mod edit;
pub mod engine;
mod explain;
mod localize;
mod output;
pub mod remote;
mod version;

use crate::connect::GlobalArgs;
use crate::error::{CliResult, ErrorKind};
use crate::ui::Ui;

/// Build and edit kustomizations
///
/// The kustomize sub-commands do what the command kustomize does, with the same flags and the same output.
#[derive(Debug, clap::Args)]
pub struct KustomizeArgs {
    #[command(subcommand)]
    command: KustomizeCommand,
}

#[derive(Debug, clap::Subcommand)]
enum KustomizeCommand {
    Build(Box<build::BuildArgs>),
    Create(create::CreateArgs),
    Edit(edit::EditArgs),
    Explain(explain::ExplainArgs),
    Localize(localize::LocalizeArgs),
    Version(version::VersionArgs),
}

/// Runs one command; what fails is told as kustomize tells it.
pub async fn run(ui: &Ui, global: GlobalArgs, args: KustomizeArgs) -> CliResult {
    let result = match args.command {
        KustomizeCommand::Build(args) => build::run(ui, *args).await,
        KustomizeCommand::Create(args) => create::run(global.namespace, args).await,
        KustomizeCommand::Edit(args) => edit::run(ui, global.namespace, args).await,
        KustomizeCommand::Explain(args) => explain::run(ui, args).await,
        KustomizeCommand::Localize(args) => localize::run(ui, args).await,
        KustomizeCommand::Version(_) => version::run(ui),
    };
    result.map_err(|error| match error.kind {
        ErrorKind::Failed => error.with_kind(ErrorKind::Plain),
        _ => error,
    })
}
