//! Versions, version ranges and the choice of the latest one, by the rules of Masterminds semver v3 that Helm and Flux use.
//!
//! Pure: text in, answer out. Inputs are bounded as in the reference (256 bytes a version, 512 bytes and 32 groups a
//! range). Not here: filtering of tags by regular expression, which belongs to the image controllers.

pub mod choice;
mod constraint;
pub mod number;
mod scan;
mod version;

pub use constraint::{Constraint, ConstraintError};
pub use version::{Version, VersionError, parse_dotted};
