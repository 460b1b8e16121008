//! The commands, one a file: each its arguments, whose doc comment is its help, and `run`.

mod apiserver;
mod build;
mod check;
mod completion;
mod create;
mod debug;
mod delete;
mod dev;
mod diff;
mod envsubst;
mod events;
mod export;
mod get;
mod helm;
mod install;
mod kustomize;
mod logs;
mod reconcile;
mod resume;
mod run;
mod stats;
mod suspend;
mod trace;
mod tree;
mod uninstall;
mod version;

use crate::args::Args;
use crate::cx::Cx;
use crate::error::CliResult;
use crate::ui::Ui;

#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    Apiserver(apiserver::ApiserverArgs),
    Completion(completion::CompletionArgs),
    Get(get::GetArgs),
    Helm(helm::HelmArgs),
    Install(Box<install::InstallArgs>),
    Kustomize(kustomize::KustomizeArgs),
    Delete(delete::DeleteArgs),
    Dev(dev::DevArgs),
    Reconcile(reconcile::ReconcileArgs),
    Resume(resume::ResumeArgs),
    Run(run::RunArgs),
    Suspend(suspend::SuspendArgs),
    Events(events::EventsArgs),
    Stats(stats::StatsArgs),
    Tree(tree::TreeArgs),
    Logs(logs::LogsArgs),
    Create(Box<create::CreateArgs>),
    Export(export::ExportArgs),
    Trace(trace::TraceArgs),
    Debug(debug::DebugArgs),
    Check(check::CheckArgs),
    Build(build::BuildArgs),
    Diff(diff::DiffArgs),
    Envsubst(envsubst::EnvsubstArgs),
    Uninstall(uninstall::UninstallArgs),
    Version(version::VersionArgs),
}

pub use apiserver::ApiserverArgs;
pub use dev::DevArgs;
pub use helm::{command as helm_command, main as helm_main};
pub use kustomize::KustomizeArgs;
pub use run::{RunArgs, controller_of_pod};

/// Runs one command, within the time that `--timeout` gives.
pub async fn run(ui: Ui, args: Args) -> CliResult {
    // Controllers run until they are stopped: no timeout of a command applies to them.
    if let Subcommand::Run(args) = args.command {
        return run::run(args).await;
    }
    // Kustomizations are built without a cluster.
    if let Subcommand::Kustomize(kustomize) = args.command {
        return kustomize::run(&ui, args.global, kustomize).await;
    }
    if let Subcommand::Apiserver(args) = args.command {
        return apiserver::run(args).await;
    }
    if let Subcommand::Dev(args) = args.command {
        return dev::run(args).await;
    }
    let cx = Cx::new(ui, args.global)?;
    cx.in_time_with_grace(dispatch(&cx, args.command)).await
}

async fn dispatch(cx: &Cx, command: Subcommand) -> CliResult {
    match command {
        Subcommand::Apiserver(args) => apiserver::run(args).await,
        Subcommand::Completion(args) => completion::run(cx, args),
        Subcommand::Get(args) => get::run(cx, args).await,
        // Answered before a context is made.
        Subcommand::Dev(_) => Ok(()),
        Subcommand::Delete(args) => delete::run(cx, args).await,
        Subcommand::Reconcile(args) => reconcile::run(cx, args).await,
        Subcommand::Resume(args) => resume::run(cx, args).await,
        Subcommand::Run(args) => run::run(args).await,
        // Answered before a context is made.
        Subcommand::Helm(_) | Subcommand::Kustomize(_) => Ok(()),
        Subcommand::Suspend(args) => suspend::run(cx, args).await,
        Subcommand::Events(args) => events::run(cx, args).await,
        Subcommand::Stats(args) => stats::run(cx, args).await,
        Subcommand::Tree(args) => tree::run(cx, args).await,
        Subcommand::Logs(args) => logs::run(cx, args).await,
        Subcommand::Create(args) => create::run(cx, *args).await,
        Subcommand::Export(args) => export::run(cx, args).await,
        Subcommand::Trace(args) => trace::run(cx, args).await,
        Subcommand::Debug(args) => debug::run(cx, args).await,
        Subcommand::Check(args) => check::run(cx, args).await,
        Subcommand::Build(args) => build::run(cx, args).await,
        Subcommand::Diff(args) => diff::run(cx, args).await,
        Subcommand::Envsubst(args) => envsubst::run(cx, args),
        Subcommand::Install(args) => install::run(cx, *args).await,
        Subcommand::Uninstall(args) => uninstall::run(cx, args).await,
        Subcommand::Version(args) => version::run(cx, args).await,
    }
}
