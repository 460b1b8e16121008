//! `sluice completion`.

use clap_complete::Shell;

use crate::args;
use crate::cx::Cx;
use crate::error::CliResult;

/// Generates completion scripts for various shells
///
/// The completion sub-command generates completion scripts for various shells.
#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    #[command(subcommand)]
    shell: Shells,
}

#[derive(Debug, clap::Subcommand)]
enum Shells {
    /// Generates bash completion scripts
    Bash,
    /// Generates fish completion scripts
    Fish,
    /// Generates powershell completion scripts
    Powershell,
    /// Generates zsh completion scripts
    Zsh,
}

pub fn run(cx: &Cx, args: CompletionArgs) -> CliResult {
    let shell = match args.shell {
        Shells::Bash => Shell::Bash,
        Shells::Fish => Shell::Fish,
        Shells::Powershell => Shell::PowerShell,
        Shells::Zsh => Shell::Zsh,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), args::NAME, &mut script);
    cx.ui.print(&String::from_utf8_lossy(&script))
}
