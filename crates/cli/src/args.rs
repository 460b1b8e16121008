//! The command line as typed, read by the rules of the command that ours replaces: flags may stand anywhere, a
//! switch may be given a value (`--prune=false`), and what is wrong is said in the same words.

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser};

use crate::command::{ApiserverArgs, DevArgs, KustomizeArgs, RunArgs, Subcommand};
use crate::connect::GlobalArgs;
use crate::error::{CliError, CliResult};

pub const NAME: &str = "sluice";

/// Command line utility for assembling Kubernetes CD pipelines the GitOps way
#[derive(Debug, Parser)]
#[command(name = NAME, version = concat!("version ", env!("CARGO_PKG_VERSION")), disable_version_flag = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Subcommand,
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Print version
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: (),
}

/// As `Args`, of some commands alone: the whole tree takes longer to make than a small build, and memory for good.
#[derive(Debug, Parser)]
#[command(name = NAME, version = concat!("version ", env!("CARGO_PKG_VERSION")), disable_version_flag = true)]
struct Only<C: clap::Subcommand> {
    #[command(subcommand)]
    command: C,
    #[command(flatten)]
    global: GlobalArgs,
    /// Print version
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: (),
}

#[derive(Debug, clap::Subcommand)]
enum Kustomize {
    Kustomize(KustomizeArgs),
}

/// What runs for long.
#[derive(Debug, clap::Subcommand)]
enum Server {
    Apiserver(ApiserverArgs),
    Dev(DevArgs),
    Run(RunArgs),
}

impl From<Kustomize> for Subcommand {
    fn from(Kustomize::Kustomize(args): Kustomize) -> Self {
        Self::Kustomize(args)
    }
}

impl From<Server> for Subcommand {
    fn from(server: Server) -> Self {
        match server {
            Server::Apiserver(args) => Self::Apiserver(args),
            Server::Dev(args) => Self::Dev(args),
            Server::Run(args) => Self::Run(args),
        }
    }
}

impl<C: clap::Subcommand + Into<Subcommand>> From<Only<C>> for Args {
    fn from(only: Only<C>) -> Self {
        Self { command: only.command.into(), global: only.global, version: () }
    }
}

/// The whole command tree.
pub fn command() -> Command {
    // Helm's words are read by a parser of their own; its tree is here for help and completions alone.
    accept_values_for_switches(Args::command()).mut_subcommand("helm", |_| crate::command::helm_command())
}

/// What was typed, or nothing where it was a question that is answered already (`--help`).
pub fn parse(words: impl IntoIterator<Item = OsString>) -> CliResult<Option<Args>> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    // Called through a link of that name, the program is kustomize.
    let called = words.first().and_then(|name| std::path::Path::new(name).file_stem().map(OsString::from));
    if called.is_some_and(|name| name == "kustomize") {
        words.insert(1, "kustomize".into());
    }
    // As the image of a controller's Deployment it is given that controller's flags alone.
    if let Some(controller) = crate::command::controller_of_pod(&words) {
        words.splice(1..1, ["run".into(), controller.into()]);
    }
    match words.get(1).and_then(|word| word.to_str()) {
        Some("kustomize") => parse_as::<Only<Kustomize>>(words, true),
        Some("apiserver" | "dev" | "run") => parse_as::<Only<Server>>(words, false),
        _ => parse_as::<Args>(words, false),
    }
}

fn parse_as<P: CommandFactory + FromArgMatches + Into<Args>>(
    words: Vec<OsString>,
    is_kustomize: bool,
) -> CliResult<Option<Args>> {
    let last = words.last().and_then(|word| word.to_str()).and_then(|word| word.strip_prefix('-'));
    let letter = last.filter(|word| word.len() == 1).map(str::to_owned);
    let refused = |error: &clap::Error, command: &Command| {
        let mut wrong = in_known_words(error, command);
        if let Some(letter) = letter.as_deref().filter(|_| wrong.error.starts_with("flag needs an argument"))
        {
            wrong.error = format!("flag needs an argument: '{letter}' in -{letter}");
        }
        if is_kustomize { wrong.with_kind(crate::error::ErrorKind::Plain) } else { wrong }
    };
    let mut command = accept_values_for_switches(P::command());
    let matches = match command.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) if error.exit_code() == 0 => return error.print().map(|()| None).map_err(CliError::from),
        Err(error) => return Err(refused(&error, &command)),
    };
    if let Some(mut unfinished) = unfinished(&mut command, &matches) {
        unfinished.print_help()?;
        return Ok(None);
    }
    P::from_arg_matches(&matches).map(|parsed| Some(parsed.into())).map_err(|error| refused(&error, &command))
}

/// `--all` and `--all=true` are the same; a command without its subcommand shows its help.
pub fn accept_values_for_switches(command: Command) -> Command {
    command
        .subcommand_required(false)
        .arg_required_else_help(false)
        .mut_args(|arg| {
            if !matches!(arg.get_action(), ArgAction::SetTrue) {
                // The word after a flag that wants one is its value, whatever it begins with.
                let wants_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
                let is_flag = arg.get_long().is_some() || arg.get_short().is_some();
                return if wants_value && is_flag { arg.allow_hyphen_values(true) } else { arg };
            }
            arg.action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .default_value("false")
                .value_name("BOOL")
                .hide_default_value(true)
                .hide_possible_values(true)
                .value_parser(BoolishValueParser::new())
        })
        .mut_subcommands(accept_values_for_switches)
}

/// The command at which the words stopped, where it is only a name for others.
pub fn unfinished(command: &mut Command, matches: &ArgMatches) -> Option<Command> {
    match matches.subcommand() {
        Some((name, matches)) => unfinished(command.find_subcommand_mut(name)?, matches),
        None if command.get_subcommands().any(|sub| sub.get_name() != "help") => Some(command.clone()),
        None => None,
    }
}

/// Says what is wrong with the words in the way that people (and scripts) know.
pub fn in_known_words(error: &clap::Error, command: &Command) -> CliError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let flag = argument.split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    let text = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let path = usage_path(&error.to_string()).unwrap_or_else(|| NAME.to_owned());
            format!("unknown command {:?} for {path:?}", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument if flag.starts_with("--") => format!("unknown flag: {flag}"),
        ErrorKind::UnknownArgument if flag.starts_with('-') => {
            let letter = flag.chars().nth(1).unwrap_or('-');
            format!("unknown shorthand flag: '{letter}' in {flag}")
        }
        ErrorKind::UnknownArgument => {
            let path = usage_path(&error.to_string()).unwrap_or_else(|| NAME.to_owned());
            format!("unknown command {flag:?} for {path:?}")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
            if context(ContextKind::InvalidValue).is_empty() =>
        {
            format!("flag needs an argument: {flag}")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = context(ContextKind::InvalidValue);
            let mut reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            if reason == "value was not a boolean" {
                reason = format!("strconv.ParseBool: parsing {value:?}: invalid syntax");
            }
            format!("invalid argument {value:?} for {:?} flag: {reason}", with_letter(command, &flag))
        }
        ErrorKind::MissingRequiredArgument => format!("required flag(s) {flag:?} not set"),
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    let mut wrong = CliError::new(text);
    let near = context(ContextKind::SuggestedSubcommand);
    if !near.is_empty() {
        wrong = wrong.hint(format!("\nDid you mean this?\n\t{near}\n"));
    }
    wrong
}

/// The command that was being read, from the usage line: its words up to the first that is not a name.
fn usage_path(rendered: &str) -> Option<String> {
    let usage = rendered.lines().find_map(|line| line.strip_prefix("Usage: "))?;
    let names = usage.split(' ').take_while(|word| !word.starts_with(['[', '<', '-']));
    Some(names.collect::<Vec<_>>().join(" "))
}

/// `-o, --output` where the flag has a letter.
fn with_letter(command: &Command, flag: &str) -> String {
    let name = flag.trim_start_matches('-');
    let known = command.get_arguments().find(|arg| arg.get_long() == Some(name));
    if let Some(letter) = known.and_then(|arg| arg.get_short()) {
        return format!("-{letter}, {flag}");
    }
    let deeper = command.get_subcommands().map(|sub| with_letter(sub, flag));
    deeper.into_iter().find(|found| found != flag).unwrap_or_else(|| flag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> String {
        let words = words.iter().map(OsString::from);
        parse([OsString::from(NAME)].into_iter().chain(words)).expect_err("these words are wrong").error
    }

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn wrong_words_are_refused_in_the_words_of_the_original() {
        assert_eq!(refused(&["nonsense"]), r#"unknown command "nonsense" for "sluice""#);
        assert_eq!(refused(&["get", "ks", "--nonsense"]), "unknown flag: --nonsense");
        assert_eq!(refused(&["get", "ks", "-x"]), "unknown shorthand flag: 'x' in -x");
        assert_eq!(refused(&["get", "ks", "--namespace"]), "flag needs an argument: --namespace");
        assert_eq!(
            refused(&["get", "ks", "--timeout=5"]),
            r#"invalid argument "5" for "--timeout" flag: time: missing unit in duration "5""#
        );
    }

    #[test]
    fn switches_take_values_and_letters_join() {
        let words = ["get", "ks", "-Aw", "app", "--no-header=false"].map(OsString::from);
        let args =
            parse([OsString::from(NAME)].into_iter().chain(words)).expect("right words").expect("a command");
        assert!(format!("{args:?}").contains("all_namespaces: true"), "{args:?}");
    }
}
