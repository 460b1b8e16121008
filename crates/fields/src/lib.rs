//! Sets of field paths, as `metadata.managedFields` writes them (`FieldsV1`), and the algebra over them.
//!
//! Invariant: an element stands in a set once, and elements are kept in the order in which a server writes them.
//! What the fields mean, and which schema they belong to, is not known here.

mod path;
mod set;
mod text;

pub use path::{PathElement, Scalar};
pub use set::FieldSet;
pub use text::FieldsError;
