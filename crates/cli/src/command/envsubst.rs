//! `sluice envsubst`: substitutes variables of the environment, line by line.

use std::io::{self, BufRead, Read};

use sluice_manifests::envsubst;

use crate::cx::Cx;
use crate::environment;
use crate::error::{CliError, CliResult};

/// A longer line is no manifest.
const MAX_LINE: u64 = 16 << 20;

/// Substitutes the values of environment variables
///
/// The envsubst command substitutes the values of environment variables in the string piped as standard input and
/// writes the result to the standard output. This command can be used to replicate the behavior of the Flux
/// Kustomization post-build substitutions.
#[derive(Debug, clap::Args)]
pub struct EnvsubstArgs {
    /// Fail if a variable without a default value is declared in the input but is missing from the environment
    #[arg(long)]
    strict: bool,
}

pub fn run(cx: &Cx, args: EnvsubstArgs) -> CliResult {
    let lookup = |name: &str| match environment::variable(name) {
        None if !args.strict => Some(String::new()),
        value => value,
    };
    let mut input = io::stdin().lock();
    loop {
        let mut line = String::new();
        if input.by_ref().take(MAX_LINE).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let text = line.strip_suffix('\n').unwrap_or(&line);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let substituted =
            envsubst::substitute(text, &lookup).map_err(|error| CliError::new(error.to_string()))?;
        cx.ui.println(&substituted)?;
    }
}
