//! Typed values: merging, comparing, the set of their fields, removal of fields; by schema, or deduced without one.

mod compare;
mod fields;
mod merge;
mod remove;
mod walk;

pub use compare::{Comparison, compare, compare_rest};
pub use fields::{field_set, unique_field_set};
pub use merge::merge;
pub use remove::{named_members, remove};
pub use walk::TypedError;
