//! The types that several kinds share.

mod artifact;
mod condition;
mod duration;
mod history;
mod inventory;
pub mod labels;
mod object;
pub mod reason;
mod reference;
mod time;

pub use artifact::Artifact;
pub use condition::{
    Condition, ConditionStatus, MESSAGE_LIMIT, condition_type, find_condition, remove_condition,
    set_condition,
};
pub use duration::{Duration, DurationError};
pub use history::{HISTORY_LIMIT, Snapshot, upsert};
pub use inventory::{Inventory, InventoryEntry};
pub use object::{ObjectMeta, OwnerReference};
pub use reference::{
    CrossNamespaceSourceReference, CustomHealthCheck, DependencyReference, IgnoreRule, Image,
    KubeConfigReference, LabelSelector, LabelSelectorRequirement, LocalObjectReference,
    NamespacedObjectKindReference, NamespacedObjectReference, Patch, SecretKeyReference, Selector,
    SharedMetadata, ValuesReference,
};
pub use time::{MicroTime, Time, TimeError};
