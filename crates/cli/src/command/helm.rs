//! `sluice helm`: Helm's commands that need no cluster, on our own engine. Flags, output and messages are Helm's own, so
//! that scripts need no change; what is not there yet is refused by name.

mod dependency;
mod explain;
mod lint;
mod log;
mod package;
mod plain;
mod show;
pub mod source;
mod template;
mod values;
mod verify;
mod words;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args;
use crate::error::{CliError, CliResult, ErrorKind};
use crate::ui::Ui;

use words::{Global, HelmCli, HelmCommand, TemplateCli, TemplateCommand};

/// Work with Helm charts without Helm
///
/// Render, check, show and package Helm charts on this program's own engine. No cluster and no Helm is needed.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct HelmArgs {
    /// The words after `helm`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub words: Vec<OsString>,
}

/// The command tree below `helm`, for help and completions.
pub fn command() -> clap::Command {
    args::accept_values_for_switches(HelmCli::command())
}

/// Runs the words after `helm` and says how that ended. Templates nest deep, so the work has a stack of its own.
pub fn main(words: Vec<OsString>) -> ExitCode {
    let work = AssertUnwindSafe(|| {
        let result = run(words).and_then(|()| Ui::stdio().print(""));
        if result.is_ok() {
            leave();
        }
        result
    });
    let result = catch_unwind(|| stacker::grow(sluice_helm::build::STACK, work))
        .unwrap_or_else(|_| Err(CliError::new("the engine stopped unexpectedly")));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError { kind: ErrorKind::BrokenPipe, .. }) => ExitCode::from(1),
        Err(error) => {
            Ui::stdio().note(&format!("Error: {}", error.error));
            ExitCode::from(1)
        }
    }
}

/// Ends the process, whose results are written. Nothing is worth taking apart, nor giving back to the system page by page.
fn leave() -> ! {
    signal_hook::low_level::exit(0)
}

fn run(words: Vec<OsString>) -> CliResult {
    if let Some((global, args)) = plain::template(&words) {
        return template::run(&Ui::stdio(), &global, args);
    }
    let words: Vec<OsString> = std::iter::once(OsString::from("helm")).chain(words).collect();
    if let Some(TemplateCli { command: TemplateCommand::Template(args), global }) = parsed_template(&words) {
        return template::run(&Ui::stdio(), &global, *args);
    }
    let mut command = command();
    let matches = match command.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) if error.exit_code() == 0 => return error.print().map_err(CliError::from),
        Err(error) => return Err(args::in_known_words(&error, &command)),
    };
    if let Some(mut unfinished) = args::unfinished(&mut command, &matches) {
        return unfinished.print_help().map_err(CliError::from);
    }
    let HelmCli { command, global } =
        HelmCli::from_arg_matches(&matches).map_err(|error| args::in_known_words(&error, &command))?;
    dispatch(&Ui::stdio(), &global, command)
}

/// The words of a render that are right. The tree of all commands, which takes longer to make than a small chart, is left
/// to other commands, to questions and to telling what is wrong.
fn parsed_template(words: &[OsString]) -> Option<TemplateCli> {
    if words.get(1).is_none_or(|word| word != "template") {
        return None;
    }
    let command = args::accept_values_for_switches(TemplateCli::command());
    let matches = command.try_get_matches_from(words).ok()?;
    TemplateCli::from_arg_matches(&matches).ok()
}

fn dispatch(ui: &Ui, global: &Global, command: HelmCommand) -> CliResult {
    match command {
        HelmCommand::Template(args) => template::run(ui, global, *args),
        HelmCommand::Lint(args) => lint::run(ui, global, &args),
        HelmCommand::Show { part } => show::run(ui, part),
        HelmCommand::Dependency { command } => dependency::run(ui, command),
        HelmCommand::Verify(args) => verify::run(ui, &args),
        HelmCommand::Package(args) => package::run(ui, &args),
        HelmCommand::GetValues(args) => values::run(ui, &args),
        HelmCommand::Explain(args) => explain::run(ui, global, *args),
    }
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::new(error.to_string())
}

/// Helm's words for a wrong number of arguments.
fn wrong_count(command: &str, wanted: &str, usage: &str) -> CliError {
    CliError::new(format!("\"helm {command}\" requires {wanted}\n\nUsage:  helm {command} {usage} [flags]"))
}
