//! One Kubernetes API server, and what is done to it: verbs, watches, applying, pruning, waiting.
//!
//! Objects are untyped JSON. Nothing here knows a Flux kind.

pub mod apply;
pub mod client;
pub mod error;
pub mod guard;
pub mod ignored;
pub mod index;
pub mod kinds;
pub mod prune;
pub mod remote;
pub mod takeover;
pub mod transport;
pub mod wait;
pub mod watch;

pub use apply::{Applier, ApplyError, ApplyOptions, Examined};
pub use client::{Applied, At, Cluster, PatchKind, Propagation};
pub use error::ApiError;
pub use guard::Guard;
pub use ignored::{Ignored, without};
pub use index::{Deed, Drift, Index};
pub use kinds::ResourceKind;
pub use prune::{PruneOptions, Pruned};
pub use remote::{RemoteError, Trust};
pub use takeover::{FieldManager, Operation};
pub use wait::{Awaited, WaitError, WaitOptions};
pub use watch::{Change, Selection};
