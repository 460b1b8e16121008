//! One Kubernetes API server, and what is done to it: verbs, watches, applying, pruning, waiting.
//!
//! Objects are untyped JSON. Nothing here knows a Flux kind.

pub mod client;
pub mod error;
pub mod kinds;
pub mod transport;
pub mod watch;

pub use client::{Applied, At, Cluster, PatchKind, Propagation};
pub use error::ApiError;
pub use kinds::ResourceKind;
pub use watch::{Change, Selection};
