//! The list of what an object of ours has created.

use serde::{Deserialize, Serialize};

/// `status.inventory`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// In apply order.
    pub entries: Vec<InventoryEntry>,
}

/// One object of the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct InventoryEntry {
    /// `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// The API version it was applied in, without the group.
    #[serde(rename = "v")]
    pub version: String,
}
