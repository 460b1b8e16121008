//! What a reconciliation has done to which object.

use std::fmt;

use crate::{Object, ObjectId};

/// What was done to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It was not there, or had to be made anew.
    Created,
    /// It was changed.
    Configured,
    /// It was as wanted.
    Unchanged,
    /// It was deleted, or gone already.
    Deleted,
    /// It was left alone because it asks for that.
    Skipped,
}

impl Action {
    /// As change lines have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Created => "created",
            Action::Configured => "configured",
            Action::Unchanged => "unchanged",
            Action::Deleted => "deleted",
            Action::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One object and what was done to it. Displayed as the change line `Kind/namespace/name action`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which object.
    pub id: ObjectId,
    /// The API version it was applied in, without the group.
    pub version: String,
    /// What was done.
    pub action: Action,
}

impl Change {
    /// What was done to an object.
    pub fn new(object: &Object, action: Action) -> Self {
        Change { id: object.id(), version: object.version().into(), action }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.action)
    }
}

/// All changes, in the order of apply. Displayed as change lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// The changes.
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// Adds a change at the end.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }
    /// Adds all of another set at the end.
    pub fn append(&mut self, mut other: ChangeSet) {
        self.changes.append(&mut other.changes);
    }
    /// Those of some actions, in the same order.
    pub fn only(&self, actions: &[Action]) -> ChangeSet {
        let changes = self.changes.iter().filter(|change| actions.contains(&change.action));
        ChangeSet { changes: changes.cloned().collect() }
    }
    /// What the event of an apply lists: created and configured.
    pub fn written(&self) -> ChangeSet {
        self.only(&[Action::Created, Action::Configured])
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
    /// The ids of those that a health check looks at: all but skipped.
    pub fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.changes.iter().filter(|change| change.action != Action::Skipped).map(|change| &change.id)
    }
}

impl fmt::Display for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.changes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{change}")?;
        }
        Ok(())
    }
}

impl FromIterator<Change> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        ChangeSet { changes: changes.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gvk;

    #[test]
    fn change_lines_name_object_and_action() {
        let deployment = Object::named(&Gvk::new("apps", "v1", "Deployment"), "default", "web");
        let namespace = Object::named(&Gvk::new("", "v1", "Namespace"), "", "default");
        let set: ChangeSet = [
            Change::new(&namespace, Action::Unchanged),
            Change::new(&deployment, Action::Configured),
            Change::new(&namespace, Action::Skipped),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            set.to_string(),
            "Namespace/default unchanged\nDeployment/default/web configured\nNamespace/default skipped"
        );
        assert_eq!(set.written().to_string(), "Deployment/default/web configured");
        assert_eq!(set.ids().count(), 2);
    }
}
