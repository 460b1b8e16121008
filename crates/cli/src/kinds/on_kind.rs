//! `VERB [FAMILY] NOUN [NAME...]` on the command line: the subcommands of a verb, made from the table of kinds.

use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches, Subcommand};

use super::{Family, KINDS, Kind};
use crate::error::{CliError, CliResult};

/// A flag that only some kinds take under a verb.
pub type KindFlag = (&'static str, &'static str);

/// What a verb says of the kinds that it takes.
pub trait Verb: 'static {
    /// `get` says `kustomizations`, the others `kustomization`.
    const PLURAL: bool = false;
    /// Whether `all` stands beside the kinds.
    const ALL: bool = false;

    fn takes(kind: &Kind) -> bool;
    fn about(what: &str) -> String;
    fn flags(_kind: &Kind) -> &'static [KindFlag] {
        &[]
    }
}

/// A verb's noun, with the names and the kind's own flags that followed it.
#[derive(Debug)]
pub struct OnKind<V> {
    pub target: Target,
    pub names: Vec<String>,
    flags: Vec<&'static str>,
    verb: PhantomData<V>,
}

/// What was named after the verb.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    Kind(&'static Kind),
    /// `all`, or `sources all`.
    All(Option<Family>),
}

impl<V> OnKind<V> {
    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// The kind named, for a verb that takes one.
    pub fn kind(&self) -> CliResult<&'static Kind> {
        match self.target {
            Target::Kind(kind) => Ok(kind),
            Target::All(_) => Err(CliError::new("expected a single resource type, but found all")),
        }
    }
}

fn members<V: Verb>(family: Option<Family>) -> impl Iterator<Item = &'static Kind> {
    KINDS.into_iter().filter(move |kind| kind.family == family && V::takes(kind))
}

fn noun_command<V: Verb>(kind: &'static Kind) -> Command {
    let (name, other) = if V::PLURAL { (kind.nouns, kind.noun) } else { (kind.noun, kind.noun) };
    let mut command = Command::new(name)
        .about(V::about(kind.kind))
        .arg(Arg::new("names").value_name("NAME").num_args(0..).action(ArgAction::Append))
        .visible_aliases(kind.short);
    if other != name {
        command = command.alias(other);
    }
    for (flag, help) in V::flags(kind) {
        command = command.arg(Arg::new(flag).long(flag).help(help).action(ArgAction::SetTrue));
    }
    command
}

fn all_command<V: Verb>(what: &str) -> Command {
    Command::new("all").about(V::about(what))
}

impl<V: Verb> Subcommand for OnKind<V> {
    fn augment_subcommands(command: Command) -> Command {
        let mut command = command.subcommands(members::<V>(None).map(noun_command::<V>));
        if V::ALL {
            command = command.subcommand(all_command::<V>("resource"));
        }
        for family in Family::ALL {
            let mut nouns: Vec<Command> = members::<V>(Some(family)).map(noun_command::<V>).collect();
            if nouns.is_empty() {
                continue;
            }
            let (name, alias) = if V::PLURAL { (family.nouns(), family.noun()) } else { (family.noun(), "") };
            if V::ALL && family != Family::Artifact {
                nouns.push(all_command::<V>(family.noun()));
            }
            let mut above = Command::new(name).about(V::about(family.noun())).subcommands(nouns);
            if !alias.is_empty() {
                above = above.alias(alias);
            }
            command = command.subcommand(above);
        }
        command
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        KINDS.into_iter().any(|kind| V::takes(kind) && name == if V::PLURAL { kind.nouns } else { kind.noun })
    }
}

impl<V: Verb> FromArgMatches for OnKind<V> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let missing = || Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (mut name, mut matches) = matches.subcommand().ok_or_else(missing)?;
        let name_of = |family: Family| if V::PLURAL { family.nouns() } else { family.noun() };
        let family = Family::ALL.into_iter().find(|&family| name_of(family) == name);
        if family.is_some() {
            (name, matches) = matches.subcommand().ok_or_else(missing)?;
        }
        let named = |kind: &&'static Kind| name == if V::PLURAL { kind.nouns } else { kind.noun };
        let target = match members::<V>(family).find(named) {
            Some(kind) => Target::Kind(kind),
            None => Target::All(family),
        };
        let (names, flags) = match target {
            Target::All(_) => (Vec::new(), Vec::new()),
            Target::Kind(kind) => (
                matches.get_many::<String>("names").into_iter().flatten().cloned().collect(),
                V::flags(kind).iter().map(|(flag, _)| *flag).filter(|flag| matches.get_flag(flag)).collect(),
            ),
        };
        Ok(Self { target, names, flags, verb: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
