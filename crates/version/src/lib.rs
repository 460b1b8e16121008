//! Versions and ranges by Masterminds' rules (semver 3.5), as Helm, Flux and sprig read them.
//!
//! They differ from Cargo's and npm's rules: a leading `v` and missing parts are taken, prereleases count only where a
//! range names one. Text in, answer out; nothing here allocates more than its input's length.

mod constraint;
mod version;

pub use constraint::{Constraint, ConstraintError};
pub use version::{Version, VersionError};

/// Whether `version` satisfies `constraint`; false when either cannot be read.
pub fn is_compatible_range(constraint: &str, version: &str) -> bool {
    match (Version::parse(version), Constraint::parse(constraint)) {
        (Ok(version), Ok(constraint)) => constraint.check(&version),
        _ => false,
    }
}
