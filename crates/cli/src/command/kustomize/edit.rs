//! `sluice kustomize edit`: changes the kustomization file of the working directory.

mod add;
mod fix;
mod glob;
pub mod place;
mod remove;
mod set;
pub mod sources;

use crate::error::CliResult;
use crate::ui::Ui;
use sources::Session;

/// Edits a kustomization file
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    #[command(subcommand)]
    command: EditCommand,
}

#[derive(Debug, clap::Subcommand)]
enum EditCommand {
    /// Adds an item to the kustomization file
    Add {
        #[command(subcommand)]
        what: Box<add::AddCommand>,
    },
    /// List the builtin plugins
    AlphaListBuiltinPlugin,
    Fix(fix::FixArgs),
    /// Removes items from the kustomization file
    Remove {
        #[command(subcommand)]
        what: Box<remove::RemoveCommand>,
    },
    /// Sets the value of different fields in kustomization file
    Set {
        #[command(subcommand)]
        what: set::SetCommand,
    },
}

/// The plugins that the engine has, as they are configured in `generators` and `transformers`.
const BUILTIN: [&str; 18] = [
    "AnnotationsTransformer",
    "ConfigMapGenerator",
    "HashTransformer",
    "HelmChartInflationGenerator",
    "IAMPolicyGenerator",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SecretGenerator",
    "SuffixTransformer",
    "ValueAddTransformer",
];

/// Runs one edit. `namespace` is the flag that all commands share.
pub async fn run(ui: &Ui, namespace: Option<String>, args: EditArgs) -> CliResult {
    let session = Session { ui, namespace: namespace.unwrap_or_default() };
    match args.command {
        EditCommand::Add { what } => add::run(&session, *what).await,
        EditCommand::AlphaListBuiltinPlugin => {
            ui.print(&format!("Builtin plugins:\n\n * {}\n", BUILTIN.join("\n * ")))
        }
        EditCommand::Fix(args) => fix::run(&session, args).await,
        EditCommand::Remove { what } => remove::run(&session, *what),
        EditCommand::Set { what } => set::run(&session, what),
    }
}
