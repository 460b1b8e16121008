//! `sluice kustomize version`.

use crate::error::CliResult;
use crate::ui::Ui;

/// The release whose output ours is.
const VERSION: &str = "v5.8.1";

/// Prints the kustomize version
///
/// Prints the release of kustomize whose output the engine's is.
#[derive(Debug, clap::Args)]
pub struct VersionArgs {
    /// Print short version
    #[arg(long, hide = true)]
    short: bool,
    /// One of 'yaml' or 'json'
    #[arg(long, short, hide = true)]
    output: Option<String>,
}

pub fn run(ui: &Ui) -> CliResult {
    ui.println(VERSION)
}
