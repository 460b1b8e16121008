//! A Kubernetes object without a type, and what can be said of it alone or beside another one.
//!
//! Invariant: nothing here talks to a cluster, reads a clock or depends on the order of a hash map.

pub mod ca_bundle;
pub mod change_set;
pub mod drift;
pub mod id;
pub mod inventory;
pub mod normalize;
pub mod order;
pub mod redaction;
mod untyped;

pub use change_set::{Action, Change, ChangeSet};
pub use drift::has_drifted;
pub use id::{GroupKind, Gvk, ObjectId, ParseIdError};
pub use order::Stage;
pub use untyped::{NotAnObject, Object};
