//! `cargo xtask codegen [--check]`: everything in the repository that is written by a program of ours.

use crate::{Outcome, program};

/// Package and binary of each generator.
const GENERATORS: &[(&str, &str)] = &[("sluice-api", "crds"), ("sluice-object", "normalize-table")];

pub fn run(arguments: &[String]) -> Outcome {
    for (package, name) in GENERATORS {
        program::binary(package, name, arguments)?;
    }
    Ok(())
}
