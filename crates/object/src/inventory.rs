//! What is ours in the cluster: set operations over inventories.
//!
//! Two entries are the same object if their ids are equal; the API version does not matter.

use std::collections::BTreeSet;

use sluice_api::meta::{Inventory, InventoryEntry};

use crate::id::join_api_version;
use crate::{Change, ChangeSet, Gvk, Object, ObjectId, ParseIdError};

/// An object of an inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tracked {
    /// Which object.
    pub id: ObjectId,
    /// The API version it was applied in, without the group.
    pub version: String,
}

impl Tracked {
    /// `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        join_api_version(&self.id.group, &self.version)
    }
    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(&self.id.group, &self.version, &self.id.kind)
    }
    /// The entry that stands for it.
    pub fn to_entry(&self) -> InventoryEntry {
        InventoryEntry { id: self.id.to_inventory(), version: self.version.clone() }
    }
}

impl From<&Object> for Tracked {
    fn from(object: &Object) -> Self {
        Tracked { id: object.id(), version: object.version().into() }
    }
}

impl From<&Change> for Tracked {
    fn from(change: &Change) -> Self {
        Tracked { id: change.id.clone(), version: change.version.clone() }
    }
}

impl TryFrom<&InventoryEntry> for Tracked {
    type Error = ParseIdError;
    fn try_from(entry: &InventoryEntry) -> Result<Self, ParseIdError> {
        Ok(Tracked { id: entry.id.parse()?, version: entry.version.clone() })
    }
}

/// The inventory of what a reconciliation has applied or left alone, in the same order.
pub fn of_changes(changes: &ChangeSet) -> Inventory {
    of(changes.changes.iter().map(Tracked::from))
}

/// The inventory of these objects, in the same order.
pub fn of(objects: impl IntoIterator<Item = Tracked>) -> Inventory {
    Inventory { entries: objects.into_iter().map(|tracked| tracked.to_entry()).collect() }
}

/// All objects of an inventory, in apply order.
pub fn list(inventory: &Inventory) -> Result<Vec<Tracked>, ParseIdError> {
    let mut objects = inventory.entries.iter().map(Tracked::try_from).collect::<Result<Vec<_>, _>>()?;
    objects.sort();
    Ok(objects)
}

/// The objects of `old` that are not in `new`, in apply order, once each. They are deleted in the reverse order.
pub fn stale(old: &Inventory, new: &Inventory) -> Result<Vec<Tracked>, ParseIdError> {
    let kept: BTreeSet<ObjectId> =
        new.entries.iter().map(|entry| entry.id.parse()).collect::<Result<_, _>>()?;
    let mut objects = list(old)?;
    objects.retain(|tracked| !kept.contains(&tracked.id));
    objects.dedup_by(|a, b| a.id == b.id);
    Ok(objects)
}

/// Adds objects that are not there yet at the end: survivors of a prune, or what is about to be created.
pub fn merge(inventory: &mut Inventory, objects: impl IntoIterator<Item = Tracked>) {
    let mut known: BTreeSet<String> = inventory.entries.iter().map(|entry| entry.id.clone()).collect();
    for tracked in objects {
        let entry = tracked.to_entry();
        if known.insert(entry.id.clone()) {
            inventory.entries.push(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(entries: &[(&str, &str)]) -> Inventory {
        let entry =
            |(id, version): &(&str, &str)| InventoryEntry { id: (*id).into(), version: (*version).into() };
        Inventory { entries: entries.iter().map(entry).collect() }
    }

    #[test]
    fn what_is_stale_does_not_depend_on_versions() {
        let old = inventory(&[
            ("a_x_batch_CronJob", "v1beta1"),
            ("a_web_apps_Deployment", "v1"),
            ("_a__Namespace", "v1"),
            ("a_gone__ConfigMap", "v1"),
        ]);
        let new = inventory(&[("a_x_batch_CronJob", "v1"), ("a_new__ConfigMap", "v1")]);
        let stale = stale(&old, &new).unwrap();
        let names: Vec<String> = stale.iter().map(|tracked| tracked.id.to_string()).collect();
        assert_eq!(names, ["Namespace/a", "ConfigMap/a/gone", "Deployment/a/web"]);
        assert_eq!(stale[2].api_version(), "apps/v1");
    }

    #[test]
    fn survivors_are_tracked_once() {
        let mut new = inventory(&[("a_x__ConfigMap", "v1")]);
        let survivors = list(&inventory(&[("a_y__Secret", "v1"), ("a_x__ConfigMap", "v1")])).unwrap();
        merge(&mut new, survivors.clone());
        merge(&mut new, survivors);
        assert_eq!(new, inventory(&[("a_x__ConfigMap", "v1"), ("a_y__Secret", "v1")]));
    }

    #[test]
    fn a_broken_entry_is_an_error() {
        assert!(list(&inventory(&[("nonsense", "v1")])).is_err());
    }
}
